/* Jobs that are not as bullmq makes them. */
export default [
  {
    title: 'a job without options',
    async run({ queue, client, startWorker }) {
      const job = await queue.add('work', { some: 'data' });
      await client.hset(queue.toKey(job.id), 'opts', '{}');
      await startWorker();
    },
  },
  {
    title: 'a job whose attempts are counted by an old name',
    async run({ queue, client, startWorker }) {
      const job = await queue.add('work', {}, { attempts: 3 });
      await client.hset(queue.toKey(job.id), 'attemptsMade', 2);
      await startWorker();
    },
    work: ({ attemptsMade }) => { throw new Error(`${attemptsMade} attempts were made`); },
  },
  {
    title: 'data that is no JSON',
    async run({ queue, client, startWorker, state }) {
      const job = await queue.add('broken', {});
      await client.hset(queue.toKey(job.id), 'data', '{"a":');
      const next = await queue.add('next', {});
      await startWorker();
      await state(next, 'completed');
    },
  },
  {
    title: 'a backoff of an unknown type',
    async run({ queue, startWorker, state }) {
      await queue.add('broken', {}, { attempts: 2, backoff: { type: 'unknown', delay: 1000 } });
      const next = await queue.add('next', {});
      await startWorker();
      await state(next, 'completed');
    },
    work({ name }) {
      if (name === 'broken') throw new Error('it fails');
    },
  },
];
