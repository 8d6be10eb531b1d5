const fails = (times) => ({ attemptsMade }) => {
  if (attemptsMade < times) throw new Error(`attempt ${attemptsMade}`);
  return 'at last';
};
const addFirst = (opts) => async ({ queue, startWorker }) => {
  await queue.add('first', {}, opts);
  await queue.add('second', {}, opts);
  await startWorker();
};

export default [
  { title: 'a job is tried again at once, behind the others', run: addFirst({ attempts: 3 }), work: fails(2) },
  { title: 'a job with a priority is tried again at once, behind its equals', run: addFirst({ attempts: 3, priority: 4 }), work: fails(2) },
  { title: 'a LIFO job is tried again at once, before the others', run: addFirst({ attempts: 3, lifo: true }), work: fails(2) },
  { title: 'a job uses up its attempts', run: addFirst({ attempts: 3 }), work: fails(3) },
  { title: 'a backoff of nothing is an attempt at once', run: addFirst({ attempts: 2, backoff: { type: 'fixed', delay: 0 } }), work: fails(1) },
  { title: 'a single attempt has no use for a backoff', run: addFirst({ attempts: 1, backoff: 1000 }), work: fails(1) },
  {
    title: 'a job is tried again after its backoff',
    async run({ queue, startWorker, state }) {
      const job = await queue.add('work', {}, { attempts: 3, backoff: { type: 'exponential', delay: 100 } });
      await startWorker();
      await state(job, 'completed');
    },
    work: fails(2),
  },
  {
    title: 'a job with a priority is tried again after its backoff, and the next one is taken at once',
    async run({ queue, startWorker, completed }) {
      for (const name of ['first', 'second']) await queue.add(name, {}, { attempts: 2, priority: 3, backoff: { type: 'fixed', delay: 250 } });
      await startWorker();
      await completed(2);
    },
    work: ({ name, attemptsMade }) => fails(name === 'first' ? 1 : 0)({ attemptsMade }),
  },
  {
    title: 'an unrecoverable failure in a later attempt',
    run: addFirst({ attempts: 3 }),
    work: ({ attemptsMade }, { unrecoverable }) => (attemptsMade === 2 ? unrecoverable('the last one') : fails(2)({ attemptsMade })),
  },
];
