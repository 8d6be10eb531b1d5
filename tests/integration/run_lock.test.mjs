/* The `run` job among others: the backup lock, and the lock of its job. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventsOf, runNow, scheduledRun, untilState, versions } from './support/bullmq.mjs';
import { untilGone } from './support/processes.mjs';
import { assertSucceeded, untilNoSessions, useServers } from './support/runs.mjs';
import { insertConfig, insertRun, readAudit, readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

const handedBack = 'interrupted: the worker was stopped, the job went back to the queue';
const abandoned = 'interrupted: the worker died during the backup';

const { open } = useServers();

/* These mostly wait: for the lock of the database or for that of a job. At the same time, therefore. */
describe('the backup lock', { concurrency: 4 }, () => {
  async function assertConcurrent(scene, { configId, runId, job }) {
    const failed = await untilState(scene.queue, job, 'failed');
    assert.equal(failed.failedReason, 'concurrent');
    assert.equal(failed.attemptsMade, 1, 'it is not tried again');
    const row = await readRun(scene.sql, runId);
    assert.equal(row.status, 'failed');
    assert.equal(row.error, 'concurrent');
    assert.equal(row.dump_path, null);
    const audit = await readAudit(scene.sql, runId);
    assert.deepEqual(audit.map(({ action, after }) => ({ action, after })),
      [{ action: 'backup.run.failed', after: { configId, error: 'Another backup is already running for this instance.' } }]);
  }

  test("held by a Node worker's session: `concurrent`, and not tried again", async (t) => {
    const scene = await open(t);
    const giveBack = await scene.takeBackupLock('');
    const worker = await scene.start();
    const ids = await scene.runNow({ options: { attempts: 3 } });
    await assertConcurrent(scene, ids);
    assert.deepEqual(scene.files(), []);
    const event = worker.named('concurrent')[0];
    assert.ok(event.holder > 0 && event.application === '' && event.ageSeconds >= 0, JSON.stringify(event));
    await giveBack();
    await assertSucceeded(scene, await scene.runNow({ configId: ids.configId }));
  });

  test('held by a live run of ours: the second is `concurrent`, the first succeeds', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ args: ['--concurrency', '2'] });
    const release = await scene.holdDumps();
    const first = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    const second = await scene.runNow({ configId: first.configId, options: { attempts: 3 } });
    await assertConcurrent(scene, second);
    assert.equal(worker.named('concurrent')[0].application, 'weavestream-backup run');
    await release();
    await assertSucceeded(scene, first);
    assert.equal(scene.dumps().length, 1);
  });

  for (const application of ['weavestream-backup prune', 'weavestream-backup recover']) {
    test(`held by a session named \`${application}\`: the run waits and succeeds`, async (t) => {
      const scene = await open(t);
      const giveBack = await scene.takeBackupLock(application);
      const worker = await scene.start();
      const ids = await scene.runNow();
      await worker.waitForEvent('waiting for the backup lock', (event) => event.application === application);
      const since = Date.now();
      await eventually(() => Date.now() - since > 4500, { what: 'longer than a stranger would be waited for' });
      assert.equal(await ids.job.getState(), 'active');
      await giveBack();
      await assertSucceeded(scene, ids);
    });
  }

  test('held by a stranger, but the job was taken before: the run waits and succeeds', async (t) => {
    const scene = await open(t);
    const giveBack = await scene.takeBackupLock('weavestream-backup run');
    const ids = await scene.runNow();
    await scene.client.hset(`bull:backup:${ids.job.id}`, 'ats', '1');
    const worker = await scene.start();
    await worker.waitForEvent('waiting for the backup lock');
    const since = Date.now();
    await eventually(() => Date.now() - since > 4500, { what: 'longer than a stranger would be waited for' });
    await giveBack();
    await assertSucceeded(scene, ids);
  });

  test("the job's own lock is renewed across a dump that takes longer than it lives", async (t) => {
    const scene = await open(t);
    await scene.start();
    await scene.start();
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    const { processedOn } = await scene.queue.getJob(ids.job.id);
    await eventually(async () => {
      assert.ok((await scene.client.pttl(`bull:backup:${ids.job.id}:lock`)) > 0, 'the lock is there all the time');
      return Date.now() - processedOn > 8000;
    }, { what: 'the dump to take longer than its lock of 5 s lives', interval: 100 });
    const waits = async () => (await scene.queue.getJob(ids.job.id)).progress?.waitsFor !== undefined;
    await eventually(waits, { what: 'the progress to say for whom it waits', timeout: 20_000 });
    const { waitsFor, ...progress } = (await scene.queue.getJob(ids.job.id)).progress;
    assert.match(waitsFor, /^AccessShareLock on public\.companies, blocked by Postgres process \d+ /);
    assert.deepEqual(progress, { phase: 'dump', bytes: 0 }, 'no percent without a dump to compare with');
    await release();
    await assertSucceeded(scene, ids);
    assert.equal(await scene.client.hget(`bull:backup:${ids.job.id}`, 'ats'), '1');
    assert.deepEqual((await eventsOf(scene.client, ids.job)).map(({ event }) => event).filter((event) => event !== 'progress'),
      ['added', 'waiting', 'active', 'completed']);

    const releaseAgain = await scene.holdDumps();
    const again = await scene.runNow({ configId: ids.configId });
    await eventually(async () => (await scene.queue.getJob(again.job.id)).progress?.percent === 0, { what: 'progress with a percentage' });
    await releaseAgain();
    await assertSucceeded(scene, again);
  });

  for (const [version, bullmq] of Object.entries(versions)) {
    for (const kind of ['manual', 'scheduled']) {
      test(`bullmq ${version}: SIGTERM in the middle of a ${kind} dump leaves nothing behind, and a second worker completes the job`, async (t) => {
        const scene = await open(t, { bullmq });
        const first = await scene.start();
        const release = await scene.holdDumps();
        const configId = await insertConfig(scene.sql);
        const given = kind === 'manual' ? await insertRun(scene.sql, { config_id: configId }) : null;
        const job = given === null ? await scheduledRun(scene.queue, { configId }) : await runNow(scene.queue, { configId, backupRunId: given });
        await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
        assert.equal(scene.files().length, 1, 'there is a temporary file');
        const processes = first.descendants();
        assert.ok(processes.some(({ cmdline }) => /pg_dump/.test(cmdline)));

        const { code, seconds } = await first.stop('SIGTERM');
        assert.equal(code, 0);
        assert.ok(seconds < 6, `gone after ${seconds} s`);
        await untilGone(processes);
        assert.deepEqual(scene.files(), [], 'no temporary file is left');
        assert.equal(await job.getState(), 'waiting');
        assert.equal(await scene.client.exists(`bull:backup:${job.id}:lock`), 0);
        assert.equal((await scene.queue.getJob(job.id)).attemptsMade, 0);
        await untilNoSessions(scene);
        const [row] = await scene.rows();
        if (given === null) {
          assert.equal(row.status, 'failed');
          assert.equal(row.error, handedBack);
          assert.deepEqual((await readAudit(scene.sql, row.id)).map(({ action, after }) => ({ action, after })),
            [{ action: 'backup.run.failed', after: { configId, error: handedBack } }]);
        } else {
          assert.equal(row.status, 'queued');
          for (const column of ['started_at', 'finished_at', 'error', 'dump_path']) assert.equal(row[column], null, column);
          assert.deepEqual(await readAudit(scene.sql, row.id), []);
        }

        await release();
        await scene.start();
        const done = await untilState(scene.queue, job, 'completed');
        await assertSucceeded(scene, { configId, runId: done.returnvalue.backupRunId, job });
        const rows = await scene.rows();
        assert.deepEqual(rows.map(({ status }) => status).sort(), given === null ? ['failed', 'success'] : ['success']);
        if (given !== null) assert.equal(done.returnvalue.backupRunId, given);
        assert.ok(!rows.some(({ error }) => error === 'concurrent'));
        assert.equal(scene.dumps().length, 1);
      });
    }
  }

  for (const kind of ['manual', 'scheduled']) {
    for (const victims of ['the worker alone', 'the worker and its job process']) {
      test(`SIGKILL of ${victims} in the middle of a ${kind} dump: a second worker completes the job without a false \`concurrent\``, async (t) => {
        const scene = await open(t);
        const first = await scene.start();
        const release = await scene.holdDumps();
        const configId = await insertConfig(scene.sql);
        const given = kind === 'manual' ? await insertRun(scene.sql, { config_id: configId }) : null;
        const job = given === null ? await scheduledRun(scene.queue, { configId }) : await runNow(scene.queue, { configId, backupRunId: given });
        await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
        const [{ id: deadRow }] = await scene.rows();
        const second = await scene.start();
        await second.waitForEvent('worker ready');
        const processes = first.descendants();
        const jobProcess = processes.find(({ ppid }) => ppid === first.pid);
        assert.ok(processes.length >= 2);

        const killed = Date.now();
        if (victims.includes('job process')) process.kill(jobProcess.pid, 'SIGSTOP'); // or the worker's death would let it tidy up
        first.signal('SIGKILL');
        if (victims.includes('job process')) {
          process.kill(jobProcess.pid, 'SIGKILL');
          await untilGone(processes);
          assert.equal(scene.files().length, 1, 'its temporary file is left');
          assert.equal((await readRun(scene.sql, deadRow)).status, 'running', 'its row is left');
        }
        await first.kill();
        await untilGone(processes);
        await release();

        const done = await untilState(scene.queue, job, 'completed');
        assert.ok(Date.now() - killed < 5000 + 2 * 1000 + 5000, `done after ${Date.now() - killed} ms`);
        await assertSucceeded(scene, { configId, runId: done.returnvalue.backupRunId, job });
        assert.equal(done.attemptsMade, 1);
        const rows = await scene.rows();
        if (given !== null) assert.deepEqual(rows.map(({ id, status }) => ({ id, status })), [{ id: given, status: 'success' }]);
        else {
          assert.equal(rows.length, 2);
          assert.equal((await readRun(scene.sql, deadRow)).status, 'failed');
          assert.equal((await readRun(scene.sql, deadRow)).error, victims.includes('job process') ? abandoned : handedBack);
          assert.deepEqual((await readAudit(scene.sql, deadRow)).map(({ action }) => action), ['backup.run.failed']);
        }
        assert.ok(!rows.some(({ error }) => error === 'concurrent'));
        assert.equal(scene.files().length, 2, 'the dump and its manifest, and nothing else');
      });
    }
  }
});
