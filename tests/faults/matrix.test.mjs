/* A sample of the fault matrix: each step and each fault at least once, and a few kills at random moments. matrix.mjs and kills.mjs are the whole. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { kinds, runCell } from './matrix/cell.mjs';
import { faults } from './matrix/faults.mjs';
import { planKills, runKill } from './matrix/kill.mjs';
import { steps } from './matrix/steps.mjs';

const sample = [
  ['connect', 'postgres restarted', 'scheduled'],
  ['row', 'sessions terminated', 'manual'],
  ['lock', 'worker and run killed', 'scheduled'],
  ['snapshot', 'run killed', 'scheduled'],
  ['dump 0 %', 'directory read-only', 'manual'],
  ['dump 50 %', 'pg_dump killed', 'scheduled'],
  ['dump 100 %', 'disk full', 'manual'],
  ['sync', 'run frozen', 'scheduled'],
  ['verify', 'run killed', 'manual'],
  ['drill', 'worker and run killed', 'manual'],
  ['hash', 'worker frozen', 'scheduled'],
  ['manifest', 'disk full', 'scheduled'],
  ['rename', 'run killed', 'manual'],
  ['success', 'postgres restarted', 'manual'],
  ['audit', 'sessions terminated', 'scheduled'],
  ['add', 'redis restarted', 'manual'],
  ['hook', 'worker and run killed', 'manual'],
  ['mail', 'worker killed', 'scheduled'],
  ['failure mail', 'run killed', 'manual'],
];

const atOnce = 4;
const idle = []; // pairs of servers that no test uses
before(async () => {
  const pair = async () => {
    const [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
    return { redis, postgres };
  };
  idle.push(...await Promise.all(Array.from({ length: atOnce }, pair)));
});
after(() => Promise.all(idle.flatMap(({ redis, postgres }) => [redis.stop(), postgres.stop()])));

async function assertSound(run, cell) {
  const servers = idle.pop();
  try {
    assert.deepEqual((await run(cell, servers)).problems, []);
  } finally {
    idle.push(servers);
  }
}

test('the sample has each step, each fault and each kind of run', () => {
  for (const [index, table] of [Object.keys(steps), Object.keys(faults), kinds].entries()) {
    assert.deepEqual([...new Set(sample.map((cell) => cell[index]))].sort(), [...table].sort());
  }
});

describe('queue, row, files and mails tell the same, nothing is left, and the next backup succeeds', { concurrency: atOnce }, () => {
  for (const [step, fault, kind] of sample) {
    test(`a ${kind} run, at ${step}: ${fault}`, () => assertSound(runCell, { step, fault, kind }));
  }
  for (const kill of planKills({ count: 6, seed: 1 })) {
    test(`a ${kill.kind} run, at ${kill.moment} of its time: ${kill.victim} killed`, () => assertSound(runKill, kill));
  }
});
