/* What stops a dump, or is said to pg_dump, by settings. The dumps that stall take a minute to do so, all at the same time. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { runProcess } from './support/run_folder.mjs';
import { assertInReadme } from './support/readme.mjs';
import { executable, openScene } from './support/scene.mjs';
import { readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';
import { run } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t) => openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
const compressionOf = async (file) => /Compression: (\S+)/.exec((await runProcess('pg_restore', ['--list', file])).stdout)[1];

/* A PATH with a shell script as pg_dump, which tells its version by itself. */
function fakeDump(script, version = '15.18') {
  const start = `#!/bin/sh\nPATH='${process.env.PATH}'\ncase $1 in --version) echo 'pg_dump (PostgreSQL) ${version}'; exit ;; esac\n`;
  return `${dirname(executable(`${start}${script}\n`, 'pg_dump'))}:${process.env.PATH}`;
}

async function assertFailed(scene, { runId, job }, reason, options) {
  const failed = await untilState(scene.queue, job, 'failed', options);
  assert.match(failed.failedReason, reason);
  const row = await readRun(scene.sql, runId);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, failed.failedReason);
  assert.deepEqual(scene.files(), []);
  return failed;
}

describe('BACKUP_COMPRESSION', { concurrency: true }, () => {
  for (const level of ['0', '9']) {
    test(`${level} is what the dump is made with`, async (t) => {
      const scene = await open(t);
      await scene.start({ env: { BACKUP_COMPRESSION: level } });
      const { runId, job } = await scene.runNow();
      await untilState(scene.queue, job, 'completed');
      const { dump_path } = await readRun(scene.sql, runId);
      assert.equal(await compressionOf(dump_path), level);
    });
  }

  test('of a method fails the run at once if pg_dump is older than 16', async (t) => {
    const scene = await open(t);
    const PATH = fakeDump('exit 1', '15.18');
    await scene.start({ env: { PATH, BACKUP_COMPRESSION: 'zstd:level=3' } });
    await assertFailed(scene, await scene.runNow(), /^BACKUP_COMPRESSION=zstd:level=3 needs pg_dump 16 or newer, and this one is 15\.18: set it to a level, 0 to 9$/);
  });

  test('of a method is passed on to a newer one as it is', async (t) => {
    const scene = await open(t);
    const noted = join(scene.folder, 'arguments');
    const PATH = fakeDump(`printf '%s\\n' "$@" >'${noted}'
for argument in "$@"; do shift; case $argument in --compress=*) ;; *) set -- "$@" "$argument" ;; esac; done
exec pg_dump "$@"`, '16.4');
    await scene.start({ env: { PATH, BACKUP_COMPRESSION: 'zstd:level=3,long' } });
    const { job } = await scene.runNow();
    await untilState(scene.queue, job, 'completed');
    assert.ok(readFileSync(noted, 'utf8').split('\n').includes('--compress=zstd:level=3,long'));
  });
});

describe('with BACKUP_STALL_MINUTES=1', { concurrency: true }, () => {
  const aMinute = { timeout: 100_000 };
  const start = (scene, env = {}) => scene.start({ env: { BACKUP_STALL_MINUTES: '1', ...env } });

  test('a dump that waits for a lock is given up, and who holds it is told at once and in the end', async (t) => {
    const scene = await open(t);
    const holder = await postgres.client(scene.database, { application_name: 'migration' });
    t.after(() => holder.end());
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE companies');
    await start(scene);
    const ids = await scene.runNow();
    const who = `AccessShareLock on public.companies, blocked by Postgres process ${holder.processID} \\('migration', user 'weavestream', idle in transaction for \\d+ s\\)`;
    await eventually(async () => (await scene.queue.getJobLogs(ids.job.id)).logs.some((line) => new RegExp(`^The dump waits for ${who}$`).test(line)),
      { timeout: 40_000, what: 'the job log to tell what the dump waits for' });
    await eventually(async () => new RegExp(`^1 +run +Nightly .* dump, waits for ${who} `, 'm').test((await run(['status'], { env: scene.environment })).stdout), { what: 'the status to tell it, too' });
    const { failedReason } = await assertFailed(scene, ids,
      new RegExp(`^pg_dump made no progress for BACKUP_STALL_MINUTES=1: its session waits for ${who}; what ends it: SELECT pg_terminate_backend\\(${holder.processID}\\)$`), aMinute);
    assertInReadme(failedReason);
    const { rowCount } = await scene.sql.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'weavestream-backup%'`);
    assert.equal(rowCount, 0, 'nobody waits for the lock any more');
  });

  test('a pg_dump that hangs is given up', async (t) => {
    const scene = await open(t);
    const worker = await start(scene);
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    process.kill(worker.descendants().find(({ cmdline }) => /pg_dump/.test(cmdline)).pid, 'SIGSTOP');
    await release();
    await assertFailed(scene, ids, /^pg_dump made no progress for BACKUP_STALL_MINUTES=1: its session, Postgres process \d+, waits for it to go on$/, aMinute);
  });

  test('a server that works on a query for longer is waited for', async (t) => {
    const scene = await open(t);
    const PATH = fakeDump(`for argument in "$@"; do case $argument in --dbname=*) psql -XAtq -d "\${argument#--dbname=}" -c 'SELECT pg_sleep(65)' ;; esac; done
exec pg_dump "$@"`);
    await start(scene, { PATH });
    const { job } = await scene.runNow();
    const { processedOn, finishedOn } = await untilState(scene.queue, job, 'completed', aMinute);
    assert.ok(finishedOn - processedOn > 65_000);
  });
});
