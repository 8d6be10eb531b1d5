import assert from 'node:assert/strict';

const hour = 3_600_000;

/* Fails three times, promoted by hand in between, and is left delayed; with `check`, it is promoted to its end. `check` is given each delay. */
const failing = (backoff, check = null) => ({
  title: `a failed job is tried again with the backoff ${JSON.stringify(backoff)}`,
  async run({ queue, startWorker, until }) {
    const job = await queue.add('work', {}, { attempts: 4, backoff });
    await startWorker();
    for (const attempt of [1, 2, 3]) {
      if (attempt > 1) await job.promote();
      const { delay } = await until(async () => (await job.isDelayed()) && (await queue.getJob(job.id)), 'the job to be delayed');
      check?.(delay, attempt);
    }
    if (check) await job.promote(); // chance decides about its delay
  },
  work: ({ attemptsMade }) => { throw new Error(`attempt ${attemptsMade}`); },
});

const within = (least, most) => (delay) => assert.ok(delay >= least && delay <= most, `${delay}`);

export default [
  failing(hour),
  failing({ type: 'fixed', delay: 2 * hour }),
  failing({ type: 'exponential', delay: hour / 2 }),
  failing({ type: 'fixed', delay: 2000, jitter: 0.5 }, within(1000, 2000)),
  failing({ type: 'exponential', delay: 1000, jitter: 0.5 }, (delay, attempt) => within(500 * 2 ** (attempt - 1), 1000 * 2 ** (attempt - 1))(delay)),
];
