const someJobs = (count) => Array.from({ length: count }, (_, index) => ({ name: `job ${index}`, data: {} }));

/* Waits for so many of them, and, if there is an end to wait for, until the limit is over. */
const limited = (title, { jobs, worker = {}, before = () => {}, completed = jobs, busy = false }) => ({
  title,
  worker,
  busy,
  async run(scene) {
    await before(scene);
    await scene.queue.addBulk(someJobs(jobs));
    await scene.startWorker();
    await scene.completed(completed);
    if (!busy) await scene.gone('limiter');
  },
});

export default [
  limited('the rate limit of the queue keeps the worker waiting', { jobs: 5, before: ({ queue }) => queue.setGlobalRateLimit(2, 500) }),
  limited('the rate limit of the worker keeps it waiting', { jobs: 5, worker: { limiter: { max: 2, duration: 500 } } }),
  limited('a worker that is rate limited leaves jobs waiting', {
    jobs: 3, worker: { limiter: { max: 1, duration: 60_000 } }, completed: 1, busy: true,
  }),
  limited("under both limits, the number is the queue's and the time the worker's", {
    jobs: 4, worker: { limiter: { max: 5, duration: 600_000 } }, before: ({ queue }) => queue.setGlobalRateLimit(2, 60_000), completed: 2, busy: true,
  }),
  limited('a worker with a limiter honours a limit by hand', {
    jobs: 2, worker: { limiter: { max: 10, duration: 300 }, maximumRateLimitDelay: 100 }, before: ({ queue }) => queue.rateLimit(700),
  }),
  limited('a worker without a limiter does not mind a limit by hand', { jobs: 2, before: ({ queue }) => queue.rateLimit(600_000), busy: true }),
  {
    title: 'a job that is failed without being run, under a rate limit',
    worker: { maxStalledCount: 0 },
    async run({ queue, startWorker, abandonJob, state }) {
      const job = await queue.add('work', {});
      await abandonJob();
      await queue.setGlobalRateLimit(2, 600_000);
      await startWorker();
      await state(job, 'failed');
    },
  },
];
