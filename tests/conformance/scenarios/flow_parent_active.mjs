/* Children that come, or are done, while their parent is active. */
import { whenChildFails } from '../support/flow.mjs';

const whileActive = (title, { queueName = 'work', opts = {}, childOptions = {}, childFails = false, until = null }) => ({
  title,
  worker: { concurrency: until ? 2 : 1 },
  async run(scene) {
    const { queue, openQueue, startWorker, held, release } = scene;
    const children = queueName === 'work' ? queue : await openQueue(queueName);
    await startWorker();
    await queue.add('parent', {}, opts);
    await held();
    await children.add('child', { childFails }, { jobId: 'child', parent: { id: '1', queue: queue.qualifiedName }, ...childOptions });
    if (until) await scene.until(async () => (await queue.getJobState('child')) === until, `the child to be ${until}`);
    release();
  },
  async work({ name, data, attemptsStarted }, { hold }) {
    if (name === 'parent' && attemptsStarted === 1) await hold();
    if (data.childFails) throw new Error('the child fails');
    return name;
  },
});
const failing = (title, option, rest = {}) => whileActive(title, { childOptions: { [option]: true }, childFails: true, until: 'failed', ...rest });

export default [
  whileActive('a parent that ends before its child fails', { queueName: 'elsewhere' }),
  whileActive('a parent that ends before its child is tried again', { queueName: 'elsewhere', opts: { attempts: 2 } }),
  whileActive('a child is done while its parent is active', { until: 'completed' }),
  ...whenChildFails.map((option) => failing(`a child with ${option} fails while its parent is active`, option)),
  failing('a child fails its parent while that is active and has attempts left', 'failParentOnFailure', { opts: { attempts: 3 } }),
];
