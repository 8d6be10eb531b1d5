#!/usr/bin/env node
/*
 * The demo: one backup from the click on "Run now" to the restored database, with a real Redis, a real Postgres, the real bullmq as the app
 * uses it, and our worker. Started by scripts/demo.sh, which sets up and builds.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { closeAll, openQueue, openQueueEvents, runNow, schedule, untilState, versions } from '../../tests/integration/support/bullmq.mjs';
import { startPostgres } from '../../tests/integration/support/postgres.mjs';
import { residentBytes } from '../../tests/integration/support/processes.mjs';
import { startRedis } from '../../tests/integration/support/redis.mjs';
import { runFolder, runProcess } from '../../tests/integration/support/run_folder.mjs';
import { createSchema, insertConfig, insertRun, readAudit, readRun, rowCounts, sampleData } from '../../tests/integration/support/schema.mjs';
import { eventually } from '../../tests/integration/support/wait.mjs';
import { startWorker, workerProgram } from '../../tests/integration/support/worker.mjs';
import { bold, dim, green, heading, progressLine, red, say, shown, size, table } from './screen.mjs';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, megabytes: { type: 'string', default: '40' } } });
const bullmqVersion = '5.76.2';
const redisPassword = 'demo-redis-p@ss';

const folder = runFolder();
const backups = `${folder}/backups`;
mkdirSync(backups);

const several = (count, what) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/* In the terms of a manifest, which has no rows of materialised views: they are made anew by a restore. */
async function contentsOf(client, counts) {
  const views = (await client.query(`SELECT format('%I.%I', schemaname, matviewname) AS name FROM pg_matviews`)).rows.map(({ name }) => name);
  const sequences = Object.keys(counts).filter((name) => name.startsWith('sequence '));
  const tables = Object.keys(counts).filter((name) => name !== 'large objects' && !views.includes(name) && !sequences.includes(name));
  const rows = tables.reduce((sum, name) => sum + Number(counts[name]), 0);
  return `${several(tables.length, 'table')} with ${several(rows, 'row')}, ${several(views.length, 'materialised view')}, ${several(Number(counts['large objects']), 'large object')}, ${several(sequences.length, 'sequence')}`;
}

async function startServers() {
  heading('A Redis, a Postgres, and the tables of the app');
  const [redis, postgres] = await Promise.all([startRedis({ password: redisPassword }), startPostgres()]);
  const client = await postgres.client();
  await createSchema(client);
  await sampleData(client, Number(values.megabytes));
  const { rows } = await client.query('SELECT pg_database_size(current_database()) AS bytes');
  table([
    ['Redis', `127.0.0.1:${redis.port}, with a password`],
    ['Postgres', `127.0.0.1:${postgres.port}, ${size(rows[0].bytes)}: ${await contentsOf(client, await rowCounts(client))}`],
    ['folder', folder],
  ]);
  return { redis, postgres, client };
}

const environment = ({ redis, postgres }) => ({ REDIS_URL: redis.url, DATABASE_URL: postgres.url, BACKUP_STORAGE_DIR: backups, WEAVESTREAM_VERSION: 'demo' });

/* A command of ours, with the worker's environment. */
async function showCommand(servers, ...args) {
  const { stdout } = await runProcess(workerProgram, args, { cwd: backups, env: { PATH: process.env.PATH, ...environment(servers), TO: servers.postgres.urlOf('restored') } });
  shown(`weavestream-backup ${args.join(' ')}`, stdout);
}

async function startOurWorker(servers) {
  heading('Our worker');
  const start = performance.now();
  const worker = await startWorker({ env: environment(servers) });
  await worker.waitForEvent('worker ready');
  const milliseconds = Math.round(performance.now() - start);
  say(dim(`$ REDIS_URL=… DATABASE_URL=… BACKUP_STORAGE_DIR=… ${relative(process.cwd(), workerProgram)} worker`));
  say(`process ${worker.pid} waits for jobs, ${milliseconds} ms after its start, with ${size(residentBytes(worker.pid))} of memory`);
  return worker;
}

const phases = { dump: 'pg_dump writes the dump', verify: 'the dump is read back', publish: 'the dump is put in its place' };

/* As the API does it: the row first, then the job that names it. */
async function runBackup({ queue, events, client, configId, title }) {
  heading(title);
  const backupRunId = await insertRun(client, { config_id: configId });
  const line = progressLine();
  let job = null; // events of the prune job before it are not about this one
  const onActive = ({ jobId }) => jobId === job?.id && line.show({ phase: 'the worker took the job' });
  const onProgress = ({ jobId, data }) => jobId === job?.id && line.show({ ...data, phase: phases[data.phase] ?? data.phase });
  events.on('progress', onProgress).on('active', onActive);
  try {
    job = await runNow(queue, { configId, backupRunId });
    const done = await untilState(queue, job, 'completed', { timeout: 10 * 60_000 });
    line.end();
    const { returnvalue } = done;
    say(`${green('completed')}  ${returnvalue.filename}, ${size(returnvalue.sizeBytes)}, in ${(returnvalue.durationMs / 1000).toFixed(1)} s`);
    return { job: done, backupRunId };
  } finally {
    line.end();
    events.off('progress', onProgress).off('active', onActive);
  }
}

async function showRow({ client, backupRunId }) {
  heading('The row that the app shows');
  const row = await readRun(client, backupRunId);
  table(['id', 'kind', 'status', 'started_at', 'finished_at', 'size_bytes', 'dump_path', 'manifest_path', 'error']
    .map((name) => [name, row[name] instanceof Date ? row[name].toISOString() : `${row[name] ?? '-'}`]));
  const audit = await readAudit(client, backupRunId);
  for (const { action, after } of audit) table([['audit_log', `${action} ${JSON.stringify(after)}`]]);
  return row;
}

async function sha256Of(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function showFiles(servers, row) {
  heading('The dump and its manifest');
  const { stdout } = await runProcess('ls', ['-l', backups]);
  shown('ls -l backups', stdout);
  const manifest = readFileSync(row.manifest_path, 'utf8');
  shown(`cat backups/${basename(row.manifest_path)}`, manifest);
  const { sha256, sizeBytes } = JSON.parse(manifest);
  const same = sha256 === (await sha256Of(row.dump_path)) && sizeBytes === statSync(row.dump_path).size;
  if (!same) throw new Error('size or checksum in the manifest are not those of the file');
  say(`${green('the same')}  size and sha256sum of the file`);
  await showCommand(servers, 'verify', basename(row.dump_path));
  const contents = await runProcess('pg_restore', ['--list', row.dump_path]);
  shown(`pg_restore --list ${basename(row.dump_path)}`, contents.stdout, { lines: 14 });
}

/* The audit log has moved on since the dump was begun: this very backup is in it. */
function comparable(counts) {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => name !== 'public.audit_log'));
}

async function restore({ redis, postgres, client, row }) {
  heading('Restored into an empty database');
  await postgres.createDatabase('restored');
  await showCommand({ redis, postgres }, 'restore', '--to-env', 'TO', basename(row.dump_path));
  const restored = await postgres.client('restored');
  const [before, after] = [comparable(await rowCounts(client)), comparable(await rowCounts(restored))];
  const different = Object.keys(before).filter((name) => before[name] !== after[name]);
  if (different.length > 0) {
    for (const name of different) say(`${red('differs')}  ${name}: ${before[name]} before, ${after[name]} restored`);
    throw new Error('the restored database is not the same');
  }
  say(`${green('the same')}  in both databases, but for audit_log, which has gone on since: ${await contentsOf(restored, after)}`);
}

async function lookAround({ redis, postgres, queue, job }) {
  heading('How things stand, as an operator sees it');
  for (const command of ['status', 'list']) await showCommand({ redis, postgres }, command);
  heading('The queue, as redis-cli and dashboards see it');
  const shownCli = async (...args) => shown(`redis-cli ${args.map((one) => (/[ *{]/.test(one) ? `'${one}'` : one)).join(' ')}`, await redis.cli(...args));
  shown("redis-cli --scan --pattern 'bull:backup:*' | sort", (await redis.cli('--scan', '--pattern', 'bull:backup:*')).split('\n').sort().join('\n'));
  await shownCli('ZRANGE', 'bull:backup:completed', '0', '-1');
  await shownCli('HMGET', `bull:backup:${job.id}`, 'name', 'data', 'returnvalue', 'ats');
  const pruneId = `prune-${job.data.backupRunId}`;
  const { logs } = await queue.getJobLogs(pruneId);
  shown(`redis-cli LRANGE bull:backup:${pruneId}:logs 0 -1`, logs.join('\n'));
  const workers = await queue.getWorkers();
  say(dim('queue.getWorkers()'));
  for (const { rawname, addr, age, cmd } of workers) say(`${rawname} at ${addr}, for ${age} s, now in ${cmd}`);
}

/* The worker compares the queue with the schedules in Postgres when it finds some gone. */
async function wipeRedis({ redis, queue, configId }) {
  heading('Redis is wiped: the schedule comes back');
  const next = async () => (await queue.getJobScheduler(`backup-config-${configId}`))?.next;
  const before = await next();
  say(dim('$ redis-cli FLUSHALL'));
  await redis.cli('FLUSHALL');
  const start = performance.now();
  const after = await eventually(next, { timeout: 60_000, what: 'the schedule to be back' });
  if (after !== before) throw new Error(`the next run is due at ${new Date(after).toISOString()}, and not at ${new Date(before).toISOString()}`);
  say(`${green('back')}  after ${((performance.now() - start) / 1000).toFixed(1)} s; the next run is due at ${new Date(after).toISOString()}, as before`);
}

async function keepUp({ redis, postgres, worker }) {
  heading('All of this stays up. To look around, from another terminal:');
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  say([
    ...Object.entries(environment({ redis, postgres })).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `alias weavestream-backup=${quoted(workerProgram)}`,
    'weavestream-backup status    # or list, doctor, verify --all, run --config Nightly, …',
    `REDISCLI_AUTH=${quoted(redisPassword)} redis-cli -p ${redis.port}`,
    `PGPASSWORD=${quoted(postgres.password)} psql -h 127.0.0.1 -p ${postgres.port} -U ${postgres.role} weavestream`,
    `ls -l ${backups}`,
    `tail ${postgres.logFile} ${redis.logFile}`,
    `kill ${worker.pid}    # the worker, softly`,
  ].join('\n'));
  say(`\n${bold('Ctrl-C')} stops and removes everything.`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.removeAllListeners(signal); // from here on they end the wait, not the process
      process.once(signal, resolve);
    }
  });
}

let worker = null;

async function main() {
  const { redis, postgres, client } = await startServers();
  worker = await startOurWorker({ redis, postgres });
  const queue = openQueue(versions[bullmqVersion], redis);
  const events = openQueueEvents(versions[bullmqVersion], redis);
  await events.waitUntilReady();

  const nightly = { name: 'Nightly', cron: '0 3 * * *', timezone: 'Europe/Berlin' };
  const configId = await insertConfig(client, nightly);
  await schedule(queue, { id: configId, ...nightly });
  await runBackup({ queue, events, client, configId, title: `"Run now": bullmq ${bullmqVersion} adds a job, as the app does` });
  const { job, backupRunId } = await runBackup({ queue, events, client, configId, title: 'And again: now it is known how much to expect' });
  // Prune jobs follow their runs.
  await eventually(async () => (await queue.getJobCountByTypes('active', 'waiting')) === 0, { timeout: 30_000, what: 'the end of all jobs' });

  const row = await showRow({ client, backupRunId });
  await showFiles({ redis, postgres }, row);
  await restore({ redis, postgres, client, row });
  await lookAround({ redis, postgres, queue, job });
  await wipeRedis({ redis, queue, configId });
  if (values.keep) await keepUp({ redis, postgres, worker });

  heading('The end');
  if (worker.isRunning()) {
    const { code, seconds } = await worker.stop('SIGTERM');
    if (code !== 0) throw new Error(`the worker ended with ${code}`);
    say(`the worker ended with exit code ${code}, ${Math.round(seconds * 1000)} ms after SIGTERM`);
  }
  await closeAll(events, queue);
  await redis.stop();
  await postgres.stop();
  say('Redis and Postgres are stopped, their folder is removed.');
}

try {
  await main();
  process.exit(0); // what is left is stopped and removed on the way
} catch (error) {
  console.error(`\n${red('The demo failed:')} ${error.message}`);
  if (worker !== null) console.error(`The worker's last words:\n${worker.lines.slice(-10).join('\n')}`);
  process.exit(1);
}
