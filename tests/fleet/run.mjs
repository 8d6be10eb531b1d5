/*
 * run: one fleet on one queue, from its first job to the verdict.
 *
 *     const { problems, summary } = await runFleet({ seed: 1, jobs: 10_000 });
 *
 * The queue is made by one version, by the seed's parity; producers of both add to it. All are safe beside each other as long as nobody pauses the
 * queue: only then do the versions disagree about where a job that can run belongs (`wait` or `paused`), and about nothing else that is done here.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { closeAll, openQueue, versions } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { temporaryFolder } from '../integration/support/run_folder.mjs';
import { disturbances, kinds, live, startMembers } from './member.mjs';
import { planJob } from './plan.mjs';
import { randomOf } from './random.mjs';
import { judge } from './verdict.mjs';

export const queueName = 'fleet';
const jobsPerSecond = 150;
const shortest = 15; // seconds of adding, so that few jobs meet trouble too
const patience = 30_000; // ms in which some job must finish

/* The maker's name stays in the queue: the other one leaves it alone. */
export function openProducers(redis, madeBy) {
  const options = { name: queueName, defaultJobOptions: {}, streams: { events: { maxLen: 100_000_000 } } };
  return Object.entries(versions).map(([version, bullmq]) => openQueue(bullmq, redis, { ...options, skipMetasUpdate: version !== madeBy }));
}

/* Adds them over time, some at once, by either producer. Fills the Map `added`: id -> plan. */
async function addJobs({ producers, random, count, added, progress }) {
  const start = performance.now();
  const duration = 1000 * Math.max(shortest, count / jobsPerSecond);
  for (let number = 0; number < count; ) {
    const some = Array.from({ length: Math.min(random.between(1, 20), count - number) }, () => planJob(random, ++number));
    const jobs = await random.pick(producers).addBulk(some.map(({ data, opts }) => ({ name: 'work', data, opts })));
    jobs.forEach(({ id }, index) => added.set(id, some[index]));
    progress(`${number} of ${count} jobs added`);
    await pause(Math.max(0, start + (duration * number) / count - performance.now()));
  }
}

/* Until all of them are finished, or none is for too long: then the verdict tells which. */
async function untilFinished(client, count, progress) {
  let seen = -1;
  for (let since = performance.now(); seen < count && performance.now() < since + patience; await pause(50)) {
    const now = (await client.zcard(`bull:${queueName}:completed`)) + (await client.zcard(`bull:${queueName}:failed`));
    if (now === seen) continue;
    seen = now;
    since = performance.now();
    progress(`${now} of ${count} jobs finished`);
  }
}

/* How often each of the names is in the list. */
export const countNames = (names, list) => Object.fromEntries(names.map((name) => [name, list.filter((one) => one === name).length]));
export const listNumbers = (numbers) => Object.entries(numbers).map(([name, number]) => `${number} ${name}`).join(', ');

/* A seed that brought no trouble, or a kind that had no part in it, proves nothing. */
function whatIsMissing({ runsOf, deeds, stalls }) {
  return Object.entries({ ...runsOf, ...deeds, stalls }).filter(([, number]) => number === 0).map(([name]) => `nothing was tested: 0 ${name}`);
}

function summarize({ completed, failed, lost, stuck, doubles, runs, runsOf, stalls, handedBack, deeds }) {
  return `${completed} completed, ${failed} failed; ${lost} lost, ${stuck} stuck, ${doubles} ran twice without a stall
  ${runs} runs (${listNumbers(runsOf)}), ${stalls} stalls, ${handedBack} hand-backs; workers: ${listNumbers(deeds)}`;
}

export async function runFleet({ seed, jobs: count, fleet = Object.keys(kinds), progress = () => {} }) {
  const start = performance.now();
  const madeBy = Object.keys(versions)[(seed + 1) % 2];
  const redis = await startRedis({ appendonly: false });
  const client = redis.client();
  const producers = openProducers(redis, madeBy);
  const folder = temporaryFolder('fleet');
  const members = await startMembers({ fleet, redis, folder });
  try {
    const added = new Map();
    const end = new AbortController();
    const lives = Promise.all(members.map((member) => live(member, Object.keys(disturbances), randomOf(`${seed} ${member.name}`), end.signal)));
    await addJobs({ producers, random: randomOf(`${seed} jobs`), count, added, progress });
    end.abort();
    const deeds = countNames(Object.keys(disturbances), (await lives).flat());
    await untilFinished(client, count, progress);

    const runs = members.flatMap((member) => member.runs());
    const handedBack = members.flatMap((member) => member.handedBack());
    const { problems, figures } = await judge({ client, queue: queueName, madeBy, jobs: added, runs, handedBack });
    for (const member of members) await member.stop();
    const runsOf = countNames(fleet, runs.filter(({ what }) => what === 'started').map(({ kind }) => kind));
    Object.assign(figures, { deeds, runsOf });
    problems.push(...members.flatMap((member) => member.problems), ...whatIsMissing(figures));
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    return { problems, summary: `seed ${seed}, queue of ${madeBy}, ${seconds} s: ${summarize(figures)}` };
  } finally {
    await closeAll(...producers);
    await redis.stop();
  }
}
