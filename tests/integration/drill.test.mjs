/* BACKUP_VERIFY=restore: a dump counts once it was restored into a throw-away database; and what becomes of that database. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { untilState, versions } from './support/bullmq.mjs';
import { contents, expectedContents } from './support/contents.mjs';
import { password, startPostgres } from './support/postgres.mjs';
import { untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { executable, openScene } from './support/scene.mjs';
import { readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 50'] }), startPostgres({ extraConf: ['max_connections = 150'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const drillPattern = /weavestream_drill_[0-9a-f]{8}/;

async function open(t) {
  const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
  scene.environment.BACKUP_VERIFY = 'restore';
  return scene;
}

/* A pg_restore that does something else when it restores; it still reads archives back as it should. */
const restoreBy = (script) => ({
  PATH: [dirname(executable(`#!/bin/sh\nPATH='${process.env.PATH}'\ncase "$*" in *--dbname*) ;; *) exec pg_restore "$@" ;; esac\n${script}\n`, 'pg_restore')), process.env.PATH].join(':'),
});

/* A restore after which somebody changes something. */
const thenRun = (sql) => `pg_restore "$@" || exit
for argument; do case $argument in --dbname=*) exec psql -qXc '${sql}' "$argument" ;; esac; done`;

const databases = async (sql) => (await sql.query(`SELECT datname FROM pg_database WHERE datname LIKE 'weavestream\\_drill%' ORDER BY 1`)).rows.map(({ datname }) => datname);

/* The name of the drill database whose keeper is in `database`, or undefined. */
async function drillOf(scene, database = scene.database) {
  const { rows } = await scene.sql.query(`SELECT application_name FROM pg_stat_activity
    WHERE datname = $1 AND application_name ~ '^weavestream-backup drill [0-9a-f]{8}$'`, [database]);
  return rows[0]?.application_name.replace('weavestream-backup drill ', 'weavestream_drill_');
}

/* The database of a drill in which pg_restore hangs. */
const hanging = restoreBy('exec sleep 600');
async function untilDrill(scene, database) {
  let name;
  await eventually(async () => (name = await drillOf(scene, database)) !== undefined && (await databases(scene.sql)).includes(name), { what: 'the drill to begin' });
  return name;
}

const untilDropped = (scene, name) => eventually(async () => !(await databases(scene.sql)).includes(name), { what: `${name} to be dropped` });

async function assertFailed(scene, { runId, job }, reason) {
  const failed = await untilState(scene.queue, job, 'failed');
  assert.match(failed.failedReason, reason);
  const row = await readRun(scene.sql, runId);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, failed.failedReason);
  assert.deepEqual(scene.files(), []);
  assert.equal(await drillOf(scene), undefined);
}

const logOf = async (scene, job) => (await scene.queue.getJobLogs(job.id)).logs.join('\n');

describe('restore drills', { concurrency: 6 }, () => {
  test('a dump that was restored is a success, says so, and leaves no database', async (t) => {
    const scene = await open(t);
    await scene.start();
    const { runId, job } = await scene.runNow();
    await untilState(scene.queue, job, 'completed');
    const row = await readRun(scene.sql, runId);
    assert.equal(row.status, 'success');
    assert.equal(row.manifest.verified.level, 'restore');
    assert.equal(row.manifest.tables['public.assets'], 500);
    const log = await logOf(scene, job);
    assert.match(log, /Restored into 'weavestream_drill_[0-9a-f]{8}' in [\d.]+ s, rows counted in [\d.]+ s: all \d+ tables have their rows/);
    await untilDropped(scene, drillPattern.exec(log)[0]);
    assert.equal(await drillOf(scene), undefined);
  });

  test('whatever a database may hold, it is restored, and found again', async (t) => {
    const scene = await open(t);
    const all = Object.values(contents).filter(({ restores = true }) => restores);
    for (const { sql } of all) await scene.sql.query(sql);
    const only = (key) => all.flatMap(({ but }) => but?.[key] ?? []);
    const expected = await expectedContents(scene.sql, { hidden: only('hidden'), rooted: only('rooted') });
    await scene.start();
    const { runId, job } = await scene.runNow();
    const { failedReason } = await untilState(scene.queue, job, ['completed', 'failed']);
    assert.equal(failedReason, undefined);
    const { tables } = (await readRun(scene.sql, runId)).manifest;
    assert.deepEqual(Object.keys(tables).sort(), Object.keys(expected.tables).sort());
  });

  test('the database is like the one that the URL names, and nobody else may connect to it', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`CREATE DATABASE odd TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'POSIX' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT'`);
    await scene.start({ env: { ...hanging, BACKUP_DRILL_URL: postgres.urlOf('odd') } });
    await scene.runNow();
    const name = await untilDrill(scene, 'odd');
    const look = async (database) => (await scene.sql.query('SELECT encoding, datcollate, datctype, datlocprovider, daticulocale FROM pg_database WHERE datname = $1', [database])).rows[0];
    assert.deepEqual(await look(name), await look('odd'));
    const mayConnect = async () => (await scene.sql.query(`SELECT has_database_privilege('pg_monitor', $1, 'CONNECT') AS may`, [name])).rows[0].may;
    await eventually(async () => !(await mayConnect()), { what: 'others to be kept out' });
  });

  const losses = {
    'all rows': ['exec pg_restore --schema-only "$@"', /table public\..+ has \d+ rows in the dump, 0 in the restored database$/],
    'all tables': ['exit 0', /count the rows of .+ in the restored database: postgres: .* does not exist/],
    'one row': [thenRun('DELETE FROM assets WHERE id = (SELECT min(id) FROM assets)'), /table public\.assets has 500 rows in the dump, 499 in the restored database$/],
    'large objects': [thenRun('SELECT lo_unlink(oid) FROM pg_largeobject_metadata'), /the dump has 2 large objects, the restored database 0$/],
    'a sequence': [thenRun('DROP SEQUENCE "ticket numbers"'), /the dump has 3 sequences, the restored database 2$/],
  };
  for (const [what, [script, reason]] of Object.entries(losses))
    test(`a restored database that lacks ${what} fails the run`, async (t) => {
      const scene = await open(t);
      await scene.start({ env: restoreBy(script) });
      await assertFailed(scene, await scene.runNow(), new RegExp(`^restore drill: ${reason.source}`));
    });

  test('what pg_restore has to say is the reason', async (t) => {
    const scene = await open(t);
    await scene.start({ env: restoreBy('echo "pg_restore: error: no space left" >&2; exit 1') });
    await assertFailed(scene, await scene.runNow(), /^restore drill: the dump could not be restored: pg_restore: exit status 1: pg_restore: error: no space left$/);
  });

  test('a user who may not create databases is told before the dump, and what to do', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`CREATE ROLE plain LOGIN PASSWORD '${password.replaceAll("'", "''")}'`);
    await scene.start({ env: { BACKUP_DRILL_URL: postgres.urlOf('postgres').replace(`${postgres.role}:`, 'plain:') } });
    const { runId, job } = await scene.runNow();
    await assertFailed(scene, { runId, job },
      /^restore drill: the user plain may not create databases, which a restore needs: allow it \(ALTER ROLE plain CREATEDB\), or set BACKUP_DRILL_URL to a server where the user may$/);
    assert.doesNotMatch(await logOf(scene, job), /Dumping/);
  });

  test('a plain user with that right needs nothing more', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`CREATE ROLE creator LOGIN CREATEDB PASSWORD '${password.replaceAll("'", "''")}'`);
    await scene.start({ env: { BACKUP_DRILL_URL: postgres.urlOf('postgres').replace(`${postgres.role}:`, 'creator:') } });
    const { job } = await scene.runNow();
    await untilState(scene.queue, job, 'completed');
    const log = await logOf(scene, job);
    assert.match(log, /How much room the server has for a restore cannot be seen from here/);
    await untilDropped(scene, drillPattern.exec(log)[0]);
  });

  test('SIGTERM during the restore leaves no database, and the job goes back', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: { ...hanging, BACKUP_SHUTDOWN_SECONDS: '5' } });
    const { runId, job } = await scene.runNow();
    const name = await untilDrill(scene);
    const { code } = await worker.stop('SIGTERM');
    assert.equal(code, 0);
    assert.equal(await job.getState(), 'waiting');
    assert.equal((await readRun(scene.sql, runId)).status, 'queued');
    assert.ok(!(await databases(scene.sql)).includes(name));
    assert.deepEqual(scene.files(), []);
  });

  test('when a job process is killed in its drill, recovery drops the database', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ env: hanging });
    const { job } = await scene.runNow();
    const name = await untilDrill(scene);
    const processes = worker.descendants();
    process.kill(processes.find(({ ppid }) => ppid === worker.pid).pid, 'SIGKILL');
    await untilDropped(scene, name);
    await untilState(scene.queue, job, 'failed');
    await untilGone(processes);
  });

  test('what a killed drill left behind goes with the next one; a drill that is alive is let be', async (t) => {
    const [dead, alive, next] = await Promise.all([open(t), open(t), open(t)]);
    const [worker, other] = await Promise.all([dead.start({ env: hanging }), alive.start({ env: hanging })]);
    await Promise.all([dead.runNow(), alive.runNow()]);
    const [left, live] = await Promise.all([untilDrill(dead), untilDrill(alive)]);
    const session = await postgres.client(left); // as of a process of pg_restore that goes on for a while
    const children = worker.descendants();
    for (const { pid } of children) process.kill(pid, 'SIGKILL');
    await worker.kill();
    await untilGone(children);
    await eventually(async () => (await drillOf(dead)) === undefined, { what: "the dead drill's session to end" });
    assert.ok((await databases(dead.sql)).includes(left));

    await next.start();
    const { job } = await next.runNow();
    await untilState(next.queue, job, 'completed');
    assert.deepEqual((await databases(next.sql)).filter((name) => [left, live].includes(name)), [live]);
    await assert.rejects(session.query('SELECT 1'));
    await other.stop();
    await untilDropped(alive, live);
  });

  test('a server that is restarted meanwhile fails the attempt, and the next one succeeds', async (t) => {
    const own = await startPostgres();
    t.after(() => own.stop());
    const scene = await open(t);
    await scene.start({ env: { ...restoreBy(`while [ ! -e '${scene.folder}/go' ]; do sleep 0.02; done; exec pg_restore "$@"`), BACKUP_DRILL_URL: own.urlOf('postgres') } });
    const { job } = await scene.runNow({ options: { attempts: 2, backoff: 100 } });
    const sql = await own.client('postgres');
    await eventually(async () => (await databases(sql)).length === 1, { what: 'the drill to begin' });
    const [first] = await databases(sql);
    const holder = await own.client(first);
    await holder.query('BEGIN; CREATE SCHEMA "other Schema"');
    scene.release('go');
    await eventually(async () => (await sql.query(`SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`, [first])).rowCount === 1, { what: 'pg_restore to wait for the schema' });
    await own.restart('immediate');
    const done = await untilState(scene.queue, job, 'completed');
    assert.equal(done.attemptsMade, 2);
    assert.match(await logOf(scene, job), /Failed: restore drill: the dump could not be restored: pg_restore: exit status 1: .*server closed the connection/);
    assert.deepEqual(await databases(await own.client('postgres')), []);
  });
});
