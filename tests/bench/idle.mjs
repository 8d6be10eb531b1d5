/*
 * bench/idle: what a worker costs while there is nothing to do, and what its death costs; beside the backup worker on Node (node_backup_worker.mjs says
 * what of the app's it has), all of them on the same Redis and the same Postgres.
 *
 *     node tests/bench/idle.mjs [--rounds 5] [--settle 10] [--idle 60] [--bound 120] [--megabytes 20] [--quick]     (after cmake --build --preset release)
 *
 * start      from its start until it waits for jobs (the first BZPOPMIN that Redis sees), and, with a job waiting, until that is taken (the event `active`);
 *            with what Node needs here to start a process, so the true figures are smaller
 * memory     of the worker and all below it, `settle` seconds after it has made a backup of `megabytes` and the prune that follows one
 * idling     CPU, context switches and commands to Redis (what scripts call not counted) in the `idle` seconds after that; ours also as the image has it,
 *            with BACKUP_HTTP_LISTEN, so that a child looks at Postgres and the disk once a minute (of its context switches nothing is known)
 * takeover   SIGKILL in mid-dump to the worker and all below it, while another of its kind idles beside it: until that one has the job, until the row is
 *            no longer what the dead one left, until the backup is there. How long they have idled before is another in each round, so that their looks for
 *            stalled jobs come at other times. The app's lock on Node lives for hours: there the wait ends after `bound` seconds.
 *
 * All kinds are measured at the same time (start: one after the other); medians, least and most of the rounds. Settings are the defaults; --quick has short
 * ones and one round, to see that all of this works.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closeAll, runNow, untilState, versions } from '../integration/support/bullmq.mjs';
import { startPostgres } from '../integration/support/postgres.mjs';
import { descendants, memoryOfTree, untilGone, usageOfTree } from '../integration/support/processes.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { temporaryFolder } from '../integration/support/run_folder.mjs';
import { openScene } from '../integration/support/scene.mjs';
import { readRun } from '../integration/support/schema.mjs';
import { eventually, within } from '../integration/support/wait.mjs';
import { startWorker } from '../integration/support/worker.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    settle: { type: 'string', default: '10' },
    idle: { type: 'string', default: '60' },
    bound: { type: 'string', default: '120' },
    megabytes: { type: 'string', default: '20' },
    quick: { type: 'boolean', default: false },
  },
});
const { rounds, settle, idle, bound, megabytes } = options.quick
  ? { rounds: 1, settle: 1, idle: 2, bound: 3, megabytes: 1 }
  : Object.fromEntries(['rounds', 'settle', 'idle', 'bound', 'megabytes'].map((name) => [name, Number(options[name])]));
const locks = options.quick ? { lock: 5, stalled: 1 } : null; // in seconds; null: the defaults

const nodeProgram = fileURLToPath(new URL('node_backup_worker.mjs', import.meta.url));
const stalledInterval = locks ? { stalledInterval: locks.stalled * 1000 } : {};
const node = (more) => ({ program: process.execPath, args: [nodeProgram, JSON.stringify({ ...stalledInterval, ...more })], env: { NODE_ENV: 'production' } });
const ours = (more) => ({ env: { ...(locks ? { BACKUP_LOCK_SECONDS: `${locks.lock}`, BACKUP_STALLED_SECONDS: `${locks.stalled}` } : {}), ...more } });
const kinds = {
  node: { title: 'Node', patience: bound, ...node({}) },
  bullmq: { title: "Node, BullMQ's lock", patience: 150, ...node({ lockDuration: (locks?.lock ?? 30) * 1000 }) },
  ours: { title: 'ours', patience: 150, ...ours({}) },
  page: { title: 'ours, as in the image', ...ours({ BACKUP_HTTP_LISTEN: `unix:${join(temporaryFolder('page'), 'socket')}` }) },
};

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const seconds = (since) => (performance.now() - since) / 1000;

const redis = await startRedis({ extraArgs: ['databases 1000'] });
const postgres = await startPostgres();
const monitor = await redis.client().monitor();

/* A Redis database, a Postgres database with some data (a little, unless said), and workers of that kind; all of it ends with `work`. */
async function inPlace({ program, args, env }, work, { megabytes = null } = {}) {
  const ends = [];
  const scene = await openScene({ after: (end) => ends.unshift(end) }, { redis, postgres, bullmq: versions['5.76.2'], megabytes });
  const { REDIS_URL, DATABASE_URL, BACKUP_STORAGE_DIR } = scene.environment;
  const start = async () => {
    const worker = await startWorker({ program, args, env: { REDIS_URL, DATABASE_URL, BACKUP_STORAGE_DIR, ...env } });
    ends.unshift(() => worker.stop());
    return worker;
  };
  try {
    return await work({ ...scene, number: `${scene.redis.connection().db}`, start });
  } finally {
    for (const end of ends) await end();
  }
}

/* The first command of clients or scripts in that database for which `isIt` holds, as Redis sees it. */
function commandIn(number, isIt) {
  const seen = new Promise((resolve) => {
    const look = (time, command, source, database) => {
      if (database !== number || !isIt(command)) return;
      monitor.off('monitor', look);
      resolve();
    };
    monitor.on('monitor', look);
  });
  return within(seen, 60_000, 'the command');
}

const isWaiting = ([name]) => name.toLowerCase() === 'bzpopmin';
const isTaking = ([name, ...words]) => name.toLowerCase() === 'xadd' && words.includes('active');

/* The job that waits is of a schedule that there is not: nothing follows. */
function startOf(kind, { withJob }) {
  return inPlace(kind, async ({ queue, number, start }) => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    const job = withJob ? await runNow(queue, { configId: nobody, backupRunId: nobody }) : null;
    const seen = commandIn(number, withJob ? isTaking : isWaiting);
    const since = performance.now();
    await start();
    await seen;
    const milliseconds = seconds(since) * 1000;
    if (job) await untilState(queue, job, 'completed');
    return milliseconds;
  });
}

function idleOf(kind) {
  return inPlace(kind, async ({ queue, events, number, start, runNow: add }) => {
    const worker = await start();
    await worker.waitForEvent('worker ready');
    await untilState(queue, (await add()).job, 'completed');
    await eventually(async () => (await queue.getCompletedCount()) === 2, { what: 'the prune to be done' });
    await closeAll(queue, events); // from here on all commands are the worker's
    await pause(settle * 1000);
    const alone = () => eventually(() => worker.descendants().length === 0, { interval: 1, what: 'the worker to have no child' });
    await alone();
    const memory = memoryOfTree(worker.pid);

    let commands = 0;
    const count = (time, command, source, database) => (commands += database === number && source !== 'lua' ? 1 : 0);
    const before = usageOfTree(worker.pid);
    monitor.on('monitor', count);
    await pause(idle * 1000);
    monitor.off('monitor', count);
    await alone(); // what a child has used is known to the full only when it is reaped
    const after = usageOfTree(worker.pid);
    return { ...memory, cpuMs: after.cpuMs - before.cpuMs, switches: after.switches - before.switches, commands };
  }, { megabytes });
}

/* Seconds until `condition` holds, to a tenth; Infinity if it does not within `patience`. */
async function untilSo(condition, since, patience) {
  try {
    await eventually(condition, { timeout: patience * 1000, interval: 100 });
    return seconds(since);
  } catch {
    return Infinity;
  }
}

/* `everything`: the worker dies with all below it, as a container does; else alone, as by a bug. */
async function kill(worker, everything) {
  const below = descendants(worker.pid);
  if (everything) {
    worker.signal('SIGSTOP'); // or it would see them die
    for (const { pid } of below) process.kill(pid, 'SIGKILL');
  }
  worker.signal('SIGKILL');
  await worker.ended;
  return below;
}

function takeoverOf(kind, { idleFor, everything }) {
  return inPlace(kind, async ({ sql, client, start, runNow: add, holdDumps }) => {
    const workers = await Promise.all([start(), start()]);
    await Promise.all(workers.map((worker) => worker.waitForEvent('worker ready')));
    await pause(idleFor);
    const release = await holdDumps();
    const { job, runId } = await add();
    const isHeld = async () => (await sql.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).rowCount === 1;
    await eventually(isHeld, { what: 'pg_dump to wait for the table' });
    const victim = workers.find((worker) => worker.descendants().some(({ name }) => name === 'pg_dump'));
    const left = await readRun(sql, runId);
    const lockSeconds = (await client.pttl(`bull:backup:${job.id}:lock`)) / 1000;

    const since = performance.now();
    const below = await kill(victim, everything);
    await release();
    const row = () => readRun(sql, runId);
    const isTold = ({ status, started_at }) => status !== left.status || started_at?.getTime() !== left.started_at.getTime();
    const [taken, told, done] = await Promise.all([
      untilSo(async () => Number(await client.hget(`bull:backup:${job.id}`, 'ats')) === 2, since, kind.patience),
      untilSo(async () => isTold(await row()), since, kind.patience),
      untilSo(async () => (await row()).status === 'success', since, kind.patience),
    ]);
    await untilGone(below);
    return { lockSeconds, taken, told, done };
  });
}

const line = (title, ...figures) => console.log(title.padEnd(36) + figures.map((one) => one.padStart(26)).join(''));

function figure(seen, name, { digits = 1, unit = 1 } = {}) {
  const values = seen.map((one) => one[name] / unit);
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) => (Number.isFinite(value) ? value.toFixed(digits) : 'never'));
  return least === most ? middle : `${middle} (${least} to ${most})`;
}

async function compareStarts() {
  const compared = [kinds.node, kinds.ours].map((kind) => ({ kind, seen: [] }));
  const times = 3 * rounds;
  for (let n = 0; n < times; n++)
    for (const { kind, seen } of compared) seen.push({ ready: await startOf(kind, { withJob: false }), taken: await startOf(kind, { withJob: true }) });
  line(`start, ${times} times`, ...compared.map(({ kind }) => kind.title));
  line('ms until it waits for jobs', ...compared.map(({ seen }) => figure(seen, 'ready')));
  line('ms until a job that waits is taken', ...compared.map(({ seen }) => figure(seen, 'taken')));
}

async function compareIdling() {
  const compared = [kinds.node, kinds.ours, kinds.page].map((kind) => ({ kind, seen: [] }));
  for (let round = 0; round < rounds; round++) await Promise.all(compared.map(async ({ kind, seen }) => seen.push(await idleOf(kind))));
  line(`\nidling, ${rounds} times`, ...compared.map(({ kind }) => kind.title));
  const show = (title, name, options) => line(title, ...compared.map(({ seen }) => figure(seen, name, options)));
  const megabytes = { unit: 1048576 };
  show('MB resident (RSS)', 'rss', megabytes);
  show('MB proportional (PSS)', 'pss', megabytes);
  show('MB private and dirty', 'privateDirty', megabytes);
  show(`ms of CPU in ${idle} s`, 'cpuMs');
  show(`context switches in ${idle} s`, 'switches', { digits: 0 });
  show(`commands to Redis in ${idle} s`, 'commands', { digits: 0 });
}

/* In a worker on Node there is nothing below that could do anything once it is gone. */
async function compareTakeovers() {
  const all = [kinds.node, kinds.bullmq, kinds.ours].map((kind) => ({ ...kind, everything: true }));
  const compared = [...all, { ...kinds.ours, title: 'ours, its job process left alive', everything: false }].map((kind) => ({ kind, seen: [] }));
  for (let round = 0; round < rounds; round++) {
    const idleFor = options.quick ? 0 : ((round + 0.5) / rounds) * 30_000; // over an interval of BullMQ's
    await Promise.all(compared.map(async ({ kind, seen }) => seen.push(await takeoverOf(kind, { idleFor, ...kind }))));
  }
  line(`\ntakeover, ${rounds} times: seconds until`, 'the job is had again', 'the row is told', 'the backup is there', 'its lock had left');
  for (const { kind, seen } of compared) line(kind.title, ...['taken', 'told', 'done'].map((name) => figure(seen, name)), figure(seen, 'lockSeconds', { digits: 0 }));
  console.log(`never: not in ${bound} s`);
}

await compareStarts();
await compareIdling();
await compareTakeovers();
monitor.disconnect();
await postgres.stop();
await redis.stop();
process.exit(0);
