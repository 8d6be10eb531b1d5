/* What people do to a queue while a worker is at work, or waits. */
const far = { delay: 3_600_000 };
const whileBusy = (title, manipulate) => ({
  title,
  async run(scene) {
    const { queue, startWorker, held, release } = scene;
    await startWorker();
    await queue.add('held', {});
    await held();
    await queue.add('waits', {});
    await queue.add('has a priority', {}, { priority: 2 });
    await queue.add('is delayed', {}, far);
    await manipulate(scene);
    release();
  },
  work: ({ name }, { hold }) => name === 'held' && hold(),
});
const afterwards = (title, jobs, manipulate, work) => ({
  title,
  async run(scene) {
    await scene.queue.addBulk(jobs);
    await scene.startWorker();
    await scene.idle();
    await manipulate(scene);
  },
  work,
});
const failsFirst = ({ attemptsStarted }) => {
  if (attemptsStarted === 1) throw new Error('the first time');
};
const two = ['a', 'b'].map((name) => ({ name, data: {} }));

export default [
  whileBusy('the queue is drained', ({ queue }) => queue.drain()),
  whileBusy('the queue is drained, with its delayed jobs', ({ queue }) => queue.drain(true)),
  whileBusy('waiting jobs are cleaned', ({ queue }) => queue.clean(0, 100, 'wait')),
  whileBusy('delayed jobs are cleaned', ({ queue }) => queue.clean(0, 100, 'delayed')),
  whileBusy('jobs with a priority are cleaned', ({ queue }) => queue.clean(0, 100, 'prioritized')),
  whileBusy('delayed jobs are promoted', ({ queue }) => queue.promoteJobs()),
  whileBusy('a waiting job is removed', async ({ queue }) => (await queue.getJob('2')).remove()),
  afterwards('completed jobs are cleaned', two, ({ queue }) => queue.clean(0, 1, 'completed')),
  afterwards('failed jobs are cleaned', two, ({ queue }) => queue.clean(0, 100, 'failed'), failsFirst),
  afterwards('failed jobs are run again', two, ({ queue }) => queue.retryJobs({ state: 'failed' }), failsFirst),
  afterwards('completed jobs are run again', two, ({ queue }) => queue.retryJobs({ state: 'completed' })),
  afterwards('one failed job is run again', two, async ({ queue }) => (await queue.getJob('1')).retry(), failsFirst),
  afterwards('a failed job with a priority is run again', [{ name: 'a', data: {}, opts: { priority: 3 } }], async ({ queue }) => (await queue.getJob('1')).retry(), failsFirst),
  afterwards('delayed jobs are promoted while the worker waits for them', two.map((job) => ({ ...job, opts: far })), ({ queue }) => queue.promoteJobs()),
  afterwards('an idle queue is drained', two.map((job) => ({ ...job, opts: far })), ({ queue }) => queue.drain(true)),
  afterwards('an idle queue is obliterated and used again', two, async ({ queue }) => {
    await queue.obliterate();
    await queue.resume();
    await queue.add('after', {});
  }),
];
