/* The `run` job, and each thing that can go wrong on the way: what its row, its job and the disk say then. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { runNow, untilState } from './support/bullmq.mjs';
import { password, startPostgres } from './support/postgres.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { assertFailed, assertSucceeded, useServers } from './support/runs.mjs';
import { executable, programs } from './support/scene.mjs';
import { insertConfig, insertRun, readAudit, readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

const { servers, open } = useServers();

describe('a run fails with the reason in row, job and audit, and leaves no file', () => {
  test('when pg_dump is missing', async (t) => {
    const scene = await open(t);
    const PATH = temporaryFolder('empty');
    await scene.start({ env: { PATH } });
    const { failed } = await assertFailed(scene, await scene.runNow(), /^pg_dump: No such file or directory \(is the PostgreSQL client installed\?/);
    assert.ok(failed.failedReason.includes(PATH));
  });

  test('when pg_restore is missing', async (t) => {
    const scene = await open(t);
    const PATH = dirname(executable(`#!/bin/sh\nPATH='${process.env.PATH}' exec pg_dump "$@"\n`, 'pg_dump'));
    await scene.start({ env: { PATH } });
    await assertFailed(scene, await scene.runNow(), /pg_restore: No such file or directory/);
  });

  test('when pg_dump is killed', async (t) => {
    const scene = await open(t);
    const worker = await scene.start();
    await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    assert.equal(scene.files().length, 1, 'there is a temporary file');
    const [dump] = worker.descendants().filter(({ cmdline }) => /pg_dump/.test(cmdline));
    process.kill(dump.pid, 'SIGKILL');
    await assertFailed(scene, ids, /^pg_dump: killed by SIGKILL: /);
  });

  test("when pg_dump refuses the server's version", async (t) => {
    // The real pg_dump, and a server that says it is the next major version.
    const ours = (await servers.postgres.psql('SHOW server_version')).split('.')[0];
    const from = Buffer.from(`server_version\0${ours}.`);
    const to = Buffer.from(`server_version\0${Number(ours) + 1}.`);
    const proxy = createServer((client) => {
      const server = connect(servers.postgres.port, '127.0.0.1');
      client.pipe(server);
      server.on('data', (bytes) => {
        const at = bytes.indexOf(from);
        if (at >= 0) to.copy(bytes, at);
        client.write(bytes);
      });
      for (const [one, other] of [[client, server], [server, client]]) one.on('close', () => other.destroy()).on('error', () => other.destroy());
    });
    await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
    t.after(() => proxy.close());
    const scene = await open(t);
    await scene.start({ env: { DATABASE_URL: scene.environment.DATABASE_URL.replace(`:${servers.postgres.port}/`, `:${proxy.address().port}/`) } });
    await assertFailed(scene, await scene.runNow(),
      new RegExp(`^pg_dump: exit status 1: pg_dump: error: aborting because of server version mismatch\n.*server version: ${Number(ours) + 1}\\.`));
  });

  test('when pg_dump has no right to a table', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'limited') THEN CREATE ROLE limited LOGIN PASSWORD 'limited'; END IF; END $$`);
    await scene.sql.query('GRANT ALL ON ALL TABLES IN SCHEMA public TO limited; REVOKE ALL ON documents FROM limited');
    await scene.start({ env: { DATABASE_URL: scene.environment.DATABASE_URL.replace(/\/\/.*@/, '//limited:limited@') } });
    await assertFailed(scene, await scene.runNow(), /^pg_dump: exit status 1: .*permission denied for table documents/s);
  });

  test('when the archive is cut short although pg_dump reported success', async (t) => {
    const scene = await open(t);
    await scene.start({
      env: programs({ pg_dump: 'pg_dump "$@" || exit\nfor argument in "$@"; do case $argument in --file=*) truncate -s -2000 "${argument#--file=}" ;; esac; done' }),
    });
    await assertFailed(scene, await scene.runNow(), /^the dump could not be read back: pg_restore: exit status 1: pg_restore: error: /);
  });

  test('when a byte of the archive is flipped on its way', async (t) => {
    const scene = await open(t);
    await scene.start({
      env: programs({
        pg_dump: `pg_dump "$@" || exit
for argument in "$@"; do case $argument in --file=*) file=\${argument#--file=}; size=$(stat -c %s "$file")
  printf '\\377\\000\\377\\000' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none ;; esac; done`,
      }),
    });
    await assertFailed(scene, await scene.runNow(), /^the dump could not be read back: pg_restore: /);
  });

  test('when pg_dump wrote nothing and reported success', async (t) => {
    const scene = await open(t);
    await scene.start({ env: programs({ pg_dump: 'case $1 in --version) echo "pg_dump (PostgreSQL) 15.0" ;; esac; exit 0' }) });
    await assertFailed(scene, await scene.runNow(), /^the dump is empty$/);
  });

  test('when the last words of pg_dump are long, with the end of them', async (t) => {
    const scene = await open(t);
    await scene.start({
      env: programs({ pg_dump: 'case $1 in --version) exec pg_dump --version ;; esac\ni=0; while [ $i -lt 3000 ]; do echo "line $i of many"; i=$((i+1)); done >&2; printf "pg_dump: error: the last \\377 words\\n" >&2; exit 1' }),
    });
    const { failed } = await assertFailed(scene, await scene.runNow(), /^pg_dump: exit status 1: .*line 2999 of many\npg_dump: error: the last . words$/s);
    assert.ok(failed.failedReason.length < 4000, `${failed.failedReason.length} characters`);
  });

  test('when a file may grow no further, as on a full disk', async (t) => {
    const scene = await open(t, { megabytes: 2 });
    await scene.start({ wrapper: ['prlimit', '--fsize=100000', '--'] });
    await assertFailed(scene, await scene.runNow(), /^pg_dump: (exit status 1: .*File too large|killed by SIGXFSZ)/s);
  });

  test('when the backup directory is none', async (t) => {
    const scene = await open(t);
    writeFileSync(join(scene.folder, 'file'), '');
    await scene.start({ env: { BACKUP_STORAGE_DIR: join(scene.folder, 'file') } });
    await assertFailed(scene, await scene.runNow(), /^open the backup directory '.*\/file': Not a directory; BACKUP_STORAGE_DIR must be a directory/);
  });

  test('when its row was closed by somebody else meanwhile: their words stay in the row', async (t) => {
    const scene = await open(t);
    await scene.start();
    const release = await scene.holdDumps();
    const { runId, job } = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    await scene.sql.query(`UPDATE backup_run SET status = 'failed', error = 'closed by an administrator' WHERE id = $1`, [runId]);
    await release();
    const failed = await untilState(scene.queue, job, 'failed');
    assert.match(failed.failedReason, /the row is no longer this run's/);
    const row = await readRun(scene.sql, runId);
    assert.equal(row.status, 'failed');
    assert.equal(row.error, 'closed by an administrator');
    assert.deepEqual(scene.files(), []);
  });
});

describe('trouble with the database', () => {
  test('a wrong password: the job fails, is not tried again, and tells no password', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: { DATABASE_URL: scene.environment.DATABASE_URL.replace(/:[^:/@]+@/, ':wr%40ng-secret@') } });
    const { runId, job } = await scene.runNow({ options: { attempts: 3 } });
    const failed = await untilState(scene.queue, job, 'failed');
    assert.match(failed.failedReason, /^postgres: .*password authentication failed for user "weavestream"/);
    assert.equal(failed.attemptsMade, 1);
    assert.equal((await readRun(scene.sql, runId)).status, 'queued', 'nobody could reach the row');
    assert.deepEqual(scene.files(), []);
    for (const secret of ['wr@ng-secret', 'wr%40ng-secret']) assert.ok(!`${worker.stderr()}${JSON.stringify(failed)}`.includes(secret));
  });

  test('a database that does not exist: the job fails, and is not tried again', async (t) => {
    const scene = await open(t);
    await scene.start({ env: { DATABASE_URL: servers.postgres.urlOf('nowhere') } });
    const { job } = await scene.runNow({ options: { attempts: 3 } });
    const failed = await untilState(scene.queue, job, 'failed');
    assert.match(failed.failedReason, /^postgres: .*database "nowhere" does not exist/);
    assert.equal(failed.attemptsMade, 1);
  });

  test('a server that is stopped: the job is tried again as its attempts allow, and succeeds when it is back', async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const scene = await open(t, { postgres: server });
    await scene.start();
    const configId = await insertConfig(scene.sql);
    const runId = await insertRun(scene.sql, { config_id: configId });
    let job;
    await server.restart('fast', {
      whileDown: async () => {
        job = await runNow(scene.queue, { configId, backupRunId: runId }, { attempts: 20, backoff: { type: 'fixed', delay: 300 } });
        await eventually(async () => (await scene.queue.getJob(job.id)).attemptsMade > 0, { what: 'an attempt to have failed' });
        assert.match((await scene.queue.getJob(job.id)).failedReason, /^postgres: .*(refused|No such file)/s);
      },
    });
    const sql = await server.client(scene.database);
    await assertSucceeded({ ...scene, sql }, { configId, runId, job });
  });

  test('a server that crashes in mid-dump: the row is closed once it is back, and the next attempt succeeds', async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const scene = await open(t, { postgres: server });
    await scene.start();
    await scene.holdDumps();
    const { configId, runId, job } = await scene.runNow({ options: { attempts: 10, backoff: { type: 'fixed', delay: 300 } } });
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    await server.restart('immediate');
    const sql = await server.client(scene.database);
    const { done } = await assertSucceeded({ ...scene, sql }, { configId, runId, job });
    assert.ok(done.attemptsMade > 1);
    assert.match(done.stacktrace[0], /pg_dump: exit status 1: /);
    const actions = (await readAudit(sql, runId)).map(({ action }) => action);
    assert.equal(actions.at(-1), 'backup.run.completed');
    assert.deepEqual(scene.files().length, 2);
  });

  test('a server with TLS is verified as the URL asks, by us and by pg_dump', async (t) => {
    const server = await startPostgres({ tls: true });
    const scene = await open(t, { postgres: server });
    t.after(() => server.stop());
    const url = (parameters) => server.urlOf(scene.database, parameters);
    const first = await scene.start({ env: { DATABASE_URL: url(`sslaccept=strict&sslcert=${server.caFile}`) } });
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    const { rows } = await scene.sql.query(`SELECT application_name, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
      WHERE application_name LIKE 'weavestream-backup%' AND backend_type = 'client backend' ORDER BY 1`);
    assert.deepEqual(rows, ['dump', 'run', 'snapshot'].map((what) => ({ application_name: `weavestream-backup ${what}`, ssl: true })));
    await release();
    await assertSucceeded(scene, ids);
    await first.stop();
    await scene.start({ env: { DATABASE_URL: url('sslaccept=strict') } });
    const failed = await untilState(scene.queue, (await scene.runNow({ configId: ids.configId })).job, 'failed');
    assert.match(failed.failedReason, /^postgres: .*certificate verify failed/);
  });

  for (const BACKUP_VERIFY of ['full', 'restore']) test(`a session that is lost beside the dump is opened again, and the dump counts at level ${BACKUP_VERIFY}`, async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: { BACKUP_VERIFY } });
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    const { rowCount } = await scene.sql.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'weavestream-backup run'`);
    assert.equal(rowCount, 1);
    await release();
    await assertSucceeded(scene, ids);
    assert.equal(worker.named('session lost').length, 1);
  });

  test('a schedule that is deleted in mid-dump takes nothing from the dump', async (t) => {
    const scene = await open(t);
    await scene.start();
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    await scene.sql.query('DELETE FROM backup_config');
    await release();
    const { row } = await assertSucceeded(scene, ids);
    assert.equal(row.config_id, null);
  });
});
