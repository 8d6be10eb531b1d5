/*
 * workers: the two kinds of worker that must not be told apart, each of them running a scenario's work(job, tools) in this process.
 *
 *     const worker = await kinds.bullmq(stage, options);     bullmq's own Worker
 *     const worker = await kinds.ours(stage, options);       weavestream-backup worker -- relay SOCKET
 *     await worker.close();         it lets its jobs end, and takes no other
 *     await worker.stop();          at once
 *
 * `options` are in bullmq's words. `stage`: { bullmq, redis, client, prefix, queue, work }. `work` sees of a job what both kinds tell of it, and ends
 * by returning a value, by throwing, or by one of the tools that end it. What the tools write is in Redis when they are done.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { temporaryFolder } from '../../integration/support/run_folder.mjs';
import { eventually } from '../../integration/support/wait.mjs';
import { binaryFolder, startWorker } from '../../integration/support/worker.mjs';

const relay = join(binaryFolder, 'tests', 'relay');

/* How a job ends, other than by a value or an Error. */
class Verdict {
  constructor(type, value) {
    Object.assign(this, { type, value });
  }
}
const ends = Object.fromEntries(['unrecoverable', 'delay', 'wait', 'rateLimit'].map((type) => [type, (value) => {
  throw new Verdict(type, value);
}]));

function seenOf({ id, name, data, attemptsMade, attemptsStarted, stalledCounter }) {
  return { id, name, data, attemptsMade, attemptsStarted, stalledCounter };
}

async function startBullmq({ bullmq, redis, prefix, queue, work }, options) {
  const verdicts = {
    unrecoverable: (reason) => { throw new bullmq.UnrecoverableError(reason); },
    delay: async (ms, job, token) => {
      await job.moveToDelayed(Date.now() + ms, token);
      throw new bullmq.DelayedError();
    },
    wait: async (nothing, job, token) => {
      await job.moveToWait(token);
      throw new bullmq.WaitingError();
    },
    rateLimit: async (ms) => {
      await worker.rateLimit(ms);
      throw new bullmq.RateLimitError();
    },
  };
  const process = async (job, token) => {
    const tools = {
      ...ends,
      progress: async (value) => void (await job.updateProgress(value)),
      log: async (text) => void (await job.log(text)),
      updateData: (data) => job.updateData(data),
      add: async (name, data, opts) => void (await queue.add(name, data, opts)),
    };
    try {
      return await work(seenOf(job), tools);
    } catch (error) {
      if (error instanceof Verdict) return verdicts[error.type](error.value, job, token);
      throw error;
    }
  };
  const worker = new bullmq.Worker(queue.name, process, { connection: redis.connection(), prefix, ...options });
  worker.on('error', () => {}); // what goes wrong shows in Redis
  await worker.waitUntilReady();
  return { close: () => worker.close(), stop: () => worker.close(true) };
}

/* Both kinds go by the same clocks. */
const machineZone = process.env.TZ === undefined ? {} : { TZ: process.env.TZ };

/* bullmq's options in the words of our command line. */
const flags = {
  concurrency: (n) => `--concurrency=${n}`,
  name: (text) => `--name=${text}`,
  lockDuration: (ms) => `--lock-duration=${ms}`,
  stalledInterval: (ms) => `--stalled-interval=${ms}`,
  maxStalledCount: (n) => `--max-stalled-count=${n}`,
  maxStartedAttempts: (n) => `--max-started-attempts=${n}`,
  skipStalledCheck: () => '--skip-stalled-check',
  skipLockRenewal: () => '--skip-lock-renewal',
  limiter: ({ max, duration }) => `--limiter=${max}/${duration}`,
  maximumRateLimitDelay: (ms) => `--maximum-rate-limit-delay=${ms}`,
  metrics: ({ maxDataPoints }) => `--metrics=${maxDataPoints}`,
  removeOnComplete: (keep) => `--remove-on-complete=${JSON.stringify(keep)}`,
  removeOnFail: (keep) => `--remove-on-fail=${JSON.stringify(keep)}`,
};

/* Tools that write a report line and wait until the worker has made it true. */
function reportTools({ client, queue }, job, say) {
  const key = queue.toKey(job.id);
  const until = async (condition, what) => void (await eventually(condition, { what: `${what} of job ${job.id}` }));
  const isField = async (name, value) => isDeepStrictEqual(JSON.parse(await client.hget(key, name)), value);
  return {
    ...ends,
    progress(value) {
      say({ type: 'progress', value });
      return until(() => isField('progress', value), 'the progress');
    },
    log(text) {
      say({ type: 'log', text });
      return until(async () => (await client.lindex(`${key}:logs`, -1)) === text, 'the last row of the log');
    },
    updateData(data) {
      say({ type: 'data', data });
      return until(() => isField('data', data), 'the data');
    },
    async add(name, data, opts = {}) {
      const before = Number(await client.get(queue.toKey('id')));
      say({ type: 'add', name, data, opts });
      await until(async () => Number(await client.get(queue.toKey('id'))) > before, `'${name}', an addition`);
    },
  };
}

const reports = {
  unrecoverable: (reason) => ({ type: 'failed', reason, retry: false }),
  delay: (ms) => ({ type: 'delay', until: Date.now() + ms }),
  wait: () => ({ type: 'wait' }),
  rateLimit: (ms) => ({ type: 'rate-limit', ms }),
};

async function verdictOf(stage, job, say) {
  try {
    return { type: 'completed', returnvalue: (await stage.work(seenOf(job), reportTools(stage, job, say))) ?? null };
  } catch (error) {
    return error instanceof Verdict ? reports[error.type](error.value) : { type: 'failed', reason: error.message, retry: true };
  }
}

/* One connection is one job: it comes as JSON up to the end of input. */
async function serve(stage, socket) {
  socket.on('error', () => {}); // its worker has stopped it
  const parts = [];
  socket.on('data', (part) => parts.push(part));
  await once(socket, 'end');
  const job = JSON.parse(Buffer.concat(parts));
  const say = (report) => socket.write(`${JSON.stringify(report)}\n`);
  say(await verdictOf(stage, job, say));
  socket.end();
}

async function startOurs(stage, options) {
  if (!existsSync(relay)) throw new Error(`${relay} is not built`);
  const path = join(temporaryFolder('relay'), 'socket');
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(stage, socket).catch(() => socket.destroy()));
  await new Promise((done) => server.unref().listen(path, done));
  const { queue, prefix, redis } = stage;
  const args = [`--queue=${queue.name}`, `--prefix=${prefix}`, ...Object.entries(options).map(([name, value]) => flags[name](value))];
  const worker = await startWorker({
    args: [...args, '--', relay, path],
    env: { REDIS_URL: redis.url, BACKUP_STALLED_SECONDS: '30', BACKUP_SHUTDOWN_SECONDS: '2', ...machineZone },
  });
  await worker.waitForEvent('worker starting');
  return {
    async close() {
      worker.signal('SIGTERM');
      await worker.waitForEvent('worker closing');
      await worker.ended;
    },
    stop: () => worker.stop(),
  };
}

export const kinds = { bullmq: startBullmq, ours: startOurs };
