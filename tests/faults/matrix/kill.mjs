/*
 * kill: two workers, one run, and at a moment of it whoever has it is killed; then as with a cell.
 *
 *     const kills = planKills({ count: 100, seed: 1 });            [{ moment: 0.37, victim: 'worker', kind: 'manual' }, ...]
 *     const { found, ending, seconds, problems } = await runKill(kills[0], servers);
 *
 * The moment is a part of the time that a run takes which nobody disturbs, in the same place just before. `found`: how far the run had come.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { untilState } from '../../integration/support/bullmq.mjs';
import { descendants } from '../../integration/support/processes.mjs';
import { randomOf } from '../../fleet/random.mjs';
import { enqueue, kinds, playOut, settle } from './cell.mjs';
import { openStage } from './stage.mjs';

export const victims = { worker: () => [], 'worker and its processes': ({ pid }) => descendants(pid) };

export function planKills({ count, seed }) {
  const random = randomOf(`${seed} kills`);
  return Array.from({ length: count }, (_, number) => ({
    moment: random.between(0, 900) / 1000,
    victim: Object.keys(victims)[number % 2],
    kind: kinds[(number >> 1) % 2],
  }));
}

/* The worker first, before it learns of the others. One of those may have ended by itself. */
function kill(processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

/* Milliseconds from the queue to the end. */
async function durationOfRun(stage) {
  const start = performance.now();
  await untilState(stage.scene.queue, await enqueue.manual(stage), 'completed');
  return performance.now() - start;
}

/* The status of its row, behind that of the run before. */
const howFar = async ({ ask }) => (await ask('SELECT status FROM backup_run ORDER BY created_at OFFSET 1'))[0]?.status ?? 'no row';

export const runKill = ({ moment, victim, kind }, { patience = 90, ...servers }) => playOut(async (t) => {
  const stage = await openStage(t, { servers });
  const duration = await durationOfRun(stage);
  await stage.secondWorker();
  const job = await enqueue[kind](stage);
  await pause(moment * duration);
  const owner = stage.workers.find(({ events }) => events.some(({ event, job: id }) => event === 'job started' && id === job.id)) ?? stage.worker;
  kill([owner, ...victims[victim](owner)]);
  return { found: await howFar(stage), ...await settle(stage, job, patience) };
});
