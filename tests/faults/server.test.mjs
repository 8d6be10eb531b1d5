/* What becomes of jobs when Redis itself is in trouble: it hangs, restarts, replicates, loads, forgets or refuses. Each test has its own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeAll, openNodeWorker, openQueue, untilState } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { shell } from '../integration/support/scene.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { assertAtWork, assertDoneOnce, completed, newest, openSceneWithServer, untilBlocked, untilNotes, untilUnavailable } from './support/scene.mjs';

/* How long Redis is away where that is to be longer than a lock lives (5 s). */
const awayMs = Number(process.env.WEAVESTREAM_TEST_AWAY_SECONDS || 7) * 1000;

/* A job called "work" waits for the file `go`; any other is done at once. */
const patient = shell(`case $job in *'"name":"work"'*) note ran; await go; note ended; ${completed('once')} ;; *) ${completed('next')} ;; esac`);

async function startPatient(scene, options = {}) {
  const worker = await scene.start({ program: patient, ...options });
  await untilBlocked(scene);
  const job = await scene.queue.add('work', {});
  await untilNotes(scene);
  return { worker, job };
}

/* The worker as a user of its own, so that Redis can tell its connections from bullmq's. */
async function asUser(scene, password) {
  await scene.client.call('ACL', 'SETUSER', 'worker', 'reset', 'on', `>${password}`, '~*', '&*', '+@all');
  scene.environment.REDIS_URL = scene.redis.url.replace('//', `//worker:${password}@`);
}

describe('connections', { concurrency: 4 }, () => {
  test('killed by Redis, idle or busy, one or the other: both come back, and the job is done once', async (t) => {
    const scene = await openSceneWithServer(t);
    await asUser(scene, 'secret');
    const { worker, job } = await startPatient(scene, { args: ['--concurrency', '2'] });
    const connections = async () => (await scene.client.client('LIST')).split('\n').filter((line) => line.includes(' user=worker '))
      .map((line) => ({ id: /^id=(\d+)/.exec(line)[1], role: line.includes(' name= ') ? 'command' : 'blocking' }));
    for (const role of ['command', 'blocking', 'command', 'blocking']) {
      const from = worker.events.length;
      const victim = await eventually(async () => (await connections()).find((one) => one.role === role), { what: `the ${role} connection` });
      await scene.client.client('KILL', 'ID', victim.id);
      await untilUnavailable(worker, /closed the connection|reset by peer/, { role, from });
      await worker.waitForEvent('redis available', ({ connection }) => connection === role, { from });
      await assertAtWork(scene);
    }
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    assert.equal((await connections()).length, 2, 'one of each');
  });

  test('a blocked read that Redis ends with an error is begun anew', async (t) => {
    const scene = await openSceneWithServer(t);
    await asUser(scene, 'secret');
    const worker = await scene.start({ program: patient });
    await untilBlocked(scene);
    const line = (await scene.client.client('LIST')).split('\n').find((one) => one.includes(' user=worker ') && one.includes(' flags=b '));
    await scene.client.client('UNBLOCK', /^id=(\d+)/.exec(line)[1], 'ERROR');
    await untilUnavailable(worker, /^Redis cannot serve us now: UNBLOCKED /);
    await untilBlocked(scene);
    await assertAtWork(scene);
  });

  test('a Redis that hangs for longer than our patience, and than a lock lives: the job is done once', async (t) => {
    const scene = await openSceneWithServer(t);
    const { worker, job } = await startPatient(scene);
    scene.server.pause();
    try {
      const start = Date.now();
      await untilUnavailable(worker, /^no answer from Redis in time$/);
      scene.release('go');
      await eventually(() => Date.now() - start > 6000, { what: 'more than the life of a lock to pass' });
    } finally {
      scene.server.resume();
    }
    await assertDoneOnce(scene, job, 'once');
    await assertAtWork(scene);
  });

  test('a password that becomes wrong is told once, tried with growing pauses, and never shown; made right, work goes on', async (t) => {
    const scene = await openSceneWithServer(t);
    await asUser(scene, 'open-sesame');
    const { worker, job } = await startPatient(scene);
    await scene.client.call('ACL', 'SETUSER', 'worker', 'resetpass', '>another');
    await scene.client.client('KILL', 'USER', 'worker');
    const refused = async () => Number((await scene.client.acl('LOG')).find((entry) => entry.includes('auth'))?.[1] ?? 0);
    await eventually(async () => (await refused()) >= 6, { what: 'six attempts, of two connections' });
    for (const role of ['command', 'blocking']) {
      const told = worker.named('redis unavailable').filter(({ connection, error }) => connection === role && /WRONGPASS/.test(error));
      assert.equal(told.length, 1, `${role}: ${JSON.stringify(told)}`);
    }
    scene.release('go');
    await untilNotes(scene, 2);
    await asUser(scene, 'open-sesame');
    await assertDoneOnce(scene, job, 'once');
    assert.ok(!worker.stderr().includes('open-sesame'));
  });
});

describe('restarts', { concurrency: 4 }, () => {
  for (const [what, whileDown] of [['goes on', () => {}], ['ends', (scene) => scene.release('go')]]) {
    test(`Redis restarts while a job runs, which ${what} meanwhile: it is done once`, async (t) => {
      const scene = await openSceneWithServer(t);
      const { worker, job } = await startPatient(scene);
      await scene.server.restart({ whileDown: async () => {
        whileDown(scene);
        await untilUnavailable(worker, /./);
      } });
      await worker.waitForEvent('redis available', ({ connection }) => connection === 'command');
      scene.release('go');
      await assertDoneOnce(scene, job, 'once');
    });
  }

  test('Redis is away for longer than a lock lives, in the middle of a job: it is done once', async (t) => {
    const scene = await openSceneWithServer(t);
    const { job } = await startPatient(scene);
    await away(scene, awayMs);
    await eventually(async () => (await scene.client.pttl(`bull:backup:${job.id}:lock`)) > 0, { what: 'the lock to be taken again' });
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    assert.deepEqual(scene.notes(), ['ran', 'ended']);
  });

  test('Redis is away that long beside an idle Node worker: the job is still ours, and done once', async (t) => {
    const scene = await openSceneWithServer(t);
    const { job } = await startPatient(scene);
    const theirs = openNodeWorker(newest, scene.redis, async () => 'theirs');
    await theirs.waitUntilReady();
    await away(scene, awayMs);
    await eventually(async () => (await scene.queue.getWorkers()).length === 2, { timeout: 20_000, what: 'the Node worker to be back, too' });
    await eventually(async () => (await scene.client.pttl(`bull:backup:${job.id}:lock`)) > 0, { what: 'the lock to be taken again' });
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    await theirs.close(true);
  });

  test('Redis comes back after it has forgotten the lock: it is taken again, and the job is done once', async (t) => {
    const scene = await openSceneWithServer(t);
    const { job } = await startPatient(scene);
    await scene.client.del(`bull:backup:${job.id}:lock`);
    await scene.server.restart({ signal: 'SIGKILL' });
    await eventually(async () => (await scene.client.pttl(`bull:backup:${job.id}:lock`)) > 0, { what: 'the lock to be taken again' });
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
  });

  test('an outcome is kept for as long as Redis is away, and written then, though its lock has expired', async (t) => {
    const scene = await openSceneWithServer(t);
    const { worker, job } = await startPatient(scene);
    await away(scene, awayMs, () => scene.release('go'));
    await assertDoneOnce(scene, job, 'once');
    assert.equal(worker.named('job completed').length, 1);
    await assertAtWork(scene);
  });

  test('an outcome is not written when another worker has the job by then', async (t) => {
    const scene = await openSceneWithServer(t, { proxy: true });
    const worker = await scene.start({ program: patient });
    const job = await scene.queue.add('work', {});
    await untilNotes(scene);
    scene.proxy.refuse(true);
    scene.proxy.cut();
    await scene.start({ program: shell(`note second; await later; ${completed('second')}`), env: { REDIS_URL: scene.redis.url } });
    await untilNotes(scene, 2);
    scene.release('go');
    await worker.waitForEvent('job completed');
    scene.proxy.refuse(false);
    await worker.waitForEvent('outcome not written', ({ reason }) => /held by another worker/.test(reason));
    scene.release('later');
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
  });
});

/* Redis dies and is away for that long. */
async function away(scene, ms, meanwhile = () => {}) {
  await scene.server.restart({ signal: 'SIGKILL', whileDown: async () => {
    const start = Date.now();
    await meanwhile();
    await eventually(() => Date.now() - start >= ms, { timeout: ms + 5000, what: `${ms} ms to pass` });
  } });
}

describe('states', { concurrency: 4 }, () => {
  test('Redis loads its data: it is waited for', async (t) => {
    const scene = await openSceneWithServer(t, { extraArgs: ['key-load-delay 500', 'loading-process-events-interval-bytes 1024'] });
    const { worker, job } = await startPatient(scene);
    const filling = scene.client.pipeline();
    for (let i = 0; i < 4000; i++) filling.set(`filling:${i}`, i);
    await filling.exec();
    await scene.server.restart();
    assert.ok(worker.named('redis unavailable').some(({ error }) => error === 'Redis is loading its data'), worker.stderr());
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
  });

  test('Redis becomes a read-only replica and a master again: the job is done once', async (t) => {
    const scene = await openSceneWithServer(t);
    const { worker, job } = await startPatient(scene, { args: ['--concurrency', '2'] });
    await untilBlocked(scene); // for a second job
    await scene.client.call('REPLICAOF', '127.0.0.1', '1');
    for (const role of ['command', 'blocking']) {
      await untilUnavailable(worker, /^this Redis is a read-only replica: /, { role });
    }
    scene.release('go');
    await untilNotes(scene, 2);
    await scene.client.call('REPLICAOF', 'NO', 'ONE');
    await assertDoneOnce(scene, job, 'once');
    await assertAtWork(scene);
  });

  test('the master dies and its replica takes over behind the same address: the job is done once', async (t) => {
    const scene = await openSceneWithServer(t, { proxy: true, extraArgs: ['repl-diskless-sync-delay 0'] });
    const number = scene.redis.connection().db;
    const replica = await startRedis({ extraArgs: [`replicaof 127.0.0.1 ${scene.server.port}`] });
    t.after(() => replica.stop());
    const { worker, job } = await startPatient(scene);
    await eventually(async () => (await scene.client.wait(1, 1000)) === 1, { what: 'the replica to have it all' });
    await closeAll(scene.queue, scene.events); // which cannot be closed without it
    await scene.server.stop('SIGKILL');
    scene.proxy.turnTo(replica);
    await untilUnavailable(worker, /^this Redis is a read-only replica: /);
    scene.release('go');
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    const view = replica.database(number);
    const queue = openQueue(newest, view);
    t.after(() => closeAll(queue));
    await assertDoneOnce({ queue, client: view.client() }, job, 'once');
    await assertAtWork({ queue });
  });

  test('a script that blocks Redis for everybody is waited for, and nothing that the job reports is lost', async (t) => {
    const scene = await openSceneWithServer(t, { extraArgs: ['busy-reply-threshold 100'] });
    const worker = await scene.start({
      program: shell(`case $job in *'"name":"work"'*) note ran; await busy; say '{"type":"add","name":"child","data":{},"opts":{"jobId":"child-1"}}'; say '{"type":"log","text":"a row"}'; ${completed('once')} ;; *) ${completed('next')} ;; esac`),
    });
    const job = await scene.queue.add('work', {});
    await untilNotes(scene);
    const other = scene.redis.client();
    const blocked = other.eval('while true do end', 0).catch((error) => error.message);
    await untilUnavailable(worker, /\bBUSY /);
    scene.release('busy');
    await worker.waitForEvent('job completed');
    await scene.redis.cli('SCRIPT', 'KILL');
    assert.match(await blocked, /Script killed/);
    await assertDoneOnce(scene, job, 'once');
    await untilState(scene.queue, 'child-1', 'completed');
    assert.deepEqual((await scene.queue.getJobLogs(job.id)).logs, ['a row']);
  });

  test('Redis forgets our scripts while a job runs: they are told again', async (t) => {
    const scene = await openSceneWithServer(t);
    const { worker, job } = await startPatient(scene);
    await scene.client.script('FLUSH');
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    await assertAtWork(scene);
    assert.deepEqual(worker.events.filter(({ level }) => level !== 'info'), []);
  });

  test('a maxmemory-policy that may evict jobs is warned of', async (t) => {
    const scene = await openSceneWithServer(t);
    await scene.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const worker = await scene.start({ program: patient });
    const event = await worker.waitForEvent('redis may evict keys');
    assert.equal(event.level, 'warn');
    assert.equal(event.maxmemoryPolicy, 'allkeys-lru');
    await assertAtWork(scene);
  });

  test('a Redis older than 5.0 is refused with advice; older than 6.2, warned of', async (t) => {
    const scene = await openSceneWithServer(t, { proxy: true });
    let version = '4.0.14';
    void scene.proxy.meddle(({ words }) => words[0] === 'INFO', ({ reply }) => {
      const text = reply.toString().replace(/^\$\d+\r\n/, '').slice(0, -2).replace(/redis_version:[\d.]+/, `redis_version:${version}`);
      return Buffer.from(`$${Buffer.byteLength(text)}\r\n${text}\r\n`);
    }, { times: Infinity });
    const worker = await scene.start({ program: patient });
    await untilUnavailable(worker, /^this Redis is 4\.0\.14, but BullMQ needs 5\.0\.0 at least: upgrade it$/);
    const job = await scene.queue.add('next', {});
    version = '6.0.16';
    const event = await worker.waitForEvent('redis is old');
    assert.equal(event.level, 'warn');
    assert.equal(event.version, '6.0.16');
    await assertDoneOnce(scene, job, 'next');
  });
});
