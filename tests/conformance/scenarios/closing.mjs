export default [
  {
    title: 'a worker that closes lets its job end, and takes no other',
    busy: true,
    async run({ queue, startWorker, held, release }) {
      await queue.addBulk(['first', 'second'].map((name) => ({ name, data: {} })));
      const worker = await startWorker();
      await held();
      const closed = worker.close();
      release();
      await closed;
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a worker that closes lets its job fail, and does not try it again',
    busy: true,
    async run({ queue, startWorker, held, release }) {
      await queue.add('work', {}, { attempts: 2 });
      const worker = await startWorker();
      await held();
      const closed = worker.close();
      release();
      await closed;
    },
    async work(job, { hold }) {
      await hold();
      throw new Error('it fails');
    },
  },
  {
    title: 'a worker that closes while it is idle leaves nothing behind',
    busy: true,
    async run({ queue, startWorker, idle }) {
      await queue.add('work', {});
      const worker = await startWorker();
      await idle();
      await worker.close();
      await queue.add('next', {});
    },
  },
];
