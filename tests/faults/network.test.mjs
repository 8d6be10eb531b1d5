/* What becomes of jobs when the network fails the worker, but not Redis: a proxy in between cuts, holds, delays and loses. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { untilState } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { shell } from '../integration/support/scene.mjs';
import { assertAtWork, assertDoneOnce, completed, openSceneWithProxy, untilBlocked, untilHeldAllTheWhile, untilNotes, untilUnavailable } from './support/scene.mjs';

const rareLooks = { BACKUP_STALLED_SECONDS: '3600' }; // whoever is told to look that rarely has only its locks to keep

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

const open = (t) => openSceneWithProxy(t, redis);
const onceMore = shell(`case $job in *'"name":"next"'*) ${completed('next')}; exit ;; esac; note ran; await go; ${completed('once')}`);

describe('connections', { concurrency: true }, () => {
  test('cut while idle: the worker is back at once and takes the next job', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: onceMore });
    await worker.waitForEvent('worker ready');
    const from = worker.events.length;
    scene.proxy.cut();
    for (const role of ['command', 'blocking']) {
      await untilUnavailable(worker, /closed the connection|reset by peer/, { role, from });
      await worker.waitForEvent('redis available', ({ connection }) => connection === role, { from });
    }
    await assertAtWork(scene);
  });

  for (const role of ['command', 'blocking']) {
    test(`the ${role} connection cut while a job runs: it is done once`, async (t) => {
      const scene = await open(t);
      const worker = await scene.start({ program: onceMore, args: ['--concurrency', '2'] });
      await worker.waitForEvent('worker ready');
      const job = await scene.queue.add('work', {});
      await untilNotes(scene);
      scene.proxy.cut(role);
      await worker.waitForEvent('redis available', ({ connection }) => connection === role);
      await assertAtWork(scene);
      scene.release('go');
      await assertDoneOnce(scene, job, 'once');
    });
  }

  test('a blocked read that will never be answered ends by its own deadline, and the job that it missed is done', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: onceMore, args: ['--drain-delay=3'] });
    await untilBlocked(scene);
    const start = performance.now();
    scene.proxy.hold('blocking');
    const job = await scene.queue.add('next', {}); // its marker goes to the connection that nobody listens to
    await untilUnavailable(worker, /^no answer from Redis in time$/, { role: 'blocking' });
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds < 6, `blocked for 3 s, lost after ${seconds} s`);
    await assertDoneOnce(scene, job, 'next');
  });

  test('a command connection that is half-open while a job runs is given up soon enough to keep the lock', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: onceMore, env: { ...rareLooks, BACKUP_LOCK_SECONDS: '10' } });
    await worker.waitForEvent('worker ready');
    const job = await scene.queue.add('work', {});
    await untilNotes(scene);
    const second = await scene.start({ program: shell(`note second; ${completed('stolen')}`), env: { REDIS_URL: scene.redis.url } });
    await second.waitForEvent('worker ready');
    const held = Date.now();
    scene.proxy.hold('command');
    await untilHeldAllTheWhile(scene, job, () => Date.now() - held > 11_000, { timeout: 15_000, what: 'more than the life of a lock to pass', interval: 50 });
    await untilUnavailable(worker, /^no answer from Redis in time$/, { role: 'command' });
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    assert.deepEqual(scene.notes(), ['ran']);
  });

  test('a finish that a half-open connection swallows is sent again over the next one', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: onceMore, env: rareLooks });
    await worker.waitForEvent('worker ready');
    const job = await scene.queue.add('work', {});
    await untilNotes(scene);
    scene.proxy.hold('command');
    scene.release('go');
    await worker.waitForEvent('job completed');
    assert.equal(await scene.queue.getJobState(job.id), 'active', 'Redis has not heard of it');
    await assertDoneOnce(scene, job, 'once');
    assert.deepEqual(worker.named('outcome not written'), []);
    await assertAtWork(scene);
  });

  test('answers that come late, but in time, cost nothing but time', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: onceMore, env: { BACKUP_LOCK_SECONDS: '10' } });
    await worker.waitForEvent('worker ready');
    const from = worker.events.length;
    void scene.proxy.meddle(() => true, ({ reply }) => pause(300, reply), { times: Infinity });
    const job = await scene.queue.add('work', {});
    scene.release('go');
    await assertDoneOnce(scene, job, 'once');
    assert.deepEqual(worker.events.slice(from).filter(({ level }) => level !== 'info'), []);
  });

  test('a server that accepts and never answers is given up and tried again', async (t) => {
    const scene = await open(t);
    let silent = true;
    void scene.proxy.meddle(() => silent, () => new Promise(() => {}), { times: Infinity });
    const worker = await scene.start({ program: onceMore });
    await untilUnavailable(worker, /^no (greeting within 1666 ms|answer from Redis in time)$/);
    assert.deepEqual(worker.named('worker ready'), []);
    silent = false;
    await worker.waitForEvent('worker ready');
    await assertAtWork(scene);
  });
});

const loses = () => null;
const isOf = (word) => ({ words }) => words.some((one) => one.includes(word));

describe('answers', { concurrency: true }, () => {
  test('the answer to a finish is lost: the job is done once and told once, and nothing is logged as if it had failed', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: shell(`note ran; ${completed('precious')}`) });
    const lost = scene.proxy.meddle(isOf('precious'), loses);
    const job = await scene.queue.add('work', {});
    await lost;
    await worker.waitForEvent('outcome was already written', (event) => event.job === job.id);
    await assertDoneOnce(scene, job, 'precious');
    assert.deepEqual(scene.notes(), ['ran']);
    assert.deepEqual(worker.events.filter(({ level }) => ['error', 'fatal'].includes(level)), []);
    assert.deepEqual(worker.named('outcome not written'), []);
    await assertAtWork(scene);
  });

  test('the answer to a finish that took the next job is lost: the next one is done all the same', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: shell(`note "$job"; await go; ${completed('precious')}`) });
    const first = await scene.queue.add('work', {});
    await untilNotes(scene);
    const second = await scene.queue.add('work', {});
    const lost = scene.proxy.meddle(isOf('precious'), loses);
    scene.release('go');
    await lost;
    await assertDoneOnce(scene, first, 'precious');
    assert.equal(await second.getState(), 'active', 'taken, and nobody knows');
    assert.equal((await untilState(scene.queue, second, 'completed')).returnvalue, 'precious');
    assert.equal(scene.notes().length, 2, 'each ran once');
    assert.equal(worker.named('stalled job put back').length, 1);
  });

  test('the answer to a fetch is lost: the job is put back when its lock has expired, and done', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: shell(`note ran; ${completed('here')}`) });
    await worker.waitForEvent('worker ready');
    const lost = scene.proxy.meddle(({ reply }) => reply.includes('a job to be lost'), loses);
    const job = await scene.queue.add('a job to be lost', {});
    await lost;
    assert.equal(await job.getState(), 'active', 'taken, and nobody knows');
    const after = await untilState(scene.queue, job, 'completed');
    assert.equal(after.returnvalue, 'here');
    assert.equal(after.attemptsMade, 1, 'no attempt was used up');
    assert.deepEqual(scene.notes(), ['ran']);
    assert.equal(worker.named('stalled job put back').length, 1);
  });

  test("the answer to making a schedule's next job is lost: the next job is there once", async (t) => {
    const scene = await open(t);
    const worker = await scene.start({ program: shell(`note ran; ${completed('on time')}`) });
    const lost = scene.proxy.meddle(isOf('nightly'), loses);
    const job = await scene.queue.upsertJobScheduler('nightly', { every: 86_400_000 });
    await lost;
    await assertDoneOnce(scene, job, 'on time');
    assert.equal(await scene.queue.getDelayedCount(), 1);
    assert.equal(await scene.client.hget('bull:backup:repeat:nightly', 'ic'), '2');
    assert.deepEqual(scene.notes(), ['ran']);
    assert.deepEqual(worker.named('job report not written'), []);
  });

  test('the answer to an add is lost: the job with an id of its own is there once', async (t) => {
    const scene = await open(t);
    const worker = await scene.start({
      program: shell(`case $job in *'"name":"child"'*) note child; ${completed('child')}; exit ;; esac
        say '{"type":"add","name":"child","data":{},"opts":{"jobId":"only-one"}}'; await go; ${completed('parent')}`),
    });
    const lost = scene.proxy.meddle(isOf('only-one'), loses);
    const parent = await scene.queue.add('parent', {});
    await lost;
    assert.equal(await scene.queue.getJobState('only-one'), 'waiting', 'added, and nobody knows');
    await worker.waitForEvent('redis available');
    scene.release('go');
    await assertDoneOnce(scene, parent, 'parent');
    await untilState(scene.queue, 'only-one', 'completed');
    assert.equal(await scene.queue.getCompletedCount(), 2);
    assert.deepEqual(scene.notes(), ['child']);
    assert.deepEqual(worker.named('job report not written'), []);
  });

  test('the answers to log rows and progress are lost: the last progress is there, and no row is missing', async (t) => {
    const scene = await open(t);
    await scene.start({ program: shell(`say '{"type":"log","text":"row 1"}'; say '{"type":"log","text":"row 2"}'; say '{"type":"progress","value":7}'; await go; ${completed('done')}`) });
    const lost = scene.proxy.meddle(isOf('row 1'), loses);
    const job = await scene.queue.add('work', {});
    await lost;
    scene.release('go');
    assert.equal((await untilState(scene.queue, job, 'completed')).progress, 7);
    assert.deepEqual([...new Set((await scene.queue.getJobLogs(job.id)).logs)], ['row 1', 'row 2']);
  });

  for (const [what, bytes, reason] of [
    ['is no RESP', 'HTTP/1.1 400 Bad Request\r\n\r\n', /^Redis broke the protocol: /],
    ['is followed by another that nobody asked for', ':1\r\n:2\r\n', /^Redis sent a reply that nobody asked for$/],
  ]) {
    test(`an answer that ${what} costs the connection, and the job is done once`, async (t) => {
      const scene = await open(t);
      const worker = await scene.start({ program: onceMore });
      await worker.waitForEvent('worker ready');
      const job = await scene.queue.add('work', {});
      await untilNotes(scene);
      await scene.proxy.meddle(({ role }) => role === 'command', () => Buffer.from(bytes));
      await untilUnavailable(worker, reason, { role: 'command' });
      scene.release('go');
      await assertDoneOnce(scene, job, 'once');
    });
  }
});
