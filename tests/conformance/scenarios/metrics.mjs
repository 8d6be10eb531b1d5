/* Metrics count by the minute: no run may cross its end. */
const minute = 60_000;
const farFromTheMinutesEnd = ({ until }) => until(() => Date.now() % minute < minute - 8000, 'the next minute');

const working = (title, { worker = { metrics: { maxDataPoints: 3 } }, kept = null }) => ({
  title,
  worker,
  async run(scene) {
    const { queue, client, startWorker } = scene;
    await farFromTheMinutesEnd(scene);
    for (const state of kept ? ['completed', 'failed'] : []) {
      const { data, minutesAgo, ...fields } = kept;
      await client.hset(queue.toKey(`metrics:${state}`), { ...fields, prevTS: Date.now() - minutesAgo * minute });
      if (data.length > 0) await client.rpush(queue.toKey(`metrics:${state}:data`), ...data);
    }
    await queue.addBulk([false, false, true, false, true].map((fails) => ({ name: 'work', data: { fails }, opts: { removeOnFail: true } })));
    await startWorker();
  },
  work({ data }) {
    if (data.fails) throw new Error('it fails');
  },
});

export default [
  working('metrics of the first minute', {}),
  working('metrics of a minute later', { kept: { count: 7, prevCount: 3, minutesAgo: 1, data: [9] } }),
  working('metrics of some minutes later, and points too many', { kept: { count: 7, prevCount: 3, minutesAgo: 2, data: [9, 8, 7] } }),
  working('metrics of an hour later', { kept: { count: 7, prevCount: 3, minutesAgo: 60, data: [9, 8] } }),
  working('no metrics', { worker: {} }),
  {
    title: 'a retry is not counted',
    worker: { metrics: { maxDataPoints: 10 } },
    async run(scene) {
      await farFromTheMinutesEnd(scene);
      await scene.queue.add('work', {}, { attempts: 3 });
      await scene.startWorker();
    },
    work({ attemptsMade }) {
      if (attemptsMade === 0) throw new Error('not yet');
    },
  },
];
