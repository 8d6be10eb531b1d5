/* What becomes of a run whose process dies, or cannot write down its end: the row tells the truth, nothing is left, and people are told once. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { scheduledRun, untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { executable, openScene, shell } from './support/scene.mjs';
import { insertConfig, insertRun, readAudit, readRun } from './support/schema.mjs';
import { setMail, startScript, startSmtp } from './support/smtp.mjs';
import { eventually } from './support/wait.mjs';
import { startWeb } from './support/web.mjs';
import { jobProgram, run } from './support/worker.mjs';

const newest = versions['6.7.0'];
const notify = { notify_emails: ['a@example.com'] };
const killed = 'the job process was killed by SIGKILL without a verdict';
const untold = JSON.stringify({ untold: true });
const kinds = ['manual', 'scheduled'];

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres({ extraConf: ['max_connections = 200'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

/* A scene whose mails are counted. */
async function open(t, options = {}) {
  const scene = await openScene(t, { redis, postgres, bullmq: newest, ...options });
  const server = await startSmtp(t, { secure_mode: 'NONE' });
  await server.settings(scene.sql);
  return Object.assign(scene, { server });
}

/* Who is told by HTTP. */
async function tellWeb(t, scene) {
  const web = await startWeb(t);
  Object.assign(scene.environment, { BACKUP_PING_URL: `${web.url}/ping`, BACKUP_WEBHOOK_URL: `${web.url}/hook` });
  return web;
}

const calls = (web) => web.requests.map(({ method, path }) => `${method} ${path}`);

/* A run of either kind. */
async function begin(scene, kind, options = {}) {
  if (kind === 'manual') return scene.runNow({ ...notify, options });
  const configId = await insertConfig(scene.sql, notify);
  return { configId, job: await scheduledRun(scene.queue, { configId }, options) };
}

const jobProcess = (worker) => worker.descendants().find(({ ppid, cmdline }) => ppid === worker.pid && !/ (recover|ledger)$/.test(cmdline));

async function killJobProcess(worker) {
  const victim = jobProcess(worker);
  process.kill(victim.pid, 'SIGKILL');
  await untilGone(victim);
}

/* A dump that cannot be read back: that may be better the next time. */
const cutDump = () => ({
  PATH: `${dirname(executable(`#!/bin/sh
PATH='${process.env.PATH}'
pg_dump "$@" || exit
for argument in "$@"; do case $argument in --file=*) truncate -s -2000 "\${argument#--file=}" ;; esac; done
`, 'pg_dump'))}:${process.env.PATH}`,
});

const untilDumping = (scene) => eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
/* The phase is what the job last said of its progress. */
const untilDumpIsReported = async (scene, job) => {
  await untilDumping(scene);
  await eventually(async () => (await scene.queue.getJob(job.id)).progress.phase === 'dump', { what: 'the job to report its dump' });
};
const untilRecovered = (worker) => worker.waitForEvent('recovery completed');

/* Row and audit say so, one mail did (or in other words), and nothing is left. */
async function assertFailed(scene, id, reason, told = null) {
  const row = await eventually(async () => {
    const now = await readRun(scene.sql, id);
    return now?.status === 'failed' && now.manifest === null ? now : null;
  }, { what: 'the row to be failed, and told' });
  assert.match(row.error, reason);
  assert.ok(Math.abs(row.finished_at - Date.now()) < 60_000);
  assert.deepEqual((await readAudit(scene.sql, id)).map(({ action, after: { error } }) => [action, error]), [['backup.run.failed', row.error]]);
  const mails = await scene.server.received(1);
  assert.equal(mails.length, 1);
  assert.ok(mails[0].body.includes(`Error: ${told ?? row.error}\n`), mails[0].body);
  assert.deepEqual(scene.files(), []);
}

async function assertNothingHeld({ sql }) {
  await eventually(async () => (await sql.query(`SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND datname = current_database()`)).rowCount === 0,
    { what: 'no advisory lock to be held' });
}

/* Holds a run where its dump is published and its row is not yet: `job process` waits for the row. Hands back what lets the row go. */
async function holdRow(scene, id, server = postgres) {
  const holder = await server.client(scene.database);
  await holder.query('BEGIN');
  await holder.query('SELECT FROM backup_run WHERE id = $1 FOR UPDATE', [id]);
  return async () => {
    await holder.query('ROLLBACK');
    await holder.end();
  };
}

/* Hands back who waits: a Postgres process. */
async function untilWaitingForRow(scene) {
  await eventually(() => scene.dumps().length === 1, { what: 'the dump to be published' });
  const waiting = `FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'UPDATE backup_run%' AND wait_event_type = 'Lock'`;
  const { pid } = await eventually(async () => (await scene.sql.query(`SELECT pid ${waiting}`)).rows[0], { what: 'the row to be waited for' });
  return pid;
}

/* Kills the job process between publishing its dump and writing its row. */
async function killAfterPublication(scene, worker) {
  await untilDumping(scene);
  const [{ id }] = await scene.rows();
  const releaseRow = await holdRow(scene, id);
  await scene.releaseDump();
  const pid = await untilWaitingForRow(scene);
  await killJobProcess(worker);
  await eventually(async () => (await scene.sql.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 0, { what: 'the dead session to be gone' });
  await releaseRow();
  return id;
}

async function assertSucceeded(scene, id) {
  const row = await eventually(async () => {
    const now = await readRun(scene.sql, id);
    return now.status === 'success' ? now : null;
  }, { what: 'the row to be a success' });
  assert.deepEqual(scene.dumps(), [row.dump_path.split('/').pop()]);
  assert.deepEqual(row.manifest, JSON.parse(readFileSync(row.manifest_path, 'utf8')));
  assert.equal(row.manifest.backupRunId, id);
  assert.equal(row.size_bytes, statSync(row.dump_path).size);
  await eventually(async () => (await readAudit(scene.sql, id)).map(({ action }) => action).join() === 'backup.run.completed', { what: 'the audit to say so' });
  return row;
}

/* They mostly wait. */
describe('recovery', { concurrency: 6 }, () => {
  test('a run that cannot write down its failure, because Postgres is away: the monitor hears at once, people when Postgres is back, nobody twice', async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const scene = await open(t, { postgres: server });
    const web = await tellWeb(t, scene);
    const told = ['GET /ping/start', 'POST /hook', 'POST /ping/fail'];
    const worker = await scene.start();
    await scene.holdDumps();
    const { job } = await begin(scene, 'scheduled');
    await untilDumping(scene);
    const [{ id }] = await scene.rows();
    await holdRow(scene, id, server); // of its sessions, that of pg_dump may be ended first
    await server.restart('immediate', {
      whileDown: async () => {
        await untilState(scene.queue, job, 'failed', { timeout: 60_000 });
        await worker.waitForEvent('recovery failed');
        assert.deepEqual(calls(web), told);
      },
    });
    const sql = await server.client(scene.database);
    await eventually(async () => (await readRun(sql, id)).status === 'failed', { timeout: 90_000, what: 'the row to be closed' });
    await assertFailed({ ...scene, sql }, id, /^interrupted: pg_dump: /);
    await untilRecovered(worker);
    assert.deepEqual(calls(web), told);
  });

  test('a run that cannot write down its success, because Postgres goes away: nobody hears of a failure, and of the success when Postgres is back', async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const scene = await open(t, { postgres: server });
    const web = await tellWeb(t, scene);
    const worker = await scene.start({ env: { BACKUP_AFTER_SUCCESS: 'touch "$SCENE/ran"' } });
    const release = await scene.holdDumps();
    const { runId, job } = await begin(scene, 'manual');
    await untilDumping(scene);
    const releaseRow = await holdRow(scene, runId, server);
    await release();
    await untilWaitingForRow(scene);
    await server.restart('immediate', {
      whileDown: async () => {
        assert.match((await untilState(scene.queue, job, 'failed', { timeout: 60_000 })).failedReason, /^the dump is in place as '.*', but its row could not be written: /);
        await worker.waitForEvent('recovery failed');
        assert.deepEqual(calls(web), ['GET /ping/start']);
      },
    });
    await releaseRow().catch(() => {});
    const sql = await server.client(scene.database);
    await eventually(async () => (await readRun(sql, runId)).status === 'success', { timeout: 90_000, what: 'the row to be closed' });
    await untilRecovered(worker);
    const { manifest } = await assertSucceeded({ ...scene, sql }, runId);
    assert.deepEqual(calls(web), ['GET /ping/start', 'POST /hook', 'GET /ping']);
    const { event, file, sha256, verified, afterSuccess } = JSON.parse(web.requests[1].body);
    assert.deepEqual({ event, file, sha256, verified }, { event: 'backup.completed', file: manifest.filename, sha256: manifest.sha256, verified: 'full' });
    assert.match(afterSuccess, /^BACKUP_AFTER_SUCCESS was not run: /);
    assert.ok((await scene.server.received(1))[0].body.includes(afterSuccess));
  });

  describe('a job process that is killed', { concurrency: 4 }, () => {
    for (const kind of kinds) {
      test(`in mid-dump, ${kind}: its row is closed and told at once`, async (t) => {
        const scene = await open(t);
        const worker = await scene.start();
        const release = await scene.holdDumps();
        const { job } = await begin(scene, kind);
        await untilDumpIsReported(scene, job);
        const [{ id }] = await scene.rows();
        await killJobProcess(worker);
        assert.equal((await untilState(scene.queue, job, 'failed')).failedReason, killed);
        await assertFailed(scene, id, new RegExp(`^interrupted: ${killed}, in phase 'dump'$`));
        await untilRecovered(worker);
        await release();
        await assertNothingHeld(scene);
      });

      test(`in mid-dump, ${kind}, with another attempt to come: that one is the end of it, and nobody hears of the first`, async (t) => {
        const scene = await open(t);
        const worker = await scene.start();
        const release = await scene.holdDumps();
        const { job } = await begin(scene, kind, { attempts: 2, backoff: 1500 });
        await untilDumpIsReported(scene, job);
        const [{ id }] = await scene.rows();
        await killJobProcess(worker);
        await untilRecovered(worker);
        assert.equal((await readRun(scene.sql, id)).error, `interrupted: ${killed}, in phase 'dump'`);
        assert.deepEqual(scene.files(), []);
        await release();
        const { returnvalue } = await untilState(scene.queue, job, 'completed');
        const rows = await scene.rows();
        assert.deepEqual(rows.map(({ status, manifest }) => [status, manifest?.untold]), kind === 'manual' ? [['success', undefined]] : [['failed', undefined], ['success', undefined]]);
        assert.equal(returnvalue.backupRunId, rows.at(-1).id);
        assert.equal(scene.dumps().length, 1);
        assert.deepEqual(scene.server.mails, []);
      });

      test(`between publishing its dump and writing its row, ${kind}: the row is a success`, async (t) => {
        const scene = await open(t);
        const worker = await scene.start();
        scene.releaseDump = await scene.holdDumps();
        const { job } = await begin(scene, kind);
        const id = await killAfterPublication(scene, worker);
        await untilState(scene.queue, job, 'failed');
        await assertSucceeded(scene, id);
        await untilRecovered(worker);
        assert.deepEqual(scene.server.mails, []);
        await assertNothingHeld(scene);
      });

      test(`there, ${kind}, with another attempt to come: that one makes no second dump`, async (t) => {
        const scene = await open(t);
        const worker = await scene.start();
        scene.releaseDump = await scene.holdDumps();
        const { job } = await begin(scene, kind, { attempts: 2, backoff: 500 });
        const id = await killAfterPublication(scene, worker);
        const { returnvalue, attemptsMade } = await untilState(scene.queue, job, 'completed');
        const { manifest } = await assertSucceeded(scene, id);
        assert.deepEqual([returnvalue.backupRunId, returnvalue.filename, returnvalue.sha256, attemptsMade], [id, manifest.filename, manifest.sha256, 2]);
        assert.equal((await scene.rows()).length, 1);
      });

      test(`before it has a session, ${kind}: there is a failed row nevertheless`, async (t) => {
        const scene = await open(t);
        let connections = 0;
        const sockets = new Set();
        const proxy = createServer((socket) => {
          connections++;
          sockets.add(socket);
          socket.on('error', () => {});
        });
        await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
        t.after(() => {
          for (const socket of sockets) socket.destroy();
          proxy.close();
        });
        const silent = scene.environment.DATABASE_URL.replace(`:${postgres.port}/`, `:${proxy.address().port}/`);
        const worker = await scene.start({ env: { DATABASE_URL: silent }, args: ['--recovery', `DATABASE_URL='${scene.environment.DATABASE_URL.replaceAll("'", "'\\''")}' exec ${jobProgram} recover`] });
        const { job } = await begin(scene, kind);
        await eventually(() => connections === 1, { what: 'the job process to wait for Postgres' });
        await killJobProcess(worker);
        await untilState(scene.queue, job, 'failed');
        await untilRecovered(worker);
        const rows = await scene.rows();
        assert.deepEqual(rows.map(({ kind: ofRow }) => ofRow), [kind.toUpperCase()]);
        await assertFailed(scene, rows[0].id, new RegExp(`^${killed}$`));
      });
    }

    test('while it tells of a failure: somebody else tells it', async (t) => {
      const scene = await open(t);
      const deaf = await startScript(t, ['220 hello', null]);
      await setMail(scene.sql, { port: deaf.port });
      const worker = await scene.start({ env: { PATH: temporaryFolder('empty') } });
      const { runId, job } = await scene.runNow(notify);
      await eventually(() => deaf.sockets.size === 1, { what: 'the mail server to be called' });
      assert.deepEqual((await readRun(scene.sql, runId)).manifest, { untold: true });
      await scene.server.settings(scene.sql);
      await killJobProcess(worker);
      await untilState(scene.queue, job, 'failed');
      await assertFailed(scene, runId, /^pg_dump: No such file or directory/);
    });

    test('after it has told: nobody tells again', async (t) => {
      const scene = await open(t);
      const program = shell(`printf '%s' "$job" | PATH=/nowhere ${jobProgram}; kill -9 $$`);
      const worker = await scene.start({ program, args: ['--recovery', `exec ${jobProgram} recover`] });
      const { runId, job } = await scene.runNow(notify);
      assert.match((await untilState(scene.queue, job, 'failed')).failedReason, /^pg_dump: /);
      await untilRecovered(worker);
      await assertFailed(scene, runId, /^pg_dump: /);
    });

    test('while another run has the lock: its own row is closed, and the other goes on', async (t) => {
      const scene = await open(t);
      const worker = await scene.start({ args: ['--concurrency', '2'] });
      const release = await scene.holdDumps();
      const first = await scene.runNow(notify);
      await untilDumping(scene);
      const before = jobProcess(worker).pid;
      const second = await scene.runNow({ configId: first.configId });
      await worker.waitForEvent('waiting for the backup lock');
      process.kill(worker.descendants().find(({ ppid, pid }) => ppid === worker.pid && pid !== before).pid, 'SIGKILL');
      await untilState(scene.queue, second.job, 'failed');
      await untilRecovered(worker);
      assert.equal((await readRun(scene.sql, second.runId)).error, killed);
      assert.equal((await scene.server.received(1)).length, 1);
      await release();
      await untilState(scene.queue, first.job, 'completed');
      assert.equal(scene.dumps().length, 1);
    });
  });

  describe('a job that fails without a process', () => {
    for (const status of ['queued', 'running']) {
      test(`has its ${status} row closed, and told`, async (t) => {
        const scene = await open(t);
        const { runId, job } = await scene.runNow({ ...notify, row: { status, ...(status === 'running' ? { started_at: new Date(Date.now() - 60_000) } : {}) } });
        await scene.client.hset(`bull:backup:${job.id}`, 'defa', 'job stalled more than allowable limit');
        await scene.start();
        await untilState(scene.queue, job, 'failed');
        await assertFailed(scene, runId, status === 'queued' ? /^job stalled more than/ : /^interrupted: job stalled more than/);
      });
    }

    test('has no row of its own yet, being scheduled: one is made, failed, and told', async (t) => {
      const scene = await open(t);
      const { configId, job } = await begin(scene, 'scheduled');
      await scene.client.hset(`bull:backup:${job.id}`, 'defa', 'job stalled more than allowable limit');
      await scene.start();
      await untilState(scene.queue, job, 'failed');
      const [row] = await eventually(async () => (await scene.rows()).length === 1 && scene.rows(), { what: 'a row' });
      assert.deepEqual([row.kind, row.config_id], ['SCHEDULED', configId]);
      await assertFailed(scene, row.id, /^job stalled more than allowable limit$/);
    });
  });

  test('a failure whose backoff nobody knows is the last one, and told', async (t) => {
    const scene = await open(t);
    await scene.start({ env: cutDump() });
    const { runId, job } = await scene.runNow({ ...notify, options: { attempts: 3, backoff: { type: 'mine' } } });
    await untilState(scene.queue, job, 'failed');
    await assertFailed(scene, runId, /could not be read back/);
  });

  describe('a row that says `running` while its dump is in place, as after a restore of a dump that holds its own run', { concurrency: 4 }, () => {
    /* A finished run whose row has forgotten all of it. */
    async function forgetful(t, options) {
      const scene = await open(t, options);
      const worker = await scene.start();
      const { runId, job } = await scene.runNow();
      await untilState(scene.queue, job, 'completed');
      await untilState(scene.queue, `prune-${runId}`, 'completed');
      await worker.stop();
      await scene.sql.query(`UPDATE backup_run SET status = 'running', finished_at = NULL, size_bytes = NULL, manifest = NULL, dump_path = NULL, manifest_path = NULL`);
      await scene.sql.query('ALTER TABLE audit_log DISABLE TRIGGER ALL; DELETE FROM audit_log');
      return { scene, runId, file: join(scene.storage, scene.dumps()[0]) };
    }

    test('is closed from its manifest by the next run', async (t) => {
      const { scene, runId } = await forgetful(t);
      await scene.start();
      const { job } = await scene.runNow();
      await untilState(scene.queue, job, 'completed');
      const row = await readRun(scene.sql, runId);
      assert.equal(row.status, 'success');
      assert.equal(scene.dumps().length, 2);
    });

    for (const repair of ['missing', 'off']) {
      test(`is closed from its manifest when a worker starts, with BACKUP_SCHEDULE_REPAIR=${repair}`, async (t) => {
        const { scene, runId } = await forgetful(t);
        const worker = await scene.start({ ledger: true, env: { BACKUP_SCHEDULE_REPAIR: repair } });
        await assertSucceeded(scene, runId);
        await eventually(async () => (await scene.queue.getJobSchedulersCount()) === (repair === 'off' ? 0 : 1), { what: 'the schedule to be as the setting says' });
        assert.deepEqual(worker.named('schedule repaired').length, repair === 'off' ? 0 : 1);
      });
    }

    for (const [what, spoil] of [
      ['shorter', (file) => writeFileSync(file, readFileSync(file).subarray(1))],
      ['another', (file) => { const bytes = readFileSync(file); bytes[bytes.length >> 1] ^= 1; writeFileSync(file, bytes); }],
    ]) {
      test(`is failed if the dump is ${what} than its manifest says`, async (t) => {
        const { scene, runId, file } = await forgetful(t);
        spoil(file);
        const worker = await scene.start({ ledger: true });
        await worker.waitForEvent('dump does not match its manifest');
        await eventually(async () => (await readRun(scene.sql, runId)).error === 'interrupted: the worker died during the backup', { what: 'the row to be failed' });
      });
    }
  });

  describe('when a worker starts', () => {
    test('rows and temporary files of dead runs are tidied away, and told', async (t) => {
      const scene = await open(t);
      const configId = await insertConfig(scene.sql, notify);
      const id = await insertRun(scene.sql, { config_id: configId, status: 'running', started_at: new Date(Date.now() - 300_000) });
      const draft = join(scene.storage, '.weavestream-postgres-2026-01-01T00-00-00Z-1.dump.tmp');
      writeFileSync(draft, 'half a dump');
      utimesSync(draft, new Date(0), new Date(0));
      await scene.start({ ledger: true, env: { BACKUP_SCHEDULE_REPAIR: 'off' } });
      await eventually(async () => (await readRun(scene.sql, id)).status === 'failed', { what: 'the row to be closed' });
      assert.equal((await scene.server.received(1)).length, 1);
      await eventually(() => scene.files().join() === '.weavestream-backup-ledger.json', { what: 'the temporary file to be gone' });
      assert.equal((await readRun(scene.sql, id)).error, 'interrupted: the worker died during the backup');
    });

    test('a row whose dump is gone is reported, once', async (t) => {
      const scene = await open(t);
      const configId = await insertConfig(scene.sql, { enabled: false });
      const path = join(scene.storage, 'weavestream-postgres-2026-01-01T00-00-00Z.dump');
      await insertRun(scene.sql, { config_id: configId, status: 'success', started_at: new Date(), dump_path: path, size_bytes: 7 });
      const input = JSON.stringify({ now: Date.now(), complete: true, schedulers: [], jobs: [] });
      const look = async () => (await run(['ledger'], { binary: jobProgram, env: scene.environment, input })).stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line));
      const told = (await look()).filter(({ event }) => event === 'dumps are missing');
      assert.deepEqual(told.map(({ level, count, first }) => [level, count, first]), [['warn', 1, path.split('/').pop()]]);
      assert.deepEqual((await look()).map(({ event }) => event), []);
    });

    test('failures that nobody was told of are told, unless a job goes on with them or a later run has made them good', async (t) => {
      const scene = await open(t);
      const config = () => insertConfig(scene.sql, { ...notify, enabled: false });
      const row = { status: 'failed', error: 'it was cut short', manifest: untold, finished_at: new Date(Date.now() - 300_000), created_at: new Date(Date.now() - 600_000) };
      const [lost, waits, good] = [await config(), await config(), await config()];
      const toBeTold = await insertRun(scene.sql, { ...row, config_id: lost });
      const goesOn = await insertRun(scene.sql, { ...row, config_id: waits });
      const madeGood = await insertRun(scene.sql, { ...row, config_id: good, kind: 'SCHEDULED' });
      await insertRun(scene.sql, { config_id: good, status: 'success', started_at: new Date() });
      await scene.queue.add('run', { kind: 'run', configId: waits, backupRunId: goesOn }, { delay: 3_600_000 });
      await scene.start({ ledger: true });
      for (const id of [toBeTold, madeGood]) await eventually(async () => (await readRun(scene.sql, id)).manifest === null, { what: 'the mark to be taken off' });
      assert.deepEqual((await readRun(scene.sql, goesOn)).manifest, { untold: true });
      const mails = await scene.server.received(1);
      assert.equal(mails.length, 1);
      assert.match(mails[0].body, /it was cut short/);
    });
  });

  describe('the backup lock', { concurrency: 2 }, () => {
    test('taken by somebody else while the session was lost: the run fails, and its dump is not published', async (t) => {
      const scene = await open(t);
      const worker = await scene.start();
      const release = await scene.holdDumps();
      const { runId, job } = await scene.runNow(notify);
      await untilDumping(scene);
      await scene.sql.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'weavestream-backup run'`);
      const other = await insertRun(scene.sql, { config_id: (await readRun(scene.sql, runId)).config_id });
      const recovery = await run(['recover'], { binary: jobProgram, env: scene.environment, input: JSON.stringify({ name: 'prune', failure: { reason: 'as if' } }) });
      assert.match(recovery.stdout, /"completed"/);
      assert.equal((await readRun(scene.sql, runId)).error, 'interrupted: the worker died during the backup');
      assert.equal((await readRun(scene.sql, other)).status, 'queued');
      await release();
      const { failedReason } = await untilState(scene.queue, job, 'failed');
      assert.match(failedReason, /the row is no longer this run's: somebody else has closed it/);
      assert.equal(worker.named('session lost').length, 1);
      await assertFailed(scene, runId, /^interrupted: the worker died during the backup$/, failedReason);
    });

    for (const [application, advice] of [['psql', /that application is not known to make backups, .*pg_terminate_backend\(\d+\)/], ['', null]]) {
      test(`held by '${application}': the refusal says who has it, in the log, the job's log and the mail`, async (t) => {
        const scene = await open(t);
        await scene.takeBackupLock(application);
        const worker = await scene.start();
        const { job } = await scene.runNow(notify);
        await untilState(scene.queue, job, 'failed');
        const who = new RegExp(`Another backup is already running for this instance\\. \\(the backup lock is held by Postgres process \\d+ \\('${application}', connected for \\d+ s\\)`);
        const mail = (await scene.server.received(1))[0].body.replace(/\n/g, ' ');
        const { logs } = await scene.queue.getJobLogs(job.id);
        for (const text of [mail, logs.join(' ')]) {
          assert.match(text, who);
          assert.equal(/pg_terminate_backend/.test(text), advice !== null, text);
        }
        assert.match(mail, /Error: concurrent/);
        assert.match(worker.named('concurrent')[0].advice, advice ?? /^$/);
      });
    }
  });

  test('what is no job with its failure is refused', async (t) => {
    const scene = await open(t);
    for (const input of ['', '{}', '{"name":"run"}', '[1]', 'no JSON']) {
      const { code, stdout } = await run(['recover'], { binary: jobProgram, env: scene.environment, input });
      assert.equal(code, 0);
      assert.match(JSON.parse(stdout).reason, /^standard input is no job with its failure: /, input);
    }
  });
});
