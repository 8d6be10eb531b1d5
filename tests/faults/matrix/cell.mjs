/*
 * cell: one run that is struck at one step by one fault.
 *
 *     const { problems, seconds, ending } = await runCell({ step: 'verify', fault: 'worker killed', kind: 'manual' }, servers);
 *
 * A worker takes the run, which waits at the step; the fault strikes; a second worker comes. When all is at rest, what rest.mjs asks for must hold;
 * the next backup must succeed; and all must still hold after that.
 */
import { runNow, schedule, untilState } from '../../integration/support/bullmq.mjs';
import { insertRun } from '../../integration/support/schema.mjs';
import { faults } from './faults.mjs';
import { findWhatIsLeft, restoreDumps, untilAtRest } from './rest.mjs';
import { cron, openStage } from './stage.mjs';
import { steps } from './steps.mjs';

const enqueue = {
  manual: async ({ scene, configId }) => runNow(scene.queue, { configId, backupRunId: await insertRun(scene.sql, { config_id: configId }) }),
  /* The scheduler's own job, before its time. */
  async scheduled({ scene, configId }) {
    const job = await schedule(scene.queue, { id: configId, cron });
    await job.promote();
    return job;
  },
};
export const kinds = Object.keys(enqueue);

export const everyCell = () => Object.keys(steps).flatMap((step) => Object.entries(faults).filter(([, { at = () => true }]) => at(step))
  .flatMap(([fault]) => kinds.map((kind) => ({ step, fault, kind }))));

async function backUpAgain(stage) {
  stage.mend();
  const [{ id }] = await stage.ask(`INSERT INTO backup_run (config_id, kind) VALUES ($1, 'MANUAL') RETURNING id`, [stage.configId]);
  const job = await runNow(stage.scene.queue, { configId: stage.configId, backupRunId: id });
  await untilState(stage.scene.queue, job, 'completed', { timeout: 60_000 });
}

async function play(t, { step, fault, kind }, servers) {
  const stage = await openStage(t, { step: steps[step], servers });
  const job = await enqueue[kind](stage);
  await stage.gate.reached();
  await faults[fault].befall(stage);
  await stage.secondWorker();
  const { problems, seconds } = await untilAtRest(stage);
  const ending = await stage.scene.queue.getJobState(job.id);
  problems.push(...await restoreDumps(stage));
  await backUpAgain(stage);
  problems.push(...(await untilAtRest(stage)).problems);
  for (const worker of stage.workers) await worker.stop();
  problems.push(...await findWhatIsLeft(stage));
  return { ending, seconds, problems };
}

export async function runCell(cell, servers) {
  const ends = [];
  try {
    return await play({ after: (end) => ends.unshift(end) }, cell, servers);
  } catch (error) {
    return { ending: 'none', seconds: 0, problems: [error.message] };
  } finally {
    for (const end of ends) await end();
  }
}
