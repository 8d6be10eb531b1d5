/*
 * bench/protocol: jobs that do nothing, taken and finished by BullMQ's own Worker, by our loop, and by the barest client of our scripts (the machine's
 * own limit for one job a call), side by side on one Redis without persistence, a fresh queue each time, interleaved.
 *
 *     node tests/bench/protocol.mjs [--jobs 20000] [--rounds 3] [--versions 5.76.2,6.7.0] [--concurrency 1,10,100] [--placement one,free]
 *
 * (After cmake --build --preset release.) Told are jobs per second and CPU per job of the worker's process, and the ratios of each round, all of them
 * medians: a machine's speed changes more from minute to minute than within a round; then what Redis itself
 * counts for a call of our scripts and of BullMQ's (usec_per_call of EVALSHA): taking alone, and finishing with taking the next, one job at a time.
 *
 * Placement `one` keeps Redis and the worker on one CPU: the work of both, and nothing else, decides. `free` leaves them to the kernel: then, with
 * little concurrency, what is measured is mostly how long a sleeping CPU takes to wake up, which on virtual machines is long, and the same for all.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openQueue, versions } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { runProcess } from '../integration/support/run_folder.mjs';
import { binaryFolder } from '../integration/support/worker.mjs';

const { values: options } = parseArgs({
  options: {
    jobs: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    versions: { type: 'string', default: '5.76.2,6.7.0' },
    concurrency: { type: 'string', default: '1,10,100' },
    placement: { type: 'string', default: 'one,free' },
  },
});
const jobs = Number(options.jobs);
const rounds = Number(options.rounds);
const warmUp = Math.ceil(jobs / 10);
const counts = [String(warmUp), String(jobs)];
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const program = (name) => join(binaryFolder, 'tests', name);

const redis = await startRedis({ appendonly: false });
const client = redis.client();
let queues = 0;

/* A fresh queue with enough jobs for everybody, made by that version. */
async function fill(version, removeOnComplete) {
  const name = `bench${++queues}`;
  const queue = openQueue(versions[version], redis, { name, defaultJobOptions: removeOnComplete ? { removeOnComplete: true } : {} });
  const all = warmUp + jobs + 2 * 100;
  for (let added = 0; added < all; added += 1000) await queue.addBulk(Array.from({ length: 1000 }, (_, n) => ({ name: 'nothing', data: { n: added + n } })));
  await queue.close();
  return name;
}

/* Runs a program beside Redis, or on the same CPU. */
async function place(placement, command, ...args) {
  const cpus = placement === 'one' ? '0' : '0-4095';
  await runProcess('taskset', ['-a', '-c', '-p', cpus, String(redis.pid)]);
  const { stdout } = await runProcess('taskset', ['-c', cpus, command, ...args]);
  return JSON.parse(stdout);
}

const node = (...args) => [process.execPath, fileURLToPath(new URL('node_worker.mjs', import.meta.url)), ...args];
const workers = {
  node: ({ name, concurrency, version }) => node(version, `${redis.port}`, name, `${concurrency}`, ...counts),
  ours: ({ name, concurrency }) => [program('protocol_worker'), redis.url, name, `${concurrency}`, ...counts],
  limit: ({ name, concurrency, keep }) => [program('protocol_limit'), `${redis.port}`, name, `${concurrency}`, ...counts, keep],
};

async function measure(command, version, { removeOnComplete = false, concurrency, placement }) {
  const name = await fill(version, removeOnComplete);
  await client.config('RESETSTAT');
  const figures = await place(placement, ...command({ name, concurrency, keep: removeOnComplete ? '0' : '-1', version }));
  const { usec } = /cmdstat_evalsha:.*usec_per_call=(?<usec>[\d.]+)/.exec(await client.info('commandstats')).groups;
  await client.flushall();
  return { perSecond: figures.jobs / figures.seconds, cpu: (figures.cpuSeconds / figures.jobs) * 1e6, usec: Number(usec) };
}

async function repeat(commands, version, setting) {
  const seen = Object.fromEntries(Object.keys(commands).map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) for (const [kind, command] of Object.entries(commands)) seen[kind].push(await measure(command, version, setting));
  return {
    of: (kind, what) => median(seen[kind].map((one) => one[what])),
    ratio: (a, b, what) => median(seen[a].map((one, round) => one[what] / seen[b][round][what])),
  };
}

const figure = (number, digits = 0) => number.toFixed(digits).padStart(8);

async function compareWorkers(version, setting) {
  const { of, ratio } = await repeat(workers, version, setting);
  console.log(
    `${version}  ${setting.placement.padEnd(4)} ${String(setting.concurrency).padStart(4)}  ${setting.removeOnComplete ? 'removed' : 'kept   '}`
      + ['node', 'ours', 'limit'].map((kind) => figure(of(kind, 'perSecond'))).join('')
      + ['node', 'limit'].map((kind) => figure(ratio('ours', kind, 'perSecond'), 2)).join('')
      + ['node', 'ours', 'limit'].map((kind) => figure(of(kind, 'cpu'), 1)).join(''),
  );
}

/* One job at a time. BullMQ's own scripts as its Worker's methods call them. */
async function compareScripts(version) {
  const one = { concurrency: 1, placement: 'one' };
  const fetch = await repeat({
    node: ({ name }) => node(version, `${redis.port}`, name, 'fetch', ...counts),
    ours: ({ name }) => [program('protocol_limit'), `${redis.port}`, name, '1', ...counts],
  }, version, one);
  const finish = await repeat({ node: workers.node, ours: workers.limit }, version, one);
  const tell = ({ of, ratio }) => `BullMQ ${of('node', 'usec').toFixed(1)} us, ours ${of('ours', 'usec').toFixed(1)} us (${ratio('ours', 'node', 'usec').toFixed(2)})`;
  console.log(`${version}  fetch: ${tell(fetch)}; finish and fetch: ${tell(finish)}`);
}

console.log('                                 jobs per second         ours/   ours/        CPU us per job');
console.log('bullmq  CPUs concurrency jobs    node    ours   limit    node   limit    node    ours   limit');
for (const placement of options.placement.split(','))
  for (const version of options.versions.split(','))
    for (const concurrency of options.concurrency.split(',').map(Number))
      for (const removeOnComplete of [false, true]) await compareWorkers(version, { placement, concurrency, removeOnComplete });
console.log('\nwhat Redis counts for a call of a script, one job at a time');
for (const version of options.versions.split(',')) await compareScripts(version);

await redis.stop();
process.exit(0);
