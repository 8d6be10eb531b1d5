/* facts: what `weavestream-backup-job facts` says of Postgres and of the backup directory; jobs/facts.h has its keys. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilState, versions } from './support/bullmq.mjs';
import { schemaErrors } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene } from './support/scene.mjs';
import { insertConfig, insertRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';
import { run, jobProgram } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 20'] }), startPostgres()]);
});
after(async () => {
  await Promise.all([redis.stop(), postgres.stop()]);
});

const open = (t) => openScene(t, { redis, postgres, bullmq: Object.values(versions).at(-1) });

async function facts(scene, env = {}) {
  const { code, stdout, stderr } = await run(['facts'], { binary: jobProgram, env: { ...scene.environment, ...env } });
  assert.equal(code, 0, stderr);
  const verdict = JSON.parse(stdout);
  assert.equal(verdict.type, 'completed');
  assert.deepEqual(schemaErrors('facts', verdict.returnvalue), [], stdout);
  return verdict.returnvalue;
}

const ago = (minutes) => new Date(Date.now() - minutes * 60_000);

/* As a worker's ledger remembers that it first saw a schedule. */
function seen(scene, { id, cron, timezone = 'Etc/UTC', at }) {
  const memory = { looked: at.getTime(), configs: [{ id, cron, timezone, seen: at.getTime(), settled: at.getTime(), owed: 0, unusable: false }], complaints: [] };
  writeFileSync(join(scene.storage, '.weavestream-backup-ledger.json'), JSON.stringify(memory));
}

test('a good installation has no problems, and its last runs are told with their phases', async (t) => {
  const scene = await open(t);
  const { configId, job } = await scene.runNow({ name: 'Nightly “ü”' });
  await scene.start();
  await untilState(scene.queue, job, 'completed');
  await eventually(async () => (await scene.queue.getJobCounts()).completed === 2, { what: 'the prune job, which has the lock meanwhile, to be done' });
  await insertRun(scene.sql, { config_id: configId, kind: 'SCHEDULED', status: 'failed', started_at: new Date('2026-11-01T03:00:00Z'), finished_at: new Date('2026-11-01T03:01:00Z'), created_at: new Date('2026-11-01T03:00:00Z'), error: 'ü'.repeat(700) });

  const { at, tookMs, problems, postgres: server, directory, lock, schedules, runs } = await facts(scene);
  assert.deepEqual(problems, []);
  assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000 && tookMs >= 0);
  assert.equal(server.reachable, true);
  assert.equal(server.error, null);
  assert.match(server.server, /^1\d\./);
  assert.equal(directory.path, scene.storage);
  assert.equal(directory.writable, true);
  assert.equal(directory.dumps, 1);
  assert.equal(directory.missingDumps, 0);
  assert.equal(directory.reservedBytes, 256 * 1024 * 1024);
  assert.ok(directory.totalBytes >= directory.freeBytes && directory.freeBytes > 0);
  assert.equal(lock, null);

  assert.equal(schedules.length, 1);
  const [{ lastSuccess, lastFailure, ...schedule }] = schedules;
  assert.deepEqual({ ...schedule, nextDue: '' }, { id: configId, name: 'Nightly “ü”', enabled: true, cron: '0 3 * * *', timezone: 'Europe/Berlin', nextDue: '',
    overdueSince: null, problem: null, failedLast: false, runs: { queued: 0, running: 0, success: 1, failed: 1 } });
  assert.ok(Date.parse(schedule.nextDue) > Date.now());
  assert.deepEqual(runs, [lastSuccess, lastFailure]);
  const [row] = (await scene.rows()).filter(({ status }) => status === 'success');
  assert.equal(lastSuccess.sizeBytes, Number(row.size_bytes));
  assert.equal(lastSuccess.sizeBytes, directory.dumpBytes);
  assert.equal(lastSuccess.verified, 'full');
  assert.deepEqual([lastSuccess.file], scene.dumps());
  assert.ok(lastSuccess.durationMs >= lastSuccess.dumpMs && lastSuccess.verifyMs >= 0);
  assert.equal(lastFailure.durationMs, 60_000);
  assert.match(lastFailure.error, /^ü{200,249}\uFFFD?$/u);
});

test('a server that is away is a fact, and the directory is told all the same', async (t) => {
  const scene = await open(t);
  const { problems, postgres: server, directory, schedules, runs } = await facts(scene, { DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/none' });
  assert.equal(problems.length, 1);
  assert.equal(problems[0].about, 'postgres');
  assert.match(problems[0].text, /port 1 failed: Connection refused/);
  assert.deepEqual(server, { reachable: false, error: problems[0].text, code: 'lost', server: null, responseMs: null });
  assert.equal(directory.writable, true);
  assert.deepEqual([schedules, runs, directory.missingDumps], [null, null, null]);
});

test('a directory that is not there is told, and not made', async (t) => {
  const scene = await open(t);
  rmSync(scene.storage, { recursive: true });
  const { problems, directory } = await facts(scene);
  assert.deepEqual(problems.map(({ about }) => about), ['directory']);
  assert.match(problems[0].text, /No such file or directory; BACKUP_STORAGE_DIR must be a directory that stays/);
  assert.deepEqual({ ...directory, reservedBytes: 0 }, { path: scene.storage, writable: false, error: problems[0].text, freeBytes: null, totalBytes: null, reservedBytes: 0,
    dumps: null, dumpBytes: null, missingDumps: null });
  assert.throws(() => scene.files(), /ENOENT/);
  mkdirSync(scene.storage);
});

test('a volume with less room than is reserved is a problem', async (t) => {
  const scene = await open(t);
  const { problems } = await facts(scene, { BACKUP_MIN_FREE_MB: '1048576' });
  assert.deepEqual(problems.map(({ about }) => about), ['space']);
  assert.match(problems[0].text, /^no room for a dump: .* BACKUP_MIN_FREE_MB reserves 1\.00 TiB: make room there$/);
});

test('a dump that was deleted by hand is counted as missing', async (t) => {
  const scene = await open(t);
  const { job } = await scene.runNow();
  await scene.start();
  await untilState(scene.queue, job, 'completed');
  unlinkSync(join(scene.storage, scene.dumps()[0]));
  const { directory, problems } = await facts(scene);
  assert.equal(directory.missingDumps, 1);
  assert.equal(directory.dumps, 0);
  assert.deepEqual(problems, [{ about: 'directory', text: `of 1 dump that the app lists, 1 is not in '${scene.storage}', the newest among them; is the right directory mounted?` }]);
});

test('dumps that rows name elsewhere are missing; that is a problem once the newest is', async (t) => {
  const scene = await open(t);
  const name = (hour) => `weavestream-postgres-2026-11-24T0${hour}-00-00Z.dump`;
  const add = (hour, folder) => insertRun(scene.sql, { status: 'success', started_at: new Date(`2026-11-24T0${hour}:00:00Z`), dump_path: join(folder, name(hour)) });
  writeFileSync(join(scene.storage, name(2)), '');
  await add(1, '/somewhere/else');
  await add(2, scene.storage);
  const old = await facts(scene);
  assert.deepEqual([old.directory.missingDumps, old.problems], [1, []]);
  await add(3, '/somewhere/else');
  const { directory, problems } = await facts(scene);
  assert.equal(directory.missingDumps, 2);
  assert.deepEqual(problems.map(({ text }) => text), [`of 3 dumps that the app lists, 2 are not in '${scene.storage}', the newest among them; is the right directory mounted?`]);
});

test('a dump that is in the directory under a name that is not ours is not missing', async (t) => {
  const scene = await open(t);
  const dump_path = join(scene.storage, 'weavestream-2026-11-24.sql.gz');
  writeFileSync(dump_path, '');
  await insertRun(scene.sql, { status: 'success', started_at: new Date('2026-11-24T03:00:00Z'), dump_path });
  const { directory, problems } = await facts(scene);
  assert.deepEqual([directory.missingDumps, problems], [0, []]);
});

test('a schedule has failed last if its newest run did, but for one that was refused beside another', async (t) => {
  const scene = await open(t);
  const id = await insertConfig(scene.sql);
  const add = (minute, status, error = null) => {
    const at = new Date(`2026-11-24T03:0${minute}:00Z`);
    return insertRun(scene.sql, { config_id: id, status, error, created_at: at, started_at: at, finished_at: at });
  };
  const look = async () => {
    const [{ failedLast, lastFailure, runs }] = (await facts(scene)).schedules;
    return [failedLast, lastFailure?.error ?? null, runs.failed];
  };
  assert.deepEqual(await look(), [false, null, 0]);
  await add(1, 'failed', 'no room');
  assert.deepEqual(await look(), [true, 'no room', 1]);
  await add(2, 'success');
  assert.deepEqual(await look(), [false, 'no room', 1]);
  await add(3, 'failed', 'concurrent');
  assert.deepEqual(await look(), [false, 'no room', 2]);
  await add(4, 'failed', 'pg_dump: killed');
  assert.deepEqual(await look(), [true, 'pg_dump: killed', 3]);
});

test('whoever has the advisory lock is told', async (t) => {
  const scene = await open(t);
  await scene.takeBackupLock('psql of somebody');
  const { lock } = await facts(scene);
  assert.equal(lock.application, 'psql of somebody');
  assert.ok(lock.pid > 0 && lock.ageMs >= 0);
});

test('a schedule is overdue from its grace time on, until a backup begins or a scheduled run was made', async (t) => {
  const scene = await open(t);
  const cron = '*/10 * * * *';
  const id = await insertConfig(scene.sql, { name: 'Often', cron, timezone: null });
  const look = async () => (await facts(scene, { BACKUP_MISSED_GRACE_MINUTES: '1' })).schedules[0].overdueSince;

  assert.equal(await look(), null, 'nobody has seen it yet');
  seen(scene, { id, cron: '0 4 * * *', at: ago(60) });
  assert.equal(await look(), null, 'what was seen is another schedule');
  seen(scene, { id, cron, at: ago(60) });
  const since = Date.parse(await look());
  assert.equal(since % 600_000, 0);
  assert.ok(since <= Date.now() - 60_000 && since > Date.now() - 672_000);
  assert.equal((await facts(scene, { BACKUP_MISSED_GRACE_MINUTES: '90' })).schedules[0].overdueSince, null, 'the grace time is not over');
  const { problems } = await facts(scene, { BACKUP_MISSED_GRACE_MINUTES: '1' });
  assert.match(problems[0].text, /^'Often' is overdue: no run has begun since it was due at .*Z$/);

  const failed = await insertRun(scene.sql, { config_id: id, kind: 'SCHEDULED', status: 'failed', created_at: new Date(since + 1000) });
  assert.equal(await look(), null, 'it was made, and failed');
  await scene.sql.query('DELETE FROM backup_run WHERE id = $1', [failed]);
  const manual = await insertRun(scene.sql, { config_id: id, status: 'success', created_at: new Date(since), started_at: new Date(since - 1000) });
  assert.ok(await look(), 'a backup of before');
  await scene.sql.query('UPDATE backup_run SET started_at = $2 WHERE id = $1', [manual, new Date(since + 1000).toISOString().replace('Z', '')]);
  assert.equal(await look(), null, 'a backup was made by hand since');
  await scene.sql.query('DELETE FROM backup_run');
  await scene.sql.query('UPDATE backup_config SET enabled = false');
  assert.equal(await look(), null, 'it is disabled');
});

test('a schedule that cannot be followed is a problem, one that is disabled is none', async (t) => {
  const scene = await open(t);
  const id = await insertConfig(scene.sql, { name: 'Odd', cron: '0 3 * * *', timezone: 'Europe/Atlantis' });
  const { problems, schedules } = await facts(scene);
  assert.match(schedules[0].problem, /Europe\/Atlantis/);
  assert.equal(schedules[0].nextDue, null);
  assert.equal(problems[0].text, `'Odd' cannot be followed: ${schedules[0].problem}`);
  await scene.sql.query('UPDATE backup_config SET enabled = false WHERE id = $1', [id]);
  assert.deepEqual((await facts(scene)).problems, []);
});

test('a query that fails is told with the tables that it needs', async (t) => {
  const scene = await open(t);
  await scene.sql.query('ALTER TABLE backup_run RENAME TO elsewhere');
  const { problems, postgres: server, schedules } = await facts(scene);
  assert.equal(server.reachable, true);
  assert.match(server.error, /read the last runs of each schedule: postgres: relation "backup_run" does not exist/);
  assert.equal(problems[0].text, server.error);
  assert.equal(schedules, null);
  assert.equal(server.code, 'config');
});

test('of a thousand schedules, each is told; of more than fit into a line, what is wrong with them', async (t) => {
  const scene = await open(t);
  const dump = join(scene.storage, 'weavestream-postgres-2026-11-24T03-00-00Z.dump');
  writeFileSync(dump, '');
  const add = async (count, name) => {
    await scene.sql.query(`WITH config AS (INSERT INTO backup_config (id, name, cron, timezone, retention, created_at, updated_at)
      SELECT gen_random_uuid(), $2 || n, '0 3 * * *', 'Europe/Berlin', '{}', now(), now() FROM generate_series(1, $1) AS n RETURNING id)
      INSERT INTO backup_run (id, config_id, kind, status, created_at, started_at, finished_at, size_bytes, dump_path, error)
      SELECT gen_random_uuid(), id, 'SCHEDULED', status::"BackupRunStatus", now(), now(), now(), 123456789, $3, repeat('x', 500)
      FROM config, unnest(ARRAY['success', 'failed']) AS status`, [count, name, dump]);
  };
  await add(1000, 'Schedule number ');
  const { stdout } = await run(['facts'], { binary: jobProgram, env: scene.environment });
  assert.ok(stdout.length <= 1_048_576, `${stdout.length} bytes`);
  const { schedules, runs, problems } = JSON.parse(stdout).returnvalue;
  assert.deepEqual([schedules.length, runs.length, problems], [1000, 60, []]);
  for (const { lastSuccess, lastFailure } of schedules) {
    assert.equal(lastSuccess.sizeBytes, 123456789);
    assert.ok(Date.parse(lastFailure.finishedAt) > 0);
  }

  await add(1000, 'Much longer '.repeat(50));
  await insertConfig(scene.sql, { name: 'Odd', timezone: 'Europe/Atlantis' });
  const more = await facts(scene);
  assert.equal(more.schedules, null);
  assert.deepEqual(more.problems.map(({ about }) => about), ['schedule']);
});
