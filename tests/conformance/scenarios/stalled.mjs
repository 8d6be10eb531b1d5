const done = ({ stalledCounter }) => ({ stalledCounter });
const abandoned = (title, { times = 1, add = {}, ...scenario }) => ({
  title,
  async run({ queue, startWorker, abandonJob }) {
    await queue.add('work', {}, add);
    for (let time = 0; time < times; time++) await abandonJob();
    await startWorker();
  },
  work: done,
  ...scenario,
});

export default [
  abandoned('a job that stalled once is run again', {}),
  abandoned('a job that stalled twice is failed', { times: 2 }),
  abandoned('a job that stalled twice is failed, whatever attempts it has', { times: 2, add: { attempts: 5, backoff: 1000 } }),
  abandoned('a job that stalled twice, where that is allowed', { times: 2, worker: { maxStalledCount: 2 } }),
  abandoned('a job that stalled once, where that is not allowed', { worker: { maxStalledCount: 0 } }),
  abandoned('a job that stalled too often is removed', { times: 2, add: { removeOnFail: true } }),
  abandoned('a job with a priority that stalled', { add: { priority: 3 } }),
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
    async run({ queue, startWorker, held, client, until }) {
      const job = await queue.add('work', {});
      await startWorker();
      await held();
      await until(async () => !(await client.exists(queue.toKey(`${job.id}:lock`))), 'the lock to expire');
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
