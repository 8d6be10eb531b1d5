const someJobs = (number) => Array.from({ length: number }, (_, index) => ({ name: `job ${index}`, data: {} }));
const allDone = async ({ queue, client, until }, number) => {
  await until(async () => (await queue.getCompletedCount()) === number, 'all jobs');
  await until(async () => !(await client.exists(queue.toKey('limiter'))), 'the limit to be over');
};

export default [
  {
    title: 'the rate limit of the queue keeps the worker waiting',
    async run(scene) {
      await scene.queue.setGlobalRateLimit(2, 500);
      await scene.queue.addBulk(someJobs(5));
      await scene.startWorker();
      await allDone(scene, 5);
    },
  },
  {
    title: 'the rate limit of the worker keeps it waiting',
    worker: { limiter: { max: 2, duration: 500 } },
    async run(scene) {
      await scene.queue.addBulk(someJobs(5));
      await scene.startWorker();
      await allDone(scene, 5);
    },
  },
  {
    title: 'a worker that is rate limited leaves jobs waiting',
    busy: true,
    worker: { limiter: { max: 1, duration: 60_000 } },
    async run({ queue, startWorker, until }) {
      await queue.addBulk(someJobs(3));
      await queue.add('first of all', {}, { lifo: true });
      await startWorker();
      await until(async () => (await queue.getCompletedCount()) === 1, 'the first job');
    },
  },
  {
    title: "under both limits, the number is the queue's and the time the worker's",
    busy: true,
    worker: { limiter: { max: 5, duration: 600_000 } },
    async run({ queue, startWorker, until }) {
      await queue.setGlobalRateLimit(2, 60_000);
      await queue.addBulk(someJobs(4));
      await startWorker();
      await until(async () => (await queue.getCompletedCount()) === 2, 'two jobs');
    },
  },
  {
    title: 'a queue that was limited by hand is honoured by a worker with a limiter',
    worker: { limiter: { max: 10, duration: 300 }, maximumRateLimitDelay: 100 },
    async run(scene) {
      await scene.queue.rateLimit(700);
      await scene.queue.addBulk(someJobs(2));
      await scene.startWorker();
      await allDone(scene, 2);
    },
  },
  {
    title: 'a queue that was limited by hand does not stop a worker without a limiter',
    async run({ queue, startWorker }) {
      await queue.rateLimit(600_000);
      await queue.addBulk(someJobs(2));
      await startWorker();
    },
  },
  {
    title: 'a job limits the rate of its queue',
    worker: { limiter: { max: 10, duration: 300 } },
    async run(scene) {
      await scene.queue.addBulk(someJobs(2));
      await scene.startWorker();
      await allDone(scene, 2);
    },
    work: ({ id, attemptsStarted }, { rateLimit }) => (id === '1' && attemptsStarted === 1 ? rateLimit(400) : 'done'),
  },
  {
    title: 'a job with a priority limits the rate of its queue, and stays in front',
    busy: true,
    worker: { limiter: { max: 10, duration: 300 } },
    async run({ queue, startWorker, until, client }) {
      for (const name of ['a', 'b']) await queue.add(name, {}, { priority: 2 });
      await startWorker();
      await until(() => client.exists(queue.toKey('limiter')), 'the limit');
      await until(async () => (await queue.getPrioritizedCount()) === 2, 'the job to wait again');
    },
    work: (job, { rateLimit }) => rateLimit(600_000),
  },
  {
    title: 'a job limits the rate, and the worker has no limiter of its own',
    async run({ queue, startWorker, client, until }) {
      await queue.addBulk(someJobs(2));
      await startWorker();
      await until(async () => (await queue.getCompletedCount()) === 2, 'both jobs');
      await until(async () => !(await client.exists(queue.toKey('limiter'))), 'the limit to be over');
    },
    work: ({ id, attemptsStarted }, { rateLimit }) => (id === '1' && attemptsStarted === 1 ? rateLimit(300) : 'done'),
  },
  {
    title: 'a job that is failed without being run, under a rate limit',
    async run({ queue, startWorker, abandonJob, state }) {
      const job = await queue.add('work', {});
      await abandonJob();
      await queue.setGlobalRateLimit(2, 600_000);
      await startWorker({ maxStalledCount: 0 });
      await state(job, 'failed');
    },
  },
];
