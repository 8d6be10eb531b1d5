const working = (title, work, opts = {}) => ({
  title,
  async run({ queue, startWorker }) {
    await queue.add('work', { given: true }, opts);
    await startWorker();
  },
  work,
});

const rows = async (job, { log }) => {
  for (const row of ['first', 'second ü "quoted" \\', 'two\nlines', 'last']) await log(row);
};

export default [
  ...[50, 0, 'half', '', { percent: 12.5, phase: 'dump', 'ü/"': null }, [1, [2]], true].map((value) =>
    working(`progress ${JSON.stringify(value)}`, (job, { progress }) => progress(value))),
  working('progress that moves on', async (job, { progress }) => {
    for (const value of [1, { percent: 2 }]) await progress(value);
  }),
  working('progress of a job that fails then', async (job, { progress }) => {
    await progress(99);
    throw new Error('so close');
  }),
  working('rows of a log', rows),
  working('rows of a log, of which the last two are kept', rows, { keepLogs: 2 }),
  working('an empty row of a log', (job, { log }) => log('')),
  ...[{ changed: ['ü', 1] }, 'text', 7, null, []].map((data) =>
    working(`data that becomes ${JSON.stringify(data)}`, (job, { updateData }) => updateData(data))),
  {
    title: 'a second attempt has the data that the first one left',
    async run({ queue, startWorker }) {
      await queue.add('work', { step: 1 }, { attempts: 2 });
      await startWorker();
    },
    async work({ data }, { updateData }) {
      if (data.step === 2) return 'done';
      await updateData({ step: 2 });
      throw new Error('not yet');
    },
  },
];
