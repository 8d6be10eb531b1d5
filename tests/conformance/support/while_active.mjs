/*
 * while_active: scenarios in which something happens behind the back of the worker that runs a job.
 *
 *     whileActive('a title', ({ job, lock, queue, client, ... }) => client.del(lock), { fails: true })
 */
export const whileActive = (title, manipulate, { fails = false } = {}) => ({
  title,
  async run(scene) {
    await scene.startWorker();
    const job = await scene.queue.add('work', {});
    await scene.held();
    await manipulate({ ...scene, job, lock: scene.queue.toKey(`${job.id}:lock`) });
    scene.release();
  },
  async work({ id }, { hold }) {
    if (id === '1') await hold();
    if (fails) throw new Error('it fails');
  },
});
