import { schedule } from '../support/schedule.mjs';

const nightly = { pattern: '0 3 * * *', tz: 'UTC' };
const withOptions = (title, opts, scenario) => schedule(title, nightly, { name: 'run', data: { a: 1 }, opts }, { times: 2, ...scenario });
const everySetting = {
  attempts: 3, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 }, keepLogs: 7, stackTraceLimit: 2, sizeLimit: 10_000,
  removeOnComplete: { age: 60, count: 5 }, removeOnFail: false, failParentOnFailure: true,
};

export default [
  withOptions('a schedule whose jobs have a priority', { priority: 3 }),
  withOptions('a schedule whose jobs are LIFO', { lifo: true }),
  withOptions('a schedule whose jobs have every setting', everySetting),
  withOptions('a schedule whose jobs have a backoff in milliseconds', { attempts: 2, backoff: 500 }),
  withOptions('a schedule whose jobs are removed at their end', { removeOnComplete: true, removeOnFail: true }),
  withOptions('a schedule whose jobs are deduplicated', { deduplication: { id: 'one' } }),
  withOptions('a schedule under another prefix', {}, { queue: { prefix: 'some:app' } }),
  withOptions('a schedule whose name has colons', {}, { id: 'backup:config' }),
  withOptions('a schedule whose name has many colons', {}, { id: 'a:b:123:c:1 2:3' }),
  withOptions('a schedule whose name is not ASCII', {}, { id: 'nächtlich/"täglich"' }),
];
