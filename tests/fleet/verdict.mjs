/*
 * verdict: what became of a fleet's jobs, by Redis and by what their runs wrote down, held against the plan.
 *
 *     const { problems, figures } = await judge({ client, queue, madeBy, jobs, runs, handedBack });
 *
 * `madeBy`: the version that the queue must still be of. `jobs`: Map of id -> plan. `runs`: the lines of all records. `handedBack`: ids, one for
 * each time that a worker gave a job back.
 */

/* What a queue without unfinished jobs may hold. */
const ownKeys = ['meta', 'id', 'events', 'marker', 'pc', 'stalled-check', 'completed', 'failed'];
const unfinished = { wait: 'lrange', paused: 'lrange', active: 'lrange', delayed: 'zrange', prioritized: 'zrange', 'waiting-children': 'zrange' };
const finished = ['completed', 'failed'];

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

async function everyKey(client) {
  const keys = [];
  for await (const some of client.scanStream({ count: 1000 })) keys.push(...some);
  return keys;
}

/* Map of job -> names of its events. */
async function eventsByJob(client, key) {
  const entries = await client.xrange(key, '-', '+');
  const objects = entries.map(([, fields]) => Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]]] : []))));
  const groups = groupBy(objects, ({ jobId }) => jobId);
  return (id, name) => (groups.get(id) ?? []).filter(({ event }) => event === name).length;
}

/* Map of job -> the states whose list or set it is in. */
async function statesByJob(client, prefix) {
  const states = new Map();
  for (const [state, command] of [...Object.entries(unfinished), ...finished.map((name) => [name, 'zrange'])]) {
    for (const id of await client[command](`${prefix}${state}`, 0, -1)) states.set(id, [...(states.get(id) ?? []), state]);
  }
  return states;
}

async function readHashes(client, prefix, ids) {
  const pipeline = client.pipeline();
  for (const id of ids) pipeline.hgetall(`${prefix}${id}`);
  const replies = await pipeline.exec();
  return ids.map((id, index) => [id, replies[index][1]]);
}

/*
 * Each time that a job is taken (`ats`) ends in one of three ways: its attempt is counted (`atm`), its lock expires (`stc`), or it is handed
 * back. So a run beyond the attempts is explained by a stall or a hand-back only, and likewise a run that wrote no end.
 */
function judgeJob(plan, { hash, states, started, ended, handedBack, told }) {
  const [made, taken, stalled] = ['atm', 'ats', 'stc'].map((name) => Number(hash[name] ?? 0));
  const interrupted = stalled + handedBack;
  const outcome = plan.state === 'failed' ? hash.failedReason : hash.returnvalue;
  const faults = {
    [`is in ${states.join(' and ') || 'no state'}, not in ${plan.state} alone`]: states.join() !== plan.state,
    [`ended with ${outcome}, not with ${plan.outcome}`]: outcome !== plan.outcome,
    [`made ${made} attempts, not ${plan.attemptsMade}`]: made !== plan.attemptsMade,
    'is still marked to be failed': hash.defa !== undefined,
    [`ran ${started.length} times but was taken ${taken} times`]: started.length > taken,
    [`ran ${started.length} times with ${made} attempts, ${stalled} stalls, ${handedBack} hand-backs`]: started.length > made + interrupted,
    [`has ${started.length - ended.length} runs without an end, ${stalled} stalls, ${handedBack} hand-backs`]: started.length - ended.length > interrupted,
    'made an attempt without a run': new Set(ended.map(({ attempt }) => attempt)).size !== made,
    'was not told once to be finished': told('completed') + told('failed') !== 1,
    [`was told ${told('active')} times to be active, taken ${taken} times`]: told('active') !== taken,
    [`was told ${told('stalled')} times to be stalled, and is ${stalled} times`]: told('stalled') !== stalled,
  };
  return { faults: Object.keys(faults).filter((fault) => faults[fault]), isDouble: started.length > made + interrupted, stalled };
}

export async function judge({ client, queue, madeBy, jobs, runs, handedBack }) {
  const prefix = `bull:${queue}:`;
  const states = await statesByJob(client, prefix);
  const told = await eventsByJob(client, `${prefix}events`);
  const runsOf = groupBy(runs, ({ job }) => job);
  const handedBackOf = groupBy(handedBack, (id) => id);
  const problems = [];
  const figures = { completed: 0, failed: 0, lost: 0, stuck: 0, doubles: 0, stalls: 0, handedBack: handedBack.length, runs: 0 };

  for (const [id, hash] of await readHashes(client, prefix, [...jobs.keys()])) {
    const ofJob = runsOf.get(id) ?? [];
    const [started, ended] = ['started', 'ended'].map((what) => ofJob.filter((run) => run.what === what));
    const facts = { hash, states: states.get(id) ?? [], started, ended, handedBack: handedBackOf.get(id)?.length ?? 0, told: (name) => told(id, name) };
    const { faults, isDouble, stalled } = judgeJob(jobs.get(id), facts);
    problems.push(...faults.map((fault) => `job ${id} ${fault}`));
    for (const state of finished) figures[state] += Number(facts.states.includes(state));
    figures.lost += Number(facts.states.length === 0);
    figures.stuck += Number(facts.states.some((state) => state in unfinished));
    figures.doubles += Number(isDouble);
    figures.stalls += stalled;
    figures.runs += started.length;
  }
  for (const id of new Set([...states.keys(), ...runsOf.keys()])) if (!jobs.has(id)) problems.push(`nobody added job ${id}`);
  for (const key of await everyKey(client)) {
    const name = key.slice(prefix.length);
    if (!ownKeys.includes(name) && !jobs.has(name)) problems.push(`the key ${key} is left`);
  }
  const version = await client.hget(`${prefix}meta`, 'version');
  if (version !== `bullmq:${madeBy}`) problems.push(`the queue is of ${version}, not of bullmq:${madeBy}`);
  return { problems, figures };
}
