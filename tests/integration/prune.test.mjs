/* The `prune` job: which dumps stay, which go, and what is never touched. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { prune, untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { openScene } from './support/scene.mjs';
import { insertConfig, insertRun, readConfig } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

const newest = versions['6.7.0'];

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t, options = {}) => openScene(t, { redis, postgres, bullmq: newest, ...options });

const nameAt = (time) => `weavestream-postgres-${time.slice(0, 19).replaceAll(':', '-')}Z.dump`;
const manifestOf = (dump) => dump.replace(/\.dump$/, '.manifest.json');

/* A successful run of that time, with its two files. */
async function addDump(scene, configId, time, { name = nameAt(time), folder = scene.storage, files = true, ...row } = {}) {
  const dump_path = join(folder, name);
  if (files) {
    writeFileSync(dump_path, `dump of ${time}`);
    writeFileSync(manifestOf(dump_path), '{}');
  }
  const started_at = new Date(`${time}Z`);
  const id = await insertRun(scene.sql, {
    config_id: configId, kind: 'SCHEDULED', status: 'success', started_at, finished_at: started_at, size_bytes: 7, dump_path, manifest_path: manifestOf(dump_path), ...row,
  });
  return { id, time, name, dump_path };
}

const filesOf = (dumps) => dumps.flatMap(({ name }) => [name, manifestOf(name)]).sort();

/* By the rows that still have a path: [kept, gone]. What never changes is compared, too. */
async function assertRows(scene, before, { kept, gone }) {
  const rows = await scene.rows();
  assert.deepEqual(rows.map(({ id }) => id).sort(), before.map(({ id }) => id).sort(), 'no row is deleted');
  for (const row of rows) {
    const old = before.find(({ id }) => id === row.id);
    if (gone.some(({ id }) => id === row.id)) assert.deepEqual(row, { ...old, dump_path: null, manifest_path: null });
    else assert.deepEqual(row, old);
  }
  for (const { id } of kept) assert.ok(rows.find((row) => row.id === id).dump_path !== null);
}

const pruneOnce = async (scene, configId, options) => untilState(scene.queue, await prune(scene.queue, { configId }, options), 'completed');

for (const [version, bullmq] of Object.entries(versions)) {
  test(`bullmq ${version}: the newest, the last, and one of each day, week and month stay; the others lose their files and keep their rows`, async (t) => {
    const scene = await open(t, { bullmq });
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: { keepLast: 2, daily: 3, weekly: 2, monthly: 2 } });
    // 2026-03-09 is a Monday. In no order, as rows are.
    const kept = {};
    const gone = {};
    for (const [time, why] of [
      ['2026-02-28T03:00:00', 'monthly 2026-02'],
      ['2026-03-08T23:59:59', 'daily 2026-03-08, weekly 2026-W10'],
      ['2026-03-01T03:00:00', null],
      ['2026-03-10T03:00:00', 'newest, last 2, daily 2026-03-10, weekly 2026-W11, monthly 2026-03'],
      ['2026-03-08T03:00:00', null],
      ['2026-03-10T01:00:00', 'last 2'],
      ['2026-02-27T03:00:00', null],
      ['2026-03-09T00:00:00', 'daily 2026-03-09'],
      ['2026-01-31T03:00:00', null],
    ]) (why === null ? gone : kept)[time] = { ...(await addDump(scene, configId, time)), why };
    const other = await addDump(scene, await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } }), '2020-01-01T00:00:00');
    const orphan = await addDump(scene, null, '2020-01-02T00:00:00');
    await insertRun(scene.sql, { config_id: configId, status: 'failed', started_at: new Date('2026-03-11T03:00:00Z'), error: 'no' });
    await insertRun(scene.sql, { config_id: configId, status: 'success', started_at: new Date('2025-03-11T03:00:00Z') }); // pruned long ago
    writeFileSync(join(scene.storage, 'notes.txt'), 'mine');
    const rows = await scene.rows();

    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 4, kept: 5, failed: 0 });
    assert.deepEqual(scene.files(), [...filesOf([...Object.values(kept), other, orphan]), 'notes.txt'].sort());
    await assertRows(scene, rows, { kept: Object.values(kept), gone: Object.values(gone) });
    const { logs } = await scene.queue.getJobLogs(job.id);
    for (const { name, why } of Object.values(kept)) assert.ok(logs.includes(`Kept ${name}: ${why}`), `${name}\n${logs.join('\n')}`);
    for (const { name } of Object.values(gone)) assert.ok(logs.includes(`Removed ${name}: beyond last 2, daily 3, weekly 2, monthly 2`), `${name}\n${logs.join('\n')}`);
    assert.ok(logs.includes(`Orphan ${orphan.name}: its schedule was deleted; with BACKUP_PRUNE_ORPHANS=1 it would be under the default retention`), logs.join('\n'));

    const again = await pruneOnce(scene, configId);
    assert.deepEqual(again.returnvalue, { pruned: 0, kept: 5, failed: 0 }, 'rows without a path are left alone');
  });

  test(`bullmq ${version}: while the backup lock is held, the job goes to delayed for a minute, and is done after that`, async (t) => {
    const scene = await open(t, { bullmq });
    const worker = await scene.start();
    const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
    const old = await addDump(scene, configId, '2026-01-01T00:00:00');
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    const giveBack = await scene.takeBackupLock('weavestream-backup run');
    const job = await prune(scene.queue, { configId });
    await untilState(scene.queue, job, 'delayed');
    const due = Math.floor(Number(await scene.client.zscore('bull:backup:delayed', job.id)) / 4096);
    assert.ok(due > Date.now() + 50_000 && due <= Date.now() + 61_000, `due in ${due - Date.now()} ms`);
    assert.equal((await scene.queue.getJob(job.id)).attemptsMade, 0);
    assert.equal(await scene.client.exists(`bull:backup:${job.id}:lock`), 0);
    assert.ok((await scene.queue.getJobLogs(job.id)).logs.some((line) => /^Put off for a minute: .*weavestream-backup run/.test(line)));
    assert.equal(worker.named('prune put off')[0].application, 'weavestream-backup run');
    assert.deepEqual(scene.files(), filesOf([old, young]), 'nothing is deleted meanwhile');

    await giveBack();
    await (await scene.queue.getJob(job.id)).promote();
    assert.deepEqual((await untilState(scene.queue, job, 'completed')).returnvalue, { pruned: 1, kept: 1, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young]));
  });
}

test('the defaults of a retention are 3 last, 7 days, 4 weeks and 12 months', async (t) => {
  const scene = await open(t);
  await scene.start();
  const configId = await insertConfig(scene.sql, { retention: {} });
  const dumps = [];
  for (let day = 0; day < 60; day++) dumps.push(await addDump(scene, configId, new Date(Date.UTC(2026, 5, 28) - day * 86_400_000).toISOString().slice(0, 19)));
  // 2026-06-28 is a Sunday, so its week is the seven newest days: those; the Sundays of three weeks before; the last days of May and April.
  const expected = [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 59].map((index) => dumps[index]);
  const job = await pruneOnce(scene, configId);
  assert.deepEqual(scene.files(), filesOf(expected));
  assert.deepEqual(job.returnvalue, { pruned: 48, kept: 12, failed: 0 });
});

test('the newest stays even if the retention keeps nothing', async (t) => {
  const scene = await open(t);
  await scene.start();
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 0, daily: -5, weekly: 0.9, monthly: 0 } });
  const dumps = [];
  for (const time of ['2026-01-03T00:00:00', '2026-01-02T00:00:00', '2026-01-01T00:00:00']) dumps.push(await addDump(scene, configId, time));
  assert.deepEqual((await pruneOnce(scene, configId)).returnvalue, { pruned: 2, kept: 1, failed: 0 });
  assert.deepEqual(scene.files(), filesOf([dumps[0]]));
});

test('a dump without a start time stays', async (t) => {
  const scene = await open(t);
  await scene.start();
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
  const timeless = await addDump(scene, configId, '2026-01-01T00:00:00', { started_at: null });
  const young = await addDump(scene, configId, '2026-01-03T00:00:00');
  const old = await addDump(scene, configId, '2026-01-02T00:00:00');
  const rows = await scene.rows();
  assert.deepEqual((await pruneOnce(scene, configId)).returnvalue, { pruned: 1, kept: 2, failed: 0 });
  assert.deepEqual(scene.files(), filesOf([timeless, young]));
  await assertRows(scene, rows, { kept: [timeless, young], gone: [old] });
});

describe('what cannot or must not be deleted', () => {
  const one = { keepLast: 1, daily: 0, weekly: 0, monthly: 0 };

  test('a file that cannot be deleted keeps its path and is counted, and goes the next time', async (t) => {
    const scene = await open(t);
    // Nobody but root may write everywhere, and root may not either without this capability.
    const wrapper = process.getuid() === 0 ? ['setpriv', '--bounding-set', '-dac_override', '--'] : ['env'];
    await scene.start({ wrapper });
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    const old = await addDump(scene, configId, '2026-01-01T00:00:00');
    const rows = await scene.rows();
    chmodSync(scene.storage, 0o555);
    t.after(() => chmodSync(scene.storage, 0o755));
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 0, kept: 1, failed: 1 });
    assert.deepEqual(scene.files(), filesOf([young, old]));
    await assertRows(scene, rows, { kept: [young, old], gone: [] });
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.ok(logs.some((line) => line.startsWith(`Could not remove ${old.name}, its row keeps the path: `) && /Permission denied/.test(line)), logs.join('\n'));

    chmodSync(scene.storage, 0o755);
    assert.deepEqual((await pruneOnce(scene, configId)).returnvalue, { pruned: 1, kept: 1, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young]));
  });

  test('what is no file keeps its path and is counted; a path outside and an odd name are skipped, and counted apart; all is left as it was', async (t) => {
    const scene = await open(t);
    const worker = await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    const outside = temporaryFolder('outside');
    const young = await addDump(scene, configId, '2026-01-09T00:00:00');
    const old = await addDump(scene, configId, '2026-01-08T00:00:00');
    const elsewhere = await addDump(scene, configId, '2026-01-07T00:00:00', { folder: outside });
    const directory = await addDump(scene, configId, '2026-01-06T00:00:00', { files: false });
    mkdirSync(directory.dump_path);
    writeFileSync(join(directory.dump_path, 'inside'), 'data');
    const link = await addDump(scene, configId, '2026-01-05T00:00:00', { files: false });
    writeFileSync(join(outside, 'precious'), 'data');
    symlinkSync(join(outside, 'precious'), link.dump_path);
    const blocked = await addDump(scene, configId, '2026-01-04T12:00:00', { files: false });
    writeFileSync(blocked.dump_path, 'its manifest is a directory');
    mkdirSync(manifestOf(blocked.dump_path));
    const odd = await addDump(scene, configId, '2026-01-04T00:00:00', { name: 'production.dump' });
    const climbing = await addDump(scene, configId, '2026-01-03T00:00:00', { files: false, dump_path: `${scene.storage}/../${elsewhere.dump_path.split('/').slice(-2).join('/')}` });
    const relative = await addDump(scene, configId, '2026-01-02T00:00:00', { files: false, dump_path: old.name });
    const failed = [directory, link, blocked];
    const skipped = [elsewhere, odd, climbing, relative];
    const rows = await scene.rows();
    const outsideBefore = readdirSync(outside).sort();

    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 1, kept: 1, failed: failed.length, skipped: skipped.length });
    await assertRows(scene, rows, { kept: [young, ...failed, ...skipped], gone: [old] });
    assert.deepEqual(readdirSync(outside).sort(), outsideBefore);
    assert.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'data');
    assert.equal(readFileSync(join(directory.dump_path, 'inside'), 'utf8'), 'data');
    for (const name of ['production.dump', link.name, blocked.name, young.name]) assert.ok(scene.files().includes(name), name);
    assert.ok(!existsSync(old.dump_path));
    const { logs } = await scene.queue.getJobLogs(job.id);
    for (const { id } of skipped) assert.ok(logs.some((line) => line.startsWith(`Skipped row ${id}: `)), logs.join('\n'));
    for (const { name } of failed) assert.ok(logs.some((line) => line.startsWith(`Could not remove ${name}, its row keeps the path: `)), logs.join('\n'));
    assert.equal(worker.named('row skipped').length, skipped.length);
  });

  test('a backup directory that is reached over a symbolic link is still the backup directory', async (t) => {
    const scene = await open(t);
    const alias = join(scene.folder, 'alias');
    symlinkSync(scene.storage, alias);
    await scene.start({ env: { BACKUP_STORAGE_DIR: alias } });
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    await addDump(scene, configId, '2026-01-01T00:00:00');
    assert.deepEqual((await pruneOnce(scene, configId)).returnvalue, { pruned: 1, kept: 1, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young]));
  });

  test('a file that a row that stays still names is not deleted', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-03T00:00:00');
    const twin = await addDump(scene, configId, '2026-01-02T00:00:00', { name: young.name, files: false });
    const other = await addDump(scene, await insertConfig(scene.sql), '2025-12-01T00:00:00');
    const borrower = await addDump(scene, configId, '2026-01-01T00:00:00', { name: other.name, files: false });
    const rows = await scene.rows();
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 2, kept: 1, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young, other]));
    await assertRows(scene, rows, { kept: [young, other], gone: [twin, borrower] });
    const { logs } = await scene.queue.getJobLogs(job.id);
    for (const { id, name } of [twin, borrower]) assert.ok(logs.includes(`Removed row ${id}'s paths, but not ${name}: another row needs it`), logs.join('\n'));
  });

  test('a file that is gone already is taken off its row', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    const old = await addDump(scene, configId, '2026-01-01T00:00:00', { files: false });
    const rows = await scene.rows();
    assert.deepEqual((await pruneOnce(scene, configId)).returnvalue, { pruned: 1, kept: 1, failed: 0 });
    await assertRows(scene, rows, { kept: [young], gone: [old] });
  });

  test('if no dump is where the rows say, nothing is forgotten: it may be the wrong directory', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    for (const time of ['2026-01-02T00:00:00', '2026-01-01T00:00:00']) await addDump(scene, configId, time, { files: false });
    const rows = await scene.rows();
    const failed = await untilState(scene.queue, await prune(scene.queue, { configId }), 'failed');
    assert.equal(failed.failedReason, `nothing was pruned: of 2 dumps none is in '${scene.storage}'; is the right directory mounted?`);
    assert.deepEqual(await scene.rows(), rows);
  });

  test('the same if all rows name another directory; one that is not there is not made', async (t) => {
    const scene = await open(t);
    const configId = await insertConfig(scene.sql, { retention: one });
    for (const time of ['2026-01-02T00:00:00', '2026-01-01T00:00:00']) await addDump(scene, configId, time);
    const rows = await scene.rows();
    const elsewhere = temporaryFolder('elsewhere');
    const other = await scene.start({ env: { BACKUP_STORAGE_DIR: elsewhere } });
    const pruned = await untilState(scene.queue, await prune(scene.queue, { configId }), 'failed');
    assert.equal(pruned.failedReason, `nothing was pruned: of 2 dumps none is in '${elsewhere}'; is the right directory mounted?`);
    await other.stop();
    const missing = join(elsewhere, 'not', 'there');
    await scene.start({ env: { BACKUP_STORAGE_DIR: missing } });
    assert.equal((await untilState(scene.queue, await prune(scene.queue, { configId }), 'failed')).failedReason,
      `open the backup directory '${missing}': No such file or directory; BACKUP_STORAGE_DIR must be a directory that stays: is the volume of '${missing}' mounted?`);
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.deepEqual(await scene.rows(), rows);
  });

  test('dumps that are there under other names than ours are no sign of a wrong directory, and stay', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    const old = ['2026-01-02', '2026-01-01'].map((day) => ({ day, dump_path: join(scene.storage, `weavestream-${day}.sql.gz`) }));
    for (const { day, dump_path } of old) {
      writeFileSync(dump_path, '');
      await addDump(scene, configId, `${day}T00:00:00`, { dump_path, manifest_path: null, files: false });
    }
    await addDump(scene, null, '2026-01-03T00:00:00', { dump_path: old[0].dump_path, manifest_path: null, files: false });
    const rows = await scene.rows();
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 0, kept: 0, failed: 0, skipped: 2 });
    assert.deepEqual(await scene.rows(), rows);
    assert.equal(scene.files().length, 2);
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.equal(logs.filter((line) => /^Skipped row .* is not named like a dump or manifest$/.test(line)).length, 2, logs.join('\n'));
    assert.ok(!logs.some((line) => /^Orphan/.test(line)), logs.join('\n'));
  });

  for (const [what, retention] of [['a number as text', { keepLast: '3' }], ['a list', [3, 7]], ['a word', 'everything'], ['nothing', null]]) {
    test(`a malformed retention (${what}) deletes nothing, and fails the job with that`, async (t) => {
      const scene = await open(t);
      await scene.start();
      const configId = await insertConfig(scene.sql, { retention });
      const dumps = [await addDump(scene, configId, '2026-01-02T00:00:00'), await addDump(scene, configId, '2026-01-01T00:00:00')];
      const rows = await scene.rows();
      const failed = await untilState(scene.queue, await prune(scene.queue, { configId }, { attempts: 3 }), 'failed');
      assert.match(failed.failedReason, /^nothing was pruned: the retention is malformed: ./);
      assert.equal(failed.attemptsMade, 1);
      assert.deepEqual(scene.files(), filesOf(dumps));
      assert.deepEqual(await scene.rows(), rows);
      assert.notEqual(await readConfig(scene.sql, configId), undefined);
    });
  }
});

describe('what is proven, and what belongs to nobody', () => {
  const one = { keepLast: 1, daily: 0, weekly: 0, monthly: 0 };
  const proven = (level) => ({ manifest: { verified: { level } }, size_bytes: 'dump of 2026-01-01T00:00:00'.length });

  test('the newest dump that was proven stays, however old it is, and says why', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-09T00:00:00', proven('toc'));
    const plain = await addDump(scene, configId, '2026-01-08T00:00:00');
    const cut = await addDump(scene, configId, '2026-01-07T00:00:00', { ...proven('full'), size_bytes: 1 });
    const missing = await addDump(scene, configId, '2026-01-06T00:00:00', { ...proven('full'), files: false });
    const good = await addDump(scene, configId, '2026-01-05T00:00:00', proven('restore'));
    const older = await addDump(scene, configId, '2026-01-04T00:00:00', proven('full'));
    const rows = await scene.rows();
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 4, kept: 2, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young, good]));
    await assertRows(scene, rows, { kept: [young, good], gone: [plain, cut, missing, older] });
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.ok(logs.includes(`Kept ${young.name}: newest, last 1`), logs.join('\n'));
    assert.ok(logs.includes(`Kept ${good.name}: newest proven`), logs.join('\n'));
    assert.ok(logs.includes(`Removed ${missing.name} (the file was gone already): beyond last 1, daily 0, weekly 0, monthly 0`), logs.join('\n'));
  });

  test('with BACKUP_PRUNE_ORPHANS=1, dumps of deleted schedules are pruned together by the default retention, and counted apart', async (t) => {
    const scene = await open(t);
    await scene.start({ env: { BACKUP_PRUNE_ORPHANS: '1' } });
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    const old = await addDump(scene, configId, '2026-01-01T00:00:00');
    // Of one day: the three last, of which one is also that day's, week's and month's.
    const orphans = [];
    for (const hour of ['09', '08', '07', '06', '05']) orphans.push(await addDump(scene, null, `2026-03-01T${hour}:00:00`));
    const rows = await scene.rows();
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 1, kept: 1, failed: 0, orphans: 2 });
    assert.deepEqual(scene.files(), filesOf([young, ...orphans.slice(0, 3)]));
    await assertRows(scene, rows, { kept: [young, ...orphans.slice(0, 3)], gone: [old, ...orphans.slice(3)] });
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.ok(logs.includes(`Kept orphan ${orphans[2].name}: last 3`), logs.join('\n'));
    assert.ok(logs.includes(`Removed orphan ${orphans[3].name}: beyond last 3, daily 7, weekly 4, monthly 12`), logs.join('\n'));
  });

  test('orphans none of which is there are let be, and so is the rest of the job', async (t) => {
    const scene = await open(t);
    await scene.start({ env: { BACKUP_PRUNE_ORPHANS: '1' } });
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    const old = await addDump(scene, configId, '2026-01-01T00:00:00');
    const orphans = [];
    for (let hour = 1; hour <= 5; hour++) orphans.push(await addDump(scene, null, `2026-03-01T0${hour}:00:00`, { files: false }));
    const rows = await scene.rows();
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 1, kept: 1, failed: 0 });
    await assertRows(scene, rows, { kept: [young, ...orphans], gone: [old] });
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.ok(logs.includes(`No orphan was pruned: of 5 dumps none is in '${scene.storage}'; is the right directory mounted?`), logs.join('\n'));
  });

  test('files that no row names are listed, and stay', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: { BACKUP_PRUNE_ORPHANS: '1' } });
    const configId = await insertConfig(scene.sql, { retention: one });
    const young = await addDump(scene, configId, '2026-01-03T00:00:00');
    const old = await addDump(scene, configId, '2026-01-02T00:00:00');
    const lonely = [nameAt('2026-01-01T00:00:00'), manifestOf(nameAt('2025-12-31T00:00:00'))];
    for (const name of [...lonely, 'weavestream-postgres-mine.dump', 'notes.txt']) writeFileSync(join(scene.storage, name), 'data');
    const job = await pruneOnce(scene, configId);
    assert.deepEqual(job.returnvalue, { pruned: 1, kept: 1, failed: 0 });
    assert.ok(!existsSync(old.dump_path));
    assert.deepEqual(scene.files(), [...filesOf([young]), ...lonely, 'weavestream-postgres-mine.dump', 'notes.txt'].sort());
    const { logs } = await scene.queue.getJobLogs(job.id);
    assert.deepEqual(logs.filter((line) => line.startsWith('No row names ')).sort(), lonely.map((name) => `No row names ${name}: it stays until somebody deletes it`).sort());
    assert.equal(worker.named('prune completed')[0].filesWithoutRow, 2);
  });
});

test('of thousands that go, the log of the job names each, many in a row', async (t) => {
  const scene = await open(t);
  await scene.start();
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
  const young = await addDump(scene, configId, '2026-01-02T00:00:00');
  await scene.sql.query(`INSERT INTO backup_run (config_id, kind, status, started_at, dump_path)
    SELECT $1::uuid, 'SCHEDULED', 'success', at, $2 || to_char(at, '"/weavestream-postgres-"YYYY-MM-DD"T"HH24-MI-SS"Z.dump"')
    FROM generate_series(1, 2500) i, LATERAL (SELECT timestamp '2026-01-01' - i * interval '1 minute' AS at) AS times`, [configId, scene.storage]);
  const job = await pruneOnce(scene, configId);
  assert.deepEqual(job.returnvalue, { pruned: 2500, kept: 1, failed: 0 });
  assert.deepEqual(scene.files(), filesOf([young]));
  const { rows: [{ left }] } = await scene.sql.query('SELECT count(*)::int AS left FROM backup_run WHERE dump_path IS NOT NULL');
  assert.equal(left, 1);
  const { logs } = await scene.queue.getJobLogs(job.id);
  assert.ok(logs.length < 1100, `${logs.length} rows`);
  const removed = logs.join('\n').split('\n').filter((line) => /^Removed weavestream-postgres-\S+\.dump \(the file was gone already\): beyond last 1, /.test(line));
  assert.equal(new Set(removed).size, 2500);
});

test('an unknown config has nothing to prune, and warns', async (t) => {
  const scene = await open(t);
  const worker = await scene.start();
  const kept = await addDump(scene, null, '2026-01-01T00:00:00');
  assert.deepEqual((await pruneOnce(scene, randomUUID())).returnvalue, { skipped: 'unknown config' });
  assert.equal((await worker.waitForEvent('unknown config')).level, 'warn');
  assert.deepEqual(scene.files(), filesOf([kept]));
});

for (const name of ['prune', 'backup:prune']) {
  test(`without \`kind\` in the data the name decides: ${name}`, async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
    const young = await addDump(scene, configId, '2026-01-02T00:00:00');
    await addDump(scene, configId, '2026-01-01T00:00:00');
    const job = await untilState(scene.queue, await scene.queue.add(name, { configId }), 'completed');
    assert.deepEqual(job.returnvalue, { pruned: 1, kept: 1, failed: 0 });
    assert.deepEqual(scene.files(), filesOf([young]));
  });
}

test('dumps that real runs left are pruned after each run', async (t) => {
  const scene = await open(t);
  await scene.start();
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
  const first = await scene.runNow({ configId });
  await untilState(scene.queue, first.job, 'completed');
  assert.deepEqual((await untilState(scene.queue, `prune-${first.runId}`, 'completed')).returnvalue, { pruned: 0, kept: 1, failed: 0 });
  const second = await scene.runNow({ configId });
  const { filename } = (await untilState(scene.queue, second.job, 'completed')).returnvalue;
  assert.deepEqual((await untilState(scene.queue, `prune-${second.runId}`, 'completed')).returnvalue, { pruned: 1, kept: 1, failed: 0 });
  assert.deepEqual(scene.files(), filesOf([{ name: filename }]));
  const { logs } = await scene.queue.getJobLogs(`prune-${second.runId}`);
  assert.ok(logs.includes(`Kept ${filename}: newest, newest proven, last 1`), logs.join('\n'));
});

test('SIGTERM while it waits for the backup lock: the job is back in the queue, and a second worker does it', async (t) => {
  const scene = await open(t);
  const first = await scene.start({ env: { BACKUP_SHUTDOWN_SECONDS: '2' } });
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
  const old = await addDump(scene, configId, '2026-01-01T00:00:00');
  const young = await addDump(scene, configId, '2026-01-02T00:00:00');
  const giveBack = await scene.takeBackupLock('weavestream-backup run');
  const job = await prune(scene.queue, { configId });
  await first.waitForEvent('waiting for the backup lock');
  const { code, seconds } = await first.stop();
  assert.equal(code, 0);
  assert.ok(seconds < 3, `gone after ${seconds} s`);
  assert.equal(await job.getState(), 'waiting');
  assert.deepEqual(scene.files(), filesOf([old, young]));
  await giveBack();
  await scene.start();
  assert.deepEqual((await untilState(scene.queue, job, 'completed')).returnvalue, { pruned: 1, kept: 1, failed: 0 });
  await eventually(() => scene.files().length === 2, { what: 'the old dump to be gone' });
});
