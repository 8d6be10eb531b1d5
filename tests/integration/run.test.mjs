/* The `run` job, from the queue to a dump that restores; what it refuses, and what it keeps to itself. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { runNow, scheduledRun, untilState, versions } from './support/bullmq.mjs';
import { password } from './support/postgres.mjs';
import { lookAt } from './support/processes.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { assertFailed, assertSucceeded, redisPassword, useServers } from './support/runs.mjs';
import { mode, programs, sha256 } from './support/scene.mjs';
import { insertConfig, insertRun, readAudit, readConfig, readRun, rowCounts } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

const abandoned = 'interrupted: the worker died during the backup';
const apiPattern = /^weavestream-postgres-[0-9TZ:\-]+\.dump$/;

const { servers, open } = useServers();

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, () => {
    test('a run that the API enqueues ends in a dump that restores, and everything says so', async (t) => {
      const scene = await open(t, { bullmq, megabytes: 2 });
      const workspace = temporaryFolder('workspace');
      const migrations = join(workspace, 'packages/db/prisma/migrations');
      const hash = createHash('sha256');
      for (const [name, sql] of [['20250101000000_init', 'CREATE TABLE a ();\n'], ['20250601000000_backups', '-- ünï\n'], ['Z_none', null], ['a_last', '']]) {
        mkdirSync(join(migrations, name), { recursive: true });
        if (sql !== null) writeFileSync(join(migrations, name, 'migration.sql'), sql);
        hash.update(`${name}\n${sql ?? ''}`);
      }
      writeFileSync(join(migrations, 'migration_lock.toml'), 'no directory');
      const configId = await insertConfig(scene.sql, { updated_at: new Date('2026-01-01T00:00:00Z') });
      const runId = await insertRun(scene.sql, { config_id: configId });
      const before = await rowCounts(scene.sql);
      const began = Date.now();
      await scene.start({ cwd: workspace, env: { WEAVESTREAM_VERSION: '1.8.14', PASSWORD_ENCRYPTION_KEY_KID: 'key-2' } });
      const job = await runNow(scene.queue, { configId, backupRunId: runId });
      const returnvalue = await job.waitUntilFinished(scene.events, 20_000);
      const ended = Date.now();

      assert.deepEqual(Object.keys(returnvalue), ['backupRunId', 'filename', 'sizeBytes', 'sha256', 'durationMs']);
      const { filename, sizeBytes } = returnvalue;
      assert.match(filename, apiPattern);
      const file = join(scene.storage, filename);
      assert.equal(returnvalue.backupRunId, runId);
      assert.equal(sizeBytes, statSync(file).size);
      assert.equal(returnvalue.sha256, sha256(file));
      assert.ok(returnvalue.durationMs > 0 && returnvalue.durationMs <= ended - began);
      const done = await untilState(scene.queue, job, 'completed');
      assert.deepEqual(done.returnvalue, returnvalue);
      assert.equal(done.attemptsMade, 1);

      const row = await readRun(scene.sql, runId);
      const manifestFile = file.replace(/\.dump$/, '.manifest.json');
      assert.equal(row.status, 'success');
      assert.equal(row.kind, 'MANUAL');
      assert.ok(row.started_at >= began - 1 && row.started_at <= row.finished_at && row.finished_at <= ended + 1, 'times are UTC');
      assert.equal(row.size_bytes, sizeBytes);
      assert.equal(row.dump_path, file);
      assert.equal(row.manifest_path, manifestFile);
      assert.equal(row.error, null);
      assert.equal(filename, `weavestream-postgres-${row.started_at.toISOString().slice(0, 19).replaceAll(':', '-')}Z.dump`);

      const text = readFileSync(manifestFile, 'utf8');
      const manifest = JSON.parse(text);
      assert.equal(text, JSON.stringify(manifest, null, 2), 'indented by two spaces');
      assert.deepEqual(Object.keys(manifest).slice(0, 8),
        ['weavestreamVersion', 'prismaMigrationHash', 'passwordEncryptionKid', 'databaseUrlHostname', 'generatedAt', 'filename', 'sizeBytes', 'sha256']);
      assert.deepEqual({ ...manifest, generatedAt: undefined }, {
        ...manifest, weavestreamVersion: '1.8.14', prismaMigrationHash: `sha256:${hash.digest('hex')}`, passwordEncryptionKid: 'key-2',
        databaseUrlHostname: '127.0.0.1', generatedAt: undefined, filename, sizeBytes, sha256: returnvalue.sha256,
      });
      assert.match(manifest.generatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(row.manifest, manifest, 'the row has the same object');

      assert.equal(mode(file), '600');
      assert.equal(mode(manifestFile), '600');
      assert.deepEqual(scene.files(), [filename, filename.replace(/\.dump$/, '.manifest.json')]);

      const config = await readConfig(scene.sql, configId);
      for (const time of [config.last_run_at, config.updated_at]) assert.ok(time >= row.started_at && time <= ended + 1, `${time}`);

      const audit = await readAudit(scene.sql, runId);
      assert.equal(audit.length, 1);
      const { id: auditId, created_at, ...entry } = audit[0];
      assert.match(auditId, /^[0-9a-f-]{36}$/);
      assert.ok(Math.abs(created_at - ended) < 60_000);
      assert.deepEqual(entry, {
        actor_id: null, action: 'backup.run.completed', entity_type: 'BackupRun', entity_id: runId, company_id: null, ip: '127.0.0.1',
        user_agent: 'weavestream-worker/backup', before: null, after: { configId, sizeBytes, filename },
      });

      const pruneJob = await untilState(scene.queue, `prune-${runId}`, 'completed');
      assert.equal(pruneJob.name, 'prune');
      assert.deepEqual(pruneJob.data, { kind: 'prune', configId });
      assert.equal(pruneJob.opts.attempts, 1);
      assert.deepEqual(pruneJob.opts.removeOnComplete, { age: 3600 });
      assert.deepEqual(pruneJob.opts.removeOnFail, { age: 86400 });
      assert.deepEqual(pruneJob.returnvalue, { pruned: 0, kept: 1, failed: 0 });

      const { logs } = await scene.queue.getJobLogs(job.id);
      assert.ok(logs.some((line) => line.includes(returnvalue.sha256)) && logs.some((line) => line.includes(filename)), logs.join('\n'));
      assert.equal(done.progress.phase, 'publish');

      const restored = await servers.postgres.restore(file, `${scene.database}_restored`);
      assert.deepEqual(await rowCounts(restored), before);
      assert.equal((await readRun(restored, runId)).status, 'running', 'the snapshot is of the run itself');
      await restored.end();
    });

    test('a scheduled run makes its own row', async (t) => {
      const scene = await open(t, { bullmq });
      await scene.start();
      const configId = await insertConfig(scene.sql);
      const job = await scheduledRun(scene.queue, { configId });
      const done = await untilState(scene.queue, job, 'completed');
      const rows = await scene.rows();
      assert.equal(rows.length, 1);
      assert.equal(rows[0].id, done.returnvalue.backupRunId);
      assert.equal(rows[0].kind, 'SCHEDULED');
      assert.equal(rows[0].config_id, configId);
      assert.equal(rows[0].triggered_by, null);
      assert.ok(Math.abs(rows[0].created_at - Date.now()) < 60_000, 'created_at is UTC');
      await assertSucceeded(scene, { configId, runId: rows[0].id, job });
    });

    for (const name of ['run', 'backup:run']) {
      test(`without \`kind\` in the data the name decides: ${name}`, async (t) => {
        const scene = await open(t, { bullmq });
        await scene.start();
        const configId = await insertConfig(scene.sql);
        const runId = await insertRun(scene.sql, { config_id: configId });
        await assertSucceeded(scene, { configId, runId, job: await scene.queue.add(name, { configId, backupRunId: runId }) });
      });
    }
  });
}

describe('a run', () => {
  test('of a disabled schedule is skipped before it leaves anything; a manual one is done', async (t) => {
    const scene = await open(t);
    await scene.start();
    const configId = await insertConfig(scene.sql, { enabled: false });
    const skipped = await untilState(scene.queue, await scheduledRun(scene.queue, { configId }), 'completed');
    assert.deepEqual(skipped.returnvalue, { skipped: 'disabled' });
    assert.deepEqual(await scene.rows(), []);
    assert.deepEqual(scene.files(), []);
    await assertSucceeded(scene, await scene.runNow({ configId }));
  });

  test('of an unknown config or row has nothing to do, and warns', async (t) => {
    const scene = await open(t);
    const worker = await scene.start();
    const unknownConfig = await untilState(scene.queue, await scheduledRun(scene.queue, { configId: randomUUID() }), 'completed');
    assert.deepEqual(unknownConfig.returnvalue, { skipped: 'unknown config' });
    assert.equal((await worker.waitForEvent('unknown config')).level, 'warn');
    const configId = await insertConfig(scene.sql);
    const unknownRow = await untilState(scene.queue, await runNow(scene.queue, { configId, backupRunId: randomUUID() }), 'completed');
    assert.deepEqual(unknownRow.returnvalue, { skipped: 'unknown run' });
    assert.equal((await worker.waitForEvent('unknown run')).level, 'warn');
    assert.deepEqual(await scene.rows(), []);
    assert.deepEqual(scene.files(), []);
    assert.equal((await scene.sql.query('SELECT FROM audit_log')).rowCount, 0);
  });

  test('whose row says success already is completed without another dump', async (t) => {
    const scene = await open(t);
    await scene.start();
    const first = await scene.runNow();
    const { done, row } = await assertSucceeded(scene, first);
    await untilState(scene.queue, `prune-${first.runId}`, 'completed');
    const files = scene.files();
    const written = statSync(row.dump_path).mtimeMs;
    const again = await untilState(scene.queue, await runNow(scene.queue, { configId: first.configId, backupRunId: first.runId }), 'completed');
    const { durationMs, ...same } = again.returnvalue;
    assert.deepEqual({ ...same, durationMs: done.returnvalue.durationMs }, done.returnvalue);
    assert.equal(typeof durationMs, 'number');
    assert.deepEqual(await readRun(scene.sql, first.runId), row);
    assert.deepEqual(scene.files(), files);
    assert.equal(statSync(row.dump_path).mtimeMs, written);
    assert.equal((await readAudit(scene.sql, first.runId)).length, 1);
  });

  test('that failed is opened again when its job is retried from a dashboard', async (t) => {
    const scene = await open(t);
    const broken = await scene.start({ env: { PATH: temporaryFolder('empty') } });
    const ids = await scene.runNow();
    await assertFailed(scene, ids, /^pg_dump: /);
    await broken.stop();
    await scene.start();
    await (await scene.queue.getJob(ids.job.id)).retry();
    const { row } = await assertSucceeded(scene, ids);
    assert.ok(row.finished_at >= row.started_at);
    assert.deepEqual((await readAudit(scene.sql, ids.runId)).map(({ action }) => action), ['backup.run.failed', 'backup.run.completed']);
  });

  test("honours the URL's schema for its own tables, and dumps the whole database", async (t) => {
    const scene = await open(t, { schema: 'weave "stream", é' });
    await scene.start();
    const ids = await scene.runNow();
    const before = await rowCounts(scene.sql);
    const { row } = await assertSucceeded(scene, ids);
    const restored = await servers.postgres.restore(row.dump_path, `${scene.database}_restored`);
    assert.deepEqual(await rowCounts(restored), before);
    await restored.end();
  });

  test('never overwrites: names that are taken stay as they are, and the next free one is chosen', async (t) => {
    const scene = await open(t);
    const taken = Array.from({ length: 60 }, (_, second) => `weavestream-postgres-${new Date(Date.now() + second * 1000).toISOString().slice(0, 19).replaceAll(':', '-')}Z`);
    const others = taken.flatMap((name, index) => (index % 2 === 0 ? [`${name}.dump`, `${name}-2.dump`] : [`${name}.manifest.json`]));
    for (const name of others) writeFileSync(join(scene.storage, name), 'somebody else’s');
    await scene.start();
    const { done, row } = await assertSucceeded(scene, await scene.runNow());
    assert.match(done.returnvalue.filename, /Z-[23]\.dump$/);
    assert.match(done.returnvalue.filename, apiPattern);
    assert.equal(row.manifest_path, row.dump_path.replace(/\.dump$/, '.manifest.json'));
    for (const name of others) assert.equal(readFileSync(join(scene.storage, name), 'utf8'), 'somebody else’s');
    assert.equal(scene.files().length, others.length + 2);
  });

  test('two runs one after the other leave two dumps of different names', async (t) => {
    const scene = await open(t);
    await scene.start();
    const first = await scene.runNow();
    const second = await scene.runNow({ configId: first.configId });
    const names = [await assertSucceeded(scene, first), await assertSucceeded(scene, second)].map(({ done }) => done.returnvalue.filename);
    assert.notEqual(names[0], names[1]);
    assert.deepEqual(scene.dumps(), names.sort());
  });

  test('makes the backup directory if need be, and takes a relative one from the working directory', async (t) => {
    const scene = await open(t);
    const cwd = temporaryFolder('working directory');
    await scene.start({ cwd, env: { BACKUP_STORAGE_DIR: './data/backup' } });
    const { row } = await assertSucceeded(scene, await scene.runNow());
    assert.equal(dirname(row.dump_path), join(cwd, 'data/backup'));
  });

  test('takes a relative backup directory from the root of the workspace that it is started in', async (t) => {
    const scene = await open(t);
    const root = temporaryFolder('workspace');
    writeFileSync(join(root, 'pnpm-workspace.yaml'), 'packages: []\n');
    mkdirSync(join(root, 'apps/worker'), { recursive: true });
    await scene.start({ cwd: join(root, 'apps/worker'), env: { BACKUP_STORAGE_DIR: undefined } });
    const { row } = await assertSucceeded(scene, await scene.runNow());
    assert.equal(dirname(row.dump_path), join(root, 'data/backup'));
  });

  test('tidies up after dead runs: their rows and their temporary files, but none that a Node worker may be writing', async (t) => {
    const scene = await open(t);
    const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000);
    const put = (name, changed) => {
      writeFileSync(join(scene.storage, name), 'half a dump');
      utimesSync(join(scene.storage, name), changed, changed);
      return name;
    };
    const fresh = put('.weavestream-postgres-2026-01-01T00-00-00Z.dump.tmp', minutesAgo(1));
    put('.weavestream-postgres-2025-01-01T00-00-00Z.dump.tmp', minutesAgo(31));
    const foreign = [put('.weavestream-postgres-notes.tmp', minutesAgo(1000)), put('.other.tmp', minutesAgo(1000))];
    const ids = await scene.runNow();
    const dead = await insertRun(scene.sql, { config_id: ids.configId, kind: 'SCHEDULED', status: 'running', started_at: minutesAgo(60) });
    const queued = await insertRun(scene.sql, { config_id: ids.configId });
    await scene.start();
    const done = await untilState(scene.queue, ids.job, 'completed');
    assert.deepEqual(scene.files(), [fresh, ...foreign, done.returnvalue.filename, done.returnvalue.filename.replace(/dump$/, 'manifest.json')].sort());
    const row = await readRun(scene.sql, dead);
    assert.equal(row.status, 'failed');
    assert.equal(row.error, abandoned);
    assert.deepEqual((await readAudit(scene.sql, dead)).map(({ action, after }) => ({ action, after })),
      [{ action: 'backup.run.failed', after: { configId: ids.configId, error: abandoned } }]);
    assert.equal((await readRun(scene.sql, queued)).status, 'queued', 'one that waits is none of its business');
  });

  test('logs one JSON object a line, from both programs', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: { LOG_LEVEL: 'trace' } });
    await assertSucceeded(scene, await scene.runNow());
    await worker.stop();
    assert.equal(worker.lines.length, worker.events.length, worker.stderr());
    for (const line of worker.events) {
      assert.ok(!Number.isNaN(Date.parse(line.time)), line.time);
      assert.ok(['trace', 'debug', 'info', 'warn', 'error', 'fatal'].includes(line.level), line.level);
      assert.equal(typeof line.event, 'string');
    }
    assert.deepEqual(new Set(worker.events.map(({ program }) => program)), new Set(['weavestream-backup', 'weavestream-backup-job']));
    assert.equal(worker.stdout, '');
  });

  test('keeps its dump if the audit row cannot be written', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`CREATE TRIGGER no_more BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only()`);
    await scene.start();
    const ids = await scene.runNow();
    await assertSucceeded(scene, ids);
    assert.deepEqual(await readAudit(scene.sql, ids.runId), []);
    assert.ok((await scene.queue.getJobLogs(ids.job.id)).logs.some((line) => /audit row was not written/.test(line)));
  });
});

describe('an invalid payload fails at once, is not tried again, and the next job is done', () => {
  const id = randomUUID();
  for (const [what, data, reason] of [
    ['no JSON', Buffer.from('{"kind":"run","configId'), /^Invalid backup job payload: it is not JSON: ./],
    ['no object', 'run', /^Invalid backup job payload: it is not an object$/],
    ['a wrong kind', { kind: 'restore', configId: id }, /^Invalid backup job payload: 'kind' is "restore", not "run" or "prune"$/],
    ['a kind that is no text', { kind: 7, configId: id }, /^Invalid backup job payload: 'kind' is not a string$/],
    ['no config', { kind: 'run' }, /^Invalid backup job payload: 'configId' is missing$/],
    ['a malformed config', { kind: 'run', configId: `${id}'; --` }, /^Invalid backup job payload: 'configId' is not a UUID$/],
    ['a malformed row', { kind: 'run', configId: id, backupRunId: 'latest' }, /^Invalid backup job payload: 'backupRunId' is not a UUID$/],
    ['10 MB', { kind: 'run', configId: id, padding: 'x'.repeat(10 * 1024 * 1024) }, /^Invalid backup job payload: it is larger than \d+ KB$/],
    ['no kind and another name', { configId: id }, /^Invalid backup job payload: 'kind' is missing, and the job's name is not 'run' or 'prune'$/],
  ]) {
    test(what, async (t) => {
      const scene = await open(t);
      const isRaw = Buffer.isBuffer(data);
      const name = what.endsWith('another name') ? 'restore' : 'run';
      const bad = await scene.queue.add(name, isRaw ? {} : data, { attempts: 3 });
      if (isRaw) await scene.client.hset(`bull:backup:${bad.id}`, 'data', data);
      const good = await scene.runNow();
      const worker = await scene.start();
      await assertSucceeded(scene, good);
      // bullmq's getters cannot read data that is no JSON.
      const [failedReason, attemptsMade] = await scene.client.hmget(`bull:backup:${bad.id}`, 'failedReason', 'atm');
      assert.match(failedReason, reason);
      assert.equal(attemptsMade, '1');
      assert.ok((await scene.client.zscore('bull:backup:failed', bad.id)) !== null);
      assert.equal((await scene.rows()).length, 1, 'it made no row');
      assert.ok(worker.isRunning());
    });
  }
});

describe('secrets', () => {
  /* As they are, and as they would stand in a URL, in JSON, in a connection string or in a password file. */
  const forms = [password, redisPassword].flatMap((secret) => [
    secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), secret.replace(/[\\']/g, '\\$&'), secret.replace(/[\\:]/g, '\\$&'),
  ]);

  function assertNoSecret(text, where) {
    for (const form of forms) assert.ok(!text.includes(form), `a password stands in ${where}`);
  }

  async function everythingInRedis(client) {
    const found = [];
    for (const key of await client.keys('*')) {
      const type = await client.type(key);
      const content = await {
        string: () => client.get(key), hash: () => client.hgetall(key), list: () => client.lrange(key, 0, -1), set: () => client.smembers(key),
        zset: () => client.zrange(key, 0, -1), stream: () => client.xrange(key, '-', '+'),
      }[type]();
      found.push([key, typeof content === 'string' ? content : Object.entries(content).flat(Infinity)].flat(Infinity).join('\n'));
    }
    return found.join('\n');
  }

  test('no password is seen during a dump or after it: not in arguments, logs, Redis, rows or files', async (t) => {
    const scene = await open(t);
    const key = Buffer.alloc(32, 9).toString('base64');
    const worker = await scene.start({ env: { LOG_LEVEL: 'trace', SMTP_SECRET_KEY: key, SMTP_PREVIOUS_KEYS: `old:${key}`, PGPASSWORD: 'pg secret', PGOPTIONS: '-c application_name=x' } });
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    const processes = [lookAt(worker.pid), ...worker.descendants()];
    assert.ok(processes.some(({ cmdline }) => /pg_dump.*--format=custom/.test(cmdline)));
    for (const { pid, cmdline } of processes) {
      assertNoSecret(Buffer.from(cmdline, 'latin1').toString(), `the arguments of process ${pid}`);
      assertNoSecret(cmdline, `the arguments of process ${pid}`);
    }

    const dump = processes.find(({ cmdline }) => /pg_dump.*--format=custom/.test(cmdline));
    const environment = readFileSync(`/proc/${dump.pid}/environ`, 'utf8').split('\0').filter(Boolean);
    assert.ok(environment.length > 0);
    const names = environment.map((entry) => entry.split('=')[0]);
    assert.deepEqual(names.filter((name) => /^(DATABASE_URL|REDIS_|SMTP_|BACKUP_|PGPASSWORD)/.test(name)), []);
    assertNoSecret(environment.join('\n'), "pg_dump's environment");
    for (const secret of [key, 'pg secret']) assert.ok(!environment.join('\n').includes(secret));
    assertNoSecret(await everythingInRedis(scene.client), 'Redis');

    await release();
    const { row } = await assertSucceeded(scene, ids);
    await untilState(scene.queue, `prune-${ids.runId}`, 'completed');
    const { logs } = await scene.queue.getJobLogs(ids.job.id);
    assert.ok(logs.length > 0);
    assertNoSecret(logs.join('\n'), "the job's log");
    const inRedis = await everythingInRedis(scene.client);
    assert.ok(inRedis.includes(row.manifest.sha256));
    assertNoSecret(inRedis, 'Redis');
    assert.ok(worker.lines.length > 4);
    assertNoSecret(worker.stderr() + worker.stdout, "the worker's log");
    assertNoSecret(JSON.stringify([await scene.rows(), await readAudit(scene.sql, ids.runId)]), 'Postgres');
    assertNoSecret(readFileSync(row.manifest_path, 'utf8'), 'the manifest');
  });

  test('no password is seen in a failure', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({
      // As libpq's own messages: whatever it was given, thrown back.
      env: { LOG_LEVEL: 'trace', ...programs({ pg_dump: 'case $1 in --version) exec pg_dump --version ;; esac; echo "$@" >&2; env >&2; exit 1' }) },
    });
    const { failed } = await assertFailed(scene, await scene.runNow(), /^pg_dump: exit status 1: /);
    assertNoSecret(failed.failedReason, 'the reason');
    assertNoSecret(await everythingInRedis(scene.client), 'Redis');
    assertNoSecret(worker.stderr(), "the worker's log");
  });
});
