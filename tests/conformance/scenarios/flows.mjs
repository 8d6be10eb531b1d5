/* A parent with children; ids are given, so that they tell who is who. */
const child = (name, opts = {}, data = {}) => ({ name, queueName: 'work', data, opts: { jobId: name, ...opts } });
const parent = (children, opts = {}, queueName = 'work') => ({ name: 'parent', queueName, data: {}, opts: { jobId: 'parent', ...opts }, children });

const flow = (title, tree, { work = ({ name }) => `value of ${name}`, before = () => {}, ...rest } = {}) => ({
  title,
  async run(scene) {
    await scene.openQueue('elsewhere');
    await before(scene);
    await scene.flow.add(tree);
    await scene.startWorker();
  },
  work,
  ...rest,
});

/* The child named "bad" fails, and so does the parent, where its name says so. */
const fails = async ({ name }, { unrecoverable }) => {
  if (name.startsWith('bad')) throw new Error(`${name} fails`);
  if (name.startsWith('hopeless')) unrecoverable(`${name} fails`);
  return `value of ${name}`;
};
const options = ['failParentOnFailure', 'continueParentOnFailure', 'ignoreDependencyOnFailure', 'removeDependencyOnFailure'];

export default [
  flow('a parent moves on after its child', parent([child('a')])),
  flow('a parent moves on after the last of its children', parent([child('a'), child('b'), child('c')])),
  flow('a parent in another queue moves on', parent([child('a'), child('b')], {}, 'elsewhere')),
  flow('a parent in another queue waits for a child in a third one', parent([child('a'), { ...child('b'), queueName: 'third' }], {}, 'elsewhere')),
  flow('a parent in another queue that is paused moves on', parent([child('a')], {}, 'elsewhere'), { before: async ({ openQueue }) => (await openQueue('elsewhere')).pause() }),
  flow('a parent with a delay is delayed after its children', parent([child('a')], { delay: 3_600_000 })),
  flow('a parent with a priority takes its place after its children', parent([child('a'), child('b', { lifo: true })], { priority: 2 })),
  flow('grandchildren, children and their parent follow each other', parent([{ ...child('b'), children: [child('a')] }, child('c')])),
  flow('a child is removed when it is completed, and its parent moves on', parent([child('a', { removeOnComplete: true }), child('b')])),
  flow('a parent is removed at its end, with what it kept of its children', parent([child('a'), child('bad', { ignoreDependencyOnFailure: true })], { removeOnComplete: true }), { work: fails }),
  flow('a parent goes before the jobs that wait', parent([child('a')]), { before: ({ queue }) => queue.addBulk(['x', 'y'].map((name) => ({ name, data: {} }))) }),
  flow('a parent in another queue under another prefix moves on', { ...parent([{ ...child('a'), prefix: 'bull' }], {}, 'elsewhere'), prefix: 'other' }),
  flow('a parent in another queue that is at its limit moves on, and nobody is woken', parent([child('a')], {}, 'elsewhere'), {
    before: async ({ openQueue, client }) => {
      await (await openQueue('elsewhere')).setGlobalConcurrency(1);
      await client.lpush('bull:elsewhere:active', 'another');
    },
  }),
  flow('ids that bullmq makes up', { name: 'parent', queueName: 'work', children: [{ name: 'a', queueName: 'work' }, { name: 'b', queueName: 'work', data: { b: 1 } }] }),
  ...['a', null, { deep: [1] }, 'ü "quoted"'].map((value) =>
    flow(`a parent keeps the value ${JSON.stringify(value)} of its child`, parent([child('a')], {}, 'elsewhere'), { work: () => value })),

  flow('a child fails, and its parent goes on waiting', parent([child('bad'), child('good')]), { work: fails }),
  flow('a child fails and is removed, and its parent goes on', parent([child('bad', { removeOnFail: true }), child('good')]), { work: fails }),
  ...options.flatMap((option) => [
    flow(`a child with ${option} fails first`, parent([child('bad', { [option]: true }), child('good')]), { work: fails }),
    flow(`a child with ${option} fails last`, parent([child('good'), child('bad', { [option]: true })]), { work: fails }),
    flow(`a child with ${option} fails, its parent being in another queue`, parent([child('bad', { [option]: true }), child('good')], {}, 'elsewhere'), { work: fails }),
    flow(`a child with ${option} fails, its parent having a priority`, parent([child('bad', { [option]: true })], { priority: 3 }), { work: fails }),
    flow(`a child with ${option} fails, its parent having a delay`, parent([child('bad', { [option]: true })], { delay: 3_600_000 }, 'elsewhere'), { work: fails }),
    flow(`a child with ${option} fails and is removed`, parent([child('bad', { [option]: true, removeOnFail: true }), child('good')]), { work: fails }),
    flow(`a child with ${option} fails only in its second attempt`, parent([child('bad', { [option]: true, attempts: 2 }), child('good')]), { work: fails }),
  ]),
  flow('a child fails for good, and the failure goes up to the grandparent', parent([{ ...child('middle', { failParentOnFailure: true }), children: [child('hopeless', { failParentOnFailure: true, attempts: 3 })] }]), { work: fails }),
  ...options.map((option) =>
    flow(`a child fails its parent, which with ${option} then tells its own`, parent([{ ...child('middle', { [option]: true }), children: [child('bad', { failParentOnFailure: true })] }]), { work: fails })),
  flow('two children that fail their parent', parent([child('bad', { failParentOnFailure: true }), child('bad too', { failParentOnFailure: true })]), { work: fails }),
  flow('a parent fails itself', { ...parent([child('good')]), name: 'bad parent' }, { work: fails }),
];
