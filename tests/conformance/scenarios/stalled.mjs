const done = ({ stalledCounter }) => ({ stalledCounter });
const abandoned = (title, { times = 1, add = {}, ...scenario }) => ({
  title,
  async run({ queue, startWorker, abandonJob }) {
    await queue.add('work', {}, add);
    for (let time = 0; time < times; time++) await abandonJob();
    await startWorker();
  },
  work: done,
  ...scenario,
});

export default [
  abandoned('a job that stalled once is run again', {}),
  abandoned('a job that stalled twice is failed', { times: 2 }),
  abandoned('a job that stalled twice is failed, whatever attempts it has', { times: 2, add: { attempts: 5, backoff: 1000 } }),
  abandoned('a job that stalled twice, where that is allowed', { times: 2, worker: { maxStalledCount: 2 } }),
  abandoned('a job that stalled once, where that is not allowed', { worker: { maxStalledCount: 0 } }),
  abandoned('a job that stalled too often is removed', { times: 2, add: { removeOnFail: true } }),
  abandoned('a job with a priority that stalled', { add: { priority: 3 } }),
];
