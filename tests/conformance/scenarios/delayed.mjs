const due = { delay: 250 };

export default [
  {
    title: 'a delayed job is taken when it is due',
    async run({ queue, startWorker, state }) {
      await startWorker();
      await state(await queue.add('work', {}, due), 'completed');
    },
  },
  {
    title: 'a delayed job that comes later, and is due earlier, wakes the worker that waits for another',
    async run({ queue, startWorker, idle, state }) {
      await startWorker();
      const late = await queue.add('late', {}, { delay: 1200 });
      await idle();
      const early = await queue.add('early', {}, { delay: 200 });
      await state(early, 'completed');
      await state(late, 'completed');
    },
  },
  {
    title: 'a job becomes due while the worker is busy',
    async run({ queue, startWorker, held, release, until }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      const job = await queue.add('second', {}, due);
      await until(() => Date.now() > job.timestamp + due.delay, 'the second to be due');
      release();
    },
    work: ({ name }, { hold }) => name === 'first' && hold(),
  },
];
