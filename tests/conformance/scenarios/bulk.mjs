const number = 1000;

export default {
  title: 'a thousand jobs at once',
  async run({ queue, startWorker, completed }) {
    await queue.addBulk(Array.from({ length: number }, (_, index) => ({ name: 'work', data: { index } })));
    await startWorker();
    await completed(number);
  },
  work: ({ data }) => data.index,
};
