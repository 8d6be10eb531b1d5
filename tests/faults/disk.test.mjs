/*
 * What a run does when the backup directory fails it: each of its system calls there fails once, with each reason that it may have; the disk
 * fails for good from there on; or the job process is killed there.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { runProcess } from '../integration/support/run_folder.mjs';
import { executable, sha256 } from '../integration/support/scene.mjs';
import { readRun } from '../integration/support/schema.mjs';
import { addOldDumps, assertRunFailed, newDirectory, openDisk, pruneJob, runJob } from './support/disk.mjs';
import { callsIn, preload } from './support/shim.mjs';

const reasons = {
  ENOSPC: 'No space left on device',
  EDQUOT: 'Disk quota exceeded',
  EROFS: 'Read-only file system',
  EIO: 'Input/output error',
  EACCES: 'Permission denied',
  ENOENT: 'No such file or directory',
};

const mayFailWith = {
  open: ['EACCES', 'EIO', 'ENOENT'],
  openat: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'ENOENT'],
  write: ['ENOSPC', 'EDQUOT', 'EIO'],
  fsync: ['ENOSPC', 'EDQUOT', 'EIO'],
  close: ['ENOSPC', 'EDQUOT', 'EIO'],
  renameat2: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'ENOENT'],
  unlinkat: ['EROFS', 'EIO', 'EACCES'],
  mkdir: ['ENOSPC', 'EROFS', 'EACCES'],
};

/* Calls that a run can do without. */
const isDispensable = ({ call, name }) =>
  call === 'mkdir' || // the directory is there
  call === 'flock' || // some file systems have no such locks
  call === 'statvfs' || // nor tell how much is free
  call === 'unlinkat' || // of a leftover that is not there
  (call === 'openat' && name === '.') || // to look for leftovers
  (call === 'close' && !name.endsWith('.manifest.json.tmp')); // nothing was written by it

const isPublished = (name) => !name.startsWith('.');

/* Between two of these, the directory is the same. */
const changing = (call) => (['openat', 'write', 'fsync', 'renameat2', 'unlinkat'].includes(call.call) && !(call.call === 'openat' && call.name === '.') ? [call] : []);

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 200'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

/* pg_dump takes most of a run's time, and what it does to the directory is not asked here: this one copies what the real one made once. */
async function cachedDump(scene) {
  const archive = join(scene.folder, 'archive');
  await runProcess('pg_dump', ['--format=custom', '--no-owner', '--no-acl', `--file=${archive}`, scene.database], { env: postgres.environment });
  const copy = `#!/bin/sh
case $1 in --version) exec '${await which('pg_dump')}' --version ;; esac
for argument in "$@"; do case $argument in --file=*) exec cat '${archive}' >"\${argument#--file=}" ;; esac; done
`;
  return `${dirname(executable(copy, 'pg_dump'))}:${process.env.PATH}`;
}

const which = async (program) => (await runProcess('sh', ['-c', `command -v ${program}`])).stdout.trim();

/* One job in the directory: { row, verdict, lines, calls, files }. */
async function doOnce(job, scene, directory, fault) {
  const log = `${directory}.calls`;
  rmSync(log, { force: true });
  const result = await job(scene, directory, { env: preload({ directory, log, ...fault }) });
  return { ...result, calls: callsIn(log), files: readdirSync(directory).sort() };
}

const runOnce = (scene, directory, fault = {}) => doOnce(runJob, scene, directory, fault);
const pruneOnce = (scene, directory, fault = {}) => doOnce(pruneJob, scene, directory, fault);

/* The dump that the row names is whole, and there is nothing else. */
function assertSucceeded({ row, verdict, files }) {
  assert.equal(verdict?.type, 'completed', verdict?.reason);
  assert.equal(row.status, 'success');
  assert.equal(sha256(row.dump_path), row.manifest.sha256);
  assert.equal(JSON.parse(readFileSync(row.manifest_path, 'utf8')).sha256, row.manifest.sha256);
  assert.deepEqual(files, [row.dump_path, row.manifest_path].map((path) => path.split('/').pop()));
}

/* A dump under its final name has its manifest, which describes it. */
function assertDumpsHaveManifests(directory, files) {
  for (const name of files.filter((one) => one.endsWith('.dump'))) {
    const manifest = JSON.parse(readFileSync(join(directory, name.replace(/\.dump$/, '.manifest.json')), 'utf8'));
    assert.equal(manifest.filename, name);
    assert.equal(manifest.sha256, sha256(join(directory, name)));
  }
}

/*
 * After a run that could not clean up: a dump under its final name has its manifest, and the next run leaves no draft. A manifest whose dump
 * was never published stays. Hands back what the next run has made of the row.
 */
async function assertPutInOrder(scene, directory, before) {
  assertDumpsHaveManifests(directory, before.files);
  const after = await runOnce(scene, directory);
  assert.equal(after.verdict.type, 'completed', after.verdict.reason);
  assert.deepEqual(after.files.filter((name) => !isPublished(name)), []);
  assertDumpsHaveManifests(directory, after.files);
  return readRun(scene.sql, before.row.id);
}

/* The calls of a good job, which `good` does, are made into cases; these are tried in three scenes side by side. */
async function tryEach(t, { casesOf, good = goodRun }, attempt) {
  const scenes = await Promise.all(Array.from({ length: 3 }, () => openDisk(t, { redis, postgres })));
  for (const scene of scenes) scene.environment.PATH = await cachedDump(scene);
  const calls = await good(scenes[0], newDirectory(scenes[0]));
  assert.ok(calls.length > 10, 'the calls are seen');
  const cases = calls.flatMap(casesOf);
  await Promise.all(scenes.map(async (scene, lane) => {
    for (let i = lane; i < cases.length; i += scenes.length) {
      await attempt(scene, cases[i]).catch((error) => {
        throw new Error(`${JSON.stringify(cases[i])}: ${error.message}`, { cause: error });
      });
    }
  }));
}

async function goodRun(scene, directory) {
  const result = await runOnce(scene, directory);
  assertSucceeded(result);
  return result.calls;
}

const eachReason = (call) => (mayFailWith[call.call] ?? ['EIO']).map((errno) => ({ ...call, errno }));

/* Of three. */
const kept = ['weavestream-postgres-2026-01-03T00-00-00Z.dump', 'weavestream-postgres-2026-01-03T00-00-00Z.manifest.json'];

async function goodPrune(scene, directory) {
  await addOldDumps(scene, directory, 3);
  const { calls, files, verdict } = await pruneOnce(scene, directory);
  assert.equal(verdict.returnvalue.pruned, 2);
  assert.deepEqual(files, kept);
  return calls;
}

/* What is to stay is there, no row has lost a file that still exists, and the next prune finishes. */
async function assertCanBeFinished(scene, directory, { files }) {
  for (const name of kept) assert.ok(files.includes(name));
  const named = (await scene.rows()).flatMap(({ dump_path, manifest_path }) => [dump_path, manifest_path]);
  for (const name of files) assert.ok(named.includes(join(directory, name)), `${name} is still named by a row`);
  assert.deepEqual((await pruneOnce(scene, directory)).files, kept);
  assert.deepEqual((await scene.rows()).map(({ dump_path }) => dump_path !== null).sort(), [false, false, true]);
}

describe('in the backup directory', { concurrency: 3 }, () => {
  test('each call that fails once fails the run with its reason, and nothing is left', async (t) => {
    await tryEach(t, { casesOf: eachReason }, async (scene, one) => {
      const directory = newDirectory(scene);
      const result = await runOnce(scene, directory, { at: one.number, act: one.errno });
      assert.equal(result.calls.filter(({ hit }) => hit).length, 1, 'the call was made');
      if (isDispensable(one)) return assertSucceeded(result);
      await assertRunFailed(scene, result, reasons[one.errno]);
      assert.match(result.verdict.reason, new RegExp(`${directory}|${one.name}`));
      assert.deepEqual(result.files, []);
    });
  });

  test('a disk that fails for good fails the run; what it tells that it could not remove, the next run removes', async (t) => {
    await tryEach(t, { casesOf: changing }, async (scene, { number }) => {
      const directory = newDirectory(scene);
      const result = await runOnce(scene, directory, { at: `${number}-`, act: 'EIO' });
      await assertRunFailed(scene, result, reasons.EIO);
      for (const name of result.files.filter(isPublished)) {
        const dump = name.replace(/manifest\.json$/, 'dump'); // a manifest stays with its dump, and then the dump is told of
        const told = result.files.includes(dump) ? dump : name;
        assert.ok(result.verdict.reason.includes(`'${told}' could not be removed`), result.verdict.reason);
      }
      await assertPutInOrder(scene, directory, result);
    });
  });

  test('a process that is killed at any call leaves what the next run puts in order', async (t) => {
    await tryEach(t, { casesOf: changing }, async (scene, { number }) => {
      const directory = newDirectory(scene);
      const result = await runOnce(scene, directory, { at: number, act: 'kill' });
      assert.equal(result.verdict, undefined);
      assert.equal(result.row.status, 'running');
      const isDone = result.files.some((name) => isPublished(name) && name.endsWith('.dump'));
      const row = await assertPutInOrder(scene, directory, result);
      assert.equal(row.status, isDone ? 'success' : 'failed');
    });
  });

  test('a prune of which any call fails tells so, and the next one finishes it', async (t) => {
    await tryEach(t, { casesOf: eachReason, good: goodPrune }, async (scene, one) => {
      const directory = newDirectory(scene);
      await addOldDumps(scene, directory, 3);
      const result = await pruneOnce(scene, directory, { at: one.number, act: one.errno });
      const isTold = [...result.lines, { text: result.verdict.reason }].some(({ text }) => text?.includes(reasons[one.errno]));
      if (['open', 'unlinkat', 'fsync'].includes(one.call)) assert.ok(isTold, JSON.stringify(result.lines));
      await assertCanBeFinished(scene, directory, result);
    });
  });

  test('a prune that is killed at any call is finished by the next one', async (t) => {
    await tryEach(t, { casesOf: changing, good: goodPrune }, async (scene, { number }) => {
      const directory = newDirectory(scene);
      await addOldDumps(scene, directory, 3);
      const result = await pruneOnce(scene, directory, { at: number, act: 'kill' });
      assert.equal(result.verdict, undefined);
      await assertCanBeFinished(scene, directory, result);
    });
  });
});
