/* The worker with any job program: what becomes of jobs in Redis, as the real bullmq sees it. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { closeAll, eventsOf, openNodeWorker, openQueue, untilState, versions } from './support/bullmq.mjs';
import { cpuSeconds, residentBytes, untilGone } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';
import { executable, javascript, openScene, shell } from './support/scene.mjs';
import { eventually, within } from './support/wait.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

const newest = versions['6.7.0'];
const oddPassword = 'p@ss:w/ord%\'\\ "1"#?&é';
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

/* The one client that waits for jobs, if it does so right now: Redis' line about it. */
async function isBlocked({ client, redis: view }) {
  const database = view.connection().db ?? 0;
  const lines = (await client.client('LIST')).split('\n');
  return lines.find((line) => line.includes(` db=${database} `) && / flags=b /.test(line) && / cmd=bzpopmin /.test(line));
}

/* Nothing of the job is left in the hands of a worker. */
async function assertNotHeld({ client }, job, queue = 'backup') {
  assert.equal(await client.exists(`bull:${queue}:${job.id}:lock`), 0, 'no lock is left');
  assert.ok(!(await client.lrange(`bull:${queue}:active`, 0, -1)).includes(job.id), 'it is not active');
}

const completed = (value) => `say '{"type":"completed","returnvalue":${JSON.stringify(value)}}'`;

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

describe('command line', () => {
  const good = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgresql://user:secret@db/app' };

  for (const [args, line] of [
    [['bogus'], "weavestream-backup: 'bogus' is no command; try 'weavestream-backup help'\n"],
    [['worker', 'extra'], "weavestream-backup worker: 'extra' is no option; a job program is given after '--'\n"],
    [['worker', 'extra', '--', 'true'], "weavestream-backup worker: 'extra' is no option; a job program is given after '--'\n"],
    [['worker', '--queue', '--', 'true'], /requires an argument\nTry 'weavestream-backup worker --help'\.\n$/],
    [['worker', '--concurrency', '0'], "weavestream-backup worker: --concurrency='0' is not a number from 1 to 1000\n"],
    [['worker', '-c', 'many'], "weavestream-backup worker: --concurrency='many' is not a number from 1 to 1000\n"],
    [['worker', '--lock-duration', '99'], "weavestream-backup worker: --lock-duration='99' is not a number from 100 to 86400000\n"],
    [['worker', '--skip-lock-renewal=yes'], /'--skip-lock-renewal' doesn't allow an argument\nTry 'weavestream-backup worker --help'\.\n$/],
    [['worker', '--stalled-interval', '0'], "weavestream-backup worker: --stalled-interval='0' is not a number from 100 to 86400000\n"],
    [['worker', '--skip-stalled-check=no'], /'--skip-stalled-check' doesn't allow an argument\nTry 'weavestream-backup worker --help'\.\n$/],
    [['worker', '--max-stalled-count', '-1'], "weavestream-backup worker: --max-stalled-count='-1' is not a number from 0 to 2147483647\n"],
    [['worker', '--max-started-attempts', '0'], "weavestream-backup worker: --max-started-attempts='0' is not a number from 1 to 2147483647\n"],
    [['worker', '--limiter', '10'], "weavestream-backup worker: --limiter='10' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--limiter', '0/1000'], "weavestream-backup worker: --limiter='0/1000' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--limiter', '10/1s'], "weavestream-backup worker: --limiter='10/1s' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--maximum-rate-limit-delay', '0'], "weavestream-backup worker: --maximum-rate-limit-delay='0' is not a number from 1 to 86400000\n"],
    [['worker', '--drain-delay', '0.5'], "weavestream-backup worker: --drain-delay='0.5' is not a number from 1 to 3600\n"],
    [['worker', '--metrics', '0'], "weavestream-backup worker: --metrics='0' is not a number from 1 to 2147483647\n"],
    [['worker', '--remove-on-complete', '100'], "weavestream-backup worker: --remove-on-complete: '100' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"\n"],
    [['worker', '--remove-on-fail', '{"age":-1}'], "weavestream-backup worker: --remove-on-fail: '{\"age\":-1}' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"\n"],
    [['worker', '--bogus'], /unrecognized option '--bogus'\nTry 'weavestream-backup worker --help'\.\n$/],
    [['worker', '--queue'], /requires an argument\nTry 'weavestream-backup worker --help'\.\n$/],
    [['worker', '--queue', 'a:b'], /^weavestream-backup worker: .*':'.*\n$/],
    [[], /^Usage: weavestream-backup COMMAND/],
  ]) {
    test(`wrong usage is told, with status 64: ${['weavestream-backup', ...args].join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args, { env: good });
      assert.equal(code, 64);
      assert.equal(stdout, '');
      if (typeof line === 'string') assert.equal(stderr, line);
      else assert.match(stderr, line);
    });
  }

  for (const args of [['--help'], ['help'], ['worker', '--help'], ['--version'], ['version']]) {
    test(`is answered on standard output: ${['weavestream-backup', ...args].join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, args[0].includes('version') ? /^weavestream-backup \d+\.\d+\.\d+\n$/ : /^Usage: weavestream-backup /);
    });
  }

  test('wrong settings are told in one line each, with status 78, and no secret is repeated', async () => {
    const { code, stdout, stderr } = await run(['worker'], {
      env: {
        REDIS_URL: 'redis://:top/secret@redis:6379', BACKUP_LOCK_SECONDS: '4', BACKUP_STALLED_SECONDS: 'often', BACKUP_SHUTDOWN_SECONDS: '1.5',
        BACKUP_JOB_LOCK_MINUTES: '1441', SMTP_SECRET_KEY: 'dG9vIHNob3J0', SMTP_PREVIOUS_KEYS: 'a:short', LOG_LEVEL: 'loud',
      },
    });
    assert.equal(code, 78);
    assert.equal(stdout, '');
    assert.equal(stderr, `REDIS_URL: the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %3A, %2F and %40)
BACKUP_LOCK_SECONDS='4': not a whole number from 5 to 3600
BACKUP_STALLED_SECONDS='often': not a whole number from 1 to 3600
BACKUP_SHUTDOWN_SECONDS='1.5': not a whole number from 1 to 3600
DATABASE_URL is not set: it must be postgresql://, as in postgresql://user:password@postgres:5432/database
BACKUP_JOB_LOCK_MINUTES='1441': not a whole number from 5 to 1440
SMTP_SECRET_KEY: not base64 of 32 bytes
SMTP_PREVIOUS_KEYS: not 'kid:key,kid:key', each key base64 of 32 bytes
LOG_LEVEL='loud': not one of trace, debug, info, warn, error, fatal
`);
  });

  test('nothing set at all is two lines', async () => {
    const { code, stderr } = await run(['worker'], { env: { REDIS_URL: '' } });
    assert.equal(code, 78);
    assert.equal(stderr, `REDIS_URL is not set: it must be redis://, rediss:// or unix://, as in redis://:password@redis:6379/0
DATABASE_URL is not set: it must be postgresql://, as in postgresql://user:password@postgres:5432/database
`);
  });

  test('another job program needs no database', async () => {
    const { code, stdout } = await run(['worker', '--check', '--', 'true'], { env: { REDIS_URL: good.REDIS_URL } });
    assert.equal(code, 0);
    assert.ok(!stdout.includes('DATABASE_URL'));
  });

  test('a pooler in DATABASE_URL is refused with advice', async () => {
    const { code, stderr } = await run(['worker', '--check'], { env: { ...good, DATABASE_URL: `${good.DATABASE_URL}?pgbouncer=true` } });
    assert.equal(code, 78);
    assert.equal(stderr, "DATABASE_URL: it has 'pgbouncer=true': session locks do not work through a pooler; give the server's own address\n");
  });

  test('--check shows what would be used, with secrets masked', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const { code, stdout, stderr } = await run(['worker', '--check'], {
      env: {
        REDIS_URL: `rediss://worker:${encodeURIComponent(oddPassword)}@redis.example:6380/2`, REDIS_TLS_CA: '/etc/ca.crt',
        DATABASE_URL: `postgresql://weave:${encodeURIComponent(oddPassword)}@db:5433/app?schema=public&connection_limit=5`,
        BACKUP_STORAGE_DIR: '/backups', SMTP_SECRET_KEY: key, SMTP_PREVIOUS_KEYS: `old:${key}`, BACKUP_LOCK_SECONDS: '60', LOG_LEVEL: '',
      },
    });
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.equal(stdout, `REDIS_URL=rediss://worker:***@redis.example:6380/2
REDIS_TLS_CA=/etc/ca.crt
NODE_EXTRA_CA_CERTS=  (default)
BACKUP_LOCK_SECONDS=60
BACKUP_STALLED_SECONDS=10  (default)
BACKUP_SHUTDOWN_SECONDS=5  (default)
BACKUP_HTTP_LISTEN=  (default)
BACKUP_FACTS_SECONDS=60  (default)
DATABASE_URL=host='db' port='5433' user='weave' dbname='app' password='***' (schema 'public')
BACKUP_STORAGE_DIR=/backups
BACKUP_UID=100  (default)
BACKUP_GID=101  (default)
BACKUP_JOB_LOCK_MINUTES=360  (default)
BACKUP_VERIFY=full  (default)
BACKUP_DRILL_URL=  (default)
BACKUP_KEEP_REJECTED=0  (default)
BACKUP_COMPRESSION=  (default)
BACKUP_MIN_FREE_MB=256  (default)
BACKUP_STALL_MINUTES=15  (default)
BACKUP_PRUNE_ORPHANS=0  (default)
BACKUP_PING_URL=  (default)
BACKUP_WEBHOOK_URL=  (default)
BACKUP_WEBHOOK_SECRET=  (default)
BACKUP_AFTER_SUCCESS=  (default)
BACKUP_SCHEDULE_REPAIR=missing  (default)
BACKUP_CATCH_UP=1  (default)
BACKUP_MISSED_GRACE_MINUTES=30  (default)
WEAVESTREAM_VERSION=dev  (default)
PASSWORD_ENCRYPTION_KEY_KID=1  (default)
SMTP_SECRET_KEY=***
SMTP_SECRET_KEY_KID=1  (default)
SMTP_PREVIOUS_KEYS=***
LOG_LEVEL=info  (default)
`);
    for (const secret of [oddPassword, encodeURIComponent(oddPassword), key]) assert.ok(!stdout.includes(secret));
  });

  test('without its job program it does not start, with status 69', async () => {
    const folder = temporaryFolder('lonely');
    const binary = join(folder, 'weavestream-backup');
    copyFileSync(workerProgram, binary);
    const { code, stderr } = await run(['worker'], { binary, env: good });
    assert.equal(code, 69);
    assert.match(stderr, /^weavestream-backup worker: weavestream-backup-job is neither beside this program nor in \/\S+\n$/);
  });

  test('links neither libpq nor libcurl', async () => {
    const { stdout } = await runProcess('ldd', [workerProgram]);
    assert.match(stdout, /libevent/);
    assert.match(stdout, /libhiredis/);
    assert.doesNotMatch(stdout, /libpq|libcurl/);
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
