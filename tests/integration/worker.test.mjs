/* The worker with any job program: what becomes of jobs in Redis, as the real bullmq sees it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, eventsOf, openNodeWorker, openQueue, untilState, versions } from './support/bullmq.mjs';
import { cpuSeconds, residentBytes, untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { assertNotHeld, completed, executable, isBlocked, javascript, openScene, shell } from './support/scene.mjs';
import { eventually, within } from './support/wait.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

const newest = versions['6.7.0'];
const keepForever = { removeOnComplete: false, removeOnFail: false };
const isSanitized = readFileSync(workerProgram, 'latin1').includes('__asan_init');

let redis;
let idle;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
  idle = await startIdle();
});
after(async () => {
  idle.monitor.disconnect();
  await idle.worker.stop();
  await idle.server.stop();
  await redis.stop();
});

/*
 * A worker with the settings that it has by default and a Redis of its own, which is watched while the other tests run: for four rounds, from
 * one BZPOPMIN to the fourth after it. What a script calls is no command of the worker's.
 */
async function startIdle() {
  const server = await startRedis();
  const worker = await startWorker({ args: ['--', 'true'], env: { REDIS_URL: server.url } });
  await worker.waitForEvent('worker ready');
  const monitor = await server.client().monitor();
  const start = { cpu: 0, time: 0 };
  const commands = [];
  const measured = new Promise((done) => {
    monitor.on('monitor', (time, [command], source) => {
      if (source === 'lua') return;
      const isRound = command.toLowerCase() === 'bzpopmin';
      if (start.time !== 0) commands.push(command);
      else if (isRound) Object.assign(start, { time: Number(time), cpu: cpuSeconds(worker.pid) });
      if (commands.filter((one) => one.toLowerCase() === 'bzpopmin').length < 4) return;
      done({ commands: [...commands], minutes: (Number(time) - start.time) / 60, cpu: cpuSeconds(worker.pid) - start.cpu });
    });
  });
  return { server, worker, monitor, measured };
}

const open = (t, bullmq = newest) => openScene(t, { redis, bullmq });

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, () => {
    test('a completed job hands its return value to whoever waits for it', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({ program: javascript(`say({ type: 'completed', returnvalue: { seen: job.data, name: job.name, id: job.id } })`) });
      const data = { text: 'ünï \\ "quotes"\n', number: 1.5, big: 12345678901, list: [null, true, {}, []] };
      const job = await scene.queue.add('greet', data);
      assert.deepEqual(await job.waitUntilFinished(scene.events, 15_000), { seen: data, name: 'greet', id: job.id });

      const after = await untilState(scene.queue, job, 'completed');
      assert.deepEqual(after.returnvalue.seen, data);
      assert.equal(after.attemptsMade, 1);
      assert.ok(after.timestamp <= after.processedOn && after.processedOn <= after.finishedOn);
      assert.equal(after.failedReason, undefined);
      await assertNotHeld(scene, job);
      assert.deepEqual((await eventsOf(scene.client, job)).map(({ event }) => event), ['added', 'waiting', 'active', 'completed']);
      const { active, waiting, completed: done, failed, delayed } = await scene.queue.getJobCounts();
      assert.deepEqual({ active, waiting, done, failed, delayed }, { active: 0, waiting: 0, done: 1, failed: 0, delayed: 0 });
    });

    test('progress and log rows are seen while the job still runs', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({
        program: shell(`say '{"type":"log","text":"first row"}'; say '{"type":"progress","value":{"phase":"dump","percent":10}}'
          say '{"type":"log","text":"second \\"row\\" ü"}'; await go; ${completed(null)}`),
      });
      const told = new Promise((done) => scene.events.on('progress', done));
      const job = await scene.queue.add('work', {});
      const progress = await within(told, 15_000, 'the event "progress"');
      assert.deepEqual(progress.data, { phase: 'dump', percent: 10 });
      assert.equal(progress.jobId, job.id);
      const { logs } = await eventually(async () => {
        const seen = await scene.queue.getJobLogs(job.id);
        return seen.count === 2 && seen;
      }, { what: 'two rows of the log' });
      assert.deepEqual(logs, ['first row', 'second "row" ü']);
      assert.equal(await scene.queue.getJobState(job.id), 'active');
      assert.deepEqual((await scene.queue.getJob(job.id)).progress, { phase: 'dump', percent: 10 });
      scene.release('go');
      assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, null);
    });

    test('a failed job carries its reason, and is not tried again when that cannot help', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({ program: shell(`note ran; say '{"type":"failed","reason":"no \\"such\\" täble","retry":false}'`) });
      const job = await scene.queue.add('work', {}, { attempts: 3 });
      await assert.rejects(job.waitUntilFinished(scene.events, 15_000), /no "such" täble/);
      const after = await untilState(scene.queue, job, 'failed');
      assert.equal(after.failedReason, 'no "such" täble');
      assert.equal(after.attemptsMade, 1);
      assert.equal(after.stacktrace.length, 1);
      assert.match(after.stacktrace[0], /no "such" täble/);
      await assertNotHeld(scene, job);
      assert.deepEqual(scene.notes(), ['ran']);
    });

    test('a failure that may pass is tried again after its backoff, until it succeeds', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({
        program: javascript(`appendFileSync(process.env.SCENE + '/notes', Date.now() + '\\n');
          say(job.attemptsMade < 2 ? { type: 'failed', reason: 'not yet: ' + job.attemptsMade, retry: true } : { type: 'completed', returnvalue: job.attemptsMade })`),
      });
      const job = await scene.queue.add('work', {}, { attempts: 5, backoff: { type: 'fixed', delay: 400 } });
      assert.equal(await job.waitUntilFinished(scene.events, 15_000), 2);
      const after = await untilState(scene.queue, job, 'completed');
      assert.equal(after.attemptsMade, 3);
      assert.equal(after.stacktrace.length, 2, 'every failure is on record');
      const times = scene.notes().map(Number);
      assert.equal(times.length, 3);
      for (const [index, time] of times.slice(1).entries()) assert.ok(time - times[index] >= 400, `attempts ${times} are 400 ms apart`);
      assert.deepEqual((await eventsOf(scene.client, job)).map(({ event }) => event),
        ['added', 'waiting', 'active', 'delayed', 'waiting', 'active', 'delayed', 'waiting', 'active', 'completed']);
    });

    test('a job fails for good once its attempts are used up', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({ program: shell(`note ran; say '{"type":"failed","reason":"never","retry":true}'`) });
      const job = await scene.queue.add('work', {}, { attempts: 2 });
      const after = await untilState(scene.queue, job, 'failed');
      assert.equal(after.attemptsMade, 2);
      assert.equal(after.failedReason, 'never');
      assert.deepEqual(scene.notes(), ['ran', 'ran']);
      const events = await eventsOf(scene.client, job);
      assert.deepEqual(events.at(-1), { event: 'retries-exhausted', attemptsMade: '2' });
    });

    test('a delayed job is taken when it is due, and not before', async (t) => {
      const scene = await open(t, bullmq);
      const worker = await scene.start({ program: shell(completed('done')) });
      await worker.waitForEvent('worker ready');
      const job = await scene.queue.add('work', {}, { delay: 700 });
      assert.equal(await job.getState(), 'delayed');
      const after = await untilState(scene.queue, job, 'completed');
      assert.ok(after.processedOn >= job.timestamp + 700, `${after.processedOn - job.timestamp} ms`);
      assert.ok(after.processedOn < job.timestamp + 3000, `${after.processedOn - job.timestamp} ms`);
    });

    test('jobs are taken in the order of their priority', async (t) => {
      const scene = await open(t, bullmq);
      for (const priority of [3, 1, 2, 1]) await scene.queue.add(`priority ${priority}`, {}, { priority });
      await scene.queue.add('first come', {});
      await scene.queue.add('second come', {});
      await scene.start({ program: javascript(`appendFileSync(process.env.SCENE + '/notes', job.name + '\\n'); say({ type: 'completed' })`) });
      await eventually(async () => (await scene.queue.getCompletedCount()) === 6, { what: 'six completed jobs' });
      assert.deepEqual(scene.notes(), ['first come', 'second come', 'priority 1', 'priority 1', 'priority 2', 'priority 3']);
    });

    test('a job can add another to its queue, but not twice under one id', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({
        program: shell(`case $job in
          *'"name":"parent"'*) for i in 1 2; do say '{"type":"add","name":"child","data":{"from":"parent"},"opts":{"jobId":"child-1","attempts":1,"removeOnFail":{"age":60}}}'; done ;;
          *) note child ;;
          esac; ${completed(true)}`),
      });
      await untilState(scene.queue, await scene.queue.add('parent', {}), 'completed');
      const child = await untilState(scene.queue, 'child-1', 'completed');
      assert.equal(child.name, 'child');
      assert.deepEqual(child.data, { from: 'parent' });
      assert.equal(child.opts.attempts, 1);
      assert.deepEqual(child.opts.removeOnFail, { age: 60 });
      await eventually(async () => (await scene.queue.getCompletedCount()) === 2, { what: 'two completed jobs' });
      assert.deepEqual(scene.notes(), ['child'], 'it ran once');
    });

    test('a job can put itself off, and no attempt is counted', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({
        program: javascript(`say(job.attemptsStarted === 1 ? { type: 'delay', until: job.timestamp + 1200 } : { type: 'completed', returnvalue: job.attemptsMade })`),
      });
      const job = await scene.queue.add('work', {});
      await untilState(scene.queue, job, 'delayed');
      await assertNotHeld(scene, job);
      const after = await untilState(scene.queue, job, 'completed');
      assert.equal(after.returnvalue, 0);
      assert.ok(after.processedOn >= job.timestamp + 1200);
      assert.equal(after.attemptsMade, 1);
      assert.equal(await scene.client.hget(`bull:backup:${job.id}`, 'ats'), '2');
    });

    test('200 jobs with a concurrency of 4 are all completed, each once, and never more than 4 at a time', async (t) => {
      const scene = await open(t, bullmq);
      const jobs = await scene.queue.addBulk(Array.from({ length: 200 }, (_, number) => ({ name: 'work', data: { number }, opts: keepForever })));
      const worker = await scene.start({ args: ['--concurrency', '4'], program: [executable('#!/bin/sh\necho + >>"$SCENE/notes"\nread -r job\necho "$job" >>"$SCENE/jobs"\necho - >>"$SCENE/notes"\necho \'{"type":"completed"}\' >&3\n')] });
      await eventually(async () => (await scene.queue.getCompletedCount()) === 200, { timeout: 30_000, what: '200 completed jobs' });
      const seen = readFileSync(join(scene.folder, 'jobs'), 'utf8').trim().split('\n').map((line) => JSON.parse(line).id);
      assert.deepEqual(seen.map(Number).sort((a, b) => a - b), jobs.map(({ id }) => Number(id)));
      let running = 0;
      const most = Math.max(...scene.notes().map((sign) => (running += sign === '+' ? 1 : -1)));
      assert.ok(most > 1 && most <= 4, `${most} at a time`);
      assert.deepEqual(worker.named('lock lost'), [], 'renewing locks and finishing jobs crossed each other without harm');
      assert.equal(await scene.queue.getActiveCount(), 0);
      assert.deepEqual(await scene.client.keys('*:lock'), []);
    });

    test('beside a Node worker, every job is done by one of the two', async (t) => {
      const scene = await open(t, bullmq);
      const ours = await scene.start({ program: shell(completed('ours')), args: ['--concurrency', '2'] });
      const theirs = openNodeWorker(bullmq, scene.redis, async () => 'theirs');
      t.after(() => closeAll(theirs));
      await Promise.all([theirs.waitUntilReady(), ours.waitForEvent('worker ready')]);
      await scene.queue.addBulk(Array.from({ length: 60 }, () => ({ name: 'work', data: {}, opts: keepForever })));
      await eventually(async () => (await scene.queue.getCompletedCount()) === 60, { what: '60 completed jobs' });
      const jobs = await scene.queue.getCompleted(0, 100);
      assert.ok(jobs.every(({ attemptsMade }) => attemptsMade === 1));
      assert.deepEqual(new Set(jobs.map(({ returnvalue }) => returnvalue)), new Set(['ours', 'theirs']));
    });

    test('is one worker to dashboards, under the name that bullmq expects', async (t) => {
      const scene = await open(t, bullmq);
      const name = `q${version.replaceAll('.', '-')}`;
      const queue = openQueue(bullmq, scene.redis, { name });
      t.after(() => closeAll(queue));
      const nameless = await scene.start({ args: ['--queue', name, '--concurrency', '4'], program: shell(completed(1)) });
      await nameless.waitForEvent('worker ready');
      assert.deepEqual((await queue.getWorkers()).map((one) => one.rawname), [`bull:${Buffer.from(name).toString('base64')}`]);
      await nameless.stop();
      const named = await scene.start({ args: ['-q', name, '--name', 'nas'], program: shell(completed(1)) });
      await named.waitForEvent('worker ready');
      const workers = await queue.getWorkers();
      assert.deepEqual(workers.map((one) => one.rawname), [`bull:${Buffer.from(name).toString('base64')}:w:nas`]);
      assert.equal(workers[0].name, name);
      const job = await queue.add('work', {});
      await untilState(queue, job, 'completed');
      assert.equal(await scene.client.hget(`bull:${name}:${job.id}`, 'pb'), 'nas');
    });

    test('a job with a deferred failure fails with it, without being run', async (t) => {
      const scene = await open(t, bullmq);
      const job = await scene.queue.add('work', {}, { attempts: 3 });
      await scene.client.hset(`bull:backup:${job.id}`, 'defa', 'job stalled more than allowable limit');
      await scene.start({ program: shell(`note ran; ${completed(1)}`) });
      const after = await untilState(scene.queue, job, 'failed');
      assert.equal(after.failedReason, 'job stalled more than allowable limit');
      assert.deepEqual(scene.notes(), []);
      assert.equal(await scene.client.hexists(`bull:backup:${job.id}`, 'defa'), 0);
    });

    test('takes nothing from a paused queue, and goes on when it is resumed', async (t) => {
      const scene = await open(t, bullmq);
      const worker = await scene.start({ program: shell(completed(1)) });
      await worker.waitForEvent('worker ready');
      await scene.queue.pause();
      const jobs = [await scene.queue.add('work', {}), await scene.queue.add('work', {}, { priority: 1 })];
      await scene.client.zadd('bull:backup:marker', 0, '0');
      await eventually(async () => (await scene.client.zcard('bull:backup:marker')) === 0, { what: 'the worker to be woken' });
      await eventually(() => isBlocked(scene), { what: 'the worker to have looked, and to wait again' });
      assert.equal(await scene.queue.getActiveCount(), 0);
      assert.equal(await scene.queue.getCompletedCount(), 0);
      await scene.queue.resume();
      for (const job of jobs) await untilState(scene.queue, job, 'completed');
    });

    test('keeps as many finished jobs and log rows as their options say', async (t) => {
      const scene = await open(t, bullmq);
      await scene.start({ program: shell(`for i in 1 2 3; do say '{"type":"log","text":"row '$i'"}'; done; ${completed(1)}`) });
      const gone = await scene.queue.add('work', {}, { removeOnComplete: true });
      await eventually(async () => (await eventsOf(scene.client, gone)).at(-1).event === 'completed', { what: 'the event "completed"' });
      assert.equal(await scene.client.exists(`bull:backup:${gone.id}`, `bull:backup:${gone.id}:logs`), 0);
      const jobs = [];
      for (let i = 0; i < 4; i++) jobs.push(await scene.queue.add('work', {}, { removeOnComplete: { count: 2 }, keepLogs: 2 }));
      await untilState(scene.queue, jobs[3], 'completed');
      assert.deepEqual((await scene.queue.getCompleted()).map(({ id }) => id), [jobs[3].id, jobs[2].id]);
      assert.equal(await scene.client.exists(`bull:backup:${jobs[0].id}`), 0);
      assert.deepEqual((await scene.queue.getJobLogs(jobs[3].id)).logs, ['row 2', 'row 3']);
    });

    test('SIGTERM while busy: gone in time, the job is back at the head of the queue, a second worker completes it', async (t) => {
      const scene = await open(t, bullmq);
      const stubborn = shell(`trap '' TERM; note "started $$"; await go; ${completed('stubborn')}`);
      const first = await scene.start({ program: stubborn, args: ['--concurrency', '2'], env: { BACKUP_SHUTDOWN_SECONDS: '2' } });
      const jobs = [await scene.queue.add('work', {}), await scene.queue.add('work', {}, { priority: 7 })];
      await eventually(() => scene.notes().length === 2, { what: 'two running jobs' });
      const later = await scene.queue.add('later', {});
      const processes = first.descendants();
      assert.ok(processes.length >= 2);

      const { code, seconds } = await first.stop('SIGTERM');
      assert.equal(code, 0);
      assert.ok(seconds < 3, `gone after ${seconds} s`);
      await untilGone(processes);
      assert.equal(await scene.queue.getActiveCount(), 0);
      assert.equal(await jobs[0].getState(), 'waiting');
      assert.equal(await jobs[1].getState(), 'prioritized');
      assert.deepEqual(await scene.client.lrange('bull:backup:wait', 0, -1), [later.id, jobs[0].id], 'it is the next one again');
      for (const job of jobs) {
        await assertNotHeld(scene, job);
        assert.equal((await scene.queue.getJob(job.id)).attemptsMade, 0, 'no attempt is counted');
      }

      await scene.start({ program: shell(completed('second')) });
      for (const job of [...jobs, later]) assert.equal((await untilState(scene.queue, job, 'completed')).returnvalue, 'second');
      assert.equal(await scene.client.hget(`bull:backup:${jobs[0].id}`, 'ats'), '2');
      assert.equal(await scene.client.hexists(`bull:backup:${jobs[0].id}`, 'stc'), 0, 'it never counted as stalled');
    });
  });
}

describe('job programs', () => {
  test('the example of consumer/README greets', async (t) => {
    const readme = readFileSync(new URL('../../consumer/README.md', import.meta.url), 'utf8');
    const [, example] = /<!-- example: job program -->\n```sh\n([\s\S]*?)```/.exec(readme);
    assert.ok(example.split('\n').length > 8);
    const scene = await open(t);
    const queue = openQueue(newest, scene.redis, { name: 'greetings' });
    t.after(() => closeAll(queue));
    await scene.start({ args: ['--queue', 'greetings'], program: [executable(example)] });
    const job = await untilState(queue, await queue.add('greet', { who: 'you' }), 'completed');
    assert.equal(job.returnvalue, 'hello, you');
    assert.equal(job.progress, 50);
    assert.deepEqual((await queue.getJobLogs(job.id)).logs, ['looking for somebody to greet']);
    const nobody = await untilState(queue, await queue.add('greet', {}, { attempts: 2 }), 'failed');
    assert.equal(nobody.failedReason, 'nobody to greet');
    assert.equal(nobody.attemptsMade, 1);
  });

  for (const [what, script, reason] of [
    ['is killed', 'kill -SEGV $$', 'the job process was killed by SIGSEGV without a verdict'],
    ['ends without a word', 'exit 0', 'the job process ended with exit status 0 without a verdict'],
    ['exits badly', 'exit 7', 'the job process ended with exit status 7 without a verdict'],
    ['exits badly after its success', `${completed(1)}; exit 3`, 'the job process ended with exit status 3 after it had reported success'],
    ['reports no JSON', 'say "all is well"; sleep 100', "the job process broke the child protocol: a report line: no JSON from byte 1 on, at 'all is well'"],
    ['reports an unknown type', `say '{"type":"done"}'; sleep 100`, /^the job process broke the child protocol: a report line: 'type' is none of /],
    ['goes on after its verdict', `${completed(1)}; ${completed(2)}`, 'the job process broke the child protocol: there is a line after the verdict'],
    ['reports a line of 2 MB', 'head -c 2000000 /dev/zero | tr "\\\\0" x >&3; echo >&3; sleep 100',
      /^the job process broke the child protocol: a report line is longer than 1048576 bytes$/],
  ]) {
    test(`a job whose program ${what} fails with that as the reason, and the next one is done`, async (t) => {
      const scene = await open(t);
      const worker = await scene.start({ program: shell(`case $job in *'"name":"good"'*) ${completed('good')}; exit ;; esac\n${script}`) });
      const bad = await untilState(scene.queue, await scene.queue.add('bad', {}), 'failed');
      if (typeof reason === 'string') assert.equal(bad.failedReason, reason);
      else assert.match(bad.failedReason, reason);
      assert.equal(bad.returnvalue, null);
      await assertNotHeld(scene, bad);
      assert.equal((await untilState(scene.queue, await scene.queue.add('good', {}), 'completed')).returnvalue, 'good');
      assert.deepEqual(worker.descendants(), [], 'nothing of the bad one is left running');
    });
  }

  test('a crashed job is tried again as its attempts allow', async (t) => {
    const scene = await open(t);
    await scene.start({ program: shell(`case $job in *'"attemptsMade":0'*) kill -KILL $$ ;; esac; ${completed('second time')}`) });
    const job = await untilState(scene.queue, await scene.queue.add('work', {}, { attempts: 2 }), 'completed');
    assert.equal(job.returnvalue, 'second time');
    assert.equal(job.attemptsMade, 2);
    assert.match(job.stacktrace[0], /killed by SIGKILL/);
  });

  test('a job program that is missing fails the job, and the worker goes on', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: ['/nowhere/program'] });
    for (let i = 0; i < 2; i++) {
      const job = await untilState(scene.queue, await scene.queue.add('work', {}, { attempts: 3 }), 'failed');
      assert.equal(job.failedReason, "the job program '/nowhere/program' cannot be executed: is it there, and may it be run?");
      assert.equal(job.attemptsMade, 1);
    }
    assert.ok(worker.isRunning());
  });

  test('progress is written at most once a second, and the last one counts', async (t) => {
    const scene = await open(t);
    await scene.start({ program: shell(`for i in $(seq 1 300); do say '{"type":"progress","value":'$i'}'; done; ${completed(1)}`) });
    const job = await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    assert.equal(job.progress, 300);
    const written = (await eventsOf(scene.client, job)).filter(({ event }) => event === 'progress');
    const seconds = (job.finishedOn - job.processedOn) / 1000;
    assert.ok(written.length <= 2 + Math.floor(seconds), `${written.length} updates in ${seconds} s`);
    assert.equal(written.at(-1).data, '300');
  });

  test('job data that is no JSON reaches the program as such, and the worker goes on', async (t) => {
    const scene = await open(t);
    await scene.start({
      program: javascript(`say(job.dataError === undefined ? { type: 'completed', returnvalue: job.data }
        : { type: 'failed', reason: 'unreadable: ' + job.data + ', ' + job.dataError, retry: false })`),
    });
    await scene.redis.cli('HSET', 'bull:backup:broken', 'name', 'work', 'data', '{"kind":"run', 'opts', 'nor this', 'timestamp', '1795382600905');
    await scene.redis.cli('LPUSH', 'bull:backup:wait', 'broken');
    await scene.redis.cli('ZADD', 'bull:backup:marker', '0', '0');
    await eventually(async () => (await scene.client.zscore('bull:backup:failed', 'broken')) !== null, { what: 'the broken job to be failed' });
    assert.match(await scene.client.hget('bull:backup:broken', 'failedReason'), /^unreadable: null, ./);
    assert.equal(await scene.client.hget('bull:backup:broken', 'data'), '{"kind":"run', 'it is left as it was');
    assert.equal((await untilState(scene.queue, await scene.queue.add('work', 7), 'completed')).returnvalue, 7);
  });

  test('an id in the queue whose job is gone is dropped, and the worker goes on', async (t) => {
    const scene = await open(t);
    await scene.redis.cli('LPUSH', 'bull:backup:wait', 'ghost');
    await scene.start({ program: shell(`note ran; ${completed('real')}`) });
    const job = await untilState(scene.queue, await scene.queue.add('work', {}), 'completed');
    assert.equal(job.returnvalue, 'real');
    assert.deepEqual(scene.notes(), ['ran']);
    assert.deepEqual(await scene.client.keys('bull:backup:ghost*'), []);
    assert.equal(await scene.client.llen('bull:backup:active'), 0);
  });

  test('a program sees its job, its arguments and the report descriptor', async (t) => {
    const scene = await open(t);
    const program = javascript(`say({ type: 'completed', returnvalue: { job, arguments: process.argv.slice(1), descriptor: process.env.WEAVESTREAM_BACKUP_REPORT_FD } })`);
    await scene.start({ program: [...program, '--', 'one', 'two words'] });
    const job = await untilState(scene.queue, await scene.queue.add('work', { a: 1 }, { attempts: 2, keepLogs: 5 }), 'completed');
    const { job: seen, ...rest } = job.returnvalue;
    assert.deepEqual(rest, { arguments: ['one', 'two words'], descriptor: '3' });
    assert.deepEqual({ ...seen, opts: undefined }, {
      queue: 'backup', prefix: 'bull', id: job.id, name: 'work', data: { a: 1 }, opts: undefined, attemptsMade: 0, attemptsStarted: 1, stalledCounter: 0, timestamp: job.timestamp, final: false,
    });
    assert.equal(seen.opts.attempts, 2);
  });
});

describe('a worker with the default settings, idle all the while', () => {
  test('sends at most 20 commands a minute', async () => {
    const { commands, minutes } = await idle.measured;
    assert.ok(commands.length >= 8, `it was watched at all: ${commands}`);
    assert.ok(commands.length / minutes <= 20, `${commands.length} commands in ${minutes} minutes: ${commands}`);
  });

  test('uses no CPU to speak of', async () => {
    const { cpu, minutes } = await idle.measured;
    assert.ok(cpu / minutes <= 0.1, `${cpu} s in ${minutes} minutes`);
  });

  // A sanitizer takes memory of its own.
  if (!isSanitized) {
    test('takes less than 8 MB of memory', async () => {
      await idle.measured;
      assert.ok(residentBytes(idle.worker.pid) < 8 * 1024 * 1024, `${residentBytes(idle.worker.pid)} bytes`);
    });
  }
});
