/*
 * scene: one test's own corner of the servers that its file shares: a Redis database and, if wanted, a Postgres database with the app's tables,
 * some data and a backup directory.
 *
 *     const scene = await openScene(t, { redis, postgres, bullmq });
 *     const worker = await scene.start();                              the backup worker
 *     const worker = await scene.start({ program: shell('...') });     or one with any job program
 *     const { configId, runId, job } = await scene.runNow();           as the API's "Run now"
 *
 * What was started is stopped at the test's end, with SIGTERM, so that sanitizers have their say.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { closeAll, openQueue, openQueueEvents, runNow } from './bullmq.mjs';
import { temporaryFolder } from './run_folder.mjs';
import { createSchema, insertConfig, insertRun, sampleData } from './schema.mjs';
import { startWorker, workerProgram } from './worker.mjs';

/* So that whoever dies is missed within seconds. */
export const shortLocks = { BACKUP_LOCK_SECONDS: '5', BACKUP_STALLED_SECONDS: '1' };

/* A file that can be executed, in a folder of its own. */
export function executable(text, name = 'program') {
  const file = join(temporaryFolder('program'), name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/* An environment in which programs stand before all others in PATH; a shell script for each name. In it, the name means the real one. */
export function programs(scripts) {
  const files = Object.entries(scripts).map(([name, script]) => executable(`#!/bin/sh\nPATH='${process.env.PATH}'\n${script}\n`, name));
  return { PATH: [...files.map(dirname), process.env.PATH].join(':') };
}

/*
 * A job program in shell. The job is in $job; `say LINE` reports; $SCENE is the scene's folder, `await NAME` waits for a file there, and
 * `note TEXT` appends a line to its file `notes`.
 */
export const shell = (script) => [executable(`#!/bin/sh
job=$(cat)
say() { printf '%s\\n' "$1" >&3; }
note() { echo "$1" >>"$SCENE/notes"; }
await() { while [ ! -e "$SCENE/$1" ]; do sleep 0.02; done; }
${script}
`)];

/* What it says when it has done its job. */
export const completed = (value) => `say '{"type":"completed","returnvalue":${JSON.stringify(value)}}'`;

/* A job program in JavaScript: `job` is the job, `say(object)` reports. */
export const javascript = (script) => [process.execPath, '-e', `
const { appendFileSync, readFileSync, writeSync } = require('node:fs');
const job = JSON.parse(readFileSync(0, 'utf8'));
const say = (report) => writeSync(3, JSON.stringify(report) + '\\n');
${script}`];

const databases = new Map(); // server -> how many of its databases are taken; a server's folder is its name
let tables = 0;

/* The usual database, made once for each server and then copied, which is quicker. */
const templates = new Map();

function templateOf(postgres) {
  const make = async () => {
    await postgres.createDatabase('scene');
    const sql = await postgres.client('scene');
    await createSchema(sql);
    await sampleData(sql, 0.1);
    await sql.end();
    return 'scene';
  };
  if (!templates.has(postgres.folder)) templates.set(postgres.folder, make());
  return templates.get(postgres.folder);
}

/* With `postgres`: tables and `megabytes` (0.1) of data. `schema` (public): where the app's tables are. */
export async function openScene(t, { redis: server, bullmq, postgres = null, megabytes = null, schema = null }) {
  const number = (databases.get(server.folder) ?? 0) + 1;
  databases.set(server.folder, number);
  const redis = server.database(number);
  const folder = temporaryFolder('scene');
  const queue = openQueue(bullmq, redis);
  const events = openQueueEvents(bullmq, redis, { lastEventId: '0' });
  t.after(() => closeAll(queue, events));

  const scene = {
    redis,
    client: redis.client(),
    queue,
    events,
    folder,
    environment: { REDIS_URL: redis.url, SCENE: folder, ...shortLocks },
    notes: () => (existsSync(join(folder, 'notes')) ? readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n') : []),
    /* Lets a program that awaits the name go on. */
    release: (name) => writeFileSync(join(folder, name), ''),
    /*
     * `wrapper`: a program, with its arguments, that becomes the worker: ['prlimit', '--fsize=100000', '--']. A ledger finds work in any
     * database that has configs: only tests that are about it have `ledger`, the usual one, or name another in `args`.
     */
    async start({ program = null, args = [], env = {}, wrapper = null, ledger = false, ...options } = {}) {
      const all = [...(ledger || args.includes('--ledger') ? [] : ['--ledger=']), ...args, ...(program ? ['--', ...program] : [])];
      const worker = await startWorker({
        ...(wrapper ? { program: wrapper[0], args: [...wrapper.slice(1), workerProgram, 'worker', ...all] } : { args: all }),
        env: { ...scene.environment, ...env },
        ...options,
      });
      t.after(() => worker.stop());
      return worker;
    },
  };
  if (postgres === null) return scene;

  const database = `scene_${++tables}`;
  const isUsual = megabytes === null && schema === null;
  await postgres.createDatabase(database, isUsual ? { template: await templateOf(postgres) } : {});
  const sql = await postgres.client(database);
  t.after(() => sql.end());
  if (!isUsual) {
    await createSchema(sql, { schema: schema ?? 'public' });
    await sampleData(sql, megabytes ?? 0.1);
  }
  const storage = temporaryFolder('storage');
  Object.assign(scene.environment, { DATABASE_URL: postgres.urlOf(database, `schema=${encodeURIComponent(schema ?? 'public')}&connection_limit=5`), BACKUP_STORAGE_DIR: storage });

  return Object.assign(scene, {
    database,
    sql,
    storage,
    files: () => readdirSync(storage).sort(),
    dumps: () => readdirSync(storage).filter((name) => /^weavestream-postgres-[0-9TZ:\-]+\.dump$/.test(name)).sort(),
    /* The row, then the job. */
    async runNow({ configId = null, row = {}, options = {}, ...config } = {}) {
      const id = configId ?? (await insertConfig(sql, config));
      const runId = await insertRun(sql, { config_id: id, ...row });
      return { configId: id, runId, job: await runNow(queue, { configId: id, backupRunId: runId }, options) };
    },
    /* Locks a table so that pg_dump waits for it; hands back what lets it go on. */
    async holdDumps() {
      const holder = await postgres.client(database);
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE companies IN ACCESS EXCLUSIVE MODE');
      t.after(() => holder.end());
      return () => holder.query('ROLLBACK');
    },
    /* The backend of the pg_dump that waits for that lock, or undefined. */
    async waitingDump() {
      const { rows } = await sql.query(`SELECT pid, client_port FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'weavestream-backup dump' AND wait_event_type = 'Lock'`);
      return rows[0];
    },
    /* Takes the backup lock in a session of that name; hands back what gives it back. */
    async takeBackupLock(application_name) {
      const holder = await postgres.client(database, { application_name });
      await holder.query(`SELECT pg_advisory_lock(hashtext('weavestream:backup'))`);
      t.after(() => holder.end());
      return () => holder.query(`SELECT pg_advisory_unlock(hashtext('weavestream:backup'))`);
    },
    rows: async () => (await sql.query('SELECT * FROM backup_run ORDER BY created_at, id')).rows,
  });
}

export const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
export const mode = (file) => (statSync(file).mode & 0o7777).toString(8);

/* The one client that waits for jobs, if it does so right now: Redis' line about it. */
export async function isBlocked({ client, redis: view }) {
  const database = view.connection().db ?? 0;
  const lines = (await client.client('LIST')).split('\n');
  return lines.find((line) => line.includes(` db=${database} `) && / flags=b /.test(line) && / cmd=bzpopmin /.test(line));
}

/* Nothing of the job is left in the hands of a worker. */
export async function assertNotHeld({ client }, job, queue = 'backup') {
  assert.equal(await client.exists(`bull:${queue}:${job.id}:lock`), 0, 'no lock is left');
  assert.ok(!(await client.lrange(`bull:${queue}:active`, 0, -1)).includes(job.id), 'it is not active');
}
