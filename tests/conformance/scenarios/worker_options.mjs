const otherStarts = {
  'moved to wait': (job, { wait }) => wait(),
  delayed: (job, { delay }) => delay(0),
  failing: () => { throw new Error('once more'); },
};

export default [
  {
    title: 'a worker with a name is known by it',
    worker: { name: 'nas' },
    async run({ queue, startWorker, idle, client, tell }) {
      await queue.add('work', {});
      await startWorker();
      await idle();
      const workers = (await queue.getWorkers()).filter(({ db }) => Number(db) === client.options.db);
      tell(workers.map(({ name, rawname }) => ({ name, rawname })));
      tell((await queue.getJob('1')).processedBy);
    },
  },
  {
    title: 'a worker without a name is one worker',
    worker: { concurrency: 3 },
    async run({ queue, startWorker, idle, client, tell }) {
      await startWorker();
      await idle();
      const workers = (await queue.getWorkers()).filter(({ db }) => Number(db) === client.options.db);
      tell(workers.map(({ name, rawname }) => ({ name, rawname })));
    },
  },
  ...Object.entries(otherStarts).map(([how, work]) => ({
    title: `a job that is started too often, ${how}, fails`,
    worker: { maxStartedAttempts: 2 },
    async run({ queue, startWorker, state }) {
      const job = await queue.add('work', {}, { attempts: 5 });
      await startWorker();
      await state(job, 'failed');
    },
    work,
  })),
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
