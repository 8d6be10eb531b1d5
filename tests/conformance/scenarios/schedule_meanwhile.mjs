/* What happens to a schedule while one of its jobs waits, runs, or is taken again. */
import { runNext, schedule } from '../support/schedule.mjs';

const daily = { pattern: '0 3 * * *', tz: 'UTC' };
const other = { pattern: '0 4 * * *', tz: 'UTC' };
const day = 86_400_000;
const promote = async ({ queue }) => (await queue.getDelayed())[0].promote();
const waits = (title, meanwhile, template = {}, scenario = {}) => schedule(title, daily, template, {
  times: 0,
  async before(scene) {
    await promote(scene);
    await meanwhile(scene);
  },
  ...scenario,
});
const runs = (title, meanwhile, template = {}, scenario = {}) => schedule(title, daily, template, {
  async run(scene) {
    await scene.queue.upsertJobScheduler('nightly', daily, template);
    await scene.startWorker();
    await promote(scene);
    await scene.held();
    await meanwhile(scene);
    scene.release();
  },
  work: ({ attemptsStarted }, { hold }) => attemptsStarted === 1 && hold(),
  ...scenario,
});
const fails = ({ attemptsMade }) => {
  if (attemptsMade === 0) throw new Error('not yet');
};
/* As if its worker had died before it made the next one. */
async function forgetNext({ queue, client }) {
  const [next] = await queue.getDelayed();
  await client.multi().del(queue.toKey(next.id)).zrem(queue.toKey('delayed'), next.id)
    .zadd(queue.toKey('repeat'), next.opts.prevMillis - day, 'nightly').exec();
}

export default [
  waits('a scheduled job is tried again', () => {}, { opts: { attempts: 2 } }, { work: fails }),
  waits('a scheduled job is tried again after its scheduler was changed', () => {}, { opts: { attempts: 2 } }, {
    async work(job, { hold }) {
      if (job.attemptsMade === 0) await hold();
      fails(job);
    },
    async before(scene) {
      await promote(scene);
      scene.held().then(() => scene.queue.upsertJobScheduler('nightly', other)).then(scene.release);
    },
  }),
  waits('a scheduled job that fails', () => {}, {}, { work: fails }),
  waits('a scheduled job that stalled', ({ abandonJob }) => abandonJob()),
  waits('a scheduled job that stalled often', async ({ abandonJob }) => {
    for (let time = 0; time < 4; time++) await abandonJob();
  }),
  waits('a scheduled job whose worker died before it made the next one', async (scene) => {
    await scene.abandonJob();
    await forgetNext(scene);
  }),
  waits('a scheduler is removed while its job waits', ({ queue }) => queue.removeJobScheduler('nightly')),
  waits('a scheduler is changed while its job waits', ({ queue }) => queue.upsertJobScheduler('nightly', other, { data: { a: 2 } })),
  waits('a scheduler is set up again while its job waits', ({ queue }) => queue.upsertJobScheduler('nightly', daily)),
  waits('the queue is paused while a scheduled job waits, and resumed', async ({ queue }) => {
    await queue.pause();
    await queue.resume();
  }),
  waits("the next job's id is taken", async ({ queue, client }) => {
    const due = Number(await client.zscore(queue.toKey('repeat'), 'nightly'));
    await queue.add('other', {}, { jobId: `repeat:nightly:${due + day}`, timestamp: due, delay: day });
  }),
  waits('the scheduler has other data than its waiting job', ({ queue, client }) => client.hset(queue.toKey('repeat:nightly'), 'data', '{"a":2}'), { data: { a: 1 } }),
  waits('a waiting job of a scheduler without data is given some', async ({ queue }) => (await queue.getWaiting())[0].updateData({ a: 2 })),
  runs('a scheduler is removed while its job runs', ({ queue }) => queue.removeJobScheduler('nightly')),
  runs('a scheduler is changed while its job runs', ({ queue }) => queue.upsertJobScheduler('nightly', other)),
  runs('a scheduler is changed to `every` while its job runs', ({ queue }) => queue.upsertJobScheduler('nightly', { every: day, startDate: Date.UTC(2100, 0) })),
  runs('the next job of a schedule is run while the one before runs', async ({ queue, completed }) => {
    const [next] = await queue.getDelayed();
    await next.updateData({ quick: true });
    await next.promote();
    await completed(1);
  }, {}, { worker: { concurrency: 2 }, work: ({ data }, { hold }) => data.quick || hold() }),
  schedule('a schedule ends while its job waits', () => ({ every: day, endDate: Date.now() + 300 }), {}, {
    before: ({ until, queue }) => until(async () => (await queue.getJobScheduler('nightly')).endDate < Date.now(), 'the end date'),
    times: 0,
  }),
  {
    title: 'three schedules beside each other',
    async run(scene) {
      for (const [id, repeat] of Object.entries({ daily, other, hourly: { every: 3_600_000 } })) await scene.queue.upsertJobScheduler(id, repeat, { name: id });
      await scene.startWorker();
      await scene.idle();
      for (let time = 0; time < 3; time++) await runNext(scene);
    },
  },
];
