export default [
  {
    title: 'the setting of the job wins over that of the worker',
    worker: { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
    async run({ queue, startWorker }) {
      const opts = { removeOnComplete: 5, removeOnFail: false };
      await queue.add('kept', {}, opts);
      await queue.add('kept', { fails: true }, opts);
      await queue.add('gone', {});
      await queue.add('gone', { fails: true });
      await startWorker();
    },
    work({ data }) {
      if (data.fails) throw new Error('it fails');
    },
  },
];
