/* Children that come, or are done, while their parent does not wait for them. */
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
/* The parent is in a queue that has no worker. */
const withParent = (title, opts, { fails, before = () => {} }) => ({
  title,
  async run(scene) {
    const { queue, openQueue, startWorker } = scene;
    const elsewhere = await openQueue('elsewhere');
    await elsewhere.add('parent', {}, opts);
    await queue.add('child', {}, { parent: { id: '1', queue: elsewhere.qualifiedName }, failParentOnFailure: true });
    await before(scene);
    await startWorker();
  },
  work() {
    if (fails) throw new Error('the child fails');
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
  ...[['delayed', { delay: 3_600_000 }], ['waiting', {}], ['waiting with a priority', { priority: 1 }]].flatMap(([state, opts]) => [
    withParent(`a child is completed while its parent is ${state}`, opts, { fails: false }),
    withParent(`a child fails its parent while that is ${state}`, opts, { fails: true }),
  ]),
  withParent('a child whose parent is gone', {}, { fails: false, before: ({ client }) => client.del('bull:elsewhere:1') }),
  withParent('a failing child whose parent is gone', {}, { fails: true, before: ({ client }) => client.del('bull:elsewhere:1') }),
  parentWithChild('a child fails its parent while that is active and has attempts left', {
    worker: beside, opts: { attempts: 3 }, childOptions: { failParentOnFailure: true }, childFails: true, afterwards: childIsDone('failed'),
  }),
];
