/* Two more jobs with the id of one that is active. */
const whileActive = (title, deduplication, { opts = {}, afterwards = () => {}, fails = false } = {}) => ({
  title,
  async run(scene) {
    const add = (data, more) => scene.queue.add('work', data, { ...opts, deduplication: { id: 'one', ...deduplication }, ...more });
    await scene.startWorker();
    await add({ first: true });
    await scene.held();
    await add({ second: true });
    await add({ third: true }, { priority: 2 });
    scene.release();
    await afterwards({ ...scene, add });
  },
  async work({ data }, { hold }) {
    if (data.first) await hold();
    if (fails) throw new Error('it fails');
  },
});
const addAgain = async ({ idle, add }) => {
  await idle();
  await add({ fourth: true });
};
const removed = { opts: { removeOnComplete: true } };
const last = { keepLastIfActive: true };

export default [
  whileActive('a deduplication id is free again when its job is completed', {}, { afterwards: addAgain }),
  whileActive('a deduplication id is free again when its job has failed', {}, { fails: true }),
  whileActive('a deduplication id is kept while its job is tried again', {}, { fails: true, opts: { attempts: 2, backoff: 3_600_000 } }),
  whileActive('a deduplication id is free when its job is removed at its end', {}, removed),
  whileActive('a deduplication id with a time to live outlives its job', { ttl: 600_000 }),
  whileActive('a deduplication id whose time to live each addition extends', { ttl: 600_000, extend: true }),
  whileActive('the last one is run after the active one', last),
  whileActive('the last one is run after the active one has failed', last, { fails: true }),
  whileActive('the last one is run after the active one was removed at its end', last, removed),
  whileActive('the last one, with a delay, is run after the active one', last, { opts: { delay: 1000, timestamp: 1_700_000_000_000 } }),
];
