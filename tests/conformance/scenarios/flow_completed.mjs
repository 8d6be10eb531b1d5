import { child, flow, parent } from '../support/flow.mjs';

const waitingJobs = ({ queue }) => queue.addBulk(['x', 'y'].map((name) => ({ name, data: {} })));

export default [
  flow('a parent moves on after its child', parent([child('a')])),
  flow('a parent moves on after the last of its children', parent([child('a'), child('b'), child('c')])),
  flow('a parent with a delay is delayed after its children', parent([child('a')], { delay: 3_600_000 })),
  flow('a parent with a priority takes its place after its children', parent([child('a'), child('b', { lifo: true })], { priority: 2 })),
  flow('a parent goes before the jobs that wait', parent([child('a')]), { before: waitingJobs }),
  flow('grandchildren, children and their parent follow each other', parent([{ ...child('b'), children: [child('a')] }, child('c')])),
  flow('a child is removed when it is completed, and its parent moves on', parent([child('a', { removeOnComplete: true }), child('b')])),
  flow('a parent is removed at its end, with what it kept of its children',
    parent([child('a'), child('bad', { ignoreDependencyOnFailure: true })], { removeOnComplete: true })),
  flow('a parent fails itself', { ...parent([child('good')]), name: 'bad parent' }),
  flow('ids that bullmq makes up', {
    name: 'parent', queueName: 'work', children: [{ name: 'a', queueName: 'work' }, { name: 'b', queueName: 'work', data: { b: 1 } }],
  }),
];
