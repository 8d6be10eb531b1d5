#!/usr/bin/env node
/*
 * Workers killed by SIGKILL at random moments of a run, alone or with all of their processes, while another worker is there:
 *
 *     node tests/faults/kills.mjs [--kills 100] [--seed 1] [--at-once 4]
 *
 * Each time the row must tell the truth within 90 seconds, and all else hold that is asked for in matrix/rest.mjs. A line for each kill that broke
 * something, then how the times and the endings are distributed; exit status 1 if anything broke.
 */
import { parseArgs } from 'node:util';
import { planKills, runKill } from './matrix/kill.mjs';
import { playAll } from './matrix/play.mjs';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' }, 'at-once': { type: 'string', default: '4' } },
});

const results = [];
function tell({ moment, victim, kind }, result) {
  results.push({ victim, kind, ...result, ending: result.ending.replace(/:.*/s, '') });
  if (result.problems.length === 0) return;
  console.log(`BROKEN ${victim} killed at ${moment} of a ${kind} run, which was ${result.found}: ${result.problems.join('; ')}`);
}

const numbersOf = (name) => {
  const counts = new Map();
  for (const result of results) counts.set(result[name], (counts.get(result[name]) ?? 0) + 1);
  return [...counts].map(([value, count]) => `${count} ${value}`).join(', ');
};

await playAll(planKills({ count: Number(values.kills), seed: values.seed }), { atOnce: Number(values['at-once']), patience: 90, run: runKill, tell });

const seconds = results.map((result) => result.seconds).sort((a, b) => a - b);
const part = (fraction) => seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * fraction))].toFixed(1);
const broken = results.filter(({ problems }) => problems.length > 0).length;
console.log(`killed: ${numbersOf('victim')}; ${numbersOf('kind')}`);
console.log(`row when it was killed: ${numbersOf('found')}; job in the end: ${numbersOf('ending')}`);
console.log(`seconds until all was at rest: least ${part(0)}, median ${part(0.5)}, nine of ten ${part(0.9)}, most ${part(1)}`);
console.log(`${results.length} kills, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
