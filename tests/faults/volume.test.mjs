/* A backup directory on a volume of 64 MB: full before a dump, during it, or read-only. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { assertInReadme } from '../integration/support/readme.mjs';
import { executable } from '../integration/support/scene.mjs';
import { insertRun } from '../integration/support/schema.mjs';
import { assertRunFailed, newDirectory, openDisk, runJob } from './support/disk.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 200'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t, options) => openDisk(t, { redis, postgres, ...options });

/*
 * Runs a script in shell, for which the backup directory is such a volume: nobody else sees it. `job` does the job; `fill NAME BYTES` writes
 * a file of somebody else's. As runJob(), with `left`: the files at the end; those of somebody else must be as they were.
 */
async function onSmallVolume(scene, script, env = {}) {
  const program = executable(`#!/bin/sh
set -e
program=$1
exec 4<&0
mount -t tmpfs -o size=64m tmpfs "$BACKUP_STORAGE_DIR"
cd "$BACKUP_STORAGE_DIR"
fill() { head -c "$2" /dev/urandom >"$1"; sha256sum "$1" >>"$SCENE/sums"; }
job() { "$program" <&4 2>"$SCENE/log"; }
${script}
ls -A >"$SCENE/left"
sha256sum --check "$SCENE/sums" >"$SCENE/intact"
`, 'volume');
  const wrapper = ['unshare', process.getuid() === 0 ? '-m' : '-Urm', program];
  const result = await runJob(scene, newDirectory(scene), { env, wrapper });
  const linesOf = (name) => readFileSync(join(scene.folder, name), 'utf8').trim().split('\n');
  assert.deepEqual(linesOf('intact'), ['other: OK']);
  return { ...result, left: linesOf('left') };
}

describe('a volume of 64 MB', { concurrency: 3 }, () => {
  test('that a dump fills: the run fails, other files are intact, nothing of ours is left', async (t) => {
    const scene = await open(t, { megabytes: 3 });
    const result = await onSmallVolume(scene, 'fill other 66000000; job', { BACKUP_MIN_FREE_MB: '0' });
    await assertRunFailed(scene, result, 'pg_dump: exit status 1: pg_dump: error: could not write to output file: No space left on device');
    assert.match(result.verdict.reason, /; make room in '.*', where [0-9.]+ [KM]?B are free$/);
    assertInReadme(result.verdict.reason);
    assert.deepEqual(result.left, ['other']);
  });

  test('that a dump is about to fill: it is stopped before the volume is full', async (t) => {
    const scene = await open(t);
    const endless = executable(`#!/bin/sh
case $1 in --version) echo 'pg_dump (PostgreSQL) 15.18'; exit ;; esac
for argument in "$@"; do case $argument in --file=*) file=\${argument#--file=} ;; esac; done
while :; do head -c 500000 /dev/zero; sleep 0.01; done >"$file"
`, 'pg_dump');
    const result = await onSmallVolume(scene, 'fill other 1000000; job', { BACKUP_MIN_FREE_MB: '16', PATH: `${dirname(endless)}:${process.env.PATH}` });
    await assertRunFailed(scene, result, 'stopped after ');
    assert.match(result.verdict.reason, /^stopped after [45]\d\.\d\d MiB of the dump: only \d+\.\d\d MiB are free in /);
    assert.deepEqual(result.left, ['other']);
  });

  test('that others fill during a dump: it is stopped before the volume is full', async (t) => {
    const scene = await open(t);
    await scene.holdDumps();
    const filling = 'job & until ls -A | grep -q dump.tmp; do sleep 0.02; done; fill other 55000000; wait $!';
    const result = await onSmallVolume(scene, filling, { BACKUP_MIN_FREE_MB: '16' });
    await assertRunFailed(scene, result, 'stopped after ');
    assert.match(result.verdict.reason, /^stopped after 0 B of the dump: only 1\d\.\d\d MiB are free in '.*', of which BACKUP_MIN_FREE_MB reserves 16\.00 MiB: make room there$/);
    assertInReadme(result.verdict.reason);
    assert.deepEqual(result.left, ['other']);
  });

  test('that is too small for a dump like the last one: it is not begun', async (t) => {
    const scene = await open(t);
    await insertRun(scene.sql, { config_id: scene.configId, status: 'success', started_at: new Date(0), size_bytes: 50_000_000 });
    const result = await onSmallVolume(scene, 'fill other 1000000; job', { BACKUP_MIN_FREE_MB: '16' });
    await assertRunFailed(scene, result, ' are free in ');
    assert.match(result.verdict.reason, /^no room for a dump: 63\.\d\d MiB are free in '.*', of which BACKUP_MIN_FREE_MB reserves 16\.00 MiB, and the last dump took 47\.68 MiB: make room there$/);
    assertInReadme(result.verdict.reason);
    assert.deepEqual(result.left, ['other']);
  });

  test('that may be too small for a first dump: it is begun, and that is told', async (t) => {
    const scene = await open(t);
    const result = await onSmallVolume(scene, 'fill other 45000000; job', { BACKUP_MIN_FREE_MB: '16' });
    assert.equal(result.verdict.type, 'completed', result.verdict.reason);
    assert.ok(result.lines.some(({ text }) => /MiB are in the database, and 21\.\d\d MiB are free in .*: its dump, usually smaller, may not fit$/.test(text)));
  });

  test('that is read-only: the run fails, and says so', async (t) => {
    const scene = await open(t);
    const result = await onSmallVolume(scene, 'fill other 1; mount -o remount,ro .; job', { BACKUP_MIN_FREE_MB: '0' });
    await assertRunFailed(scene, result, "create '.weavestream-postgres-");
    assert.match(result.verdict.reason, /: Read-only file system; '.*' is mounted read-only: mount it for writing/);
    assertInReadme(result.verdict.reason.replace(/^create '.*?': /, ''));
    assert.deepEqual(result.left, ['other']);
  });
});
