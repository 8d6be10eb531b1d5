/*
 * schedules_run: schedules of a mixed fleet, from the first instant to the verdict.
 *
 *     const { problems, summary } = await runSchedules({ seed: 1, iterations: 100 });
 *
 * A worker that dies between taking a job and making the next one leaves its schedule standing until the job has stalled and is taken again: the
 * instants of that time have no job then. This is so in BullMQ, whoever the worker is, and rare; each is counted, and must be explained by a stall.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { closeAll, versions } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { temporaryFolder } from '../integration/support/run_folder.mjs';
import { kinds, live, startMembers } from './member.mjs';
import { randomOf } from './random.mjs';
import { countNames, listNumbers, openProducers, queueName } from './run.mjs';

const interval = 2000;
const schedules = { every: { every: interval }, pattern: { pattern: '*/2 * * * * *', tz: 'UTC' } };
const patience = 30_000; // ms in which some job of each schedule must be completed
const prefix = `bull:${queueName}:`;

/* The jobs that were ever made for the schedule, oldest first: [{ id, due, hash }, ...]. */
async function jobsOf(client, schedule) {
  const entries = await client.xrange(`${prefix}events`, '-', '+');
  const ids = entries.map(([, [, event, , id]]) => event === 'added' && id).filter((id) => id && id.startsWith(`repeat:${schedule}:`));
  return Promise.all(ids.map(async (id) => ({ id, due: Number(id.split(':').at(-1)), hash: await client.hgetall(`${prefix}${id}`) })));
}

/* What is wrong with one schedule, and its figures: its jobs up to the instant `last` are over. */
async function judge({ client, schedule, runs, last }) {
  const jobs = await jobsOf(client, schedule);
  const wrong = [];
  let [stalls, missed, iterations] = [0, 0, 0];
  for (const [index, { id, due, hash }] of jobs.entries()) {
    if (due > last) break;
    const stalled = Number(hash.stc ?? 0);
    const started = runs.filter(({ what, job }) => what === 'started' && job === id).length;
    const steps = (jobs[index + 1]?.due - due) / interval;
    iterations++;
    stalls += stalled;
    if (Number.isInteger(steps) && steps > 1 && stalled > 0) missed += steps - 1;
    else if (steps !== 1) wrong.push(`${id} is followed by ${jobs[index + 1]?.id ?? 'none'}`);
    if (started < 1 || started > 1 + stalled) wrong.push(`${id} ran ${started} times with ${stalled} stalls`);
  }
  const score = Number(await client.zscore(`${prefix}repeat`, schedule));
  if (score !== jobs.at(-1).due) wrong.push(`${schedule} stands at ${score}, its last job at ${jobs.at(-1).due}`);
  const counted = Number(await client.hget(`${prefix}repeat:${schedule}`, 'ic'));
  if (counted !== jobs.length) wrong.push(`${schedule} has counted ${counted} jobs, not ${jobs.length}`);
  return { wrong, iterations, stalls, missed };
}

/* Until all jobs up to the instant `last` are completed, also those that stalled. Tells which are not. */
async function untilOver(client, last) {
  for (let start = performance.now(); ; await pause(100)) {
    const jobs = (await Promise.all(Object.keys(schedules).map((schedule) => jobsOf(client, schedule)))).flat();
    const open = jobs.filter(({ due, hash }) => due <= last && hash.returnvalue === undefined);
    if (open.length === 0) return [];
    if (performance.now() > start + patience) return open.map(({ id }) => `${id} is not completed`);
  }
}

/* Until each of the schedules has completed so many more. Tells what does not go on. */
async function untilCompleted(client, count) {
  const completed = async () => {
    const ids = await client.zrange(`${prefix}completed`, 0, -1);
    return Object.keys(schedules).map((name) => ids.filter((id) => id.startsWith(`repeat:${name}:`)).length);
  };
  const wanted = (await completed()).map((number) => number + count);
  let seen = '';
  for (let since = performance.now(); performance.now() < since + patience; await pause(100)) {
    const now = await completed();
    if (now.every((number, index) => number >= wanted[index])) return [];
    if (`${now}` !== seen) since = performance.now();
    seen = `${now}`;
  }
  return [`the schedules do not go on: ${seen} jobs are completed`];
}

export async function runSchedules({ seed, iterations, fleet = Object.keys(kinds) }) {
  const madeBy = Object.keys(versions)[(seed + 1) % 2];
  const redis = await startRedis({ appendonly: false });
  const client = redis.client();
  const producers = openProducers(redis, madeBy);
  const maker = producers[Object.keys(versions).indexOf(madeBy)];
  const members = await startMembers({ fleet, redis, folder: temporaryFolder('schedules') });
  try {
    for (const [name, repeat] of Object.entries(schedules)) {
      await maker.upsertJobScheduler(name, repeat, { name, data: { number: 1, ms: 900, failures: '' } });
    }
    const end = new AbortController();
    const lives = Promise.all(members.map((member) => live(member, ['killed'], randomOf(`${seed} ${member.name}`), end.signal)));
    const problems = await untilCompleted(client, iterations);
    end.abort();
    const killed = (await lives).flat().length;
    problems.push(...await untilCompleted(client, 2)); // it goes on
    const last = Date.now();
    problems.push(...await untilOver(client, last));
    for (const member of members) await member.stop();
    const runs = members.flatMap((member) => member.runs());
    const verdicts = await Promise.all(Object.keys(schedules).map((schedule) => judge({ client, schedule, runs, last })));
    const sum = (name) => verdicts.reduce((total, verdict) => total + verdict[name], 0);
    const runsOf = countNames(fleet, runs.filter(({ what }) => what === 'started').map(({ kind }) => kind));
    const figures = { iterations: sum('iterations'), stalls: sum('stalls'), killed };
    problems.push(...verdicts.flatMap(({ wrong }) => wrong), ...members.flatMap((member) => member.problems));
    for (const [name, number] of Object.entries({ ...figures, ...runsOf })) if (number === 0) problems.push(`nothing was tested: 0 ${name}`);
    const summary = `seed ${seed}, queue of ${madeBy}: ${listNumbers(figures)}; ${sum('missed')} instants missed by a stall; runs: ${listNumbers(runsOf)}`;
    return { problems, summary };
  } finally {
    await closeAll(...producers);
    await redis.stop();
  }
}
