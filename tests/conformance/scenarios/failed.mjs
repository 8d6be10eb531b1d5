export default [
  {
    title: 'a job fails for good',
    async run({ queue, startWorker }) {
      await queue.add('work', {});
      await startWorker();
    },
    work: () => { throw new Error('no "such" täble'); },
  },
  {
    title: 'an unrecoverable failure is not tried again',
    async run({ queue, startWorker }) {
      await queue.add('work', {}, { attempts: 3 });
      await startWorker();
    },
    work: (job, { unrecoverable }) => unrecoverable('it cannot be done'),
  },
];
