export default [
  {
    title: 'jobs without a priority go first, then the lowest number, then the oldest',
    async run({ queue, startWorker }) {
      for (const priority of [3, 1, 2, 1, 2_097_151, 0]) await queue.add(`priority ${priority}`, {}, { priority });
      await queue.add('none', {});
      await startWorker();
    },
  },
  {
    title: 'a priority is changed while the job waits',
    async run({ queue, startWorker, held, release }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      const [a, b, c, d] = await queue.addBulk(['a', 'b', 'c', 'd'].map((name) => ({ name, data: {}, opts: { priority: 5 } })));
      await c.changePriority({ priority: 1 });
      await a.changePriority({ priority: 9 });
      await d.changePriority({ priority: 0 });
      await b.changePriority({ priority: 5, lifo: true });
      release();
    },
    work: ({ name }, { hold }) => name === 'first' && hold(),
  },
  {
    title: 'jobs that wait with a priority while the worker is busy',
    busy: true,
    async run({ queue, startWorker, held }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      await queue.add('second', {}, { priority: 2 });
      await queue.add('third', {}, { priority: 1 });
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a delayed job has its priority once it is due',
    async run({ queue, startWorker }) {
      const timestamp = 1_700_000_000_000;
      await queue.add('low', {}, { priority: 7, delay: 1000, timestamp });
      await queue.add('high', {}, { priority: 3, delay: 2000, timestamp });
      await queue.add('none', {}, { delay: 3000, timestamp });
      await startWorker();
    },
  },
];
