/* What should not be in a queue, but is in some. */
export default [
  {
    title: 'an id that waits without a job',
    async run({ queue, client, startWorker }) {
      await client.lpush(queue.toKey('wait'), 'ghost');
      await queue.add('work', {});
      await startWorker();
    },
  },
  {
    title: 'a marker of old versions among the jobs that wait',
    async run({ queue, client, startWorker }) {
      await client.lpush(queue.toKey('wait'), '0:0');
      await queue.add('work', {});
      await startWorker();
    },
  },
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
    title: 'a marker that nobody needs',
    async run({ queue, client, startWorker, idle }) {
      await startWorker();
      await idle();
      await client.zadd(queue.toKey('marker'), 0, '0');
      await client.zadd(queue.toKey('marker'), Date.now() + 100, '1');
    },
  },
  {
    title: 'data that is no JSON',
    async run({ queue, client, startWorker, idle, until }) {
      const job = await queue.add('broken', {});
      await client.hset(queue.toKey(job.id), 'data', '{"a":');
      await queue.add('work', {});
      await startWorker();
      await until(async () => (await queue.getCompletedCount()) > 0, 'the other job');
    },
  },
  {
    title: 'a backoff of an unknown type',
    async run({ queue, startWorker, until }) {
      await queue.add('broken', {}, { attempts: 2, backoff: { type: 'unknown', delay: 1000 } });
      await queue.add('work', {});
      await startWorker();
      await until(async () => (await queue.getCompletedCount()) > 0, 'the other job');
    },
    work({ name }) {
      if (name === 'broken') throw new Error('it fails');
    },
  },
];
