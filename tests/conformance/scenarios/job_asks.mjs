/* What a job can ask of its worker, once. */
const asksOnce = (title, ask, { opts = {}, completed = 2 } = {}) => ({
  title,
  async run(scene) {
    await scene.queue.addBulk(['first', 'second'].map((name) => ({ name, data: {}, opts })));
    await scene.startWorker();
    await scene.completed(completed);
  },
  work: ({ name, attemptsStarted, attemptsMade }, tools) => (name === 'first' && attemptsStarted === 1 ? ask(tools) : { attemptsMade }),
});

const asksWhilePaused = (what, ask) => ({
  title: `a job ${what} while the queue is paused`,
  busy: true,
  async run({ queue, startWorker, held, release, until }) {
    await startWorker();
    await queue.add('work', {});
    await held();
    await queue.pause();
    release();
    await until(async () => (await queue.getActiveCount()) === 0, 'the job to be put back');
  },
  async work(job, tools) {
    await tools.hold();
    ask(tools);
  },
});

export default [
  asksOnce('a job puts itself off', ({ delay }) => delay(400)),
  asksOnce('a job puts itself off for an hour', ({ delay }) => delay(3_600_000), { completed: 1 }),
  asksOnce('a job puts itself off to a time that has passed', ({ delay }) => delay(-5000)),
  asksOnce('a job with a priority puts itself off', ({ delay }) => delay(400), { opts: { priority: 2 } }),
  asksOnce('a job with attempts puts itself off', ({ delay }) => delay(200), { opts: { attempts: 3 } }),
  asksOnce('a job goes back to the others that wait', ({ wait }) => wait()),
  asksOnce('a job with a priority goes back to the others that wait', ({ wait }) => wait(), { opts: { priority: 2 } }),
  asksWhilePaused('goes back to the others', ({ wait }) => wait()),
  asksWhilePaused('puts itself off', ({ delay }) => delay(3_600_000)),
  asksWhilePaused('limits the rate', ({ rateLimit }) => rateLimit(600_000)),
];
