export default [
  {
    title: 'a queue that is paused when the worker comes',
    async run({ queue, startWorker }) {
      await queue.add('before', {});
      await queue.pause();
      await queue.add('after', {});
      await queue.add('first', {}, { priority: 1 });
      await startWorker();
    },
  },
  {
    title: 'a queue is paused and resumed while the worker is blocked',
    async run({ queue, startWorker, idle }) {
      await startWorker();
      await idle();
      await queue.pause();
      await queue.addBulk(['a', 'b'].map((name) => ({ name, data: {} })));
      await queue.add('c', {}, { priority: 1 });
      await queue.resume();
    },
  },
  {
    title: 'a delayed job that becomes due while the queue is paused waits',
    async run({ queue, startWorker, until }) {
      await queue.pause();
      await queue.add('work', {}, { delay: 1000, timestamp: 1_700_000_000_000 });
      await queue.add('with a priority', {}, { delay: 2000, timestamp: 1_700_000_000_000, priority: 4 });
      await startWorker();
      await until(async () => (await queue.getDelayedCount()) === 0, 'the jobs to be due');
    },
  },
];
