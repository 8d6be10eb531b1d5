import assert from 'node:assert/strict';

const ordinary = (title, queue, opts = [{}, { priority: 1 }, { delay: 1000, timestamp: 1_700_000_000_000 }, { delay: 3_600_000 }]) => ({
  title,
  queue,
  async run(scene) {
    for (const one of opts) await scene.queue.add('work', {}, one);
    await scene.flow.add({ name: 'parent', queueName: 'work', opts: { jobId: 'parent' }, children: [{ name: 'child', queueName: 'work', opts: { jobId: 'child' } }] });
    await scene.startWorker();
  },
  async work(job, { log, progress }) {
    await log('a row');
    await progress(50);
  },
});

const everyKind = [
  'active', 'added', 'cleaned', 'completed', 'deduplicated', 'delayed', 'drained', 'duplicated', 'failed', 'paused', 'progress', 'removed', 'resumed',
  'retries-exhausted', 'stalled', 'waiting', 'waiting-children',
];

export default [
  ordinary('another prefix', { prefix: 'other' }),
  ordinary('a prefix of several words', { prefix: 'some:app:bull' }),
  ordinary('a prefix with a hash tag', { prefix: '{tag}' }),
  ordinary('a stream that keeps few events', { streams: { events: { maxLen: 7 } } }),
  ordinary('a stream that keeps no events', { streams: { events: { maxLen: 0 } } }),
  {
    title: 'a queue that has no settings written down',
    async run({ queue, client, startWorker }) {
      await client.del(queue.toKey('meta'));
      await startWorker();
      await queue.add('work', {}, { attempts: 2 });
    },
    work({ attemptsMade }) {
      if (attemptsMade === 0) throw new Error('not yet');
    },
  },
  {
    title: 'events of every kind',
    async run({ queue, flow, startWorker, abandonJob, client, idle, held, release }) {
      await queue.add('stalls', {});
      await abandonJob();
      await queue.pause();
      await queue.resume();
      await queue.add('fails', {}, { attempts: 2, jobId: 'fails' });
      await queue.add('fails', {}, { jobId: 'fails' });
      await queue.add('deduplicated', {}, { deduplication: { id: 'one' } });
      await queue.add('deduplicated', {}, { deduplication: { id: 'one' } });
      await flow.add({ name: 'parent', queueName: 'work', opts: { jobId: 'parent' }, children: [{ name: 'child', queueName: 'work', opts: { jobId: 'child' } }] });
      await queue.add('delayed', {}, { delay: 1000, timestamp: 1_700_000_000_000 });
      await startWorker();
      await held();
      await queue.clean(0, 10, 'completed');
      release();
      await idle();
      await (await queue.getJob('parent')).remove();
      const kinds = new Set((await client.xrange(queue.toKey('events'), '-', '+')).map(([, fields]) => fields[1]));
      assert.deepEqual(everyKind.filter((kind) => !kinds.has(kind)), []);
    },
    async work({ name }, { hold, progress }) {
      await progress(name);
      if (name === 'parent') await hold();
      if (name === 'fails') throw new Error('it fails');
    },
  },
];
