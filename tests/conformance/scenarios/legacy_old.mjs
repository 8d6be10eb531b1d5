/* Repeatable jobs as bullmq 3.0 and before made them. */
import { legacy } from '../support/legacy.mjs';

const nightly = { pattern: '0 3 * * *', tz: 'UTC' };
const hourly = { every: 3_600_000 };
const nextYear = new Date().getUTCFullYear() + 1;
const old = (title, repeat, scenario) => legacy(title, repeat, { ...scenario, old: true });
const promote = async ({ queue }) => (await queue.getDelayed())[0].promote();
const renameToCron = async ({ queue, client }) => {
  const [{ id, opts: { repeat: { pattern, ...repeat }, ...opts } }] = await queue.getDelayed();
  await client.hset(queue.toKey(id), 'opts', JSON.stringify({ ...opts, repeat: { ...repeat, cron: pattern } }));
};

export default [
  old('an old repeatable job', nightly, { times: 5 }),
  old('an old repeatable job every hour', hourly),
  old('an old repeatable job with an id in its data', nightly, { data: { id: 'ü/1', b: 2 } }),
  old('an old repeatable job with a number in its data', nightly, { data: { id: 17 } }),
  old('an old repeatable job with an id', { ...nightly, jobId: 'mine' }),
  old('an old repeatable job with a limit', { ...nightly, limit: 2 }),
  old('an old repeatable job that ends', { pattern: '0 0 1 1 *', endDate: Date.UTC(nextYear + 1, 5, 1) }),
  old('an old repeatable job that begins another year', { ...nightly, startDate: Date.UTC(nextYear + 1, 5, 1) }),
  old('an old repeatable job with its pattern under an old name', nightly, { before: renameToCron }),
  old('an old repeatable job with settings', nightly, { opts: { priority: 3, attempts: 2, removeOnComplete: true } }),
  old('an old repeatable job whose jobs are deduplicated', nightly, { opts: { deduplication: { id: 'one' } }, times: 1 }),
  old('an old repeatable job that stalled', nightly, {
    async before(scene) {
      await promote(scene);
      await scene.abandonJob();
    },
    times: 0,
  }),
  old('an old repeatable job is tried again', nightly, {
    opts: { attempts: 2 },
    work({ attemptsMade }) {
      if (attemptsMade === 0) throw new Error('not yet');
    },
    times: 1,
  }),
  old('an old repeatable job is removed while its job waits', nightly, {
    async before(scene) {
      await promote(scene);
      await scene.client.del(scene.queue.toKey('repeat'));
    },
    times: 0,
  }),
  {
    title: 'a repeatable job that was added among others, and is known to nobody',
    only: '5.76.2',
    async run({ queue, startWorker }) {
      await queue.addBulk([{ name: 'run', data: { a: 1 }, opts: { repeat: nightly } }]);
      await startWorker();
    },
  },
];
