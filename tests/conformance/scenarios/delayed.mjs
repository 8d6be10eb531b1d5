export default {
  title: 'a delayed job is taken when it is due',
  async run({ queue, startWorker, idle, state }) {
    await startWorker();
    await idle();
    const late = await queue.add('late', {}, { delay: 900 });
    const early = await queue.add('early', {}, { delay: 300 });
    await state(early, 'completed');
    await state(late, 'completed');
  },
};
