export default [
  {
    title: 'a child that stalled too often fails its parent',
    async run({ flow, startWorker, abandonJob }) {
      const children = [{ name: 'child', queueName: 'work', opts: { jobId: 'child', failParentOnFailure: true } }];
      await flow.add({ name: 'parent', queueName: 'work', opts: { jobId: 'parent' }, children });
      await abandonJob();
      await startWorker({ maxStalledCount: 0 });
    },
  },
  {
    title: 'a job that stalled too often frees its deduplication id',
    async run({ queue, startWorker, abandonJob }) {
      await queue.add('work', {}, { deduplication: { id: 'one' } });
      await abandonJob();
      await startWorker({ maxStalledCount: 0 });
    },
  },
  {
    title: 'a stalled job goes before those that wait',
    async run({ queue, startWorker, abandonJob }) {
      await queue.add('stalled', {});
      await abandonJob();
      await queue.add('waits', {});
      await startWorker();
    },
  },
  {
    title: 'a job stalls while its queue is paused',
    async run({ queue, startWorker, abandonJob, until }) {
      await queue.add('work', {});
      await abandonJob();
      await queue.pause();
      await startWorker();
      await until(async () => (await queue.getActiveCount()) === 0, 'the job to be put back');
    },
  },
];
