/* What becomes of finished jobs: three that finished long ago, then one with the setting. */
const keeps = [true, false, 0, 2, { age: 3600 }, { count: 2 }, { age: 3600, count: 2 }, { age: 3600, limit: 2 }, { age: 1e9, count: 0 }, { age: 0 }];

async function finishThreeLongAgo({ queue, client, idle }, state) {
  await queue.addBulk([1, 2, 3].map(() => ({ name: 'old', data: { fails: state === 'failed' } })));
  await idle();
  for (const id of [1, 2, 3]) {
    await client.zadd(queue.toKey(state), id * 1000, `${id}`);
    await client.hset(queue.toKey(`${id}`), 'finishedOn', id * 1000);
  }
}

const finishing = (state, keep, where) => {
  const option = state === 'completed' ? 'removeOnComplete' : 'removeOnFail';
  return {
    title: `${option} ${JSON.stringify(keep)} of the ${where}`,
    async run(scene) {
      const first = await scene.startWorker();
      await finishThreeLongAgo(scene, state);
      if (where === 'worker') {
        await first.stop();
        await scene.startWorker({ [option]: keep });
      }
      await scene.queue.add('new', { fails: state === 'failed' }, where === 'job' ? { [option]: keep } : {});
    },
    async work({ data }, { log }) {
      await log('a row');
      if (data.fails) throw new Error('it fails');
    },
  };
};

const states = ['completed', 'failed'];
const objects = keeps.filter((keep) => typeof keep === 'object');

export default [
  ...states.flatMap((state) => keeps.map((keep) => finishing(state, keep, 'job'))),
  ...states.flatMap((state) => objects.map((keep) => finishing(state, keep, 'worker'))),
];
