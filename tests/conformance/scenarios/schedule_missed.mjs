import { schedule } from '../support/schedule.mjs';

const hour = 3_600_000;
const thisHour = () => Math.floor(Date.now() / hour) * hour;

/* Its first job was due `ago` before the full hour, and nobody came; the scheduler's slots are `offset` behind the full hours. */
const missed = (title, { ago, offset }) => schedule(title, { every: hour, limit: 2 }, { data: { a: 1 } }, {
  times: 0,
  async before({ queue, client }) {
    const key = (name) => queue.toKey(name);
    const due = thisHour() - ago + offset;
    const [was, is] = [await client.zscore(key('repeat'), 'nightly'), due].map((ms) => `repeat:nightly:${ms}`);
    await client.multi().rename(key(was), key(is)).lrem(key('wait'), 0, was).lpush(key('wait'), is).zadd(key('repeat'), due, 'nightly')
      .hset(key('repeat:nightly'), 'offset', offset).exec();
  },
});

export default [
  missed('a job every hour that is late', { ago: 0, offset: -1 }),
  missed('a job every hour that missed its turns, on the hour', { ago: 10 * hour, offset: 0 }),
  missed('a job every hour that missed its turns, right behind the hour', { ago: 10 * hour, offset: 1 }),
  missed('a job every hour that missed its turns, right before the hour', { ago: 10 * hour, offset: hour - 1 }),
  schedule('a job of a pattern that missed its turns', { pattern: '0 * * * *', tz: 'UTC' }, {}, {
    async before({ queue, client }) {
      const [{ id, opts }] = await queue.getDelayed();
      const due = thisHour() - 10 * hour;
      const [was, is] = [queue.toKey(id), queue.toKey(`repeat:nightly:${due}`)];
      await client.multi().rename(was, is).hset(is, 'opts', JSON.stringify({ ...opts, prevMillis: due })).zadd(queue.toKey('repeat'), due, 'nightly')
        .del(queue.toKey('delayed')).zadd(queue.toKey('delayed'), due * 4096, `repeat:nightly:${due}`).exec();
    },
    times: 0,
  }),
];
