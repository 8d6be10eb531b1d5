import { legacy } from '../support/legacy.mjs';

const nightly = { pattern: '0 3 * * *', tz: 'Europe/Berlin' };
const hourly = { every: 3_600_000 };
const nextYear = new Date().getUTCFullYear() + 1;
const yearly = { pattern: '0 0 1 1 *', tz: 'UTC' };

export default [
  legacy('a repeatable job', nightly),
  legacy('a repeatable job every hour', hourly),
  legacy('a repeatable job without data', hourly, { data: {} }),
  legacy('a repeatable job with an id', nightly, { opts: { jobId: 'mine' } }),
  legacy('a repeatable job with a key', { ...nightly, key: 'mine' }),
  legacy('a repeatable job with a key of three words', { ...nightly, key: 'a:b:c' }, { times: 1 }),
  legacy('a repeatable job with a key of many words', { ...nightly, key: 'a:b:c:d:e' }),
  legacy('a repeatable job with a limit', { ...nightly, limit: 2 }),
  legacy('a repeatable job that ends', { ...yearly, endDate: Date.UTC(nextYear + 1, 5, 1) }),
  legacy('a repeatable job that begins another year', { ...yearly, startDate: Date.UTC(nextYear + 1, 5, 1) }),
  legacy('a repeatable job with a priority', nightly, { opts: { priority: 3 } }),
  legacy('a repeatable job that is removed while its job waits', nightly, {
    async before({ queue }) {
      await (await queue.getDelayed())[0].promote();
      await queue.removeRepeatable('run', nightly);
    },
    times: 0,
  }),
];
