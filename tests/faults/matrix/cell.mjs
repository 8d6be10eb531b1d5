/*
 * cell: one run that is struck at one step by one fault.
 *
 *     const { ending, seconds, problems } = await runCell({ step: 'verify', fault: 'worker killed', kind: 'manual' }, servers);
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

export const enqueue = {
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

/* What became of the job and why, how long it took until all was at rest, and what is wrong then and later. */
export async function settle(stage, job, patience) {
  const { problems, seconds } = await untilAtRest(stage, patience);
  const { queue } = stage.scene;
  const ending = [await queue.getJobState(job.id), (await queue.getJob(job.id)).failedReason].filter(Boolean).join(': ');
  if (problems.length > 0) return { ending, seconds, problems };
  problems.push(...await restoreDumps(stage));
  await backUpAgain(stage);
  problems.push(...(await untilAtRest(stage, patience)).problems);
  for (const worker of stage.workers) await worker.stop();
  problems.push(...await findWhatIsLeft(stage));
  return { ending, seconds, problems };
}

/* Whatever goes wrong on the way is a problem as well; what was opened is closed, the last first. */
export async function playOut(play) {
  const ends = [];
  const result = await play({ after: (end) => ends.unshift(end) }).catch(({ message }) => ({ ending: 'unknown', seconds: 0, problems: [message] }));
  for (const end of ends) {
    try {
      await end();
    } catch ({ message }) {
      result.problems.push(message);
    }
  }
  return result;
}

/* `patience`: seconds until all is to be at rest. */
export const runCell = ({ step, fault, kind }, { patience = 90, ...servers }) => playOut(async (t) => {
  const stage = await openStage(t, { step: steps[step], servers });
  const job = await enqueue[kind](stage);
  await stage.gate.reached();
  await faults[fault].befall(stage);
  await stage.secondWorker();
  const result = await settle(stage, job, patience);
  if (faults[fault].passes && !steps[step].fails && result.ending !== 'completed') result.problems.push('the backup has not come about');
  return result;
});
