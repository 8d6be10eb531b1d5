/*
 * schedule: scenarios of a job scheduler whose jobs are not waited for: each one is promoted, runs, and is followed by the next.
 *
 *     schedule('a title', { pattern: '0 3 * * *', tz: 'UTC' }, { opts: { priority: 3 } }, { times: 5 })
 */

/* Makes the pending job of the schedule runnable, and waits until it has run. */
export async function runNext({ queue, until }) {
  const [job] = await queue.getDelayed();
  await job.promote();
  await until(async () => ['completed', 'failed', 'unknown'].includes(await queue.getJobState(job.id)), `job ${job.id} to be done`);
  return job;
}

/* `before` runs when the scheduler is there, and no worker yet; `times`: how many jobs are run. */
export const schedule = (title, repeat, template, { id = 'nightly', times = 1, before = () => {}, ...scenario } = {}) => ({
  title,
  async run(scene) {
    await scene.queue.upsertJobScheduler(id, typeof repeat === 'function' ? repeat() : repeat, template);
    await before(scene);
    await scene.startWorker();
    await scene.idle(); // of `every`, the first job is due at once
    for (let time = 0; time < times; time++) await runNext(scene);
  },
  ...scenario,
});
