/* `weavestream-backup status`: what it shows of queue, workers, schedules, lock and disk; with either server away. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { schedule, untilState, versions } from './support/bullmq.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene, shell } from './support/scene.mjs';
import { insertConfig, insertRun, readConfig } from './support/schema.mjs';
import { inTerminal, openTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run, workerProgram } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
});
after(() => Promise.all([redis?.stop(), postgres?.stop()]));

const open = async (t, bullmq = versions['6.7.0']) => {
  const scene = await openScene(t, { redis, postgres, bullmq });
  return Object.assign(scene, {
    async status(env = {}) {
      const { code, stdout, stderr } = await run(['status', '--json'], { env: { ...scene.environment, ...env } });
      assert.equal(stderr, '');
      return { code, ...assertAnswer('status', stdout) };
    },
  });
};

/* A job that is active until the scene says so, on a worker of that name. */
const dumping = `say '{"type":"progress","value":{"phase":"dump","bytes":1200000,"percent":40}}'; await go; say '{"type":"completed","returnvalue":1}'`;
async function active(scene, options = {}) {
  const started = await scene.runNow(options);
  await scene.start({ program: shell(dumping), args: ['--name', 'nas'] });
  await eventually(async () => (await scene.queue.getJob(started.job.id)).progress?.percent === 40, { what: 'its progress' });
  return started;
}

/* Times and numbers that differ from run to run, as letters. */
const general = (screen) =>
  screen
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'YYYY-MM-DD hh:mm:ssZ')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST:PORT')
    .replace(/\/\S+\/storage-\w+/g, 'DIRECTORY')
    .replace(/^(Redis +)[\d.]+$/m, '$1VERSION').replace(/^(Postgres +)\d+\.\d.*$/m, '$1VERSION')
    .replace(/[\d.]+ [GT]iB free/, 'N free').replace(/for [\d.]+ s/g, 'for N s').replace(/process \d+/, 'process N');

describe('status', { concurrency: 3 }, () => {
  for (const [version, bullmq] of Object.entries(versions)) {
    test(`a queue of bullmq ${version}: counts, workers, the active job and who has it`, async (t) => {
      const scene = await open(t, bullmq);
      const { configId, job } = await active(scene);
      await scene.queue.add('run', {}, { delay: 60_000 });
      await scene.queue.add('run', {}, { priority: 3 });
      await scene.queue.add('run', {});
      const status = await scene.status();
      assert.equal(status.code, 0);
      assert.deepEqual(status.redis, { reachable: true, error: null, code: null, server: status.redis.server });
      assert.deepEqual(status.queue, {
        name: 'backup', paused: false, bullmq: version,
        counts: { waiting: 1, prioritized: 1, delayed: 1, waitingChildren: 0, active: 1, completed: 0, failed: 0 },
      });
      const [{ startedAt, lockMs, ...rest }] = status.active;
      assert.deepEqual(rest, { id: job.id, name: 'run', scheduleId: configId, schedule: 'Nightly', attempts: 1, worker: 'nas', progress: { phase: 'dump', bytes: 1_200_000, percent: 40 } });
      assert.ok(Math.abs(Date.now() - Date.parse(startedAt)) < 60_000);
      assert.ok(lockMs > 0 && lockMs <= 5000, `${lockMs}`);
      const theirs = (await scene.queue.getWorkers()).filter(({ db }) => Number(db) === scene.redis.connection().db);
      assert.deepEqual(status.workers.map(({ name, address }) => ({ name, address })), theirs.map(({ addr }) => ({ name: 'nas', address: addr })));
      assert.equal(theirs.length, 1);

      await scene.queue.pause();
      const paused = await scene.status();
      assert.equal(paused.queue.paused, true);
      assert.equal(paused.queue.counts.waiting, 1);
      scene.release('go');
    });
  }

  test('schedules: when they are due, by their pattern and in the queue, and their last success', async (t) => {
    const scene = await open(t);
    const { configId, runId, job } = await scene.runNow({ cron: '0 3 * * *', timezone: 'Etc/UTC' });
    await scene.start();
    await untilState(scene.queue, job, 'completed');
    const [before] = (await scene.status()).schedules;
    assert.equal(before.nextInQueue, null);
    await schedule(scene.queue, await readConfig(scene.sql, configId));
    const { code, schedules, directory, lock } = await scene.status();
    assert.equal(code, 0);
    const [{ nextDue, nextInQueue, lastSuccess, ...rest }] = schedules;
    assert.deepEqual(rest, { id: configId, name: 'Nightly', enabled: true, cron: '0 3 * * *', timezone: 'Etc/UTC', overdueSince: null, problem: null, lastFailure: null, failedLast: false });
    assert.match(nextDue, /T03:00:00\.000Z$/);
    assert.equal(nextInQueue, nextDue);
    assert.equal(lastSuccess.id, runId);
    assert.equal(directory.dumps, 1);
    assert.equal(lock, null);
  });

  test('who has the backup lock', async (t) => {
    const scene = await open(t);
    await scene.takeBackupLock('weavestream-backup run');
    const { lock } = await scene.status();
    assert.equal(lock.application, 'weavestream-backup run');
    const { stdout } = await run(['status'], { env: scene.environment });
    assert.match(stdout, new RegExp(`^Lock +held by weavestream-backup run, Postgres process ${lock.pid}, for `, 'm'));
  });

  test('a job that nobody has any more is said to have lost its lock', async (t) => {
    const scene = await open(t);
    await scene.runNow();
    const worker = await scene.start({ program: shell('await never') });
    await worker.waitForEvent('job started');
    await worker.kill();
    await scene.client.del(scene.queue.toKey('1:lock'));
    assert.deepEqual((await scene.status()).active.map(({ lockMs }) => lockMs), [null]);
    const { stdout } = await run(['status'], { env: scene.environment });
    assert.match(stdout, /none: its lock has expired/);
  });

  test('in a terminal', async (t) => {
    const scene = await open(t);
    const { configId } = await active(scene, { name: 'Nightly \x1b[31m', cron: '0 3 * * *', timezone: 'Etc/UTC' });
    await schedule(scene.queue, await readConfig(scene.sql, configId));
    await insertConfig(scene.sql, { name: 'Weekly', enabled: false });
    const { screen, code, raw } = await inTerminal(['status'], { env: scene.environment, columns: 120 });
    assert.equal(code, 0);
    assert.ok(!raw.includes('Nightly \x1b'));
    assert.equal(general(screen), `\
Redis      VERSION
Postgres   VERSION
Queue      1 active, 0 waiting, 1 delayed
Workers    nas at HOST:PORT for N s
Lock       free
Directory  DIRECTORY: 0 dumps, 0 B; N free

ACTIVE JOB  DOES  SCHEDULE       SINCE                 PROGRESS              WORKER
1           run   Nightly  [31m  YYYY-MM-DD hh:mm:ssZ  dump, 1.14 MiB, 40 %  nas

SCHEDULE       NEXT DUE              LAST SUCCESS  SIZE  STATE
Nightly  [31m  YYYY-MM-DD hh:mm:ssZ  -                -  scheduled
Weekly         -                     -                -  disabled`);
    scene.release('go');
  });

  test('a run that failed last, and that nobody takes jobs, are problems; a refusal beside another run is none', async (t) => {
    const scene = await open(t);
    const id = await insertConfig(scene.sql, { cron: '0 3 * * *', timezone: 'Etc/UTC' });
    await schedule(scene.queue, await readConfig(scene.sql, id));
    const add = (minute, status, error = null) => {
      const at = new Date(`2026-11-24T03:0${minute}:00Z`);
      return insertRun(scene.sql, { config_id: id, status, error, created_at: at, started_at: at, finished_at: new Date(at.getTime() + 2000) });
    };
    const look = async () => (await run(['status'], { env: scene.environment })).stdout;
    await add(1, 'success');
    await add(2, 'failed', 'concurrent');
    assert.match(await look(), /^Nightly .* 2026-11-24 03:01:00Z +- +scheduled\n\nproblem: no worker is connected: nothing is taken from the queue\n$/m);
    await add(3, 'failed', 'no room');
    assert.match(await look(), /^Nightly .* failed last, 2026-11-24 03:03:00Z\n\nproblem: no worker .*\nproblem: 'Nightly' failed last: no room\n$/m);
    const { code, problems } = await scene.status();
    assert.equal(code, 0);
    assert.deepEqual(problems.map(({ about }) => about), ['workers', 'schedule']);
  });

  test('a server that refuses is not away: status 77 without its password, 78 without the database or its tables', async (t) => {
    const scene = await open(t);
    const url = scene.environment.DATABASE_URL;
    const look = async (env) => {
      const { code, stdout } = await run(['status'], { env: { ...scene.environment, ...env } });
      return [code, /^(?:Redis|Postgres) +(refuses: .*)$/m.exec(stdout)?.[1]];
    };
    const assertLook = async (env, expected, words) => {
      const [code, line] = await look(env);
      assert.equal(code, expected);
      assert.match(line, words);
    };
    await assertLook({ REDIS_URL: scene.redis.url.replace('redis://', 'redis://:wrong@') }, 77, /^refuses: 127\.0\.0\.1:\d+: (WRONGPASS|ERR AUTH)/);
    await assertLook({ DATABASE_URL: url.replace(/:[^:@/]+@/, ':wrong@') }, 77, /^refuses: connection .*password authentication failed for user "weavestream"$/);
    await assertLook({ DATABASE_URL: url.replace(scene.database, 'nowhere') }, 78, /database "nowhere" does not exist$/);
    await assertLook({ DATABASE_URL: url.replace(scene.database, 'postgres') }, 78, /relation "backup_(run|config)" does not exist/);
  });

  test('a directory that cannot be written is told once', async (t) => {
    const scene = await open(t);
    const { stdout } = await run(['status'], { env: { ...scene.environment, BACKUP_STORAGE_DIR: '/nowhere/at/all' } });
    assert.equal(stdout.match(/No such file or directory/g).length, 1);
  });

  test('without the job program, nothing is said of Postgres', async (t) => {
    const scene = await open(t);
    const alone = join(temporaryFolder('alone'), 'weavestream-backup');
    copyFileSync(workerProgram, alone);
    const { code, stdout, stderr } = await run(['status'], { binary: alone, env: scene.environment });
    assert.equal(code, 69);
    assert.match(stderr, /weavestream-backup-job is not there: /);
    assert.match(stdout, /^Postgres +not asked$/m);
  });

  test('--watch shows what changes, until ^C', async (t) => {
    const scene = await open(t);
    const terminal = await openTerminal(['status', '--watch'], { env: scene.environment });
    await terminal.shows(/^Queue +0 active, 0 waiting$/m);
    await scene.queue.add('run', {});
    await terminal.shows(/^Queue +0 active, 1 waiting$/m);
    terminal.type('\x03');
    const { screen, code } = await terminal.ended;
    assert.equal(code, 130);
    assert.equal(screen.match(/^Redis/gm).length, 1);
  });

  test('Redis away: the other half is shown, status 69', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql);
    const env = { REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, redis: server, queue, active: jobs, workers, schedules } = await scene.status(env);
    assert.equal(code, 69);
    assert.deepEqual(server, { reachable: false, error: 'Redis at 127.0.0.1:1: connect: Connection refused', code: 'lost', server: null });
    assert.deepEqual([queue, jobs, workers], [null, null, null]);
    assert.equal(schedules[0].name, 'Nightly');
    const plain = await run(['status'], { env: { ...scene.environment, ...env } });
    assert.equal(plain.code, 69);
    assert.match(plain.stdout, /^Redis +away: 127\.0\.0\.1:1: connect: Connection refused$/m);
    assert.match(plain.stdout, /^Nightly .* not known$/m);
    assert.doesNotMatch(plain.stdout, /problem|missing in the queue/);
  });

  test('Postgres away: the other half is shown, status 69', async (t) => {
    const scene = await open(t);
    const env = { DATABASE_URL: 'postgresql://me@127.0.0.1:1/x' };
    const { code, postgres: server, schedules, queue, problems } = await scene.status(env);
    assert.equal(code, 69);
    assert.equal(server.reachable, false);
    assert.match(server.error, /Connection refused/);
    assert.equal(schedules, null);
    assert.equal(queue.counts.waiting, 0);
    assert.ok(problems.some(({ about }) => about === 'postgres'));
    const plain = await run(['status'], { env: { ...scene.environment, ...env } });
    assert.match(plain.stdout, /^Postgres +away: connection to server at \"127\.0\.0\.1\", port 1 failed: Connection refused$/m);
    assert.match(plain.stdout, /^The schedules are not shown: they are in Postgres\.$/m);
    assert.match(plain.stdout, /^Queue +0 active, 0 waiting$/m);
  });

  test('--watch goes on while Redis is away', async (t) => {
    const other = await startRedis();
    t.after(() => other.stop());
    const scene = await open(t);
    const terminal = await openTerminal(['status', '--watch'], { env: { ...scene.environment, REDIS_URL: other.url } });
    await terminal.shows(/^Queue /m);
    await other.restart({ whileDown: () => terminal.shows(/^Redis +away: \S+: connect: Connection refused$/m) });
    await terminal.shows(/^Queue /m);
    terminal.type('\x03');
    assert.equal((await terminal.ended).code, 130);
  });
});
