/*
 * faults: what befalls a run that waits at a step. Each strikes, lets the run go on, and makes good again what does not pass by itself. One that
 * hits nothing is an error; where it cannot hit anything, it is not played: `at(step)`. `passes`: the backup comes about in the end, by whomever.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { untilGone } from '../../integration/support/processes.mjs';
import { eventually } from '../../integration/support/wait.mjs';

const frozenMs = 1000; // time that passes is what this is about

function signal(name, ...processes) {
  for (const { pid } of processes) process.kill(pid, name);
}

/* They are gone for everybody: what they sent and is still held never arrives. */
async function kill(...processes) {
  signal('SIGKILL', ...processes);
  await untilGone(processes);
}

/* Strikes, and that is all. */
const once = (strike) => ({
  async befall(stage) {
    await strike(stage);
    stage.goOn();
  },
});

/* Lasts as long as the run, which meets it in all that it still does. */
const lasting = (strike, mend) => ({
  async befall(stage) {
    const { pid } = stage.run();
    strike(stage);
    stage.goOn();
    await untilGone(pid, { timeout: 60_000 });
    mend(stage);
  },
});

async function terminateSessions({ ask }) {
  const ended = await ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'weavestream-backup%'`);
  if (ended.length === 0) throw new Error('there is no session to terminate');
}

async function freezeRun(stage) {
  const run = stage.run();
  signal('SIGSTOP', run);
  stage.goOn();
  await pause(frozenMs);
  signal('SIGCONT', run);
}

/* For longer than its lock lives: the second worker takes the job, while the first one's process still runs. */
async function freezeWorker(stage) {
  signal('SIGSTOP', stage.worker);
  const second = await stage.secondWorker();
  await eventually(() => second.named('job started').length > 0, { timeout: 30_000, what: 'the second worker to take the job' });
  signal('SIGCONT', stage.worker);
  stage.goOn();
}

export const faults = {
  'run killed': once((stage) => kill(stage.run())),
  'pg_dump killed': { ...once((stage) => kill(stage.dump())), at: (step) => step.startsWith('dump') },
  'worker killed': { ...once((stage) => kill(stage.worker)), passes: true },
  'worker and run killed': { ...once((stage) => kill(stage.worker, stage.run())), passes: true },
  'run frozen': { befall: freezeRun, passes: true },
  'worker frozen': { befall: freezeWorker, passes: true },
  'postgres restarted': once(({ servers }) => servers.postgres.restart('immediate')),
  'sessions terminated': { ...once(terminateSessions), at: (step) => step !== 'connect' },
  'redis restarted': { ...once(({ servers }) => servers.redis.restart()), passes: true },
  'disk full': lasting(({ volume }) => volume.fill(), ({ volume }) => volume.empty()),
  'directory read-only': lasting(({ volume }) => volume.forbid(), ({ volume }) => volume.allow()),
};
