const failing = (backoff) => ({
  title: `a failed job is tried again with the backoff ${JSON.stringify(backoff)}`,
  async run({ queue, startWorker, until }) {
    const job = await queue.add('work', {}, { attempts: 4, backoff });
    await startWorker();
    for (const attempts of [1, 2]) {
      await until(async () => (await queue.getJob(job.id)).attemptsMade === attempts && (await job.isDelayed()), `attempt ${attempts}`);
      await job.promote();
    }
    await until(async () => (await queue.getJob(job.id)).attemptsMade === 3 && (await job.isDelayed()), 'attempt 3');
  },
  work: ({ attemptsMade }) => { throw new Error(`attempt ${attemptsMade}`); },
});

export default [
  3_600_000,
  { type: 'fixed', delay: 7_200_000 },
  { type: 'exponential', delay: 1_800_000 },
].map(failing);
