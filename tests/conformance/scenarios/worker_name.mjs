export default [
  {
    title: 'a worker with a name is known by it',
    worker: { name: 'nas' },
    async run({ queue, startWorker, idle, client, tell }) {
      await queue.add('work', {});
      await startWorker();
      await idle();
      const workers = (await queue.getWorkers()).filter(({ db }) => Number(db) === client.options.db);
      tell(workers.map(({ name, rawname }) => ({ name, rawname })));
      tell((await queue.getJob('1')).processedBy);
    },
  },
  {
    title: 'a worker without a name is one worker',
    worker: { concurrency: 3 },
    async run({ queue, startWorker, idle, client, tell }) {
      await startWorker();
      await idle();
      const workers = (await queue.getWorkers()).filter(({ db }) => Number(db) === client.options.db);
      tell(workers.map(({ name, rawname }) => ({ name, rawname })));
    },
  },
];
