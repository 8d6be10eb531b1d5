const limitsOnce = (title, { worker = {} }) => ({
  title,
  worker,
  async run({ queue, startWorker, completed, gone }) {
    await queue.addBulk(['first', 'second'].map((name) => ({ name, data: {} })));
    await startWorker();
    await completed(2);
    await gone('limiter');
  },
  work({ name, attemptsStarted }, { rateLimit }) {
    if (name === 'first' && attemptsStarted === 1) rateLimit(400);
  },
});

export default [
  limitsOnce('a job limits the rate of its queue', { worker: { limiter: { max: 10, duration: 300 } } }),
  limitsOnce('a job limits the rate, and the worker has no limiter of its own', {}),
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
];
