/*
 * BullMQ's own worker, in a process of its own, with the fleet's job, as job.c has it for ours:
 *
 *     node tests/fleet/node_worker.mjs PACKAGE OPTIONS    the package of a version, as bullmq5; the worker's options in JSON
 *
 * FLEET_RECORD as in job.c. SIGTERM closes it. It says {"event":"worker ready"} on standard error.
 */
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [bullmqPackage, options] = process.argv.slice(2);
const { UnrecoverableError, Worker } = await import(bullmqPackage);

async function work({ id, attemptsMade, data }) {
  const note = (what) => appendFileSync(process.env.FLEET_RECORD, `${what} ${id} ${attemptsMade}\n`);
  note('started');
  await pause(data.ms);
  note('ended');
  const failure = data.failures[attemptsMade];
  if (failure === undefined) return data.number;
  throw new (failure === 'u' ? UnrecoverableError : Error)(`failure ${attemptsMade + 1}`);
}

/*
 * close() of both versions never ends while the blocking connection waits for its next try to connect, as after a sleep: it waits for an event
 * `end`, which ioredis does not send in that state. Only the process is held up by that, no job.
 */
async function untilConnected() {
  const client = await (worker.blockingConnection ?? worker.backend.blockingConnection).client;
  if (client.status !== 'ready') await once(client, 'ready');
}

const worker = new Worker('fleet', work, JSON.parse(options));
worker.on('error', () => {}); // a lock that was lost, an outcome that was refused: what becomes of the job is seen in Redis
process.on('SIGTERM', async () => {
  await untilConnected();
  await worker.close();
  process.exit(0);
});
await worker.waitUntilReady();
console.error(JSON.stringify({ event: 'worker ready' }));
