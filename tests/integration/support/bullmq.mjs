/*
 * bullmq: the real package, in the two versions that must be served, enqueueing exactly as the app's API does.
 *
 *     for (const [version, bullmq] of Object.entries(versions)) describe(`bullmq ${version}`, () => {
 *       const queue = openQueue(bullmq, redis);
 *       const events = openQueueEvents(bullmq, redis);
 *       after(() => closeAll(queue, events));
 *       const job = await runNow(queue, { configId, backupRunId });
 *       await untilState(queue, job, 'completed');              // fails at once, with the reason, if it ends otherwise
 */
import * as bullmq5 from 'bullmq5';
import * as bullmq6 from 'bullmq6';
import { eventually } from './wait.mjs';

export const versions = { '5.76.2': bullmq5, '6.7.0': bullmq6 };

/* What the API gives every queue. */
export const defaultJobOptions = { removeOnComplete: { age: 86400, count: 1000 }, removeOnFail: { age: 604800 } };

/* A lost connection is shown as an event "error"; without a listener that would end the test process. It reconnects by itself. */
function withoutErrors(thing) {
  thing.on('error', () => {});
  return thing;
}

export function openQueue(bullmq, redis, { name = 'backup', ...options } = {}) {
  return withoutErrors(new bullmq.Queue(name, { connection: redis.connection(), defaultJobOptions, ...options }));
}

export function openQueueEvents(bullmq, redis, { name = 'backup', ...options } = {}) {
  return withoutErrors(new bullmq.QueueEvents(name, { connection: redis.connection(), ...options }));
}

/* bullmq's own worker, for comparison and for fleets of both kinds. */
export function openNodeWorker(bullmq, redis, work, { name = 'backup', ...options } = {}) {
  return withoutErrors(new bullmq.Worker(name, work, { connection: redis.connection(), ...options }));
}

/* BullMQ may wait for ever for the end of a connection that its Redis has cut meanwhile: after some seconds nobody waits any more. */
async function close(thing) {
  let timer;
  const patience = new Promise((done) => (timer = setTimeout(() => done('late'), 5_000)));
  const end = await Promise.race([thing?.close(), patience]).finally(() => clearTimeout(timer));
  if (end === 'late') thing.disconnect?.()?.catch?.(() => {});
}

export function closeAll(...things) {
  return Promise.allSettled(things.map(close));
}

/* "Run now": the row `backupRunId` is there before (schema.mjs, insertRun). */
export function runNow(queue, { configId, backupRunId }, options = {}) {
  return queue.add('run', { kind: 'run', configId, backupRunId },
    { attempts: 1, removeOnComplete: { age: 86400 }, removeOnFail: { age: 86400 }, ...options });
}

/* What the worker itself adds after a successful run. */
export function prune(queue, { configId }, options = {}) {
  return queue.add('prune', { kind: 'prune', configId },
    { attempts: 1, removeOnComplete: { age: 3600 }, removeOnFail: { age: 86400 }, ...options });
}

/* The scheduler of a config, as the API registers it at its boot and on every change: row or { id, cron, timezone }. */
export function schedule(queue, { id, cron, timezone }) {
  return queue.upsertJobScheduler(`backup-config-${id}`, { pattern: cron, tz: timezone ?? 'Etc/UTC' },
    { name: 'run', data: { kind: 'run', configId: id } });
}

/* What a schedule's job looks like to the worker, without waiting for the clock. */
export function scheduledRun(queue, { configId }, options = {}) {
  return queue.add('run', { kind: 'run', configId }, options);
}

const finished = ['completed', 'failed'];

/* Waits until the job is in one of `states`; hands back a fresh copy of it. Ends at once, with the reason, if it finishes otherwise. */
export async function untilState(queue, job, states, { timeout = 20_000 } = {}) {
  const id = job.id ?? job;
  const wanted = [states].flat();
  const state = await eventually(
    async () => {
      const now = await queue.getJobState(id);
      if (wanted.includes(now) || finished.includes(now)) return now;
      throw new Error(`it is ${now}`);
    },
    { timeout, what: `job ${id} to be ${wanted.join(' or ')}` },
  );
  const fresh = await queue.getJob(id);
  if (!wanted.includes(state)) throw new Error(`job ${id} is ${state}, not ${wanted.join(' or ')}: ${fresh?.failedReason ?? ''}`);
  return fresh;
}

/* What the event stream tells of a job, oldest first: [{ event: 'added', name: 'run' }, ...]. */
export async function eventsOf(client, job, { queue = 'backup' } = {}) {
  const entries = await client.xrange(`bull:${queue}:events`, '-', '+');
  const objects = entries.map(([, fields]) => Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]]] : []))));
  return objects.filter(({ jobId }) => jobId === (job.id ?? job)).map(({ jobId, ...rest }) => rest);
}
