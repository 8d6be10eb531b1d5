export default [
  {
    title: 'a queue is paused while a job is active, and the worker takes no other',
    async run({ queue, startWorker, held, release, completed }) {
      await queue.addBulk(['a', 'b'].map((name) => ({ name, data: {} })));
      await startWorker();
      await held();
      await queue.pause();
      release();
      await completed(1);
    },
    work: ({ name }, { hold }) => name === 'a' && hold(),
  },
  {
    title: 'a job that fails while the queue is paused waits for another attempt',
    async run({ queue, startWorker, held, release, until }) {
      const job = await queue.add('work', {}, { attempts: 3 });
      await startWorker();
      await held();
      await queue.pause();
      release();
      await until(async () => (await queue.getJob(job.id)).attemptsMade === 1, 'the first attempt');
    },
    async work(job, { hold }) {
      await hold();
      throw new Error('once more');
    },
  },
  {
    title: 'a queue is paused and resumed while a job is active',
    async run({ queue, startWorker, held, release }) {
      await startWorker();
      await queue.add('a', {});
      await held();
      await queue.pause();
      await queue.add('b', {});
      await queue.resume();
      release();
    },
    work: ({ name }, { hold }) => name === 'a' && hold(),
  },
];
