export default [
  {
    title: 'a deduplication id that was freed by hand stays with its next owner',
    busy: true,
    async run({ queue, startWorker, held, release, completed }) {
      const deduplication = { id: 'one' };
      await startWorker();
      const first = await queue.add('first', {}, { deduplication });
      await held();
      await first.removeDeduplicationKey();
      await queue.add('second', {}, { deduplication });
      release();
      await completed(1);
      await held();
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a debounced job is replaced until it is due',
    async run({ queue, startWorker, state, idle }) {
      const opts = { delay: 400, deduplication: { id: 'one', ttl: 600_000, extend: true, replace: true } };
      await startWorker();
      await queue.add('first', {}, opts);
      await idle();
      const last = await queue.add('last', {}, opts);
      await state(last, 'completed');
    },
  },
];
