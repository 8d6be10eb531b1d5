/*
 * A run or a prune whose system calls were recorded, and then every moment of it at which the power may be cut: what the disk may hold then
 * must be true. The check itself is tested by the same record with a call left out, or out of its place.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { addOldDumps, newDirectory, openDisk, pruneJob, runJob } from './support/disk.mjs';
import { statesAfterPowerCut } from './support/power_cut.mjs';
import { preload } from './support/shim.mjs';
import { filesIn, readTrace, recorder } from './support/system_calls.mjs';

const isDump = (name) => /^weavestream-postgres-[0-9TZ:\-]+\.dump$/.test(name);
const isManifest = (name) => /^weavestream-postgres-[0-9TZ:\-]+\.manifest\.json$/.test(name);

const hashes = new Map(); // content -> SHA-256
function sha256(content) {
  if (!hashes.has(content)) hashes.set(content, createHash('sha256').update(content).digest('hex'));
  return hashes.get(content);
}

function parsed(content) {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}

const dumpsIn = (directory) => [...directory.keys()].filter(isDump);

/* What is wrong with the directory; null: nothing. */
function complaint(directory) {
  const dumps = dumpsIn(directory);
  for (const name of dumps) {
    const manifest = directory.get(name.replace(/\.dump$/, '.manifest.json'));
    if (manifest === undefined) return 'a dump without a manifest';
    const facts = parsed(manifest);
    if (facts === null) return 'a dump with half a manifest';
    const dump = directory.get(name);
    if (facts.filename !== name || facts.sizeBytes !== dump.length || facts.sha256 !== sha256(dump)) return 'a dump that is not what its manifest says';
  }
  for (const [name, content] of directory) if (isManifest(name) && parsed(content) === null) return 'half a manifest';
  return null;
}

/* What Postgres was told about it. */
const hasItsDump = (directory) => (dumpsIn(directory).length === 1 ? null : 'a success without its dump');
const hasNoneButThis = (kept) => (directory) => (dumpsIn(directory).join() === kept ? null : 'a forgotten dump that is still there');

/* { states, complaints }; `promise`: what must hold from the moment on at which Postgres is told. */
function judge(events, promise) {
  const complaints = new Set();
  let states = 0;
  for (const state of statesAfterPowerCut(events, (name) => isDump(name) || isManifest(name))) {
    states++;
    complaints.add(complaint(state.directory));
    if (state.said) complaints.add(promise(state.directory));
  }
  complaints.delete(null);
  return { states, complaints: [...complaints].sort() };
}

describe('the power is cut', () => {
  let redis;
  let postgres;
  let events;

  before(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  });
  after(() => Promise.all([redis.stop(), postgres.stop()]));

  /* A run in a directory that it makes, recorded; with a fault, its verdict may be another. */
  async function record(t, { verdict: expected = 'completed', ...fault } = {}) {
    const scene = await openDisk(t, { redis, postgres });
    const directory = join(realpathSync(newDirectory(scene)), 'new');
    const trace = join(scene.folder, 'trace');
    // A process that is traced cannot be looked through for leaks.
    const env = { ...preload({ directory, ...fault }), ASAN_OPTIONS: 'detect_leaks=0:verify_asan_link_order=0' };
    const { row, verdict } = await runJob(scene, directory, { env, wrapper: recorder(trace) });
    assert.equal(verdict?.type, expected, verdict?.reason);
    const recorded = readTrace(trace, directory, /UPDATE backup_run SET status = 'success'/, []);
    assert.ok(recorded.some(({ type }) => type === 'make directory'), 'the run made the directory');
    if (expected === 'failed') return recorded;
    const last = [...statesAfterPowerCut(recorded, isDump)].at(-1);
    assert.ok(last.said, 'the success was seen');
    assert.equal(sha256(last.directory.get(row.manifest.filename)), row.manifest.sha256, 'the record holds the whole dump');
    return recorded;
  }

  function assertAlwaysTrue(recorded, promise = hasItsDump) {
    const { states, complaints } = judge(recorded, promise);
    assert.deepEqual(complaints, []);
    assert.ok(states > recorded.length, `${states} states`);
  }

  test('at any moment of a run: a dump has its manifest and is what that says, and a success has both', async (t) => {
    events = await record(t);
    assertAlwaysTrue(events);
  });

  test('or of one on a file system that can only link', async (t) => {
    const recorded = await record(t, { calls: 'renameat2', at: '1-', act: 'EINVAL' });
    assert.equal(recorded.filter(({ type }) => type === 'link').length, 2);
    assertAlwaysTrue(recorded);
  });

  test('or of one that can only rename over what is there', async (t) => {
    const recorded = await record(t, { calls: 'renameat2,linkat', at: '1-', act: 'EINVAL' });
    assert.equal(recorded.filter(({ type }) => type === 'rename').length, 2);
    assertAlwaysTrue(recorded);
  });

  for (const [what, fault] of [
    ['that last sync fails', { calls: 'fsync', names: '.', at: '2' }],
    ['that sync and all that follow fail', { calls: 'fsync', names: '.', at: '2-' }],
    ['that sync fails, and the dump cannot be removed', { calls: 'fsync,unlinkat', at: '5-' }],
  ]) {
    test(`or of one of which ${what}`, async (t) => {
      const recorded = await record(t, { verdict: 'failed', act: 'EIO', ...fault });
      assert.equal(recorded.filter(({ type }) => type === 'rename').length, 2, 'the dump had its name');
      assertAlwaysTrue(recorded);
    });
  }

  test('at any moment of a prune: no dump has lost its manifest, and a row that has lost its paths has no dump', async (t) => {
    const scene = await openDisk(t, { redis, postgres });
    const directory = realpathSync(newDirectory(scene));
    const names = await addOldDumps(scene, directory, 3);
    const trace = join(scene.folder, 'trace');
    const present = filesIn(directory);
    const { verdict } = await pruneJob(scene, directory, { env: { ASAN_OPTIONS: 'detect_leaks=0' }, wrapper: recorder(trace) });
    assert.equal(verdict.returnvalue.pruned, 2, verdict.reason);
    const recorded = readTrace(trace, directory, /UPDATE backup_run SET dump_path = NULL/, present);
    assert.equal(recorded.filter(({ type }) => type === 'unlink').length, 4);
    assert.ok(recorded.some(({ type }) => type === 'said'), 'the update was seen');
    assertAlwaysTrue(recorded, hasNoneButThis(names.at(-1)));

    const unsynced = recorded.filter(({ type }) => type !== 'sync directory');
    assert.deepEqual(judge(unsynced, hasNoneButThis(names.at(-1))).complaints, ['a dump without a manifest', 'a forgotten dump that is still there']);
  });

  const renameOf = (name) => (event) => event.type === 'rename' && name(event.to);
  const fileOf = (name) => {
    const { from } = events.find(renameOf(name));
    return events.find((one) => one.type === 'create' && one.name === from).file;
  };
  const syncsOfDirectory = () => events.filter(({ type }) => type === 'sync directory');
  const without = (wanted) => events.filter((event) => !wanted(event));
  const swapped = (one, other) => {
    const copy = [...events];
    const [i, j] = [copy.findIndex(one), copy.findIndex(other)];
    [copy[i], copy[j]] = [copy[j], copy[i]];
    return copy;
  };

  for (const [what, doctored, expected] of [
    ['the dump is not synced', () => without(({ type, file }) => type === 'sync' && file === fileOf(isDump)), 'a dump that is not what its manifest says'],
    ['the manifest is not synced', () => without(({ type, file }) => type === 'sync' && file === fileOf(isManifest)), 'a dump with half a manifest'],
    ['the directory itself is not synced', () => without(({ type }) => type === 'sync all'), 'a success without its dump'],
    ['the directory is not synced between the two names', () => without((event) => event === syncsOfDirectory().at(-2)), 'a dump without a manifest'],
    ['the directory is not synced before the success', () => without((event) => event === syncsOfDirectory().at(-1)), 'a success without its dump'],
    ['the dump has its name before the manifest', () => swapped(renameOf(isDump), renameOf(isManifest)), 'a dump without a manifest'],
    ['the success is said before the dump has its name', () => swapped(renameOf(isDump), ({ type }) => type === 'said'), 'a success without its dump'],
  ]) {
    test(`and it is found out if ${what}`, () => {
      assert.ok(judge(doctored(), hasItsDump).complaints.includes(expected));
    });
  }
});
