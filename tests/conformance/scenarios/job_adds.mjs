/* Jobs that a job adds to its own queue while it is active. */
const adds = (title, jobs, rest = {}) => ({
  title,
  async run({ queue, startWorker }) {
    await startWorker();
    await queue.add('first', {});
  },
  async work({ name }, { add }) {
    for (const [index, [data, opts]] of (name === 'first' ? jobs : []).entries()) await add(`added ${index}`, data, opts);
    return name;
  },
  ...rest,
});
const one = (title, opts) => adds(title, [[{ some: 'data' }, opts]]);

export default [
  adds('a job adds two', [[{ text: 'ü "quoted" \\ /' }, {}], [[1.5, null], {}]]),
  one('a job adds one that is delayed', { delay: 3_600_000 }),
  one('a job adds one with a priority', { priority: 3 }),
  adds('a job adds a LIFO one', [[{}, {}], [{}, { lifo: true }]]),
  adds('a job adds two with the same id', [[1, { jobId: 'same' }], [2, { jobId: 'same' }]]),
  one('a job adds one with every setting', {
    attempts: 3, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 }, delay: 3_600_000, priority: 5, jobId: 'all-of-it', keepLogs: 7, stackTraceLimit: 2,
    removeOnComplete: { age: 60, count: 5 }, removeOnFail: false, sizeLimit: 10_000,
  }),
  one('a job adds one with a backoff in milliseconds', { attempts: 2, backoff: 500 }),
  one('a job adds one that is removed at its end', { removeOnComplete: true }),
  one('a job adds one with a time of its own', { timestamp: 1_700_000_000_000 }),
  one('a job adds one for the parent that failed', { failParentOnFailure: true }),
  adds('a job adds two of which one is a duplicate', [[1, { deduplication: { id: 'one' } }], [2, { deduplication: { id: 'one' } }]]),
  adds('a job adds two of which one is a duplicate, for a while', [[1, { deduplication: { id: 'one', ttl: 600_000 } }], [2, { deduplication: { id: 'one', ttl: 600_000 } }]]),
  adds('a job adds jobs to a queue that is paused', [[1, {}], [2, { priority: 1 }]], {
    async run({ queue, startWorker, held, release, until }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      await queue.pause();
      release();
      await until(async () => (await queue.getCompletedCount()) === 1, 'the first job');
    },
    async work(job, { hold, add }) {
      await hold();
      await add('added', 1, {});
      await add('added', 2, { priority: 1 });
    },
  }),
];
