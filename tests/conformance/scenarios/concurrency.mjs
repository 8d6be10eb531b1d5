export default [
  {
    title: 'five jobs at a time, and a sixth that waits',
    busy: true,
    worker: { concurrency: 5 },
    async run({ queue, startWorker, held }) {
      await queue.addBulk(Array.from({ length: 6 }, (_, index) => ({ name: `job ${index}`, data: {} })));
      await startWorker();
      await held(5);
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'one job at a time in all of the queue, though the worker could take three',
    worker: { concurrency: 3 },
    async run({ queue, startWorker, completed }) {
      await queue.setGlobalConcurrency(1);
      await queue.addBulk(Array.from({ length: 4 }, (_, index) => ({ name: `job ${index}`, data: {} })));
      await startWorker();
      await completed(4);
    },
  },
  {
    title: 'a queue at its global limit wakes nobody for what is added',
    busy: true,
    worker: { concurrency: 2 },
    async run({ queue, startWorker, held, idle }) {
      await queue.setGlobalConcurrency(1);
      await queue.add('held', {});
      await startWorker();
      await held();
      await idle();
      await queue.add('waits', {});
      await queue.add('waits with a priority', {}, { priority: 1 });
      await queue.add('waits for its time', {}, { delay: 3_600_000 });
      await idle();
    },
    work: (job, { hold }) => hold(),
  },
];
