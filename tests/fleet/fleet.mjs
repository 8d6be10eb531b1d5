#!/usr/bin/env node
/*
 * The whole of the mixed fleet:
 *
 *     node tests/fleet/fleet.mjs [--seeds 1,2,3] [--jobs 10000] [--kinds 5.76.2,6.7.0,ours]
 *
 * Workers of both versions of BullMQ and ours on one queue, killed, frozen and restarted at random; then every job must be where its plan says,
 * and no job may have run twice without a reason. A summary for each seed; exit status 1 if anything is wrong.
 */
import { parseArgs } from 'node:util';
import { runFleet } from './run.mjs';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    jobs: { type: 'string', default: '10000' },
    kinds: { type: 'string', default: '5.76.2,6.7.0,ours' },
  },
});
const isTerminal = process.stderr.isTTY;

for (const seed of values.seeds.split(',').map(Number)) {
  const progress = (text) => isTerminal && process.stderr.write(`\rseed ${seed}: ${text}\x1b[K`);
  const { problems, summary } = await runFleet({ seed, jobs: Number(values.jobs), fleet: values.kinds.split(','), progress });
  if (isTerminal) process.stderr.write('\r\x1b[K');
  console.log(summary);
  for (const problem of problems.slice(0, 50)) console.log(`  WRONG: ${problem}`);
  if (problems.length > 50) console.log(`  WRONG: and ${problems.length - 50} more`);
  if (problems.length > 0) process.exitCode = 1;
}
