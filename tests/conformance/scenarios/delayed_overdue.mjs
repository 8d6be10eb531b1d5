export default [
  {
    title: 'many jobs were due before the worker came',
    async run({ queue, startWorker }) {
      const opts = (delay) => ({ delay, timestamp: 1_700_000_000_000 });
      for (const delay of [3000, 1000, 2000, 2000]) await queue.add(`after ${delay} ms`, {}, opts(delay));
      await queue.add('lifo', {}, { ...opts(500), lifo: true });
      await queue.add('waits', {});
      await startWorker();
    },
  },
  {
    title: 'more jobs were due than one look makes ready',
    busy: true,
    async run({ queue, startWorker, held }) {
      const job = (delay) => ({ name: 'work', data: {}, opts: { delay, timestamp: 1_700_000_000_000 } });
      await queue.addBulk(Array.from({ length: 1003 }, (_, index) => job(index + 1)));
      await startWorker();
      await held();
    },
    work: (job, { hold }) => hold(),
  },
];
