/* The harness itself: that what the other tests lean on holds. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, openNodeWorker, openQueue, openQueueEvents, prune, runNow, schedule, scheduledRun, untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { cpuSeconds, descendants, isAlive, memoryOfTree, processesOf, residentBytes, untilGone, usageOfTree } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { runFolder, runProcess, startProcess, temporaryFolder } from './support/run_folder.mjs';
import { createSchema, insertConfig, insertRun, readConfig, readRun, rowCounts, sampleData } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';
import { startWorker } from './support/worker.mjs';

const oddPassword = 'p@ss:w/ord% "1"\\';

describe('redis', () => {
  for (const [name, options] of Object.entries({
    'plain': {},
    'with a password': { password: oddPassword },
    'with TLS and an ACL user': { tls: true, user: 'worker', password: oddPassword },
    'over a unix socket': { unixSocket: true, password: oddPassword },
  })) {
    test(`answers ${name}`, async () => {
      const redis = await startRedis(options);
      try {
        assert.equal(await redis.client().set('key', 'value'), 'OK');
        assert.equal(await redis.cli('GET', 'key'), 'value');
        assert.ok(isAlive(redis.pid));
      } finally {
        await redis.stop();
      }
      assert.ok(!isAlive(redis.pid));
    });
  }

  test('keeps its data and its port over a restart, and loses the data in a wipe', async () => {
    const redis = await startRedis();
    try {
      const { port } = redis;
      const client = redis.client();
      await client.set('key', 'value');
      await redis.restart();
      assert.equal(redis.port, port);
      assert.equal(await client.get('key'), 'value');
      await redis.restart({ wipe: true, signal: 'SIGKILL' });
      assert.equal(await client.get('key'), null);
    } finally {
      await redis.stop();
    }
  });

  test('hangs while paused', async () => {
    const redis = await startRedis();
    try {
      const client = redis.client({ commandTimeout: 200 });
      await client.ping();
      redis.pause();
      await assert.rejects(client.ping(), /timed out/);
      redis.resume();
      await eventually(() => client.ping(), { what: 'Redis to answer again' });
    } finally {
      await redis.stop();
    }
  });
});

describe('postgres', () => {
  let postgres;
  let client;
  before(async () => {
    postgres = await startPostgres();
    client = await postgres.client();
    await createSchema(client);
  });
  after(() => postgres.stop());

  test('starts within a second once its template is there', async () => {
    const start = performance.now();
    const second = await startPostgres({ extraConf: ['max_connections = 7'] });
    const seconds = (performance.now() - start) / 1000;
    try {
      assert.equal(await second.psql('SHOW max_connections'), '7');
      assert.ok(seconds < 3, `took ${seconds} s`); // generous: the machine may be busy
    } finally {
      await second.stop();
    }
  });

  test('has a Prisma URL with an escaped password', () => {
    const url = new URL(postgres.url);
    assert.equal(decodeURIComponent(url.password), postgres.password);
    assert.equal(url.search, '?schema=public&connection_limit=5');
  });

  test('keeps its rows over a crash', async () => {
    const other = await startPostgres();
    try {
      const { port } = other;
      await other.psql('CREATE TABLE t (n int); INSERT INTO t VALUES (7)');
      await other.restart('immediate');
      assert.equal(other.port, port);
      assert.equal(await other.psql('SELECT n FROM t'), '7');
    } finally {
      await other.stop();
    }
  });

  test('refuses to change the audit log', async () => {
    await client.query(`INSERT INTO audit_log (id, action, entity_type) VALUES (gen_random_uuid(), 'x', 'y')`);
    await assert.rejects(client.query(`UPDATE audit_log SET action = 'z'`), /append-only: UPDATE refused/);
    await assert.rejects(client.query('DELETE FROM audit_log'), /append-only: DELETE refused/);
  });

  test('has rows as the API writes them', async () => {
    const startedAt = new Date('2026-01-02T03:04:05.678Z');
    const configId = await insertConfig(client, { notify_emails: ['a@example.org'], retention: { keepLast: 1 } });
    const runId = await insertRun(client, { config_id: configId, started_at: startedAt, size_bytes: 5_000_000_000 });
    const run = await readRun(client, runId);
    assert.equal(run.status, 'queued');
    assert.equal(run.kind, 'MANUAL');
    assert.deepEqual(run.started_at, startedAt);
    assert.equal(run.size_bytes, 5_000_000_000);
    assert.ok(Math.abs(run.created_at - Date.now()) < 60_000, 'created_at is UTC');
    assert.deepEqual((await readConfig(client, configId)).retention, { keepLast: 1 });
  });

  test('sample data survives a dump and a restore', async () => {
    await sampleData(client, 3);
    const before = await rowCounts(client);
    assert.ok(before['public.documents'] > 300);
    assert.equal(before['large objects'], 2);
    const file = join(temporaryFolder('dump'), 'sample.dump');
    await runProcess('pg_dump', ['--format=custom', '--no-owner', '--no-acl', '--file', file, '-d', 'weavestream'], { env: postgres.environment });
    const restored = await postgres.restore(file, 'restored');
    assert.deepEqual(await rowCounts(restored), before);
  });

  test('offers TLS when asked to', async () => {
    const secure = await startPostgres({ tls: true });
    try {
      const { stdout } = await runProcess('psql', ['-XAtc', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', '-d', 'weavestream'],
        { env: { ...secure.environment, PGSSLMODE: 'verify-full', PGSSLROOTCERT: secure.caFile } });
      assert.equal(stdout, 't\n');
    } finally {
      await secure.stop();
    }
  });
});

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, () => {
    let redis;
    let queue;
    let events;
    let worker;
    before(async () => {
      redis = await startRedis({ password: oddPassword });
      queue = openQueue(bullmq, redis);
      events = openQueueEvents(bullmq, redis);
      await events.waitUntilReady();
    });
    after(async () => {
      await closeAll(worker, queue, events);
      await redis.stop();
    });

    test('adds jobs as the API does, and its own worker completes them', async () => {
      const ids = { configId: 'c', backupRunId: 'r' };
      const job = await runNow(queue, ids);
      assert.deepEqual(job.data, { kind: 'run', ...ids });
      assert.equal(job.opts.attempts, 1);
      assert.deepEqual(job.opts.removeOnComplete, { age: 86400 });
      const others = [await prune(queue, ids), await scheduledRun(queue, ids)];
      assert.deepEqual(others[1].opts.removeOnComplete, { age: 86400, count: 1000 });
      worker = openNodeWorker(bullmq, redis, async ({ name }) => `did ${name}`);
      assert.equal((await untilState(queue, job, 'completed')).returnvalue, 'did run');
      for (const other of others) await untilState(queue, other, 'completed');
      assert.match(await redis.cli('HGET', 'bull:backup:meta', 'version'), new RegExp(`^bullmq:${version.replaceAll('.', '\\.')}`));
    });

    test('registers a schedule as the API does', async () => {
      await schedule(queue, { id: 'c', cron: '0 3 * * *', timezone: 'Europe/Berlin' });
      const [scheduler] = await queue.getJobSchedulers();
      assert.equal(scheduler.key, 'backup-config-c');
      assert.equal(scheduler.tz, 'Europe/Berlin');
      const [next] = await queue.getDelayed();
      assert.deepEqual(next.data, { kind: 'run', configId: 'c' });
    });

    test('says at once why a job will not get where it is awaited', async () => {
      await worker?.close();
      worker = openNodeWorker(bullmq, redis, async () => {
        throw new Error('on purpose');
      });
      const job = await runNow(queue, { configId: 'c', backupRunId: 'r' });
      await assert.rejects(untilState(queue, job, 'completed'), /is failed, not completed: on purpose/);
    });
  });
}

describe('processes', () => {
  test('finds children of children, and sees when they are gone', async () => {
    const child = await startProcess('sh', ['-c', 'sleep 100 & sleep 100'], { stdio: 'ignore' });
    const below = await eventually(() => (descendants(child.pid).length === 2 ? descendants(child.pid) : null), { what: 'two sleeps' });
    assert.ok(below.every((one) => one.cmdline === 'sleep 100'));
    assert.ok(residentBytes(child.pid) > 0);
    assert.ok(cpuSeconds(child.pid) >= 0);
    for (const one of [child, ...below]) process.kill(one.pid, 'SIGKILL');
    await untilGone([child, ...below]);
  });

  test('adds up what a process and those below it take of memory and of CPU, ended ones too', async () => {
    const work = 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done';
    const child = await startProcess('sh', ['-c', `sleep 100 & sh -c '${work}'; ${work}; sleep 100`], { stdio: 'ignore' });
    const twoSleeps = (all) => all.length === 2 && all.every(({ name }) => name === 'sleep') && all;
    await eventually(() => twoSleeps(descendants(child.pid)), { what: 'both to have worked' });
    const { rss, pss, privateDirty } = memoryOfTree(child.pid);
    assert.ok(rss > residentBytes(child.pid), 'more than its own');
    assert.ok(rss > pss && pss > privateDirty && privateDirty > 0, `${rss} ${pss} ${privateDirty}`);
    const { cpuMs, switches } = usageOfTree(child.pid);
    assert.ok(cpuMs > cpuSeconds(child.pid) * 1000 + 10, `${cpuMs} ms of CPU, more than its own`);
    assert.ok(switches >= 3, 'each was switched to once at least');
    const all = [child, ...descendants(child.pid)];
    for (const { pid } of all) process.kill(pid, 'SIGKILL');
    await untilGone(all);
    await child.ended;
    assert.deepEqual(memoryOfTree(child.pid), { rss: 0, pss: 0, privateDirty: 0 });
    assert.deepEqual(usageOfTree(child.pid), { cpuMs: 0, switches: 0 });
  });

  test('knows what belongs to this run', async () => {
    const child = await startProcess('sleep', ['100'], { stdio: 'ignore', cwd: temporaryFolder() });
    assert.ok(processesOf(runFolder()).some((one) => one.pid === child.pid));
    child.kill('SIGKILL');
    await child.ended;
  });
});

describe('worker', () => {
  /* A stand-in for our program, as a shell script. */
  const program = (script) => {
    const file = join(temporaryFolder('program'), 'program');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  test('is awaited by its events and stopped by a signal', async () => {
    const worker = await startWorker({
      binary: program(`trap 'echo "{\\"event\\":\\"bye\\"}" >&2; exit 3' TERM
        echo no JSON >&2; echo "{\\"event\\":\\"worker ready\\",\\"queue\\":\\"$1 $2 $SECRET\\"}" >&2; while :; do sleep 0.05; done`),
      args: ['--queue'],
      env: { SECRET: 'x' },
    });
    const event = await worker.waitForEvent('worker ready', ({ queue }) => queue === 'worker --queue x');
    assert.equal(event.event, 'worker ready');
    const { code, seconds } = await worker.stop();
    assert.equal(code, 3);
    assert.ok(seconds < 5);
    assert.equal(worker.named('bye').length, 1);
    assert.equal(worker.lines[0], 'no JSON');
    assert.ok(existsSync(runFolder()));
  });

  test('that ends without the awaited event shows its last words', async () => {
    const worker = await startWorker({ binary: program('echo "out of luck" >&2; exit 1') });
    await assert.rejects(worker.waitForEvent('worker ready'), /ended without the event "worker ready":\nout of luck/);
    await worker.kill();
  });

  test('that a sanitizer complains about fails the test', async () => {
    const onStderr = await startWorker({ binary: program('echo "==1==ERROR: AddressSanitizer: heap-use-after-free" >&2') });
    await onStderr.ended;
    await assert.rejects(onStderr.stop(), /a sanitizer spoke up/);
    const inFile = await startWorker({ binary: program('echo leak > "${ASAN_OPTIONS##*log_path=}.123"') });
    await inFile.ended;
    await assert.rejects(inFile.stop(), /a sanitizer spoke up:\nleak/);
  });
});
