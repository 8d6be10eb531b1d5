import { schedule } from '../support/schedule.mjs';

const nightly = { pattern: '0 3 * * *', tz: 'UTC' };
/* The pending job says something else than its scheduler, which nobody could set up so. */
const broken = (title, repeat) => schedule(title, nightly, {}, {
  async before({ queue, client }) {
    const [job] = await queue.getDelayed();
    await client.hset(queue.toKey(job.id), 'opts', JSON.stringify({ ...job.opts, repeat }));
    await job.promote();
    await queue.add('next', {});
  },
  times: 0,
});

export default [
  broken('a schedule with no such pattern', { pattern: '0 25 * * *', tz: 'UTC' }),
  broken('a schedule with no such zone', { ...nightly, tz: 'Europe/Nowhere' }),
  broken('a schedule with neither a pattern nor an interval', { count: 1 }),
  broken('a schedule with both a pattern and an interval', { ...nightly, every: 3_600_000 }),
  broken('a schedule with no repeat options', undefined),
];
