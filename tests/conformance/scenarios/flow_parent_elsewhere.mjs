/* Children that are done while their parent, in a queue without a worker, does not wait for them. */
const withParent = (title, fails, { opts = {}, before = () => {} }) => ({
  title,
  async run(scene) {
    const elsewhere = await scene.openQueue('elsewhere');
    await elsewhere.add('parent', {}, opts);
    await scene.queue.add('child', {}, { parent: { id: '1', queue: elsewhere.qualifiedName }, failParentOnFailure: true });
    await before(scene);
    await scene.startWorker();
  },
  work() {
    if (fails) throw new Error('the child fails');
  },
});
const states = { delayed: { delay: 3_600_000 }, waiting: {}, 'waiting with a priority': { priority: 1 } };
const gone = { before: ({ client }) => client.del('bull:elsewhere:1') };

export default [
  ...Object.entries(states).flatMap(([state, opts]) => [
    withParent(`a child is completed while its parent is ${state}`, false, { opts }),
    withParent(`a child fails its parent while that is ${state}`, true, { opts }),
  ]),
  withParent('a child whose parent is gone', false, gone),
  withParent('a failing child whose parent is gone', true, gone),
];
