/* What a scenario of the conformance suite cannot tell of schedules: the worker's own zone, its log, and queues that both versions of bullmq have used. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeOld } from '../conformance/support/legacy.mjs';
import { runNext } from '../conformance/support/schedule.mjs';
import { closeAll, openQueue, untilState, versions } from './support/bullmq.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene, shell } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

const completes = shell(`say '{"type":"completed","returnvalue":1}'`);
const nightly = { pattern: '0 3 * * *', tz: 'UTC' };

/* The queue says of itself that it is of 6.7.0. */
const open = async (t) => {
  const scene = await openScene(t, { redis, bullmq: versions['6.7.0'] });
  await eventually(() => scene.client.hexists(scene.queue.toKey('meta'), 'version'), { what: "the queue's version" });
  return Object.assign(scene, { runNext: () => runNext({ queue: scene.queue, until: (condition, what) => eventually(condition, { what }) }) });
};

test("a schedule without a zone goes by the clock of the worker's machine", async (t) => {
  const scene = await open(t);
  await scene.queue.upsertJobScheduler('nightly', { pattern: '30 3 * * *' });
  await scene.start({ program: completes, env: { TZ: 'Asia/Tokyo' } });
  await scene.runNext();
  const [next] = await scene.queue.getDelayed();
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', timeStyle: 'short' });
  assert.equal(clock.format(next.opts.prevMillis), '03:30');
});

test('a schedule that cannot be understood is told once, however often its job is taken', async (t) => {
  const scene = await open(t);
  await scene.queue.upsertJobScheduler('nightly', nightly, { opts: { attempts: 3 } });
  const [job] = await scene.queue.getDelayed();
  const repeat = { pattern: '0 3 * * *', tz: 'Europe/Nowhere' };
  await scene.client.hset(scene.queue.toKey(job.id), 'opts', JSON.stringify({ ...job.opts, repeat }));
  const worker = await scene.start({ program: shell(`note ran; say '{"type":"failed","reason":"no","retry":true}'`) });
  await job.promote();
  await eventually(() => job.isFailed(), { what: 'the job to fail for good' });
  assert.deepEqual(scene.notes(), ['ran', 'ran', 'ran']);
  assert.deepEqual(worker.named('schedule broken').map(({ level, scheduler, error }) => ({ level, scheduler, error })), [{
    level: 'error', scheduler: 'nightly',
    error: "schedule 'nightly', zone 'Europe/Nowhere': cron pattern '0 3 * * *': time zone 'Europe/Nowhere' does not exist",
  }]);
});

test('a schedule that Redis refuses to move on stays where it is, and the next attempt moves it', async (t) => {
  const scene = await open(t);
  await scene.queue.upsertJobScheduler('nightly', nightly, { opts: { attempts: 2 } });
  const [job] = await scene.queue.getDelayed();
  const key = scene.queue.toKey('repeat:nightly');
  await scene.client.hset(key, 'ic', 'many');
  const worker = await scene.start({ program: shell(`await go; say '{"type":"failed","reason":"no","retry":true}'`) });
  await job.promote();
  await worker.waitForEvent('job report not written');
  assert.equal(Number(await scene.client.zscore(scene.queue.toKey('repeat'), 'nightly')), job.opts.prevMillis);
  await scene.client.hset(key, 'ic', 1);
  scene.release('go');
  await eventually(() => job.isFailed(), { what: 'the job to fail for good' });
  const [next] = await scene.queue.getDelayed();
  assert.ok(next.opts.prevMillis > job.opts.prevMillis);
});

test('a next job that Redis has lost with its last second is made again over the next connection', async (t) => {
  const scene = await open(t);
  const { client, queue } = scene;
  await queue.upsertJobScheduler('nightly', nightly);
  const [job] = await queue.getDelayed();
  await scene.start({ program: shell(`await go; say '{"type":"completed","returnvalue":1}'`) });
  await job.promote();
  await eventually(async () => (await queue.getDelayed()).length === 1, { what: 'the next job' });
  const [next] = await queue.getDelayed();
  await client.del(queue.toKey(next.id));
  await client.zrem(queue.toKey('delayed'), next.id);
  await client.zadd(queue.toKey('repeat'), job.opts.prevMillis, 'nightly');
  await client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await eventually(async () => (await queue.getDelayed()).length === 1, { what: 'the next job, again' });
  scene.release('go');
  await untilState(queue, job, 'completed');
  assert.deepEqual((await queue.getDelayed()).map(({ id }) => id), [next.id]);
});

for (const [title, prepare] of [['a repeatable job of BullMQ 5', () => {}], ['a repeatable job of BullMQ 3', makeOld]]) {
  test(`${title} goes on in a queue of BullMQ 6, with its data`, async (t) => {
    const scene = await open(t);
    const older = openQueue(versions['5.76.2'], scene.redis, { skipMetasUpdate: true });
    t.after(() => closeAll(older));
    const made = { name: 'run', data: { kind: 'run' }, repeat: nightly };
    await older.add(made.name, made.data, { repeat: made.repeat });
    await prepare({ queue: older, client: scene.client }, made);
    await scene.start({ program: completes });
    for (let time = 0; time < 3; time++) await scene.runNext();
    const [next] = await scene.queue.getDelayed();
    assert.equal(next.opts.repeat.count, 4);
    assert.deepEqual(next.data, made.data);
    assert.match(await scene.client.hget(scene.queue.toKey('meta'), 'version'), /^bullmq:6/);
  });
}

test('a job of BullMQ 6 that says by itself to be repeated is not', async (t) => {
  const scene = await open(t);
  await scene.start({ program: completes });
  await untilState(scene.queue, await scene.queue.add('run', {}, { repeat: nightly }), 'completed');
  assert.deepEqual(await scene.queue.getJobCounts('delayed', 'waiting', 'completed'), { delayed: 0, waiting: 0, completed: 1 });
});
