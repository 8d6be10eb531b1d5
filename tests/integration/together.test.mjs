/* Many jobs at a time that end in the same moment: their outcomes are written by one call, and each is as if it had been the only one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, eventsOf, openQueue, versions } from './support/bullmq.mjs';
import { startRedis } from './support/redis.mjs';
import { eventually } from './support/wait.mjs';
import { binaryFolder, startWorker } from './support/worker.mjs';

/* Our loop with jobs that do nothing in its own process (tests/bench): all that were taken together end together. */
const startLoop = (redis, { concurrency }) =>
  startWorker({ program: join(binaryFolder, 'tests', 'protocol_worker'), args: [redis.url, 'backup', `${concurrency}`, '0', '1000000'] });

let server;
let databases = 0;
before(async () => {
  server = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => server.stop());

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, () => {
    const open = (t) => {
      const redis = server.database(++databases);
      const queue = openQueue(bullmq, redis, { defaultJobOptions: {} });
      t.after(() => closeAll(queue));
      return { redis, queue, client: redis.client() };
    };

    async function runUntilDone(t, { redis, queue, client }, { concurrency = 50 } = {}) {
      await client.config('RESETSTAT');
      const loop = await startLoop(redis, { concurrency });
      await eventually(async () => {
        const counts = await queue.getJobCounts('active', 'waiting', 'prioritized', 'delayed', 'waiting-children');
        return Object.values(counts).every((count) => count === 0);
      }, { what: 'every job to be done', timeout: 20_000 });
      const { code } = await loop.stop();
      assert.equal(code, 0);
      assert.deepEqual(await client.keys('*:lock'), []);
      assert.equal(await client.exists('bull:backup:stalled'), 0);
    }

    test('500 jobs: each is taken once and completed once, by far fewer calls than there are jobs', async (t) => {
      const scene = open(t);
      await scene.queue.addBulk(Array.from({ length: 500 }, (_, n) => ({ name: 'work', data: { n } })));
      await runUntilDone(t, scene);
      const jobs = await scene.queue.getCompleted(0, 1000);
      assert.equal(jobs.length, 500);
      for (const job of jobs) {
        assert.equal(job.attemptsMade, 1);
        assert.equal(job.returnvalue, null);
        assert.ok(job.timestamp <= job.processedOn && job.processedOn <= job.finishedOn);
      }
      for (const id of ['1', '50', '51', '500']) assert.deepEqual((await eventsOf(scene.client, id)).map(({ event }) => event), ['added', 'waiting', 'active', 'completed']);
      const all = await scene.client.xrange('bull:backup:events', '-', '+');
      for (const [event, count] of [['active', 500], ['completed', 500], ['drained', 1]]) {
        assert.equal(all.filter(([, fields]) => fields[1] === event).length, count, event);
      }
      const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await scene.client.info('commandstats'))[1];
      assert.ok(Number(calls) < 250, `${calls} calls`);
    });

    test('each keeps to its own options: removed, kept, counted, held back, with a parent', async (t) => {
      const scene = open(t);
      const { queue } = scene;
      for (let n = 0; n < 20; n++) {
        await queue.add('removed', {}, { removeOnComplete: true });
        await queue.add('kept', {}, { removeOnComplete: false });
        await queue.add('held back', {}, { deduplication: { id: `only ${n}` } });
      }
      const flow = new bullmq.FlowProducer({ connection: scene.redis.connection() });
      t.after(() => closeAll(flow));
      const { job: parent } = await flow.add({
        name: 'parent', queueName: 'backup', children: Array.from({ length: 20 }, (_, n) => ({ name: 'child', queueName: 'backup', data: { n } })),
      });
      await runUntilDone(t, scene);
      const names = (await queue.getCompleted(0, 1000)).map(({ name }) => name);
      const count = (wanted) => names.filter((name) => name === wanted).length;
      assert.deepEqual(['removed', 'kept', 'held back', 'child', 'parent'].map(count), [0, 20, 20, 20, 1]);
      assert.equal(Object.keys(await parent.getChildrenValues()).length, 20);
      assert.deepEqual(await scene.client.keys('bull:backup:de:*'), []);
    });

    test('one that cannot complete does not hold up the others', async (t) => {
      const scene = open(t);
      await scene.queue.addBulk(Array.from({ length: 40 }, (_, n) => ({ name: 'work', data: { n } })));
      await scene.client.set('bull:backup:20:dependencies', 'a child');
      const loop = await startLoop(scene.redis, { concurrency: 40 });
      await eventually(async () => (await scene.queue.getCompletedCount()) === 39, { what: '39 completed jobs' });
      assert.equal(await scene.queue.getJobState('20'), 'failed', 'a job with children that are not done cannot complete');
      await loop.stop();
    });

    test('one that breaks the call in the middle costs no other its outcome, and the log says why', async (t) => {
      const scene = open(t);
      await scene.queue.addBulk(Array.from({ length: 200 }, (_, n) => ({ name: 'work', data: { n } })));
      await scene.client.hset('bull:backup:150', 'parentKey', 'bull:backup:parent');
      await scene.client.set('bull:backup:parent:dependencies', 'no set');
      const loop = await startLoop(scene.redis, { concurrency: 50 });
      await eventually(async () => (await scene.queue.getCompletedCount()) === 199, { what: '199 completed jobs' });
      await loop.stop();
      const all = await scene.client.xrange('bull:backup:events', '-', '+');
      assert.equal(all.filter(([, fields]) => fields[1] === 'completed').length, 199);
      assert.deepEqual(await scene.client.keys('*:lock'), []);
      assert.ok(loop.events.some(({ event, error }) => /^outcomes? refused/.test(event) && /WRONGTYPE/.test(error)));
      assert.deepEqual(loop.events.filter(({ event }) => event === 'outcome not written'), []);
    });

    test('a queue that lets three jobs run at a time is never asked for more, however many end together', async (t) => {
      const scene = open(t);
      await scene.queue.setGlobalConcurrency(3);
      await scene.queue.addBulk(Array.from({ length: 60 }, (_, n) => ({ name: 'work', data: { n } })));
      await runUntilDone(t, scene, { concurrency: 20 });
      assert.equal(await scene.queue.getCompletedCount(), 60);
      let active = 0;
      for (const [, fields] of await scene.client.xrange('bull:backup:events', '-', '+')) {
        if (fields[1] === 'active') active++;
        if (fields[1] === 'completed') active--;
        assert.ok(active <= 3);
      }
    });
  });
}
