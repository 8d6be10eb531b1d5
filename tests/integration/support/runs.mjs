/* The servers of the tests of runs, and what holds after a run, done or failed: in its job, its row, on disk and in Postgres. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { untilState, versions } from './bullmq.mjs';
import { startPostgres } from './postgres.mjs';
import { startRedis } from './redis.mjs';
import { openScene, sha256 } from './scene.mjs';
import { readAudit, readConfig, readRun } from './schema.mjs';
import { eventually } from './wait.mjs';

export const redisPassword = 'r@ss:w/ord%\'\\ "3"#?&ü';

/* A Redis and a Postgres for all tests of a file. `servers` has them once the tests begin; open(t) makes a scene there. */
export function useServers() {
  const servers = {};
  before(async () => {
    [servers.redis, servers.postgres] = await Promise.all([
      startRedis({ password: redisPassword, extraArgs: ['databases 200'] }),
      startPostgres({ extraConf: ['max_connections = 150'] }),
    ]);
  });
  after(() => Promise.all([servers.redis?.stop(), servers.postgres?.stop()]));
  return { servers, open: (t, options = {}) => openScene(t, { ...servers, bullmq: versions['6.7.0'], ...options }) };
}

/* No session of ours is left, hence no lock and nothing that still dumps. */
export const untilNoSessions = ({ sql }) =>
  eventually(async () => (await sql.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'weavestream-backup%'`)).rowCount === 0,
    { what: 'no session of ours to be left' });

export async function assertSucceeded(scene, { configId, runId, job }) {
  const done = await untilState(scene.queue, job, 'completed');
  const row = await readRun(scene.sql, runId);
  assert.equal(row.status, 'success');
  assert.equal(row.error, null);
  assert.equal(done.returnvalue.backupRunId, runId);
  assert.equal(done.returnvalue.filename, row.dump_path.split('/').pop());
  assert.equal(done.returnvalue.sha256, sha256(row.dump_path));
  assert.deepEqual(scene.files().filter((name) => name.startsWith('.')), [], 'no temporary file is left');
  const config = await readConfig(scene.sql, configId);
  if (config) assert.ok(config.last_run_at >= row.started_at, 'the schedule knows of its last run');
  return { done, row };
}

/* Row, job and audit say the same; nothing is left on disk, in the queue or in Postgres. */
export async function assertFailed(scene, { configId, runId, job }, reason) {
  const failed = await untilState(scene.queue, job, 'failed');
  assert.match(failed.failedReason, reason);
  const row = await readRun(scene.sql, runId);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, failed.failedReason);
  assert.ok(row.finished_at !== null && Math.abs(row.finished_at - Date.now()) < 60_000);
  for (const column of ['dump_path', 'manifest_path', 'manifest', 'size_bytes']) assert.equal(row[column], null, column);
  const audit = await readAudit(scene.sql, runId);
  assert.deepEqual(audit.map(({ action, after }) => ({ action, after })), [{ action: 'backup.run.failed', after: { configId, error: failed.failedReason } }]);
  assert.deepEqual(scene.files(), [], 'no file of any kind is left');
  assert.equal((await readConfig(scene.sql, configId)).last_run_at, null);
  assert.equal(await scene.queue.getJob(`prune-${runId}`), undefined, 'nothing is pruned after a failure');
  await untilNoSessions(scene);
  return { failed, row };
}
