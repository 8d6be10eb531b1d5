/*
 * flow: scenarios of a parent with children. Ids are given, so that they tell who is who.
 *
 *     flow('a title', parent([child('a'), child('bad', { failParentOnFailure: true })]), { work: fails })
 */
export const child = (name, opts = {}) => ({ name, queueName: 'work', data: {}, opts: { jobId: name, ...opts } });

/* In the queue `work`, or in one that has no worker. */
export const parent = (children, opts = {}, queueName = 'work') => ({
  name: 'parent', queueName, data: {}, opts: { jobId: 'parent', ...opts }, children,
});

export const whenChildFails = ['failParentOnFailure', 'continueParentOnFailure', 'ignoreDependencyOnFailure', 'removeDependencyOnFailure'];

/* Whoever is called "bad" fails. */
export function fails({ name }) {
  if (name.startsWith('bad')) throw new Error(`${name} fails`);
  return `value of ${name}`;
}

/* `before` runs before the flow is added. */
export const flow = (title, tree, { work = fails, before = () => {} } = {}) => ({
  title,
  async run(scene) {
    await scene.openQueue('elsewhere');
    await before(scene);
    await scene.flow.add(tree);
    await scene.startWorker();
  },
  work,
});
