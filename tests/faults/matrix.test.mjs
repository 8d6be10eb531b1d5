/* A sample of the fault matrix: each step and each fault at least once, and a few kills at random moments. matrix.mjs and kills.mjs are the whole. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { startProcess } from '../integration/support/run_folder.mjs';
import { insertRun } from '../integration/support/schema.mjs';
import { kinds, playOut, runCell } from './matrix/cell.mjs';
import { faults } from './matrix/faults.mjs';
import { planKills, runKill } from './matrix/kill.mjs';
import { untilAtRest } from './matrix/rest.mjs';
import { openStage } from './matrix/stage.mjs';
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
  ['rename', 'directory read-only', 'scheduled'],
  ['success', 'postgres restarted', 'manual'],
  ['audit', 'sessions terminated', 'scheduled'],
  ['add', 'redis restarted', 'manual'],
  ['hook', 'worker and run killed', 'manual'],
  ['mail', 'worker killed', 'scheduled'],
  ['failure mail', 'run killed', 'manual'],
];

const atOnce = 6;
const idle = []; // pairs of servers that no test uses
before(async () => {
  const pair = async () => {
    const [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
    return { redis, postgres };
  };
  idle.push(...await Promise.all(Array.from({ length: atOnce }, pair)));
});
after(() => Promise.all(idle.flatMap(({ redis, postgres }) => [redis.stop(), postgres.stop()])));

async function problemsOf(run, cell) {
  const servers = idle.pop();
  try {
    return (await run(cell, servers)).problems;
  } finally {
    idle.push(servers);
  }
}

const assertSound = async (run, cell) => assert.deepEqual(await problemsOf(run, cell), []);

/* Much that must not be. */
const runMess = (cell, servers) => playOut(async (t) => {
  const stage = await openStage(t, { servers });
  const { scene, volume, mails } = stage;
  await scene.takeBackupLock('weavestream-backup run'); // first, or the worker's ledger may close the row
  await insertRun(scene.sql, { status: 'running' });
  await insertRun(scene.sql, { status: 'failed', error: '' });
  await insertRun(scene.sql, { status: 'success', dump_path: join(scene.storage, 'a.dump') });
  await scene.queue.add('run', {}, { delay: 1_000_000 });
  await servers.postgres.createDatabase('weavestream_drill_1');
  t.after(() => servers.postgres.dropDatabase('weavestream_drill_1'));
  await startProcess('sleep', ['60'], { cwd: scene.folder });
  writeFileSync(join(volume.path, 'b.tmp'), '');
  mails.push({ headers: { Subject: 'Backup FAILED' } }, { headers: { Subject: 'Backup succeeded' } });
  return untilAtRest(stage, 0);
});

test('the sample has each step, each fault and each kind of run', () => {
  for (const [index, table] of [Object.keys(steps), Object.keys(faults), kinds].entries()) {
    assert.deepEqual([...new Set(sample.map((cell) => cell[index]))].sort(), [...table].sort());
  }
});

test('whatever must not be is found', async () => {
  const found = (await problemsOf(runMess)).join('\n');
  const wanted = [/^job 1 \(run\) is delayed$/m, /^a row is running$/m, /^a row failed without a reason$/m, /^a successful row has no dump/m,
    /^the file b\.tmp is left$/m, /^1 mails tell of 0 failures$/m, /^a success was told, unasked/m, /^a process is left: sleep 60$/m,
    /^a session 'weavestream-backup run' is left/m, /^process \d+ holds an advisory lock$/m, /^the database weavestream_drill_1 is left$/m];
  for (const pattern of wanted) assert.match(found, pattern);
});

describe('queue, row, files and mails tell the same, nothing is left, and the next backup succeeds', { concurrency: atOnce }, () => {
  for (const [step, fault, kind] of sample) {
    test(`a ${kind} run, at ${step}: ${fault}`, () => assertSound(runCell, { step, fault, kind }));
  }
  for (const kill of planKills({ count: 6, seed: 1 })) {
    test(`a ${kill.kind} run, at ${kill.moment} of its time: ${kill.victim} killed`, () => assertSound(runKill, kill));
  }
});
