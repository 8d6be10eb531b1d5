/* What happens to a job behind the back of the worker that runs it. */
const whileActive = (title, manipulate, { work = (job, { hold }) => hold(), ...rest } = {}) => ({
  title,
  async run(scene) {
    const { queue, startWorker, held, release } = scene;
    await startWorker();
    const job = await queue.add('work', {});
    await held();
    await manipulate({ ...scene, job, lock: queue.toKey(`${job.id}:lock`) });
    release();
  },
  work,
  ...rest,
});
const failing = async (job, { hold }) => {
  await hold();
  throw new Error('it fails');
};
const refused = (promise) => promise.then(() => 'no error', (error) => error.message.replace(/^Error: /, ''));

export default [
  whileActive('another worker took the lock, and the job completes', ({ client, lock }) => client.set(lock, 'somebody else')),
  whileActive('another worker took the lock, and the job fails', ({ client, lock }) => client.set(lock, 'somebody else'), { work: failing }),
  whileActive('another worker took the lock, and the job fails before its last attempt', ({ client, lock, queue, job }) =>
    Promise.all([client.set(lock, 'somebody else'), client.hset(queue.toKey(job.id), 'opts', '{"attempts":3}')]), { work: failing }),
  whileActive('the lock vanished, and the job completes', ({ client, lock }) => client.del(lock)),
  whileActive('the lock vanished, and the job fails', ({ client, lock }) => client.del(lock), { work: failing }),
  whileActive('an active job cannot be removed', async ({ job, tell }) => tell(await refused(job.remove()))),
  whileActive('a job is removed while it is active', async ({ client, lock, job }) => {
    await client.del(lock);
    await job.remove();
  }),
  whileActive('a job is removed while it is active, and fails', async ({ client, lock, job }) => {
    await client.del(lock);
    await job.remove();
  }, { work: failing }),
  whileActive('a job is finished by somebody else while it is active', async ({ client, lock, queue, job }) => {
    const token = await client.get(lock);
    await (await queue.getJob(job.id)).moveToCompleted('by somebody else', token, false);
  }),
  whileActive('the queue is obliterated while a job is active', ({ queue }) => queue.obliterate({ force: true })),
  whileActive('the queue is not obliterated while a job is active, but paused', async ({ queue, tell }) => tell(await refused(queue.obliterate()))),
];
