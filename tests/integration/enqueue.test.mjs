/* `weavestream-backup enqueue`: the job as the app's API would have added it; its end; what is left when something is away. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventsOf, openNodeWorker, runNow, untilState, versions } from './support/bullmq.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRelay } from './support/relay.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene, shell } from './support/scene.mjs';
import { insertConfig, readRun } from './support/schema.mjs';
import { inTerminal, openTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
});
after(() => Promise.all([redis?.stop(), postgres?.stop()]));

const open = async (t, { bullmq = versions['5.76.2'], ...config } = {}) => {
  const scene = await openScene(t, { redis, postgres, bullmq });
  const configId = await insertConfig(scene.sql, config);
  return Object.assign(scene, { configId, enqueue: (args = [], env = {}) => run(['enqueue', '--config', 'Nightly', ...args], { env: { ...scene.environment, ...env } }) });
};

/* A job program that goes on when the scene says so. */
const held = (verdict) => shell(`say '{"type":"progress","value":{"phase":"dump","bytes":1200000,"percent":40}}'; await go; say '${verdict}'`);

/* Said at once, to people and in pipes. */
const alone = (id) => `weavestream-backup enqueue: no worker is connected: job ${id} waits for one\n`;

describe('enqueue', { concurrency: 3 }, () => {
  for (const [version, bullmq] of Object.entries(versions)) {
    test(`the job is what the API adds with bullmq ${version}, to the last event`, async (t) => {
      const scene = await open(t, { bullmq });
      const { code, stdout, stderr } = await scene.enqueue(['--no-follow', '--json']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: alone(1) });
      const answer = assertAnswer('enqueue', stdout);
      assert.equal(answer.configId, scene.configId);
      assert.equal(answer.outcome, null);

      const theirs = await runNow(scene.queue, { configId: scene.configId, backupRunId: answer.runId });
      const hash = async (id) => {
        const { timestamp, ...rest } = await scene.client.hgetall(scene.queue.toKey(id));
        assert.ok(Math.abs(timestamp - Date.now()) < 60_000);
        return rest;
      };
      assert.deepEqual(await hash(answer.jobId), await hash(theirs.id));
      assert.deepEqual(await eventsOf(scene.client, answer.jobId), await eventsOf(scene.client, theirs));
      assert.equal(Number(theirs.id), Number(answer.jobId) + 1);
      assert.deepEqual(await scene.client.lrange(scene.queue.toKey('wait'), 0, -1), [theirs.id, answer.jobId]);
      assert.deepEqual(await scene.client.zrange(scene.queue.toKey('marker'), 0, -1, 'WITHSCORES'), ['0', '0']);

      const { kind, status, config_id, triggered_by, error } = await readRun(scene.sql, answer.runId);
      assert.deepEqual({ kind, status, config_id, triggered_by, error },
        { kind: 'MANUAL', status: 'queued', config_id: scene.configId, triggered_by: null, error: null });
    });
  }

  test('a worker makes the backup, and its end is told', async (t) => {
    const scene = await open(t);
    await scene.start();
    const { code, stdout, stderr } = await scene.enqueue(['--json']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const answer = assertAnswer('enqueue', stdout);
    assert.equal(answer.outcome, 'success');
    assert.deepEqual([answer.file], scene.dumps());
    assert.equal((await readRun(scene.sql, answer.runId)).status, 'success');
  });

  test('in a terminal: the progress by phase, then one line', async (t) => {
    const scene = await open(t);
    const terminal = await openTerminal(['enqueue', '--config', scene.configId], { env: scene.environment });
    await terminal.shows(/^weavestream-backup enqueue: no worker is connected: job 1 waits for one\nwaiting for a worker {2}0:0\d$/);
    const value = JSON.stringify({ backupRunId: 'x', filename: 'weavestream-postgres-2026-11-24T15-00-00Z.dump', sizeBytes: 3000000, sha256: 'x', durationMs: 2100 });
    await scene.start({ program: held(`{"type":"completed","returnvalue":${value}}`) });
    await terminal.shows(/^dumping \[=+> +\] {2}40 %/m);
    scene.release('go');
    const { screen, code } = await terminal.ended;
    assert.equal(screen, `${alone(1)}Nightly: weavestream-postgres-2026-11-24T15-00-00Z.dump, 2.86 MiB in 2.1 s`);
    assert.equal(code, 0);
  });

  test('a backup that failed: status 1, and why', async (t) => {
    const scene = await open(t);
    await scene.start({ program: shell(`say '{"type":"failed","reason":"the disk\\nis full","retry":true}'`) });
    const plain = await inTerminal(['enqueue', '--config', 'Nightly'], { env: scene.environment });
    assert.equal(plain.screen, "weavestream-backup enqueue: 'Nightly' failed: the disk is full");
    assert.equal(plain.code, 1);
    const { code, stdout } = await scene.enqueue(['--json']);
    assert.equal(code, 1);
    const { outcome, error } = assertAnswer('enqueue', stdout);
    assert.deepEqual({ outcome, error }, { outcome: 'failed', error: 'the disk\nis full' });
  });

  test("where the worker does not say what became of it, as one on Node, the run's row tells", async (t) => {
    const scene = await open(t);
    let end;
    const node = openNodeWorker(versions['5.76.2'], scene.redis, async ({ data: { backupRunId } }) => { // completes, whatever happens
      await scene.sql.query(`UPDATE backup_run SET started_at = '2026-11-24 15:00:00', finished_at = '2026-11-24 15:00:02', ${end} WHERE id = $1`, [backupRunId]);
    });
    t.after(() => node.close());
    end = `status = 'failed', error = 'no room'`;
    const failed = await scene.enqueue();
    assert.deepEqual([failed.code, failed.stdout, failed.stderr], [1, '', "weavestream-backup enqueue: 'Nightly' failed: no room\n"]);
    end = `status = 'success', size_bytes = 3000000, dump_path = '/x/weavestream-postgres-2026-11-24T15-00-00Z.dump', manifest = '{"sha256":"${'a'.repeat(64)}"}'`;
    const good = await scene.enqueue();
    assert.deepEqual([good.code, good.stdout], [0, 'Nightly: weavestream-postgres-2026-11-24T15-00-00Z.dump, 2.86 MiB in 2.0 s\n']);
    end = `status = 'running'`;
    const { code, stdout } = await scene.enqueue(['--json']);
    const { outcome, error, file } = assertAnswer('enqueue', stdout);
    assert.deepEqual({ code, outcome, error, file }, { code: 1, outcome: null, error: 'the worker did not say what became of it, nor does the row of the run', file: null });
  });

  test('stopped before the job is in the queue, it closes the row again', async (t) => {
    const scene = await open(t);
    await scene.sql.query('BEGIN; LOCK TABLE backup_run IN ACCESS EXCLUSIVE MODE');
    const command = await startWorker({ program: workerProgram, args: ['enqueue', '--config', 'Nightly'], env: scene.environment });
    await eventually(async () => (await postgres.psql(`SELECT count(*) FROM pg_locks WHERE NOT granted`, 'postgres')) !== '0', { what: 'the row to be inserted' });
    command.signal('SIGTERM');
    await scene.sql.query('COMMIT');
    const { code } = await command.ended;
    assert.equal(code, 143);
    assert.ok(command.lines.includes('weavestream-backup enqueue: not enqueued: stopped by SIGTERM'), command.lines.join('\n'));
    const [{ status, error }] = await scene.rows();
    assert.deepEqual({ status, error }, { status: 'failed', error: 'interrupted: stopped by SIGTERM before its job was in the queue' });
    assert.equal(await scene.queue.getWaitingCount(), 0);
  });

  /* A scene whose REDIS_URL leads through a relay that cuts the connection once: at the job on its way there, or at the answer about it. */
  async function openCut(t, { at, comesBack = true }) {
    const scene = await open(t);
    let isCut = false;
    const cut = (where, sign) => (text) => {
      if (isCut) return comesBack ? text : null;
      if (where !== at || !sign.test(text)) return text;
      isCut = true;
      return null;
    };
    const port = await startRelay(t, redis.port, cut('answer', /^\$1\r\n1\r\n$/), cut('request', /backupRunId/));
    scene.environment.REDIS_URL = scene.redis.url.replace(`:${redis.port}/`, `:${port}/`);
    return Object.assign(scene, { isCut: () => isCut });
  }

  test('a connection that is cut before the answer: the job is found in the queue, and followed', async (t) => {
    const scene = await openCut(t, { at: 'answer' });
    const { code, stdout, stderr } = await scene.enqueue(['--no-follow', '--json']);
    assert.ok(scene.isCut());
    assert.deepEqual({ code, stderr }, { code: 0, stderr: alone(1) });
    const { jobId, runId } = assertAnswer('enqueue', stdout);
    assert.deepEqual((await scene.queue.getWaiting()).map(({ id, data }) => [id, data.backupRunId]), [[jobId, runId]]);
    assert.equal((await readRun(scene.sql, runId)).status, 'queued');
  });

  test('a connection that is cut, and no job is in the queue: the row tells if a worker is done with it already', async (t) => {
    const scene = await openCut(t, { at: 'request' });
    await scene.sql.query(`CREATE FUNCTION done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status = 'failed'; NEW.error = 'no room'; RETURN NEW; END $$;
      CREATE TRIGGER done BEFORE INSERT ON backup_run FOR EACH ROW EXECUTE FUNCTION done()`);
    const { code, stdout } = await scene.enqueue(['--json']);
    assert.equal(code, 1);
    const { jobId, outcome, error } = assertAnswer('enqueue', stdout);
    assert.deepEqual({ jobId, outcome, error }, { jobId: null, outcome: 'failed', error: 'no room' });
  });

  test('a connection that is cut before the job has arrived: it is not in the queue, and the row is closed', async (t) => {
    const scene = await openCut(t, { at: 'request' });
    const { code, stdout, stderr } = await scene.enqueue();
    assert.ok(scene.isCut());
    assert.deepEqual([code, stdout], [69, '']);
    assert.match(stderr, /^weavestream-backup enqueue: Redis at 127\.0\.0\.1:\d+: Redis closed the connection; is it up/);
    const [{ status, error }] = await scene.rows();
    assert.equal(status, 'failed');
    assert.match(error, /^the queue did not take the job: .*Redis closed the connection$/);
  });

  test('where it cannot be seen whether the queue has the job, that is said, and the row stays', async (t) => {
    const scene = await openCut(t, { at: 'request' });
    await scene.queue.addBulk(Array.from({ length: 1001 }, () => ({ name: 'other', data: {} })));
    const { code, stderr } = await scene.enqueue();
    assert.equal(code, 69);
    assert.match(stderr, /^weavestream-backup enqueue: whether the queue has the job of run [0-9a-f-]{36} is not known: .*too many jobs to find this one\); if it has not, a worker closes the run's row within the hour\n$/);
    assert.deepEqual((await scene.rows()).map(({ status }) => status), ['queued']);
  });

  test('who is stopped while Redis stays away is told that nothing is known of the job, and the row stays', async (t) => {
    const scene = await openCut(t, { at: 'answer', comesBack: false });
    const terminal = await openTerminal(['enqueue', '--config', 'Nightly'], { env: scene.environment });
    await terminal.shows(/^waiting for Redis {2}0:0\d$/);
    terminal.type('\x03');
    const { screen, code } = await terminal.ended;
    assert.equal(code, 130);
    assert.match(screen.replaceAll('\n', ' '), /^weavestream-backup enqueue: whether the queue has the job of run .* is not known: .*stopped by SIGINT/);
    assert.deepEqual((await scene.rows()).map(({ status }) => status), ['queued']);
  });

  test('^C ends following, not the job', async (t) => {
    const scene = await open(t);
    await scene.start({ program: held('{"type":"completed","returnvalue":1}') });
    const terminal = await openTerminal(['enqueue', '--config', 'Nightly'], { env: scene.environment });
    await terminal.shows(/40 %/);
    terminal.type('\x03');
    const { screen, code } = await terminal.ended;
    assert.match(screen, /weavestream-backup enqueue: no longer followed; job 1 goes on, 'weavestream-backup status' shows it$/);
    assert.equal(code, 130);
    scene.release('go');
    await untilState(scene.queue, '1', 'completed');
  });

  test('without a worker, following ends by ^C or after --timeout, with status 75, and the job waits on', async (t) => {
    const scene = await open(t);
    const waits = (id) => `weavestream-backup enqueue: no longer followed; job ${id} stays in the queue until a worker takes it, 'weavestream-backup status' shows it`;
    const terminal = await openTerminal(['enqueue', '--config', 'Nightly'], { env: scene.environment, columns: 200 });
    await terminal.shows(/waiting for a worker/);
    terminal.type('\x03');
    const { screen, code } = await terminal.ended;
    assert.deepEqual([screen, code], [`${alone(1)}${waits(1)}`, 130]);
    const timeout = await scene.enqueue(['--timeout', '1', '--json']);
    assert.deepEqual([timeout.code, timeout.stderr], [75, `${alone(2)}${waits(2)}\n`]);
    assert.deepEqual([assertAnswer('enqueue', timeout.stdout).outcome, await scene.queue.getWaitingCount()], [null, 2]);
    const { stdout } = await scene.enqueue(['--no-follow']);
    assert.match(stdout, /^enqueued as job 3, run [0-9a-f-]{36}\n$/);
    await scene.start({ program: held('{"type":"completed","returnvalue":1}') });
    const taken = await scene.enqueue(['--timeout=1', '--config', 'Nightly']);
    assert.deepEqual([taken.code, taken.stderr], [75, waits(4) + '\n'], 'one is connected, which has others to do first');
  });

  test('a wrong password of Postgres: status 77; no such database: 78', async (t) => {
    const scene = await open(t);
    const { DATABASE_URL } = scene.environment;
    assert.equal((await scene.enqueue([], { DATABASE_URL: DATABASE_URL.replace(/:[^:@/]+@/, ':wrong@') })).code, 77);
    assert.equal((await scene.enqueue([], { DATABASE_URL: DATABASE_URL.replace(scene.database, 'nowhere') })).code, 78);
    assert.equal(await scene.queue.getWaitingCount(), 0);
  });

  test('Redis goes away while the job is followed, and comes back', async (t) => {
    const other = await startRedis();
    t.after(() => other.stop());
    const scene = await open(t);
    scene.environment.REDIS_URL = other.url;
    await scene.start({ program: held('{"type":"completed","returnvalue":{"filename":"weavestream-postgres-2026-11-24T15-00-00Z.dump","sizeBytes":1,"durationMs":1}}') });
    const terminal = await openTerminal(['enqueue', '--config', 'Nightly'], { env: scene.environment });
    await terminal.shows(/40 %/);
    await other.restart({ whileDown: () => terminal.shows(/^waiting for Redis {2}0:0\d$/) });
    await terminal.shows(/40 %/);
    scene.release('go');
    const { screen, code } = await terminal.ended;
    assert.equal(screen, 'Nightly: weavestream-postgres-2026-11-24T15-00-00Z.dump, 1 B in 0.0 s');
    assert.equal(code, 0);
  });

  for (const [how, options] of [['TLS', { tls: true, password: 'p@ss' }], ['a unix socket', { unixSocket: true }]]) {
    test(`over ${how}`, async (t) => {
      const other = await startRedis(options);
      t.after(() => other.stop());
      const scene = await open(t);
      const { code, stdout } = await scene.enqueue(['--no-follow'], { REDIS_URL: other.url, REDIS_TLS_CA: other.caFile });
      assert.equal(code, 0);
      assert.match(stdout, /^enqueued as job 1, run [0-9a-f-]{36}\n$/);
    });
  }

  test('a job that is removed meanwhile is not followed for ever', async (t) => {
    const scene = await open(t);
    const ending = scene.enqueue();
    await eventually(() => scene.queue.getJob('1'), { what: 'the job' });
    await scene.queue.obliterate({ force: true });
    const { code, stderr } = await ending;
    assert.equal(code, 1);
    assert.match(stderr, /'Nightly' cannot be followed: the job was removed from the queue/);
  });

  test('a schedule that does not exist: status 66, and nothing is left', async (t) => {
    const scene = await open(t);
    const { code, stdout, stderr } = await run(['enqueue', '--config', 'Weekly'], { env: scene.environment });
    assert.equal(code, 66);
    assert.equal(stdout, '');
    assert.match(stderr, /^weavestream-backup enqueue: no schedule is called 'Weekly'; there are: 'Nightly' \(/);
    assert.deepEqual(await scene.rows(), []);
    assert.equal(await scene.queue.getWaitingCount(), 0);
  });

  test('Redis away: status 69, and no row', async (t) => {
    const scene = await open(t);
    const { code, stderr } = await scene.enqueue([], { REDIS_URL: 'redis://127.0.0.1:1' });
    assert.equal(code, 69);
    assert.equal(stderr, 'weavestream-backup enqueue: Redis at 127.0.0.1:1: connect: Connection refused; is it up, and is REDIS_URL right?\n');
    assert.deepEqual(await scene.rows(), []);
  });

  test('a wrong password: status 77', async (t) => {
    const scene = await open(t);
    const { code, stderr } = await scene.enqueue([], { REDIS_URL: scene.redis.url.replace('redis://', 'redis://:wrong@') });
    assert.equal(code, 77);
    assert.match(stderr, /^weavestream-backup enqueue: Redis at 127.0.0.1:\d+: (WRONGPASS|ERR AUTH)/);
    assert.doesNotMatch(stderr, /wrong@/);
  });

  test('Postgres away: status 69, and no job', async (t) => {
    const scene = await open(t);
    const { code, stderr } = await scene.enqueue([], { DATABASE_URL: 'postgresql://me@127.0.0.1:1/x' });
    assert.equal(code, 69);
    assert.match(stderr, /^weavestream-backup enqueue: .*Connection refused/);
    assert.equal(await scene.queue.getWaitingCount(), 0);
  });

  test('a queue that refuses the job: the row is closed, with the reason', async (t) => {
    const scene = await open(t);
    await scene.client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-eval');
    const { code, stderr } = await scene.enqueue([], { REDIS_URL: scene.redis.url.replace('redis://', 'redis://reader:secret@') });
    assert.equal(code, 77);
    assert.match(stderr, /^weavestream-backup enqueue: Redis: NOPERM /);
    const [row] = await scene.rows();
    assert.equal(row.status, 'failed');
    assert.match(row.error, /^the queue did not take the job: Redis: /);
  });
});
