/* Redis in trouble, and the schedules in it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultJobOptions, schedule } from '../integration/support/bullmq.mjs';
import { shell } from '../integration/support/scene.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { assertAtWork, openSceneWithServer, untilNotes, untilUnavailable } from './support/scene.mjs';

const never = '17 3 1 1 *';
const config = { id: '4b0e8f7e-9d3c-4d2f-8a51-0c6a2a3f1e77', timezone: null };
const id = `backup-config-${config.id}`;
const done = `say '{"type":"completed"}'`;

const startWith = (scene, ledger, program = ['true'], env = {}) =>
  scene.start({ program, args: ['--ledger', ledger], env });

/* As the real one does: makes the scheduler if it is missing. A job called "work" waits for the file `go`. */
function startRepairing(scene, { pattern, ...env }) {
  const line = JSON.stringify({ type: 'schedule', id, pattern, tz: 'Etc/UTC', name: 'run', data: { kind: 'run', configId: config.id }, opts: defaultJobOptions });
  const [ledger] = shell(`note ledger; case $job in *'"id":"${id}"'*) ;; *) say '${line}' ;; esac; ${done}`);
  return startWith(scene, ledger, shell(`case $job in *'"name":"work"'*) note work; await go ;; *) note tick ;; esac; ${done}`), env);
}

const noted = (scene, what) => scene.notes().filter((note) => note === what).length;
const until = (scene, what, count) => eventually(() => noted(scene, what) >= count, { timeout: 60_000, what: `${count} times '${what}'` });
const untilTick = (scene) => until(scene, 'tick', noted(scene, 'tick') + 1);
const untilScheduler = ({ client, queue }) => eventually(() => client.exists(queue.toKey(`repeat:${id}`)), { timeout: 60_000, what: 'the scheduler' });

/* What a queue says of its schedules, the count of iterations aside. */
async function scheduleOf({ client, queue }) {
  const { ic, ...fields } = await client.hgetall(queue.toKey(`repeat:${id}`));
  return { fields, members: await client.zrange(queue.toKey('repeat'), 0, -1) };
}

/* Until the worker has looked at the queue as it is: the throttle of a look is gone, and there again. */
async function untilLook({ client, queue }) {
  const key = queue.toKey('stalled-check');
  await client.del(key);
  await eventually(() => client.exists(key), { what: 'a look for stalled jobs' });
}

describe('a wiped Redis', { concurrency: 4 }, () => {
  for (const what of ['flushall', 'flushdb']) {
    test(`${what} while nothing happens: the schedule is back, and is what the API would make`, async (t) => {
      const scene = await openSceneWithServer(t);
      const worker = await startRepairing(scene, { pattern: never });
      await untilScheduler(scene);
      await worker.waitForEvent('ledger report', ({ kind, scheduler }) => kind === 'schedule' && scheduler === id);
      await untilLook(scene);
      await scene.client[what]();
      await worker.waitForEvent('schedulers are gone', ({ before, now }) => before === 1 && now === 0);
      await untilScheduler(scene);
      const ours = await scheduleOf(scene);
      await schedule(scene.queue, { ...config, cron: never });
      assert.deepEqual(await scheduleOf(scene), ours);
    });

    test(`${what} while a job runs: the schedule is back, fires, and goes on`, async (t) => {
      const scene = await openSceneWithServer(t);
      const worker = await startRepairing(scene, { pattern: '*/2 * * * * *' });
      await untilScheduler(scene);
      await scene.queue.add('work', {});
      await until(scene, 'work', 1);
      await scene.client[what]();
      await untilScheduler(scene);
      scene.release('go');
      await untilTick(scene);
      await untilTick(scene);
      assert.equal(worker.named('ledger report').filter(({ kind }) => kind === 'schedule').length, 2, 'at the start, and after the wipe');
    });
  }

  test('flushall between two looks: what the ledger has seen counts as well', async (t) => {
    const scene = await openSceneWithServer(t);
    const worker = await startRepairing(scene, { pattern: never, BACKUP_STALLED_SECONDS: '5' }); // the first look is over before there is a schedule
    await untilScheduler(scene);
    await scene.queue.add('tick', {});
    await until(scene, 'ledger', 2); // after the job
    await scene.client.flushall();
    await worker.waitForEvent('schedulers are gone', ({ before, now }) => before === 1 && now === 0);
    await untilScheduler(scene);
  });

  test('one scheduler of several is gone: the ledger is run', async (t) => {
    const scene = await openSceneWithServer(t);
    await scene.queue.upsertJobScheduler('one', { pattern: never });
    await scene.queue.upsertJobScheduler('two', { pattern: never });
    const worker = await startRepairing(scene, { pattern: never });
    await until(scene, 'ledger', 1);
    await untilScheduler(scene);
    await untilLook(scene);
    await scene.queue.removeJobScheduler('one');
    await worker.waitForEvent('schedulers are gone', ({ before, now }) => before === 3 && now === 2);
    await until(scene, 'ledger', 2);
  });

  test('a server that restarts without its data: the schedule is back and fires', async (t) => {
    const scene = await openSceneWithServer(t);
    await startRepairing(scene, { pattern: '*/2 * * * * *' });
    await untilTick(scene);
    await scene.server.restart({ wipe: true, signal: 'SIGKILL' });
    await untilTick(scene);
    assert.deepEqual((await scheduleOf(scene)).members, [id]);
  });

  test('a server that restarts with its data: the ledger is run, and finds nothing to do', async (t) => {
    const scene = await openSceneWithServer(t);
    await startRepairing(scene, { pattern: never });
    await untilScheduler(scene);
    const before = await scheduleOf(scene);
    const runs = noted(scene, 'ledger');
    await scene.server.restart();
    await until(scene, 'ledger', runs + 1);
    await assertAtWork(scene);
    assert.deepEqual(await scheduleOf(scene), before);
  });
});

describe('a Redis that goes away', { concurrency: 4 }, () => {
  const slow = shell(`note ledger; await "go-$(wc -l <"$SCENE/notes")"
    say '{"type":"add","name":"later","opts":{"jobId":"said","delay":3600000}}'; note said; ${done}`)[0];

  test('while the ledger runs: what it says is written when Redis is back, and then it is run again', async (t) => {
    const scene = await openSceneWithServer(t);
    const worker = await startWith(scene, slow);
    await untilNotes(scene);
    await scene.server.restart({ whileDown: async () => {
      await untilUnavailable(worker, /./);
      scene.release('go-1');
      await untilNotes(scene, 2);
    } });
    await eventually(async () => (await scene.queue.getJobState('said')) === 'delayed', { what: 'the job that it has added' });
    await untilNotes(scene, 3);
    assert.deepEqual(scene.notes(), ['ledger', 'said', 'ledger']);
  });

  test('for good: the worker ends all the same, the ledger with it', async (t) => {
    const scene = await openSceneWithServer(t);
    const worker = await startWith(scene, slow);
    await untilNotes(scene);
    scene.server.pause();
    try {
      scene.release('go-1');
      await untilNotes(scene, 2);
      await untilUnavailable(worker, /^no answer from Redis in time$/);
      const { code } = await worker.stop();
      assert.equal(code, 0);
    } finally {
      scene.server.resume();
    }
  });

  test('refusing writes for want of memory: what the ledger says is written once there is room', async (t) => {
    const scene = await openSceneWithServer(t);
    const worker = await startWith(scene, slow);
    await untilNotes(scene);
    await scene.client.config('SET', 'maxmemory', '1');
    scene.release('go-1');
    await worker.waitForEvent('job report refused for now', ({ kind }) => kind === 'add');
    await scene.client.config('SET', 'maxmemory', '0');
    await eventually(async () => (await scene.queue.getJobState('said')) === 'delayed', { what: 'the job that it has added' });
  });

  test('refusing writes until the worker ends: the worker says what was lost', async (t) => {
    const scene = await openSceneWithServer(t);
    const worker = await startWith(scene, slow);
    await untilNotes(scene);
    await scene.client.config('SET', 'maxmemory', '1');
    scene.release('go-1');
    await worker.waitForEvent('job report refused for now', ({ kind }) => kind === 'add');
    const { code } = await worker.stop();
    assert.equal(code, 1);
    assert.equal(worker.named('shutdown incomplete')[0].reason, 'what the ledger said could not be written in time');
  });
});
