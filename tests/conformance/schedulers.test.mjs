/* Job schedulers that a job program makes and removes: the same is left in Redis as by bullmq's own calls. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';
import { closeAll, defaultJobOptions, openQueue, versions } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { runProcess } from '../integration/support/run_folder.mjs';
import { openScene } from '../integration/support/scene.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { binaryFolder } from '../integration/support/worker.mjs';
import { readDatabase } from './support/database.mjs';

const id = 'backup-config-4b0e8f7e-9d3c-4d2f-8a51-0c6a2a3f1e77';
const yearly = { id, pattern: '17 3 1 1 *', tz: 'Europe/Berlin', name: 'run', data: { kind: 'run', configId: '4b0e8f7e' }, opts: defaultJobOptions };
const others = [
  { ...yearly, id: 'with:colons:0', pattern: '30 2 29 2 *', tz: 'Etc/UTC' },
  { ...yearly, id: 'bare', pattern: '1 3 1 1 *', data: {}, opts: {} },
  { ...yearly, id: 'priority', pattern: '2 3 1 1 *', opts: { priority: 5, attempts: 3, backoff: { type: 'fixed', delay: 10 }, keepLogs: 2, lifo: true, stackTraceLimit: 1 } },
  { ...yearly, id: 'odd', pattern: '3 3 1 1 *', name: 'ünï "name"', data: { text: 'ünï / \\ "quotes"\n', number: 1.5, list: [null, true, {}, []] }, opts: { removeOnComplete: true, sizeLimit: 100000 } },
];

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

/* The two calls, by bullmq and by what a job program says. */
const theirs = {
  schedule: (queue, { id: scheduler, pattern, tz, name, data, opts }) => queue.upsertJobScheduler(scheduler, { pattern, tz }, { name, data, opts }),
  unschedule: (queue, scheduler) => queue.removeJobScheduler(scheduler),
};
const ours = (view) => ({
  schedule: (queue, scheduler) => report(view, { type: 'schedule', ...scheduler }),
  unschedule: (queue, scheduler) => report(view, { type: 'unschedule', id: scheduler }),
});

/* Hands back what was logged. */
async function report(view, line) {
  const { stderr } = await runProcess(join(binaryFolder, 'tests/reports'), [view.url, 'bull', 'backup'], { input: `${JSON.stringify(line)}\n` });
  return stderr;
}

const pendingId = async (queue, scheduler = id) => `repeat:${scheduler}:${(await queue.getJobScheduler(scheduler)).next}`;

/* What a scheduler may meet. `make` and `end` are the two calls, by one side. */
const situations = {
  'an empty queue': async ({ queue, make }) => make(queue, yearly),
  'a wiped queue': async ({ queue, client, make }) => {
    await client.flushdb();
    await make(queue, yearly);
  },
  'templates of all kinds': async ({ queue, make }) => {
    for (const one of others) await make(queue, one);
  },
  'the same scheduler, made a moment ago': async ({ queue, make }) => {
    await theirs.schedule(queue, yearly);
    await make(queue, yearly);
  },
  'the same scheduler with another pattern, zone and template': async ({ queue, make }) => {
    await theirs.schedule(queue, yearly);
    await make(queue, { ...yearly, pattern: '5 4 * 1 *', tz: 'America/New_York', data: { other: true }, opts: {} });
  },
  'iterations that were counted': async ({ queue, client, make }) => {
    await theirs.schedule(queue, yearly);
    await client.hset(queue.toKey(`repeat:${id}`), 'ic', 7);
    await make(queue, yearly);
  },
  'a scheduler by `every`, with its offset': async ({ queue, make }) => {
    await queue.upsertJobScheduler(id, { every: 86_400_000, startDate: 4_000_000_012_345 }, { name: 'run' });
    await make(queue, yearly);
  },
  'its job, waiting': async ({ queue, make }) => {
    await theirs.schedule(queue, yearly);
    await (await queue.getJob(await pendingId(queue))).promote();
    await make(queue, yearly);
  },
  'its job, waiting with a priority': async ({ queue, make }) => {
    await theirs.schedule(queue, { ...yearly, opts: { priority: 3 } });
    await (await queue.getJob(await pendingId(queue))).promote();
    await make(queue, yearly);
  },
  'its job, waiting in a paused queue': async ({ queue, make }) => {
    await theirs.schedule(queue, yearly);
    await (await queue.getJob(await pendingId(queue))).promote();
    await queue.pause();
    await make(queue, { ...yearly, pattern: '18 3 1 1 *' });
  },
  'its job, failed at the very instant that comes next': async ({ queue, client, make }) => {
    await theirs.schedule(queue, yearly);
    await client.rename(queue.toKey('delayed'), queue.toKey('failed'));
    await make(queue, yearly).catch(() => {}); // bullmq throws, ours says so in the log
  },
  'its job, which holds a deduplication id': async ({ queue, client, make }) => {
    await theirs.schedule(queue, { ...yearly, opts: { deduplication: { id: 'once' } } });
    await client.set(queue.toKey('de:once'), await pendingId(queue));
    await client.hset(queue.toKey('dn:once'), 'name', 'later');
    await make(queue, yearly);
  },
  'a paused queue, and other jobs delayed': async ({ queue, make }) => {
    await queue.add('work', {}, { timestamp: 4_000_000_000_000, delay: 1000, jobId: 'later' });
    await queue.pause();
    await make(queue, yearly);
  },
  'a scheduler to be removed': async ({ queue, make, end }) => {
    await make(queue, yearly);
    await make(queue, others[0]);
    await end(queue, others[0].id);
  },
  'a scheduler to be removed whose job waits': async ({ queue, end }) => {
    await theirs.schedule(queue, yearly);
    await (await queue.getJob(await pendingId(queue))).promote();
    await end(queue, id);
  },
  'none to be removed': async ({ queue, end }) => end(queue, id),
};

/* A scene with a queue that has written about itself; its jobs have no options but those that are given. */
async function open(t, bullmq) {
  const scene = await openScene(t, { redis, bullmq });
  const untilWritten = (queue) => eventually(() => scene.client.hexists(queue.toKey('meta'), 'version'), { what: 'the queue' });
  await untilWritten(scene.queue);
  await scene.client.flushdb();
  const queue = openQueue(bullmq, scene.redis, { defaultJobOptions: {} });
  t.after(() => closeAll(queue));
  await untilWritten(queue);
  return { ...scene, queue };
}

/* The whole database once the situation was met by one side. */
async function play(t, bullmq, situation, isOurs) {
  const scene = await open(t, bullmq);
  const { schedule: make, unschedule: end } = isOurs ? ours(scene.redis) : theirs;
  await situation({ ...scene, make, end });
  return describeKeys(scene.client);
}

/* Times that must differ between two runs are checked against each other, and left out: a job is due when its delay after its making is over. */
async function describeKeys(client, { withEvents = true } = {}) {
  const database = await readDatabase(client);
  for (const [key, entry] of Object.entries(database)) {
    if (entry.type === 'hash') entry.value = describeHash(entry.value);
    if (entry.type === 'stream') entry.value = withEvents ? entry.value.map(([, fields]) => fields) : [];
    if (key.endsWith(':failed')) entry.value.sort();
  }
  return database;
}

function describeHash({ timestamp, delay, opts, data, ...fields }) {
  const parsed = opts === undefined ? {} : JSON.parse(opts);
  if (parsed.prevMillis !== undefined) {
    if (Number(delay) !== 0) assert.equal(Number(timestamp) + Number(delay), parsed.prevMillis); // a promoted job has none
    assert.equal(Number(timestamp) + parsed.delay, parsed.prevMillis);
    assert.ok(Number(timestamp) - parsed.timestamp < 1000 && Date.now() - parsed.timestamp < 60_000); // bullmq looks at its clock twice
    parsed.timestamp = parsed.delay = 'now';
  }
  return { ...fields, opts: parsed, data, isDelayed: Number(delay) > 0 };
}

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, { concurrency: 4 }, () => {
    for (const [title, situation] of Object.entries(situations)) {
      test(`${title}: ours leaves what bullmq leaves`, async (t) => {
        const expected = await play(t, bullmq, situation, false);
        assert.ok(Object.keys(expected).length > 0);
        assert.deepEqual(await play(t, bullmq, situation, true), expected);
      });
    }

    test('what we made is made again by bullmq: nothing changes but the counter of ids, and times', async (t) => {
      const { queue, client, redis: view } = await open(t, bullmq);
      const all = [yearly, ...others];
      for (const one of all) await ours(view).schedule(queue, one);
      const before = await describeKeys(client, { withEvents: false });
      for (const one of all) await theirs.schedule(queue, one);
      const after = await describeKeys(client, { withEvents: false });
      assert.equal(before['bull:backup:id'].value, `${all.length}`);
      assert.equal(after['bull:backup:id'].value, `${2 * all.length}`);
      assert.deepEqual({ ...after, 'bull:backup:id': null }, { ...before, 'bull:backup:id': null });
    });

    test('bullmq reads what we made as its own', async (t) => {
      const { queue, redis: view } = await open(t, bullmq);
      await ours(view).schedule(queue, yearly);
      const { next, offset, ...scheduler } = await queue.getJobScheduler(id);
      assert.equal(new Date(next).toLocaleString('sv', { timeZone: yearly.tz }).slice(5), '01-01 03:17:00');
      assert.deepEqual(scheduler, { key: id, name: 'run', iterationCount: 1, tz: yearly.tz, pattern: yearly.pattern, template: { data: yearly.data, opts: yearly.opts } });
      assert.equal(offset, 0);
      const job = await queue.getJob(`repeat:${id}:${next}`);
      assert.equal(await job.getState(), 'delayed');
      assert.deepEqual(job.data, yearly.data);
    });
  });
}

describe('refused', () => {
  for (const [what, line, reason] of [
    ['a pattern that is none', { pattern: '61 * * * *' }, /61/],
    ['a zone that there is not', { tz: 'Europe/Atlantis' }, /Europe\/Atlantis/],
    ['an empty id', { id: '' }, /needs an id/],
    ['a pattern that never fires', { pattern: '0 0 31 4,6 *' }, /0 0 31 4,6 \*/],
  ]) {
    test(`${what}: told in the log, and nothing is written`, async (t) => {
      const { queue, client, redis: view } = await open(t, versions['6.7.0']);
      const log = await report(view, { type: 'schedule', ...yearly, ...line });
      const { event, kind, scheduler, reason: told } = JSON.parse(log.trim().split('\n').at(-1));
      assert.deepEqual({ event, kind, scheduler }, { event: 'job report not written', kind: 'schedule', scheduler: line.id ?? id });
      assert.match(told, reason);
      assert.equal(await client.exists(queue.toKey('repeat')), 0);
    });
  }
});
