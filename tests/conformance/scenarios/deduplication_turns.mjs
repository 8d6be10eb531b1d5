export default [
  {
    title: 'the last one that was added while another was active has a delay of its own',
    async run({ queue, startWorker, held, release }) {
      const deduplication = { id: 'one', keepLastIfActive: true };
      await startWorker();
      await queue.add('first', {}, { deduplication });
      await held();
      await queue.add('last', { last: true }, { deduplication, delay: 3_600_000, attempts: 3, keepLogs: 5, removeOnComplete: 10 });
      release();
    },
    work: ({ name }, { hold }) => name === 'first' && hold(),
  },
  {
    title: 'the last one keeps its id while it waits in its turn',
    busy: true,
    async run({ queue, startWorker, held, release, completed }) {
      const deduplication = { id: 'one', keepLastIfActive: true };
      await startWorker();
      await queue.add('first', {}, { deduplication });
      await held();
      await queue.add('second', {}, { deduplication });
      release();
      await completed(1);
      await held();
      await queue.add('third', {}, { deduplication });
    },
    work: (job, { hold }) => hold(),
  },
];
