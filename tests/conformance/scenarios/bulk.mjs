const number = 1000;

export default {
  title: 'a thousand jobs at once',
  async run({ queue, startWorker, until }) {
    await queue.addBulk(Array.from({ length: number }, (_, index) => ({ name: 'work', data: { index } })));
    await startWorker();
    await until(async () => (await queue.getCompletedCount()) === number, 'all of them');
  },
  work: ({ data }) => data.index,
};
