import { schedule } from '../support/schedule.mjs';

const hour = 3_600_000;
const hourly = { every: hour };
const start = Date.UTC(new Date().getUTCFullYear() + 1, 5, 1);

export default [
  schedule('a job every hour is followed by the next', hourly, { name: 'run', data: { a: 1 } }, { times: 0 }),
  schedule('a chain of five jobs, one every hour', hourly, {}, { times: 5 }),
  schedule('a job every hour from another year on', { ...hourly, startDate: start }, {}, { times: 2 }),
  schedule('a job every hour, with an offset', { ...hourly, startDate: start, offset: 123_456 }, {}, { times: 2 }),
  schedule('three jobs, one every hour', { ...hourly, limit: 3 }, {}, { times: 2 }),
];
