import { child, parent } from '../support/flow.mjs';

const ordinary = (title, queue) => ({
  title,
  queue,
  async run(scene) {
    const settings = [{}, { priority: 1 }, { delay: 1000, timestamp: 1_700_000_000_000 }, { delay: 3_600_000 }];
    await scene.queue.addBulk(settings.map((opts) => ({ name: 'work', data: {}, opts })));
    await scene.flow.add(parent([child('a')]));
    await scene.startWorker();
  },
  async work(job, { log, progress }) {
    await log('a row');
    await progress(50);
  },
});

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
];
