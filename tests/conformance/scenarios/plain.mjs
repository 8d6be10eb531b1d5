export default {
  title: 'a job is completed',
  async run({ queue, startWorker }) {
    await queue.add('greet', { who: 'you' });
    await startWorker();
  },
  work: ({ data }) => ({ greeting: `hello, ${data.who}`, list: [1, 2.5, null, true] }),
};
