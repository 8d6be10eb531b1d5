const otherStarts = {
  'moved to wait': (job, { wait }) => wait(),
  delayed: (job, { delay }) => delay(0),
  failing: () => { throw new Error('once more'); },
};

export default Object.entries(otherStarts).map(([how, work]) => ({
  title: `a job that is started too often, ${how}, fails`,
  worker: { maxStartedAttempts: 2 },
  async run({ queue, startWorker, state }) {
    const job = await queue.add('work', {}, { attempts: 5 });
    await startWorker();
    await state(job, 'failed');
  },
  work,
}));
