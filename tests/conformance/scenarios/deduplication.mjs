const held = (title, deduplication, { afterwards = () => {}, opts = {}, work = (job, { hold }) => (job.data.first ? hold() : 'done'), ...rest } = {}) => ({
  title,
  async run(scene) {
    const { queue, startWorker, release } = scene;
    const add = (data, more = {}) => queue.add('work', data, { ...opts, deduplication, ...more });
    await startWorker();
    await add({ first: true });
    await scene.held();
    await add({ second: true });
    await add({ third: true }, { priority: 2 });
    release();
    await afterwards({ ...scene, add });
  },
  work,
  ...rest,
});
const failing = async ({ data }, { hold }) => {
  if (data.first) await hold();
  throw new Error('it fails');
};

export default [
  held('a deduplication id is free again when its job is completed', { id: 'one' }, { afterwards: async ({ idle, add }) => {
    await idle();
    await add({ fourth: true });
  } }),
  held('a deduplication id is free again when its job has failed', { id: 'one' }, { work: failing }),
  held('a deduplication id is kept while its job is tried again', { id: 'one' }, { work: failing, opts: { attempts: 2, backoff: 3_600_000 } }),
  held('a deduplication id is free when its job is removed at its end', { id: 'one' }, { opts: { removeOnComplete: true } }),
  held('a deduplication id with a time to live outlives its job', { id: 'one', ttl: 600_000 }),
  held('a deduplication id whose time to live each attempt extends', { id: 'one', ttl: 600_000, extend: true }),
  held('the last one is run after the active one', { id: 'one', keepLastIfActive: true }),
  held('the last one is run after the active one has failed', { id: 'one', keepLastIfActive: true }, { work: failing }),
  held('the last one is run after the active one was removed at its end', { id: 'one', keepLastIfActive: true }, { opts: { removeOnComplete: true } }),
  held('the last one, with a delay, is run after the active one', { id: 'one', keepLastIfActive: true }, { opts: { delay: 1000, timestamp: 1_700_000_000_000 } }),
  {
    title: 'the last one that was added while another was active has a delay of its own',
    async run({ queue, startWorker, held, release }) {
      const deduplication = { id: 'one', keepLastIfActive: true };
      await startWorker();
      await queue.add('first', {}, { deduplication });
      await held();
      await queue.add('last', { last: true }, { deduplication, delay: 3_600_000, attempts: 3, keepLogs: 5, removeOnComplete: 10 });
      release();
    },
    work: ({ name }, { hold }) => name === 'first' && hold(),
  },
  {
    title: 'the last one keeps its id while it waits in its turn',
    busy: true,
    async run({ queue, startWorker, held, release, until }) {
      const deduplication = { id: 'one', keepLastIfActive: true };
      await startWorker();
      await queue.add('first', {}, { deduplication });
      await held();
      await queue.add('second', {}, { deduplication });
      release();
      await until(async () => (await queue.getCompletedCount()) === 1, 'the first');
      await held();
      await queue.add('third', {}, { deduplication });
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a deduplication id that was freed by hand stays with its next owner',
    busy: true,
    async run({ queue, startWorker, held, release, until }) {
      const deduplication = { id: 'one' };
      await startWorker();
      const first = await queue.add('first', {}, { deduplication });
      await held();
      await first.removeDeduplicationKey();
      await queue.add('second', {}, { deduplication });
      release();
      await until(async () => (await queue.getCompletedCount()) === 1, 'the first');
      await held();
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a debounced job is replaced until it is due',
    async run({ queue, startWorker, state, idle }) {
      const opts = { delay: 400, deduplication: { id: 'one', ttl: 600_000, extend: true, replace: true } };
      await startWorker();
      await queue.add('first', {}, opts);
      await idle();
      const last = await queue.add('last', {}, opts);
      await state(last, 'completed');
    },
  },
];
