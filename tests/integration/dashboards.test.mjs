/*
 * What dashboards show of jobs that our worker does, beside what they show of the same jobs done by BullMQ's own worker: through the getters of a
 * Queue, through QueueEvents and through Bull Board.
 */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openBullBoard } from './support/bull_board.mjs';
import { closeAll, openQueue, openQueueEvents, versions } from './support/bullmq.mjs';
import { startRedis } from './support/redis.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { javascript } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';
import { startWorker } from './support/worker.mjs';

const hour = 3_600_000;
const states = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'];
const metricsPoints = 5;

/* One after the other, in this order; all after `running` wait until it may end. A job's data says what it does. */
const jobs = [
  ['plain', { value: { list: [1, 'zwei', null], nested: { yes: true } } }],
  ['nothing', {}],
  ['talks', { rows: ['first row', 'second "row" ü\nand more'], progress: { phase: 'dump', percent: 10 }, value: 'said' }],
  ['counts', { progress: 42, value: 42 }],
  ['fails', { failure: 'no "such" täble', times: 9, rows: ['before it failed'] }],
  ['fails twice', { failure: 'try again', times: 9 }, { attempts: 2 }],
  ['fails for good', { failure: 'hopeless', times: 9, unrecoverable: true }, { attempts: 5, backoff: 1000 }],
  ['comes back', { failure: 'once', times: 1, value: 'in the end' }, { attempts: 2 }],
  ['waits for its next attempt', { failure: 'later', times: 9 }, { attempts: 3, backoff: { type: 'fixed', delay: hour } }],
  ['comes back much later', { failure: 'and later', times: 9 }, { attempts: 3, backoff: { type: 'exponential', delay: hour } }],
  ['puts itself off', { postpone: hour }],
  ['leaves nothing', { value: 'gone' }, { removeOnComplete: true }],
  ['keeps one row', { rows: ['dropped', 'kept'] }, { keepLogs: 1 }],
  ['forgets its stack', { failure: 'stackless', times: 9 }, { stackTraceLimit: 0 }],
  ['running', { progress: 1, rows: ['at work'], waits: true, value: 'done' }],
  ['queued', { value: 'after it' }],
  ['important', { value: 'first of them' }, { priority: 1 }],
  ['less important', { value: 'second of them' }, { priority: 7 }],
  ['not yet', {}, { delay: hour }],
];

const ourProgram = (go) => javascript(`
  const { rows = [], progress, postpone, waits, failure, times, unrecoverable, value } = job.data;
  const { existsSync } = require('node:fs');
  for (const text of rows) say({ type: 'log', text });
  if (progress !== undefined) say({ type: 'progress', value: progress });
  const end = () => {
    if (waits && !existsSync('${go}')) return setTimeout(end, 20);
    if (postpone) say({ type: 'delay', until: Date.now() + postpone });
    else if (job.attemptsMade < times) say({ type: 'failed', reason: failure, retry: !unrecoverable });
    else say({ type: 'completed', returnvalue: value ?? null });
  };
  end();`);

const nodeProcessor = ({ UnrecoverableError, DelayedError }, go) => async (job, token) => {
  const { rows = [], progress, postpone, waits, failure, times, unrecoverable, value } = job.data;
  for (const row of rows) await job.log(row);
  if (progress !== undefined) await job.updateProgress(progress);
  await eventually(() => !waits || existsSync(go), { timeout: 60_000 });
  await pause(5); // lists of finished jobs are in the order of milliseconds
  if (postpone) {
    await job.moveToDelayed(Date.now() + postpone, token);
    throw new DelayedError();
  }
  if (job.attemptsMade < times) throw new (unrecoverable ? UnrecoverableError : Error)(failure);
  return value;
};

const eventNames = ['added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed', 'drained', 'retries-exhausted', 'stalled', 'removed',
  'duplicated', 'deduplicated', 'cleaned', 'paused', 'resumed', 'waiting-children'];

/* A queue of its own prefix with everything that looks at it; the jobs are there before the worker. `go`: the file that `running` waits for. */
async function openSide({ redis, bullmq, prefix, openWorker }) {
  const queue = openQueue(bullmq, redis, { prefix, defaultJobOptions: {} });
  const events = openQueueEvents(bullmq, redis, { prefix, lastEventId: '0' });
  const told = [];
  for (const name of eventNames) events.on(name, (args) => told.push({ name, args }));
  const client = redis.client();
  const side = {
    prefix,
    queue,
    events,
    told,
    go: join(temporaryFolder('go'), 'go'),
    board: await openBullBoard(queue),
    /* As if the last point of the metrics had been made at another time. */
    setMetricsClock: (ms) => Promise.all(['completed', 'failed'].map((name) =>
      client.hset(`${prefix}:backup:metrics:${name}`, 'prevTS', Date.now() + ms, 'prevCount', 0))),
    untilCounts: (counts) => eventually(async () => {
      const { paused, ...now } = await queue.getJobCounts(...Object.keys(counts)); // BullMQ 5 counts them with `waiting`
      assert.deepEqual(now, counts);
      return true;
    }, { timeout: 30_000, what: `the jobs of ${prefix} to be where they belong` }),
  };
  await side.setMetricsClock(hour); // no point is made by itself, at the turn of a minute
  const added = await queue.addBulk(jobs.map(([name, data, opts]) => ({ name, data, opts })));
  side.ids = Object.fromEntries(added.map(({ id, name }) => [name, id]));
  side.worker = await openWorker(side);
  return side;
}

const openOurs = (redis) => ({ prefix, go }) => startWorker({
  args: [`--prefix=${prefix}`, '--name=dumper', `--metrics=${metricsPoints}`, '--', ...ourProgram(go)],
  env: { REDIS_URL: redis.url },
});

const openTheirs = (redis, bullmq) => ({ prefix, go }) =>
  new bullmq.Worker('backup', nodeProcessor(bullmq, go), { connection: redis.connection(), prefix, name: 'dumper', metrics: { maxDataPoints: metricsPoints } });

/* As JSON; what must differ is made the same: times, how much of an hour is left, the prefix, and where in a program an error arose. */
function normalized(value, prefix) {
  const text = JSON.stringify(value, (name, one) => {
    if (one === null || !['number', 'string'].includes(typeof one)) return one;
    if (/^\d{13}(\.\d+|-\d+)?$/.test(one)) return 'a time'; // or an id of the event stream, which begins with one
    if (Number(one) > hour - 60_000 && Number(one) <= hour) return 'an hour';
    return typeof one === 'string' ? one.replace(/\n +at .*/s, '').replace(new RegExp(`^${prefix}:`), 'prefix:') : one;
  });
  return JSON.parse(text);
}

const atWork = { active: 1, waiting: 3, prioritized: 2, delayed: 4, completed: 5, failed: 3 };
const allDone = { active: 0, waiting: 0, prioritized: 0, delayed: 4, completed: 10, failed: 4 };

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version} shows of our worker what it shows of its own`, () => {
    let redis;
    let ours;
    let theirs;
    const both = (act) => Promise.all([ours, theirs].map(act));
    /* Both show the same; what ours shows is handed back. */
    const same = async (look) => {
      const [seen, wanted] = await both(async (side) => normalized(await look(side), side.prefix));
      assert.deepEqual(seen, wanted);
      return seen;
    };

    before(async () => {
      redis = await startRedis();
      ours = await openSide({ redis, bullmq, prefix: 'ours', openWorker: openOurs(redis) });
      theirs = await openSide({ redis, bullmq, prefix: 'theirs', openWorker: openTheirs(redis, bullmq) });
    });
    after(async () => {
      await ours.worker.stop();
      await closeAll(theirs.worker, ...[ours, theirs].flatMap(({ queue, events, board }) => [board, queue, events]));
      await redis.stop();
    });

    const looks = {
      'the number of jobs in each state': ({ queue }) => queue.getJobCounts(),
      'the jobs of each state, with all that they carry': ({ queue }) =>
        Promise.all(states.map(async (state) => (await queue.getJobs([state])).map((job) => job.toJSON()))),
      'the log of each job': ({ queue, ids }) => Promise.all(Object.values(ids).map((id) => queue.getJobLogs(id))),
      'the worker': async ({ queue }) => [await queue.getWorkersCount(), ...(await queue.getWorkers()).map(({ name, rawname }) => ({ name, rawname }))],
      'the metrics': async ({ queue }) => [await queue.getMetrics('completed'), await queue.getMetrics('failed')],
      "the pages of Bull Board's lists": ({ board }) =>
        Promise.all(['latest', ...states].map((status) => board.get(`/api/queues?activeQueue=backup&status=${status}&page=1&jobsPerPage=50`))),
      "Bull Board's page of each job": ({ board, ids }) =>
        Promise.all(Object.entries(ids).filter(([name]) => name !== 'leaves nothing').map(([, id]) => board.get(`/api/queues/backup/${id}`))),
      "Bull Board's log of each job": ({ board, ids }) =>
        Promise.all(Object.entries(ids).filter(([name]) => name !== 'leaves nothing').map(([, id]) => board.get(`/api/queues/backup/${id}/logs`))),
      "Bull Board's view of the worker": async ({ board }) =>
        (await board.get('/api/queues/backup/workers')).workers.map(({ id, addr, age, idle, ...rest }) => rest),
      "Bull Board's metrics": ({ board }) => board.get('/api/queues/backup/metrics'),
    };

    describe('while a job runs', () => {
      before(() => both(async ({ untilCounts, queue, ids }) => {
        await untilCounts(atWork);
        await eventually(async () => (await queue.getJob(ids.running)).progress === 1 && (await queue.getJobLogs(ids.running)).count === 1,
          { what: 'the progress and the log of the running job' });
      }));
      for (const [name, look] of Object.entries(looks)) test(name, () => same(look));
    });

    describe('when all is done', () => {
      before(() => both(async ({ untilCounts, go }) => {
        writeFileSync(go, '');
        await untilCounts(allDone);
      }));
      for (const [name, look] of Object.entries(looks)) test(name, () => same(look));

    });

    describe('when the delayed jobs are removed, and minutes have gone by', () => {
      before(() => both(async ({ queue, setMetricsClock, untilCounts }) => {
        for (const job of await queue.getDelayed()) await job.remove();
        await setMetricsClock(-hour);
        await queue.addBulk([{ name: 'later', data: {} }, { name: 'fails later', data: { failure: 'late', times: 9 } }]);
        await untilCounts({ delayed: 0, completed: allDone.completed + 1, failed: allDone.failed + 1 });
      }));

      test('the points of the metrics', async () => {
        const [completed, failed] = await same(({ queue }) => Promise.all([queue.getMetrics('completed'), queue.getMetrics('failed')]));
        assert.deepEqual([completed.data, failed.data].map((data) => data.map(Number)), [[0, 0, 0, 0, 11], [0, 0, 0, 0, 4]]);
      });

      test('all the events, in their order', async () => {
        await both(({ told }) => eventually(() => told.at(-1)?.name === 'drained', { what: 'the last event' }));
        const told = await same(({ told: all }) => all);
        assert.deepEqual([...new Set(told.map(({ name }) => name))].sort(),
          ['active', 'added', 'completed', 'delayed', 'drained', 'failed', 'progress', 'removed', 'retries-exhausted', 'waiting']);
      });
    });
  });
}
