import { schedule } from '../support/schedule.mjs';

const nightly = { pattern: '0 3 * * *', tz: 'Europe/Berlin' };
const nextYear = new Date().getUTCFullYear() + 1;
const yearly = { pattern: '0 0 1 1 *', tz: 'UTC' };
const data = { kind: 'run', text: 'ü "quoted" \\ /', n: [1.5, null] };

export default [
  schedule('a scheduled job is followed by the next', nightly, { name: 'run', data }),
  schedule('a chain of five scheduled jobs', nightly, { name: 'run', data }, { times: 5 }),
  schedule('a schedule without a template', nightly),
  schedule('a schedule of seconds, in a zone with half hours', { pattern: '30 15 4 * * mon-fri', tz: 'Australia/Lord_Howe' }),
  schedule("a schedule by this machine's clock", { pattern: '@daily' }),
  schedule('a schedule that begins another year', { ...nightly, startDate: Date.UTC(nextYear + 1, 5, 1) }, { data }, { times: 2 }),
  schedule('a schedule that ends with its second job', { ...yearly, endDate: Date.UTC(nextYear + 1, 5, 1) }, { data }, { times: 2 }),
  schedule('a schedule that ends at an instant of its own', { ...yearly, endDate: Date.UTC(nextYear + 1, 0, 1) }, { data }, { times: 2 }),
  schedule('a schedule of three jobs', { ...nightly, limit: 3 }, { data }, { times: 3 }),
  schedule('a schedule that goes on from a job at once', { ...nightly, immediately: true }, { data }, { times: 0 }),
];
