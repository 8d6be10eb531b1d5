/*
 * plan: the jobs of a fleet, and how each of them must end.
 *
 * What a run of a job does is written in its data: it takes `ms`, and `failures` has one letter for each attempt that fails: "e" is an error, after
 * which `attempts` decides, "u" is unrecoverable. The attempt after the last letter completes. node_worker.mjs and job.c carry it out.
 */

const backoffs = [
  () => undefined,
  (random) => random.between(10, 400),
  (random) => ({ type: 'fixed', delay: random.between(10, 400), jitter: 0.5 }),
  (random) => ({ type: 'exponential', delay: random.between(10, 200) }),
];

const fates = [
  { share: 0.55, of: (random) => ({ attempts: random.between(0, 3), failures: '' }) },
  { share: 0.25, of: (random, more = random.between(1, 3)) => ({ attempts: more + random.between(1, 2), failures: 'e'.repeat(more) }) },
  { share: 0.12, of: (random, attempts = random.between(1, 4)) => ({ attempts, failures: 'e'.repeat(attempts) }) },
  { share: 0.08, of: (random, before = random.between(0, 2)) => ({ attempts: before + random.between(1, 3), failures: `${'e'.repeat(before)}u` }) },
];

function fate(random) {
  let rest = random.between(1, 100) / 100;
  for (const { share, of } of fates) {
    rest -= share;
    if (rest < 1e-9) return of(random);
  }
  throw new Error('the shares do not add up to 1');
}

function duration(random) {
  if (random.chance(0.8)) return random.between(0, 20);
  return random.chance(0.75) ? random.between(50, 300) : random.between(800, 2500);
}

/* { data, opts, state, attemptsMade, outcome }: what to add, then what must be found in the end. */
export function planJob(random, number) {
  const { attempts, failures } = fate(random);
  const isPrioritized = random.chance(0.3);
  const opts = {
    attempts,
    backoff: random.pick(backoffs)(random),
    ...(random.chance(0.3) ? { delay: random.between(1, 3000) } : {}),
    ...(isPrioritized ? { priority: random.between(1, 10) } : { lifo: random.chance(0.3) }),
  };
  const isFailed = failures.endsWith('u') || failures.length >= Math.max(attempts, 1);
  return {
    data: { number, ms: duration(random), failures },
    opts,
    state: isFailed ? 'failed' : 'completed',
    attemptsMade: isFailed ? failures.length : failures.length + 1,
    outcome: isFailed ? `failure ${failures.length}` : `${number}`,
  };
}
