/* The worker and its connections to Redis: how it gets one, what it does without, what becomes of its locks and jobs, and how it ends. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { closeAll, eventsOf, openQueue, untilState, versions } from './support/bullmq.mjs';
import { untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { assertNotHeld, completed, isBlocked, openScene, shell } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';
import { run, startWorker } from './support/worker.mjs';

const newest = versions['6.7.0'];
const oddPassword = 'p@ss:w/ord%\'\\ "1"#?&é';

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

const open = (t, bullmq = newest) => openScene(t, { redis, bullmq });

describe('connections', () => {
  const echo = shell(completed('here'));

  async function completesAJob(t, server, { env = {}, connection = server.connection() } = {}) {
    const worker = await startWorker({ args: ['--', ...echo], env: { REDIS_URL: server.url, ...env } });
    t.after(() => worker.stop());
    const queue = openQueue(newest, server, { connection });
    t.after(() => closeAll(queue));
    await worker.waitForEvent('worker ready');
    const job = await untilState(queue, await queue.add('work', {}), 'completed');
    assert.equal(job.returnvalue, 'here');
    return worker;
  }

  async function isRefused(t, server, env, reason) {
    const queue = openQueue(newest, server);
    t.after(() => closeAll(queue));
    const job = await queue.add('work', {});
    const worker = await startWorker({ args: ['--', ...echo], env });
    t.after(() => worker.stop());
    const event = await worker.waitForEvent('redis unavailable');
    assert.match(event.error, reason);
    await worker.waitForEvent('redis unavailable', ({ connection }) => connection !== event.connection);
    assert.equal(worker.named('worker ready').length, 0);
    assert.equal(await queue.getJobState(job.id), 'waiting');
    assert.ok(!worker.stderr().includes(oddPassword) && !worker.stderr().includes(encodeURIComponent(oddPassword)));
    await queue.remove(job.id);
    return worker;
  }

  describe('with TLS and a password', () => {
    let secure;
    before(async () => {
      secure = await startRedis({ tls: true, password: oddPassword, extraArgs: ['bind 127.0.0.1 127.0.0.2'] });
    });
    after(() => secure.stop());

    test('Redis is trusted by REDIS_TLS_CA', (t) => completesAJob(t, secure, { env: { REDIS_TLS_CA: secure.caFile } }));
    test('Redis is trusted by NODE_EXTRA_CA_CERTS', (t) => completesAJob(t, secure, { env: { NODE_EXTRA_CA_CERTS: secure.caFile } }));
    test('Redis is refused without its CA', (t) =>
      isRefused(t, secure, { REDIS_URL: secure.url }, /the server's certificate is not accepted: .*self.signed|unable to get/));
    test('Redis is refused when the certificate is for another host', (t) =>
      isRefused(t, secure, { REDIS_URL: secure.url.replace('127.0.0.1', '127.0.0.2'), REDIS_TLS_CA: secure.caFile }, /certificate is not accepted: IP address mismatch/));
    test('Redis is refused when it is asked without TLS', (t) =>
      isRefused(t, secure, { REDIS_URL: secure.url.replace('rediss:', 'redis:') }, /./));
    test('a CA file that cannot be read is a wrong setting', async () => {
      const { code, stderr } = await run(['worker', '--', 'true'], { env: { REDIS_URL: secure.url, REDIS_TLS_CA: '/nowhere/ca.crt' } });
      assert.equal(code, 78);
      assert.match(stderr, /^weavestream-backup worker: REDIS_TLS_CA: no certificates can be read from '\/nowhere\/ca\.crt': .+\n$/);
    });
  });

  test('a unix socket with a password and a database number', async (t) => {
    const local = await startRedis({ unixSocket: true, password: oddPassword });
    t.after(() => local.stop());
    await completesAJob(t, local.database(3));
    assert.equal(await local.cli('DBSIZE'), '0', 'nothing is in database 0');
  });

  test('an ACL user whose password must be escaped', async (t) => {
    const strict = await startRedis({ user: 'worker', password: oddPassword });
    t.after(() => strict.stop());
    const worker = await completesAJob(t, strict);
    assert.ok(!worker.stderr().includes(oddPassword) && !worker.stderr().includes(encodeURIComponent(oddPassword)));
  });

  test('a database number: the job is done there, and nothing is left in database 0', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    await completesAJob(t, server.database(5));
    assert.equal(await server.cli('DBSIZE'), '0');
  });

  test('a host name', (t) => completesAJob(t, redis.database(99), { env: { REDIS_URL: `redis://localhost:${redis.port}/99` } }));

  if (Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1')) {
    test('an IPv6 address', async (t) => {
      const server = await startRedis({ extraArgs: ['bind 127.0.0.1 ::1'] });
      t.after(() => server.stop());
      await completesAJob(t, server, { env: { REDIS_URL: `redis://[::1]:${server.port}` } });
    });
  }

  test('a wrong password is told, and tried until it is right', async (t) => {
    const server = await startRedis({ password: 'right' });
    t.after(() => server.stop());
    const worker = await isRefused(t, server, { REDIS_URL: `redis://:${encodeURIComponent(oddPassword)}@127.0.0.1:${server.port}` }, /WRONGPASS/);
    await server.client().config('SET', 'requirepass', oddPassword);
    await worker.waitForEvent('worker ready');
  });

  test('"worker ready" says that it is blocked on the queue', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: echo });
    const event = await worker.waitForEvent('worker ready');
    assert.equal(event.queue, 'backup');
    assert.equal(event.prefix, 'bull');
    // It is told as the command is sent; Redis may be an instant behind.
    const line = await eventually(() => isBlocked(scene), { what: 'a client that is blocked on the queue' });
    assert.ok(line.includes(` name=bull:${Buffer.from('backup').toString('base64')} `), line);
  });

  for (const wipe of [false, true]) {
    test(`a restart of Redis while idle${wipe ? ', which comes back empty' : ''}: the worker is there again and takes the next job`, async (t) => {
      const server = await startRedis();
      t.after(() => server.stop());
      const worker = await completesAJob(t, server);
      const from = worker.events.length;
      await server.restart({ wipe, signal: wipe ? 'SIGKILL' : 'SIGTERM', whileDown: () => worker.waitForEvent('redis unavailable', () => true, { from }) });
      await worker.waitForEvent('worker ready', () => true, { from });
      const queue = openQueue(newest, server);
      t.after(() => closeAll(queue));
      assert.equal((await untilState(queue, await queue.add('work', {}), 'completed')).returnvalue, 'here');
    });
  }

  test('a job that ends while Redis is away is completed when it is back', async (t) => {
    const server = await startRedis();
    const scene = await openScene(t, { redis: server, bullmq: newest });
    t.after(() => server.stop()); // after the scene's queue, which cannot be closed without it
    const worker = await scene.start({ program: shell(`note ran; await go; say '{"type":"log","text":"while away"}'; ${completed('kept')}; note ended`) });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    await server.restart({
      whileDown: async () => {
        scene.release('go');
        await eventually(() => scene.notes().length === 2, { what: 'the job to end' });
        await eventually(() => worker.descendants().length === 0, { what: 'its process to be gone' });
      },
    });
    const after = await untilState(scene.queue, job, 'completed');
    assert.equal(after.returnvalue, 'kept');
    assert.deepEqual((await scene.queue.getJobLogs(job.id)).logs, ['while away']);
    assert.deepEqual(scene.notes(), ['ran', 'ended'], 'it ran once');
  });
});

/* These mostly wait for locks: at the same time. */
describe('locks', { concurrency: true }, () => {
  test('a lock is renewed for as long as the job runs, so that no other worker takes it', async (t) => {
    const scene = await open(t);
    const program = shell(`note ran; await go; ${completed('once')}`);
    const workers = [await scene.start({ program }), await scene.start({ program })];
    for (const worker of workers) await worker.waitForEvent('worker ready');
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    const { processedOn } = await scene.queue.getJob(job.id);
    await eventually(async () => {
      assert.ok((await scene.client.pttl(`bull:backup:${job.id}:lock`)) > 0, 'the lock is there all the time');
      return Date.now() - processedOn > 8000;
    }, { what: 'the job to run longer than its lock of 5 s lives', interval: 100 });
    scene.release('go');
    const after = await untilState(scene.queue, job, 'completed');
    assert.equal(after.returnvalue, 'once');
    assert.deepEqual(scene.notes(), ['ran']);
    assert.equal(await scene.client.hget(`bull:backup:${job.id}`, 'ats'), '1');
    assert.deepEqual((await eventsOf(scene.client, job)).map(({ event }) => event), ['added', 'waiting', 'active', 'completed']);
  });

  test('a worker that is killed: its job process dies, and a second worker completes the job soon after the lock has expired', async (t) => {
    const scene = await open(t);
    const first = await scene.start({ program: shell('note first; await never') });
    const job = await scene.queue.add('work', {}, { attempts: 2 });
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    const second = await scene.start({ program: shell(`note second; ${completed('second')}`) });
    await second.waitForEvent('worker ready');
    const processes = first.descendants();
    assert.ok(processes.length > 0);
    const killed = Date.now();
    await first.kill();
    await untilGone(processes);
    const after = await untilState(scene.queue, job, 'completed');
    assert.ok(Date.now() - killed < 5000 + 2 * 1000 + 3000, `taken over after ${Date.now() - killed} ms`);
    assert.equal(after.returnvalue, 'second');
    assert.equal(after.attemptsMade, 1, 'no attempt was used up by the death');
    assert.deepEqual(scene.notes(), ['first', 'second']);
    assert.equal(second.named('stalled job put back').length, 1);
    assert.deepEqual((await eventsOf(scene.client, job)).map(({ event }) => event), ['added', 'waiting', 'active', 'waiting', 'stalled', 'active', 'completed']);
  });

  test('a second signal ends the worker now; another one takes the job over', async (t) => {
    const scene = await open(t);
    const first = await scene.start({ program: shell('note first; await never'), env: { BACKUP_SHUTDOWN_SECONDS: '600' } });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    first.signal('SIGTERM');
    await first.waitForEvent('worker closing');
    const processes = first.descendants();
    const { code, seconds } = await first.stop('SIGINT');
    assert.notEqual(code, 0);
    assert.ok(seconds < 1, `gone after ${seconds} s`);
    await untilGone(processes);
    await scene.start({ program: shell(completed('second')) });
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
  });

  test('a job that was taken from its worker is stopped there, and only the new outcome counts', async (t) => {
    const scene = await open(t);
    const first = await scene.start({ program: shell(`note first; await go; ${completed('first')}`) });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    first.signal('SIGSTOP'); // as a machine that sleeps
    await scene.start({ program: shell(`note second; await go; ${completed('second')}`) });
    await eventually(() => scene.notes().length === 2, { timeout: 20_000, what: 'the second worker to have the job' });
    first.signal('SIGCONT');
    await first.waitForEvent('lock lost', (event) => event.job === job.id);
    await eventually(() => first.descendants().length === 0, { what: 'the first process to be gone' });
    assert.equal(await job.getState(), 'active');
    scene.release('go');
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
  });

  test('SIGTERM while Redis is away: gone in time, with status 1, and the job is taken over once Redis is back', async (t) => {
    const server = await startRedis();
    const scene = await openScene(t, { redis: server, bullmq: newest });
    t.after(() => server.stop()); // after the scene's queue, which cannot be closed without it
    const worker = await scene.start({ program: shell('note ran; await never'), env: { BACKUP_SHUTDOWN_SECONDS: '1' } });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    const processes = worker.descendants();
    await server.restart({
      whileDown: async () => {
        const { code, seconds } = await worker.stop();
        assert.equal(code, 1);
        assert.ok(seconds < 2, `gone after ${seconds} s`);
        await untilGone(processes);
      },
    });
    await scene.start({ program: shell(completed('second')) });
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
  });
});

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} while idle ends the worker at once, and what is added then stays for the next one`, async (t) => {
      const scene = await open(t);
      const first = await scene.start({ program: shell(completed('first')) });
      await first.waitForEvent('worker ready');
      const { code, seconds } = await first.stop(signal);
      assert.equal(code, 0);
      assert.ok(seconds < 1, `gone after ${seconds} s`);
      const job = await scene.queue.add('work', {});
      await scene.start({ program: shell(completed('second')) });
      assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
    });
  }

  test('SIGTERM before Redis was ever reached ends the worker at once', async () => {
    const worker = await startWorker({ args: ['--', 'true'], env: { REDIS_URL: 'redis://127.0.0.1:1' } });
    await worker.waitForEvent('redis unavailable');
    const { code, seconds } = await worker.stop();
    assert.equal(code, 0);
    assert.ok(seconds < 1, `gone after ${seconds} s`);
  });

  test('a running job may end within the grace time: it is completed, and no other is taken', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: shell(`trap 'note stopped' TERM; note ran; await go; ${completed('in time')}`), env: { BACKUP_SHUTDOWN_SECONDS: '20' } });
    const job = await scene.queue.add('work', {});
    const next = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    worker.signal('SIGTERM');
    await worker.waitForEvent('worker closing');
    scene.release('go');
    const { code } = await worker.ended;
    assert.equal(code, 0);
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'in time');
    assert.equal(await next.getState(), 'waiting');
    assert.deepEqual(scene.notes(), ['ran'], 'it was not even asked to stop');
  });

  test('a `completed` that crosses SIGTERM wins', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({
      program: shell(`trap '${completed('all the same').replaceAll("'", `'"'"'`)}; exit 0' TERM; note ran; while :; do sleep 0.05; done`),
      env: { BACKUP_SHUTDOWN_SECONDS: '1' },
    });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    const { code, seconds } = await worker.stop();
    assert.equal(code, 0);
    assert.ok(seconds < 2);
    const after = await untilState(scene.queue, job, 'completed');
    assert.equal(after.returnvalue, 'all the same');
    assert.equal(after.attemptsMade, 1);
    await assertNotHeld(scene, job);
  });

  test('a program that hands its job back when it is stopped leaves it to the next worker', async (t) => {
    const scene = await open(t);
    const polite = shell(`trap 'say "{\\"type\\":\\"interrupted\\",\\"reason\\":\\"stopped\\"}"; exit 0' TERM; note ran; while :; do sleep 0.05; done`);
    const worker = await scene.start({ program: polite, env: { BACKUP_SHUTDOWN_SECONDS: '1' } });
    const job = await scene.queue.add('work', {});
    await eventually(() => scene.notes().length === 1, { what: 'the job to run' });
    const { code } = await worker.stop();
    assert.equal(code, 0);
    assert.equal(await job.getState(), 'waiting');
    await assertNotHeld(scene, job);
    await scene.start({ program: shell(completed('next')) });
    assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'next');
  });

});
