/*
 * member: one worker of the fleet, of any kind, and what befalls it.
 *
 *     const [member] = await startMembers({ fleet: ['5.76.2', '6.7.0', 'ours'], redis, folder });     three of each kind
 *     await disturbances.killed(member, random)     ... frozen beyond its locks, restarted; it works again afterwards
 *     member.runs()                                 what its jobs wrote down: [{ kind, what: 'started', job, attempt }, ...]
 *     member.handedBack()                           ids of the jobs that it gave back when it was stopped
 *     await member.stop();
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../integration/support/processes.mjs';
import { binaryFolder, startWorker } from '../integration/support/worker.mjs';

const nodeWorker = fileURLToPath(new URL('node_worker.mjs', import.meta.url));
const jobProgram = join(binaryFolder, 'tests', 'fleet_job');

const lockDuration = 2500;
const stalledInterval = 1000;
const concurrency = 8;
const maxStalledCount = 1000; // how often a job stalls is up to the generator: none is to fail for it

const node = (bullmqPackage) => ({ name, redis }) => ({
  program: process.execPath,
  args: [nodeWorker, bullmqPackage, JSON.stringify({ connection: redis.connection(), name, concurrency, lockDuration, stalledInterval, maxStalledCount })],
});

/* Two seconds to stop leave a long run no time to end: it is handed back. */
const ours = ({ name, redis }) => ({
  args: ['--queue=fleet', `--name=${name}`, `--concurrency=${concurrency}`, `--lock-duration=${lockDuration}`,
    `--stalled-interval=${stalledInterval}`, `--max-stalled-count=${maxStalledCount}`, '--', jobProgram],
  env: { REDIS_URL: redis.url, BACKUP_SHUTDOWN_SECONDS: '2' },
});

export const kinds = { '5.76.2': node('bullmq5'), '6.7.0': node('bullmq6'), ours };

async function startMember({ kind, name, redis, folder }) {
  const record = join(folder, name);
  const { env = {}, ...command } = kinds[kind]({ name, redis });
  const handedBack = [];
  let worker = null;

  const member = {
    name,
    problems: [],
    handedBack: () => [...handedBack, ...worker.named('job goes back to the queue')].map(({ job }) => job),
    async start() {
      worker = await startWorker({ ...command, env: { FLEET_RECORD: record, ...env } });
      await worker.waitForEvent('worker ready', undefined, { timeout: 60_000 });
    },
    async stop(signal = 'SIGTERM') {
      if (!isAlive(worker.pid)) member.problems.push(`${name} ended by itself: ${worker.stderr().slice(-500)}`);
      const { code } = await worker.stop(signal, { timeout: 60_000 }).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
      if (signal === 'SIGTERM' && code !== 0) member.problems.push(`${name} ended with ${code}`);
      handedBack.push(...worker.named('job goes back to the queue'));
    },
    /* As a machine that sleeps: the worker alone, or with the processes of its jobs. Hands back what lets it go on. */
    freeze({ withJobs }) {
      worker.signal('SIGSTOP');
      const jobs = withJobs ? worker.descendants() : [];
      for (const { pid } of jobs) signal(pid, 'SIGSTOP');
      return () => [...jobs, worker].forEach(({ pid }) => signal(pid, 'SIGCONT'));
    },
    runs: () => (existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n').map((line) => ({ kind, ...parsed(line) })) : []),
  };
  await member.start();
  return member;
}

/* A job's process may end meanwhile; while its worker sleeps, nobody else gets its number. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const membersOfKind = 3;

export function startMembers({ fleet, redis, folder }) {
  const names = fleet.flatMap((kind) => Array.from({ length: membersOfKind }, (_, index) => ({ kind, name: `${kind}-${index + 1}` })));
  return Promise.all(names.map(({ kind, name }) => startMember({ kind, name, redis, folder })));
}

function parsed(line) {
  const [what, job, attempt] = line.split(' ');
  return { what, job, attempt: Number(attempt) };
}

export const disturbances = {
  async killed(member, random) {
    await member.stop('SIGKILL');
    await pause(random.between(0, 2000));
    await member.start();
  },
  async frozen(member, random) {
    const thaw = member.freeze({ withJobs: random.chance(0.5) });
    await pause(lockDuration + random.between(500, 4000));
    thaw();
  },
  async restarted(member, random) {
    await member.stop();
    await pause(random.between(0, 500));
    await member.start();
  },
};

/* Disturbs the member until `ended`, by one of `deeds` at a time; then it works. Hands back what befell it: ['killed', 'frozen', ...]. */
export async function live(member, deeds, random, ended) {
  for (const done = []; ; ) {
    await pause(random.between(300, 4000), undefined, { signal: ended }).catch(() => {});
    if (ended.aborted) return done;
    done.push(random.pick(deeds));
    await disturbances[done.at(-1)](member, random);
  }
}
