/*
 * bench/protocol: jobs that do nothing, taken and finished by BullMQ's own Worker, by our loop, and by the barest client of our scripts, side by
 * side on one Redis, a fresh queue each time, interleaved.
 *
 *     node tests/bench/protocol.mjs [--jobs 20000] [--rounds 3] [--versions 5.76.2,6.7.0] [--concurrency 1,10,100]
 *
 * (After cmake --build --preset release.) Told are jobs per second and CPU per job of the worker's process, medians of the rounds, and what the
 * scripts cost Redis by its own count (usec_per_call of EVALSHA), for taking alone and for finishing and taking at once.
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
  },
});
const jobs = Number(options.jobs);
const rounds = Number(options.rounds);
const warmUp = Math.ceil(jobs / 10);
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

async function measure(run, version, { removeOnComplete = false, concurrency }) {
  const name = await fill(version, removeOnComplete);
  await client.config('RESETSTAT');
  const { stdout } = await run({ name, concurrency, keep: removeOnComplete ? '0' : '-1', version });
  const { usec } = /cmdstat_evalsha:.*usec_per_call=(?<usec>[\d.]+)/.exec(await client.info('commandstats')).groups;
  await client.flushall();
  const figures = JSON.parse(stdout);
  return { perSecond: figures.jobs / figures.seconds, cpu: (figures.cpuSeconds / figures.jobs) * 1e6, usec: Number(usec) };
}

const counts = [String(warmUp), String(jobs)];
const runners = {
  node: ({ name, concurrency, version }) =>
    runProcess(process.execPath, [fileURLToPath(new URL('node_worker.mjs', import.meta.url)), version, `${redis.port}`, name, `${concurrency}`, ...counts]),
  ours: ({ name, concurrency }) => runProcess(program('protocol_worker'), [redis.url, name, `${concurrency}`, ...counts]),
  limit: ({ name, concurrency, keep }) => runProcess(program('protocol_limit'), [`${redis.port}`, name, `${concurrency}`, ...counts, keep]),
};

const figure = (number, digits = 0) => number.toFixed(digits).padStart(7);

async function compare(version, setting) {
  const seen = { node: [], ours: [], limit: [] };
  for (let round = 0; round < rounds; round++) for (const [kind, run] of Object.entries(runners)) seen[kind].push(await measure(run, version, setting));
  const of = (kind, what) => median(seen[kind].map((one) => one[what]));
  console.log(
    `${version}  ${String(setting.concurrency).padStart(3)}  ${setting.removeOnComplete ? 'removed' : 'kept   '}`
      + `${figure(of('node', 'perSecond'))}${figure(of('ours', 'perSecond'))}${figure(of('limit', 'perSecond'))}`
      + `${figure(of('ours', 'perSecond') / of('node', 'perSecond'), 2)}${figure(of('ours', 'perSecond') / of('limit', 'perSecond'), 2)}`
      + `${figure(of('node', 'cpu'), 1)}${figure(of('ours', 'cpu'), 1)}${figure(of('node', 'usec'), 1)}${figure(of('ours', 'usec'), 1)}`,
  );
}

console.log('                     jobs per second        ours/  ours/   CPU us/job    EVALSHA us/call');
console.log('bullmq   conc  jobs     node   ours  limit   node  limit   node   ours   node   ours');
for (const version of options.versions.split(','))
  for (const concurrency of options.concurrency.split(',').map(Number))
    for (const removeOnComplete of [false, true]) await compare(version, { concurrency, removeOnComplete });

await redis.stop();
process.exit(0);
