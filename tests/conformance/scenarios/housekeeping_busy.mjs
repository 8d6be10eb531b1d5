/* What people do to a queue while a worker is at work. */
import { whileActive } from '../support/while_active.mjs';

const whileBusy = (title, manipulate) =>
  whileActive(title, async (scene) => {
    await scene.queue.add('waits', {});
    await scene.queue.add('has a priority', {}, { priority: 2 });
    await scene.queue.add('is delayed', {}, { delay: 3_600_000 });
    await manipulate(scene);
  });

export default [
  whileBusy('the queue is drained', ({ queue }) => queue.drain()),
  whileBusy('the queue is drained, with its delayed jobs', ({ queue }) => queue.drain(true)),
  whileBusy('waiting jobs are cleaned', ({ queue }) => queue.clean(0, 100, 'wait')),
  whileBusy('delayed jobs are cleaned', ({ queue }) => queue.clean(0, 100, 'delayed')),
  whileBusy('jobs with a priority are cleaned', ({ queue }) => queue.clean(0, 100, 'prioritized')),
  whileBusy('delayed jobs are promoted', ({ queue }) => queue.promoteJobs()),
  whileBusy('a waiting job is removed', async ({ queue }) => (await queue.getJob('2')).remove()),
];
