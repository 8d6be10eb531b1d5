/*
 * legacy: repeatable jobs as `queue.add(name, data, { repeat })` makes them, which bullmq 5 has and 6 has not. Like those of a scheduler, they are
 * promoted and not waited for.
 */
import { createHash } from 'node:crypto';
import { runNext } from './schedule.mjs';

const md5 = (text) => createHash('md5').update(text).digest('hex');

/*
 * Makes it one of bullmq 3.0 and before: the key says everything, has no hash beside it, and an MD5 sum stands for it in the id of the pending
 * job.
 */
export async function makeOld({ queue, client }, { name, data, repeat }) {
  const key = (text) => queue.toKey(text);
  const { jobId = '', endDate = '', tz = '', pattern, every } = repeat;
  const schedule = [name, jobId, endDate, tz, pattern ?? every].join(':');
  const [{ id, repeatJobKey }] = await queue.getDelayed();
  const opts = JSON.parse(await client.hget(key(id), 'opts'));
  const old = `repeat:${md5(`${name}${data.id ?? ''}${md5(schedule)}`)}:${opts.prevMillis}`;
  await client.multi().rename(key(id), key(old)).hset(key(old), 'opts', JSON.stringify({ ...opts, jobId: old }), 'rjk', schedule)
    .zadd(key('delayed'), opts.prevMillis * 4096, old).zrem(key('delayed'), id)
    .zadd(key('repeat'), opts.prevMillis, schedule).zrem(key('repeat'), repeatJobKey).del(key(`repeat:${repeatJobKey}`)).exec();
}

/* `old`: as above; `before`: as of schedule(). */
export const legacy = (title, repeat, { data = { a: 1 }, opts = {}, old = false, times = 2, before = () => {}, ...scenario } = {}) => ({
  title,
  only: '5.76.2',
  async run(scene) {
    await scene.queue.add('run', data, { ...opts, repeat });
    if (old) await makeOld(scene, { name: 'run', data, repeat });
    await before(scene);
    await scene.startWorker();
    await scene.idle();
    for (let time = 0; time < times; time++) await runNext(scene);
  },
  ...scenario,
});
