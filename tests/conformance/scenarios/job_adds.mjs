/* Jobs that a job adds to its own queue while it is active. */
const adds = (title, ...jobs) => ({
  title,
  async run({ queue, startWorker }) {
    await startWorker();
    await queue.add('first', {});
  },
  async work({ name }, { add }) {
    for (const [index, { data = {}, ...opts }] of (name === 'first' ? jobs : []).entries()) await add(`added ${index}`, data, opts);
    return name;
  },
});
const everySetting = {
  attempts: 3, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 }, delay: 3_600_000, priority: 5, jobId: 'all-of-it', keepLogs: 7,
  stackTraceLimit: 2, removeOnComplete: { age: 60, count: 5 }, removeOnFail: false, sizeLimit: 10_000,
};
const duplicates = (deduplication) => [1, 2].map((data) => ({ data, deduplication }));

export default [
  adds('a job adds two', { data: { text: 'ü "quoted" \\ /' } }, { data: [1.5, null] }),
  adds('a job adds one that is delayed', { delay: 3_600_000 }),
  adds('a job adds one with a priority', { priority: 3 }),
  adds('a job adds a LIFO one', {}, { lifo: true }),
  adds('a job adds two with the same id', { data: 1, jobId: 'same' }, { data: 2, jobId: 'same' }),
  adds('a job adds one with every setting', everySetting),
  adds('a job adds one with a backoff in milliseconds', { attempts: 2, backoff: 500 }),
  adds('a job adds one that is removed at its end', { removeOnComplete: true }),
  adds('a job adds one with a time of its own', { timestamp: 1_700_000_000_000 }),
  adds('a job adds one that would fail its parent', { failParentOnFailure: true }),
  adds('a job adds two of which one is a duplicate', ...duplicates({ id: 'one' })),
  adds('a job adds two of which one is a duplicate, for a while', ...duplicates({ id: 'one', ttl: 600_000 })),
  {
    title: 'a job adds jobs to a queue that is paused',
    async run({ queue, startWorker, held, release, completed }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      await queue.pause();
      release();
      await completed(1);
    },
    async work(job, { hold, add }) {
      await hold();
      await add('added', 1, {});
      await add('added', 2, { priority: 1 });
    },
  },
];
