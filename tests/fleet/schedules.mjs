#!/usr/bin/env node
/*
 * The whole of the mixed fleet's schedules:
 *
 *     node tests/fleet/schedules.mjs [--seeds 1,2] [--iterations 100] [--kinds 5.76.2,6.7.0,ours]
 *
 * Schedules of a job every two seconds, while workers of both versions of BullMQ and ours are killed at random: each instant has its job, once,
 * and the schedules go on. The queue is of one version, by the seed's parity. A summary for each seed; exit status 1 if anything is wrong.
 */
import { parseArgs } from 'node:util';
import { runSchedules } from './schedules_run.mjs';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2' },
    iterations: { type: 'string', default: '100' },
    kinds: { type: 'string', default: '5.76.2,6.7.0,ours' },
  },
});

for (const seed of values.seeds.split(',').map(Number)) {
  const { problems, summary } = await runSchedules({ seed, iterations: Number(values.iterations), fleet: values.kinds.split(',') });
  console.log(summary);
  for (const problem of problems) console.log(`  WRONG: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
