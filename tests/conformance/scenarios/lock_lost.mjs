import { whileActive } from '../support/while_active.mjs';

const take = ({ client, lock }) => client.set(lock, 'somebody else');
const vanish = ({ client, lock }) => client.del(lock);
const takeBeforeTheLastAttempt = async ({ client, lock, queue, job }) => {
  await client.hset(queue.toKey(job.id), 'opts', '{"attempts":3}');
  await client.set(lock, 'somebody else');
};

export default [
  whileActive('another worker took the lock, and the job completes', take),
  whileActive('another worker took the lock, and the job fails', take, { fails: true }),
  whileActive('another worker took the lock, and the job fails before its last attempt', takeBeforeTheLastAttempt, { fails: true }),
  whileActive('the lock vanished, and the job completes', vanish),
  whileActive('the lock vanished, and the job fails', vanish, { fails: true }),
];
