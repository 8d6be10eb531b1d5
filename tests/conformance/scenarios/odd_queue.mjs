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
    title: 'a marker that nobody needs',
    async run({ queue, client, startWorker, idle }) {
      await startWorker();
      await idle();
      await client.zadd(queue.toKey('marker'), 0, '0');
      await client.zadd(queue.toKey('marker'), Date.now() + 100, '1');
    },
  },
];
