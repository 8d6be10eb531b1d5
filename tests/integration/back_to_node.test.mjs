/*
 * Going back: our worker has served an installation for a while, and is retired. A worker on Node, doing what the app's does, must find nothing
 * that troubles it: jobs, schedules, rows, dumps and manifests are as it would have left them.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, openNodeWorker, prune, runNow, schedule, untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene, programs, sha256 } from './support/scene.mjs';
import { insertConfig, insertRun, readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const cron = '0 0 29 2 *'; // far away: what runs is promoted

/* The app's own worker, as far as it reads what others have written. Its dump goes by another name than ours ever has. */
const appWorker = ({ sql, storage, environment, queue }) => ({
  async run({ configId, backupRunId }) {
    const { rows: [config] } = await sql.query('SELECT * FROM backup_config WHERE id = $1', [configId]);
    if (!config || (!backupRunId && !config.enabled)) return { skipped: true };
    const id = backupRunId ?? await insertRun(sql, { config_id: configId, kind: 'SCHEDULED' });
    const { rows: [{ got }] } = await sql.query(`SELECT pg_try_advisory_lock(hashtext('weavestream:backup')) AS got`);
    if (!got) throw new Error('concurrent');
    try {
      await sql.query(`UPDATE backup_run SET status = 'running', started_at = now() AT TIME ZONE 'UTC' WHERE id = $1`, [id]);
      const filename = `weavestream-postgres-2030-01-01T00-00-0${(await sql.query('SELECT count(*) FROM backup_run')).rows[0].count % 10}Z.dump`;
      const dump = join(storage, filename);
      const { status, stderr } = spawnSync('pg_dump', ['--format=custom', '--no-owner', '--no-acl', `--file=${dump}`, environment.DATABASE_URL.split('?')[0]]);
      assert.equal(status, 0, String(stderr));
      writeFileSync(dump.replace('.dump', '.manifest.json'), JSON.stringify({ filename, sha256: sha256(dump) }));
      await sql.query(`UPDATE backup_run SET status = 'success', finished_at = now() AT TIME ZONE 'UTC', dump_path = $2, manifest_path = $3 WHERE id = $1`,
        [id, dump, dump.replace('.dump', '.manifest.json')]);
    } finally {
      await sql.query(`SELECT pg_advisory_unlock(hashtext('weavestream:backup'))`);
    }
    await prune(queue, { configId });
    return { backupRunId: id };
  },
  async prune({ configId }) {
    const { rows } = await sql.query(`SELECT * FROM backup_run WHERE config_id = $1 AND status = 'success' ORDER BY started_at DESC NULLS LAST`, [configId]);
    for (const { id, dump_path, manifest_path } of rows.slice(1)) {
      for (const path of [dump_path, manifest_path]) if (path) unlinkSync(path);
      await sql.query('UPDATE backup_run SET dump_path = NULL, manifest_path = NULL WHERE id = $1', [id]);
    }
    return { kept: 1 };
  },
});

const untilIdle = (queue) => eventually(async () => (await queue.getActiveCount()) + (await queue.getWaitingCount()) === 0, { what: 'the prune jobs to be done' });

/* A while with our worker: a run by hand, a scheduled one, one that fails. */
async function serveForAWhile(scene, scheduled) {
  const failing = join(scene.folder, 'fail');
  const worker = await scene.start({
    ledger: true,
    env: programs({ pg_dump: `[ ! -e '${failing}' ] || [ "$1" = --version ] || exit 1\nexec pg_dump "$@"` }),
  });
  const manual = await scene.runNow({ configId: scheduled.configId });
  await untilState(scene.queue, manual.job, 'completed');
  await scheduled.job.promote();
  await untilState(scene.queue, scheduled.job, 'completed');
  writeFileSync(failing, '');
  const failed = await scene.runNow({ configId: scheduled.configId });
  await untilState(scene.queue, failed.job, 'failed');
  await untilIdle(scene.queue);
  await worker.stop();
  return { manual, failed };
}

const bullmqKey = /^bull:backup:(id|meta|events|marker|delayed|completed|failed|pc|stalled-check|repeat|repeat:backup-config-[0-9a-f-]{36}(:\d+)?(:logs)?|(\d+|prune-[0-9a-f-]{36})(:logs)?)$/;
const firstKeys = ['weavestreamVersion', 'prismaMigrationHash', 'passwordEncryptionKid', 'databaseUrlHostname', 'generatedAt', 'filename', 'sizeBytes', 'sha256'];

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`back to a worker on bullmq ${version}`, () => {
    test('it takes run, schedule and prune over, and finds rows, dumps and queue as it would have left them', async (t) => {
      const scene = await openScene(t, { redis, postgres, bullmq });
      const { queue, sql } = scene;
      const configId = await insertConfig(sql, { cron });
      const first = await schedule(queue, { id: configId, cron });
      const { manual, failed } = await serveForAWhile(scene, { configId, job: first });

      for (const key of await scene.client.keys('*')) assert.match(key, bullmqKey);
      assert.deepEqual(await queue.getJobCounts('active', 'wait', 'delayed', 'failed', 'paused'), { active: 0, wait: 0, delayed: 1, failed: 1, paused: 0 });
      assert.equal(await scene.client.exists('bull:backup:stalled'), 0);
      const ours = await readRun(sql, manual.runId);
      assert.deepEqual(Object.keys(JSON.parse(readFileSync(ours.manifest_path))).slice(0, 8), firstKeys);
      assert.equal((await readRun(sql, failed.runId)).status, 'failed');

      const does = appWorker(scene);
      const node = openNodeWorker(bullmq, scene.redis, ({ name, data }) => does[name](data));
      t.after(() => closeAll(node));
      const backupRunId = await insertRun(sql, { config_id: configId });
      await untilState(queue, await runNow(queue, { configId, backupRunId }), 'completed');
      const [next] = await queue.getDelayed();
      await next.promote();
      await untilState(queue, next, 'completed');
      await untilIdle(queue);

      const rows = await scene.rows();
      assert.deepEqual(rows.map(({ status }) => status), ['success', 'success', 'failed', 'success', 'success']);
      assert.ok(rows.slice(0, 4).every(({ dump_path }) => dump_path === null), 'it has pruned ours as well');
      assert.equal(existsSync(ours.dump_path), false);
      assert.deepEqual(scene.dumps(), [rows[4].dump_path.split('/').at(-1)]);
      const [scheduler] = await queue.getJobSchedulers();
      assert.equal(scheduler.key, `backup-config-${configId}`);
      assert.deepEqual((await queue.getDelayed()).map(({ name, data }) => [name, data]), [['run', { kind: 'run', configId }]]);
      assert.equal(await queue.getFailedCount(), 1, 'the one that failed before');
    });
  });
}
