/* The ledger program: when it is run, what it is given, and what becomes of what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, openNodeWorker, untilState, versions } from './support/bullmq.mjs';
import { untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene, shell } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';

const newest = versions['6.7.0'];
const done = `say '{"type":"completed"}'`;
const never = { pattern: '17 3 1 1 *', tz: 'Europe/Berlin' };

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

const open = (t, bullmq = newest) => openScene(t, { redis, bullmq });

/* A worker whose ledger keeps each snapshot and goes on with `script`; its jobs are done at once. */
function start(scene, script = done, { args = [], ...options } = {}) {
  const [ledger] = shell(`printf '%s\\n' "$job" >>"$SCENE/snapshots"\n${script}`);
  return scene.start({ program: shell(done), args: ['--ledger', `exec ${ledger}`, ...args], ...options });
}

function snapshots(scene) {
  const text = readFileSync(join(scene.folder, 'snapshots'), 'utf8');
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const untilRuns = (scene, count) => eventually(() => snapshots(scene).length >= count, { what: `${count} runs of the ledger` });

async function firstSnapshot(scene) {
  await untilRuns(scene, 1);
  return snapshots(scene)[0];
}

/* Until the ledger has been asked for by the end of a job, and has run. */
async function runJob(scene) {
  const before = snapshots(scene).length;
  const job = await scene.queue.add('work', {});
  await untilState(scene.queue, job, 'completed');
  await untilRuns(scene, before + 1);
}

describe('what it is given', () => {
  for (const [version, bullmq] of Object.entries(versions)) {
    test(`bullmq ${version}: the queue with its schedulers, and its jobs that are not done or have failed`, async (t) => {
      const scene = await open(t, bullmq);
      const { queue, client } = scene;
      const flow = new bullmq.FlowProducer({ connection: scene.redis.connection() });
      let release;
      const held = new Promise((go) => { release = go; });
      const node = openNodeWorker(bullmq, scene.redis, async ({ name }) => {
        if (name === 'hold') return held;
        throw new Error('no "such" täble');
      });
      await queue.add('fails', { kind: 'run' }, { jobId: 'failed-one' });
      await untilState(queue, 'failed-one', 'failed');
      await queue.add('hold', { kind: 'run', backupRunId: 'x' }, { jobId: 'active-one' });
      await untilState(queue, 'active-one', 'active');
      await queue.pause();
      await queue.upsertJobScheduler('daily', never, { name: 'run', data: { kind: 'run', configId: 'c' } });
      await queue.upsertJobScheduler('gone', never, { name: 'run' });
      const { next } = await queue.getJobScheduler('daily');
      await (await queue.getJob(`repeat:gone:${next}`)).remove().catch(() => client.del(queue.toKey(`repeat:gone:${next}`)));
      await queue.add('waits', { big: 'x'.repeat(70_000) }, { jobId: 'waiting-one' });
      await queue.add('first', {}, { jobId: 'prioritized-one', priority: 3 });
      await queue.add('later', [1.50, 12345678901234567890n.toString()], { jobId: 'delayed-one', delay: 3_600_000 });
      await client.hset(queue.toKey('delayed-one'), 'data', 'no JSON');
      await flow.add({ name: 'parent', queueName: 'backup', data: 7, opts: { jobId: 'parent-one' }, children: [{ name: 'child', queueName: 'other', data: {} }] });
      await start(scene);
      const snapshot = await firstSnapshot(scene);
      release();
      await closeAll(node, flow);

      const { now, jobs, schedulers, ...head } = snapshot;
      assert.ok(Math.abs(Date.now() - now) < 30_000);
      assert.deepEqual(head, { queue: 'backup', prefix: 'bull', version: `bullmq:${version}`, paused: true, complete: true });
      assert.deepEqual(schedulers.map(({ fields, ...rest }) => rest), [
        { id: 'daily', next, job: { id: `repeat:daily:${next}`, state: 'delayed', data: { kind: 'run', configId: 'c' } } },
        { id: 'gone', next, job: null },
      ]);
      assert.deepEqual(schedulers[0].fields, await client.hgetall(queue.toKey('repeat:daily')));
      const waiting = version.startsWith('5') ? 'paused' : 'waiting';
      const expected = {
        'failed-one': { name: 'fails', state: 'failed', data: { kind: 'run' }, failedReason: 'no "such" täble' },
        'active-one': { name: 'hold', state: 'active', data: { kind: 'run', backupRunId: 'x' } },
        'waiting-one': { name: 'waits', state: waiting, data: null },
        'prioritized-one': { name: 'first', state: 'prioritized', data: {} },
        'delayed-one': { name: 'later', state: 'delayed', data: null },
        'parent-one': { name: 'parent', state: 'waiting-children', data: 7 },
        [`repeat:daily:${next}`]: { name: 'run', state: 'delayed', data: { kind: 'run', configId: 'c' } },
      };
      assert.deepEqual(Object.fromEntries(jobs.map(({ id, timestamp, ...rest }) => [id, rest])), expected);
      for (const { id, timestamp } of jobs) assert.equal(`${timestamp}`, await client.hget(queue.toKey(id), 'timestamp'));
    });
  }

  test('an empty queue that nobody has opened', async (t) => {
    const scene = await open(t);
    await start(scene, done, { args: ['--queue', 'nobody', '--prefix', 'odd"prefix'] });
    const { now, ...snapshot } = await firstSnapshot(scene);
    assert.deepEqual(snapshot, { queue: 'nobody', prefix: 'odd"prefix', version: null, paused: false, complete: true, schedulers: [], jobs: [] });
  });

  test('of more than a thousand jobs of a state, a thousand; and that it is not complete', async (t) => {
    const scene = await open(t);
    await scene.queue.pause();
    await scene.queue.addBulk(Array.from({ length: 1001 }, (_, number) => ({ name: 'later', data: { number }, opts: { delay: 3_600_000 } })));
    await start(scene);
    const { complete, jobs } = await firstSnapshot(scene);
    assert.equal(complete, false);
    assert.equal(jobs.length, 1000);
  });

  test('of more than a thousand failed jobs, the latest thousand; and that it is complete', async (t) => {
    const scene = await open(t);
    const pipeline = scene.client.pipeline();
    for (let job = 0; job < 1005; job++) {
      pipeline.hset(scene.queue.toKey(`${job}`), { name: 'run', data: '{}', timestamp: job, failedReason: 'no' });
      pipeline.zadd(scene.queue.toKey('failed'), job, `${job}`);
    }
    await pipeline.exec();
    await start(scene);
    const { complete, jobs } = await firstSnapshot(scene);
    assert.deepEqual([complete, jobs.length, jobs[0].id, jobs.at(-1).id], [true, 1000, '1004', '5']);
  });

  test('of more data than four megabytes, no more; and that it is not complete', async (t) => {
    const scene = await open(t);
    await scene.queue.pause();
    await scene.queue.addBulk(Array.from({ length: 100 }, () => ({ name: 'later', data: 'x'.repeat(60_000), opts: { delay: 3_600_000 } })));
    await start(scene);
    const { complete, jobs } = await firstSnapshot(scene);
    assert.equal(complete, false);
    assert.equal(jobs.length, 100);
    assert.equal(jobs.filter(({ data }) => data !== null).length, Math.floor(4 * 1024 * 1024 / (60_002 + 'later'.length)));
  });
});

describe('when it is run', () => {
  test('at the start, and after each job', async (t) => {
    const scene = await open(t);
    await start(scene);
    await firstSnapshot(scene);
    await runJob(scene);
    await runJob(scene);
    assert.equal(snapshots(scene).length, 3);
  });

  test('once for jobs that end while it runs, and never twice at a time', async (t) => {
    const scene = await open(t);
    await start(scene, `mkdir "$SCENE/running" || note twice; await "go-$(wc -l <"$SCENE/snapshots")"; rmdir "$SCENE/running"; ${done}`);
    await untilRuns(scene, 1);
    for (let jobs = 0; jobs < 5; jobs++) await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    scene.release('go-1');
    await untilRuns(scene, 2);
    scene.release('go-2');
    scene.release('go-3');
    await runJob(scene);
    assert.equal(snapshots(scene).length, 3);
    assert.deepEqual(scene.notes(), []);
  });

  test('again at the time that it says', async (t) => {
    const scene = await open(t);
    await start(scene, `say "{\\"type\\":\\"delay\\",\\"until\\":$(($(date +%s%3N) + 2000))}"`);
    await untilRuns(scene, 3);
    const [first, second, third] = snapshots(scene).map(({ now }) => now);
    assert.ok(second - first >= 1900 && third - second >= 1900, `${second - first} and ${third - second} ms`);
  });

  test('once a second at most, however often it asks', async (t) => {
    const scene = await open(t);
    await start(scene, `say '{"type":"delay","until":0}'`);
    await untilRuns(scene, 3);
    const [first, second, third] = snapshots(scene).map(({ now }) => now);
    assert.ok(second - first >= 990 && third - second >= 990, `${second - first} and ${third - second} ms`);
  });

  for (const [what, options] of [
    ['with an empty command', { args: ['--ledger', ''] }],
    ['for a job program of one\'s own without a ledger', { ledger: true }],
  ]) {
    test(`never ${what}`, async (t) => {
      const scene = await open(t);
      const worker = await scene.start({ program: shell(`note job; ${done}`), ...options });
      await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
      await untilState(scene.queue, await scene.queue.add('work', {}, { delay: 1500 }), 'completed');
      assert.deepEqual(scene.notes(), ['job', 'job']);
      assert.deepEqual(worker.named('ledger failed'), []);
    });
  }
});

describe('what it says', () => {
  test('jobs are added, schedules made and removed, before it is run again', async (t) => {
    const scene = await open(t);
    await scene.queue.upsertJobScheduler('old', never, { name: 'run' });
    await start(scene, `
      say '{"type":"unschedule","id":"old"}'
      say '{"type":"schedule","id":"new","pattern":"17 3 1 1 *","tz":"Etc/UTC","name":"run","data":{"a":1},"opts":{"attempts":2}}'
      say '{"type":"add","name":"prune","data":{"b":2},"opts":{"jobId":"catch-up","delay":3600000}}'
      say '{"type":"delay","until":0}'`);
    await untilRuns(scene, 2);
    const [first, second] = snapshots(scene);
    assert.deepEqual(first.schedulers.map(({ id }) => id), ['old']);
    assert.deepEqual(second.schedulers.map(({ id, fields: { pattern, tz, name, data, opts } }) => ({ id, pattern, tz, name, data, opts })),
      [{ id: 'new', pattern: '17 3 1 1 *', tz: 'Etc/UTC', name: 'run', data: '{"a":1}', opts: '{"attempts":2}' }]);
    assert.deepEqual(second.jobs.find(({ id }) => id === 'catch-up').data, { b: 2 });
  });

  test('a job may say the same', async (t) => {
    const scene = await open(t);
    await scene.start({ program: shell(`say '{"type":"schedule","id":"mine","pattern":"17 3 1 1 *","tz":"Etc/UTC","name":"run"}'; ${done}`) });
    await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    assert.equal((await scene.queue.getJobScheduler('mine')).pattern, '17 3 1 1 *');
  });

  test('log rows go to the log; what only a job can say is ignored, and told', async (t) => {
    const scene = await open(t);
    const worker = await start(scene, `say '{"type":"log","text":"a word"}'; say '{"type":"progress","value":1}'; ${done}`);
    await worker.waitForEvent('ledger says', ({ text }) => text === 'a word');
    await worker.waitForEvent('ledger report ignored', ({ kind }) => kind === 'progress');
  });
});

describe('trouble', () => {
  for (const [what, script, reason] of [
    ['fails', `say '{"type":"failed","reason":"no database"}'`, /^no database$/],
    ['crashes', 'kill -9 $$', /^the job process was killed by SIGKILL without a verdict$/],
    ['ends without a word', 'exit 3', /^the job process ended with exit status 3 without a verdict$/],
    ['talks nonsense', 'say nonsense; sleep 60', /^the job process broke the child protocol: a report line: /],
    ['has a verdict of jobs', `say '{"type":"rate-limit","ms":1000}'`, /^it has no verdict that a ledger can have$/],
    ['is not there', 'exec /nowhere/ledger', /without a verdict$/],
  ]) {
    test(`it ${what}: told, and tried again a minute later; jobs are done all the while`, async (t) => {
      const scene = await open(t);
      const worker = await start(scene, script);
      assert.match((await worker.waitForEvent('ledger failed', ({ retryMs }) => retryMs === 60_000)).reason, reason);
      await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    });
  }

  test('it hangs: it takes no job\'s place, and does not outlive the worker', async (t) => {
    const scene = await open(t);
    const worker = await start(scene, `trap '' TERM; note hangs; while :; do sleep 0.1; done`);
    await eventually(() => scene.notes().length === 1, { what: 'the ledger to hang' });
    await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    const processes = worker.descendants();
    assert.ok(processes.length > 0);
    const { code, seconds } = await worker.stop();
    assert.equal(code, 0);
    assert.ok(seconds < 4, `it took ${seconds} s`);
    await untilGone(processes);
  });

  test('at the worker\'s end it is stopped at once, and what it has said is written', async (t) => {
    const scene = await open(t);
    const worker = await start(scene, `say '{"type":"add","name":"later","opts":{"jobId":"said","delay":3600000}}'; note said; sleep 60`);
    await eventually(() => scene.notes().length === 1, { what: 'the ledger to say it' });
    const { code, seconds } = await worker.stop();
    assert.equal(code, 0);
    assert.ok(seconds < 1.4, `it took ${seconds} s`);
    assert.equal(await (await scene.queue.getJob('said')).getState(), 'delayed');
  });
});
