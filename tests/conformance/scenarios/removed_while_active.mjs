import { whileActive } from '../support/while_active.mjs';

const messageOf = (promise) => promise.then(() => 'no error', (error) => error.message);
const remove = async ({ client, lock, job }) => {
  await client.del(lock);
  await job.remove();
};

export default [
  whileActive('an active job cannot be removed', async ({ job, tell }) => tell(await messageOf(job.remove()))),
  whileActive('a job is removed while it is active', remove),
  whileActive('a job is removed while it is active, and fails', remove, { fails: true }),
  whileActive('a job is finished by somebody else while it is active', async ({ client, lock, queue, job }) => {
    await (await queue.getJob(job.id)).moveToCompleted('by somebody else', await client.get(lock), false);
  }),
  whileActive('the queue is obliterated while a job is active', ({ queue }) => queue.obliterate({ force: true })),
  whileActive('the queue is not obliterated while a job is active, but paused', async ({ queue, tell }) => tell(await messageOf(queue.obliterate()))),
];
