/* Children that come, or fail, while their parent is active. */
const parentWithChild = (title, { childOptions = {}, opts = {}, queueName = 'work', childFails = false, worker = {}, afterwards = () => {} }) => ({
  title,
  worker,
  async run(scene) {
    const { queue, openQueue, startWorker, held, release, until, client } = scene;
    const children = queueName === 'work' ? queue : await openQueue(queueName);
    await startWorker();
    await queue.add('parent', {}, opts);
    await held();
    await children.add('child', { childFails }, { jobId: 'child', parent: { id: '1', queue: queue.qualifiedName }, ...childOptions });
    await afterwards({ queue, until, client });
    release();
  },
  async work({ name, data, attemptsStarted }, { hold }) {
    if (name === 'parent' && attemptsStarted === 1) await hold();
    if (data.childFails) throw new Error('the child fails');
    return name;
  },
});
const childIsDone = (state) => ({ queue, until }) => until(async () => (await queue.getJobState('child')) === state, `the child to be ${state}`);
const beside = { concurrency: 2 };

export default [
  parentWithChild('a parent that ends before its child fails', { queueName: 'elsewhere' }),
  parentWithChild('a parent that ends before its child is tried again', { queueName: 'elsewhere', opts: { attempts: 2 } }),
  parentWithChild('a child is done while its parent is active', { worker: beside, afterwards: childIsDone('completed') }),
  ...['failParentOnFailure', 'continueParentOnFailure', 'ignoreDependencyOnFailure', 'removeDependencyOnFailure'].map((option) =>
    parentWithChild(`a child with ${option} fails while its parent is active`, { worker: beside, childOptions: { [option]: true }, childFails: true, afterwards: childIsDone('failed') })),
  parentWithChild('a child fails its parent while that is active and has attempts left', {
    worker: beside, opts: { attempts: 3 }, childOptions: { failParentOnFailure: true }, childFails: true, afterwards: childIsDone('failed'),
  }),
];
