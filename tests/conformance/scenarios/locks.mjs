export default [
  {
    title: 'a worker that does not look for stalled jobs',
    worker: { skipStalledCheck: true },
    async run({ queue, startWorker, abandonJob }) {
      await queue.add('abandoned', {});
      await abandonJob();
      await startWorker();
      await queue.add('work', {});
    },
  },
  {
    title: 'a lock that is not renewed expires',
    busy: true,
    worker: { lockDuration: 300, skipLockRenewal: true, skipStalledCheck: true },
    async run({ queue, startWorker, held, gone }) {
      const job = await queue.add('work', {});
      await startWorker();
      await held();
      await gone(`${job.id}:lock`);
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a lock is renewed for as long as the job is active',
    busy: true,
    worker: { lockDuration: 1000 },
    async run({ queue, startWorker, held, until }) {
      await startWorker();
      const job = await queue.add('work', {});
      await held();
      await until(() => Date.now() > job.timestamp + 2500, 'the first lock to be over twice');
    },
    work: (job, { hold }) => hold(),
  },
];
