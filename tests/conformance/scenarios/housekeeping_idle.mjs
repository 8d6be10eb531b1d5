/* What people do to a queue while a worker waits for its jobs. */
const afterwards = (title, manipulate, { opts = {}, fails = false } = {}) => ({
  title,
  async run(scene) {
    await scene.queue.addBulk(['a', 'b'].map((name) => ({ name, data: {}, opts })));
    await scene.startWorker();
    await scene.idle();
    await manipulate(scene);
  },
  work({ attemptsStarted }) {
    if (fails && attemptsStarted === 1) throw new Error('the first time');
  },
});
const failed = { fails: true };
const delayed = { opts: { delay: 3_600_000 } };
const retryOne = async ({ queue }) => (await queue.getJob('1')).retry();

export default [
  afterwards('completed jobs are cleaned', ({ queue }) => queue.clean(0, 1, 'completed')),
  afterwards('completed jobs are run again', ({ queue }) => queue.retryJobs({ state: 'completed' })),
  afterwards('failed jobs are cleaned', ({ queue }) => queue.clean(0, 100, 'failed'), failed),
  afterwards('failed jobs are run again', ({ queue }) => queue.retryJobs({ state: 'failed' }), failed),
  afterwards('one failed job is run again', retryOne, failed),
  afterwards('a failed job with a priority is run again', retryOne, { opts: { priority: 3 }, fails: true }),
  afterwards('delayed jobs are promoted while the worker waits for them', ({ queue }) => queue.promoteJobs(), delayed),
  afterwards('an idle queue is drained', ({ queue }) => queue.drain(true), delayed),
  afterwards('an idle queue is obliterated and used again', async ({ queue }) => {
    await queue.obliterate();
    await queue.resume();
    await queue.add('after', {});
  }),
];
