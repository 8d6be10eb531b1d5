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
    title: 'a queue is paused while a job is active, and the worker takes no other',
    async run({ queue, startWorker, held, release, until }) {
      await queue.addBulk(['a', 'b'].map((name) => ({ name, data: {} })));
      await startWorker();
      await held();
      await queue.pause();
      release();
      await until(async () => (await queue.getCompletedCount()) === 1, 'the first job');
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
    title: 'a delayed job that becomes due while the queue is paused waits',
    async run({ queue, startWorker, until }) {
      await queue.pause();
      await queue.add('work', {}, { delay: 1000, timestamp: 1_700_000_000_000 });
      await queue.add('with a priority', {}, { delay: 2000, timestamp: 1_700_000_000_000, priority: 4 });
      await startWorker();
      await until(async () => (await queue.getDelayedCount()) === 0, 'the jobs to be due');
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
