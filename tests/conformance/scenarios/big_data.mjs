export default [
  {
    title: 'a megabyte of data',
    async run({ queue, startWorker }) {
      await queue.add('work', { text: 'ü'.repeat(524_288) });
      await startWorker();
    },
    work: ({ data }) => data.text.length,
  },
  {
    title: 'a return value of half a megabyte',
    async run({ queue, startWorker }) {
      await queue.add('work', {});
      await startWorker();
    },
    work: () => ({ text: 'x'.repeat(500_000) }),
  },
];
