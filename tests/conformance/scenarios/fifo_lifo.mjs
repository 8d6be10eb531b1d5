export default {
  title: 'first come, first served, but LIFO jobs go first',
  async run({ queue, startWorker }) {
    for (const name of ['a', 'b', 'c']) await queue.add(name, {});
    for (const name of ['x', 'y']) await queue.add(name, {}, { lifo: true });
    await startWorker();
  },
};
