/*
 * What others wrote into a queue and should not have. A script that fails takes nothing back: whatever it was given, no job may be lost, run
 * more often than it should, or stop the worker.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { versions } from './support/bullmq.mjs';
import { startRedis } from './support/redis.mjs';
import { javascript, openScene } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';

const bullmq = versions['6.7.0'];
const noNumbers = ['nonsense', '', '1.5', 'nan', '-inf', '1e300', '99999999999999999999', '-7'];

let redis;
before(async () => {
  redis = await startRedis({ extraArgs: ['databases 100'] });
});
after(() => redis.stop());

/* What a job does is its name. It notes its id each time that it runs. */
const program = javascript(`appendFileSync(process.env.SCENE + '/notes', job.id + '\\n');
  const failed = { type: 'failed', reason: 'no', retry: true };
  const first = job.attemptsMade === 0;
  const verdicts = { fail: failed, retry: first ? failed : null, wait: job.data.waited ? null : { type: 'wait' } };
  if (job.name === 'wait') say({ type: 'data', data: { waited: true } });
  say(verdicts[job.name] ?? { type: 'completed', returnvalue: job.id })`);

const complaints = ['fetch refused', 'wait refused', 'outcome refused for now', 'outcome not written', 'no look for stalled jobs', 'locks not renewed', 'job report not written'];

const none = { waiting: 0, active: 0, delayed: 0, prioritized: 0, completed: 0, failed: 0, paused: 0, 'waiting-children': 0 };

async function open(t) {
  const scene = await openScene(t, { redis, bullmq });
  const flows = new bullmq.FlowProducer({ connection: scene.redis.connection() });
  t.after(() => flows.close());
  const add = (name, opts = {}) => scene.queue.add(name, {}, { removeOnComplete: false, removeOnFail: false, ...opts });
  return Object.assign(scene, {
    add,
    key: (name) => scene.queue.toKey(name),
    write: (job, fields) => scene.client.hset(scene.queue.toKey(job.id), fields),
    read: (job, field) => scene.client.hget(scene.queue.toKey(job.id), field),
    /* A parent whose one child, of that name, is about to run. */
    async addFamily(childName, opts = {}) {
      const { job, children } = await flows.add({ name: 'work', queueName: 'backup', children: [{ name: childName, queueName: 'backup', opts }] });
      return { parent: job, child: children[0].job };
    },
    /* Until all jobs are where they are expected to be; then none is in a worker's hands, each ran that often, and Redis refused nothing. */
    async settles(worker, counts, runs) {
      const expected = JSON.stringify({ ...none, ...counts });
      await eventually(async () => {
        const now = JSON.stringify({ ...none, ...(await scene.queue.getJobCounts(...Object.keys(none))) });
        assert.equal(now, expected);
        return true;
      }, { what: 'all jobs to be where they belong' });
      assert.deepEqual(await scene.client.keys(scene.key('*:lock')), []);
      for (const event of complaints) assert.deepEqual(worker.named(event), []);
      const ran = scene.notes();
      assert.deepEqual([...new Set(ran)].map((id) => [id, ran.filter((one) => one === id).length]).sort(), runs.map(([job, times]) => [job.id, times]).sort());
    },
  });
}

test('an attempt\'s number that is none counts as the first', async (t) => {
  const scene = await open(t);
  const jobs = [];
  for (const ats of noNumbers) {
    const job = await scene.add('retry', { attempts: 2 });
    await scene.write(job, { ats });
    jobs.push(job);
  }
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: jobs.length }, jobs.map((job) => [job, 2]));
  for (const job of jobs) assert.equal(await scene.read(job, 'ats'), '2');
});

test('a priority that is none keeps no job from being promoted, repeated or put back', async (t) => {
  const scene = await open(t);
  const runs = [];
  for (const priority of noNumbers) {
    for (const [name, opts, times] of [['work', { delay: 1 }, 1], ['retry', { attempts: 2 }, 2], ['wait', {}, 2]]) {
      const job = await scene.add(name, opts);
      await scene.write(job, { priority });
      runs.push([job, times]);
    }
  }
  const worker = await scene.start({ program, args: ['--concurrency=4'] });
  await scene.settles(worker, { completed: runs.length }, runs);
});

test('a queue\'s settings that are none hold nothing up', async (t) => {
  const scene = await open(t);
  const runs = [];
  let completed = 0;
  for (const value of noNumbers.filter((one) => !one.startsWith('-'))) { // less than nothing lets nobody run, and may be meant
    for (const [name, opts, times] of [['work', {}, 1], ['retry', { attempts: 2 }, 2], ['retry', { attempts: 2, backoff: 1 }, 2], ['wait', {}, 2]]) runs.push([await scene.add(name, opts), times]);
    completed += 4;
    await scene.client.hset(scene.key('meta'), { concurrency: value, max: value, duration: value, version: value, 'opts.maxLenEvents': value });
    const worker = await scene.start({ program, args: ['--stalled-interval=100'] });
    await scene.settles(worker, { completed }, runs);
    await worker.stop();
    await scene.client.del(scene.key('meta')); // or bullmq itself could add nothing
  }
});

test('a rate limit\'s counter that is none starts anew', async (t) => {
  const scene = await open(t);
  const worker = await scene.start({ program, args: ['--limiter=3/50'] });
  const runs = [];
  for (const value of noNumbers) {
    await scene.client.set(scene.key('limiter'), value);
    for (let i = 0; i < 5; i++) runs.push([await scene.add('work'), 1]);
    await scene.settles(worker, { completed: runs.length }, runs);
  }
});

test('metrics that are none start anew', async (t) => {
  const scene = await open(t);
  const worker = await scene.start({ program, args: ['--metrics=5'] });
  const runs = [];
  for (const [index, value] of noNumbers.entries()) {
    for (const target of ['completed', 'failed']) await scene.client.hset(scene.key(`metrics:${target}`), { count: value, prevTS: value, prevCount: value });
    runs.push([await scene.add('work'), 1], [await scene.add('fail'), 1]);
    await scene.settles(worker, { completed: index + 1, failed: index + 1 }, runs);
    for (const target of ['completed', 'failed']) {
      const { count, prevTS, prevCount } = await scene.client.hgetall(scene.key(`metrics:${target}`));
      for (const number of [count, prevTS, prevCount]) assert.match(number, /^-?[0-9]+$/, `${value} became ${number}`);
    }
  }
});

test('a number of stalls that is none starts anew', async (t) => {
  const scene = await open(t);
  const jobs = [];
  for (const stc of noNumbers) {
    const job = await scene.add('work');
    await scene.write(job, { stc, ats: 1 });
    await scene.client.lmove(scene.key('wait'), scene.key('active'), 'RIGHT', 'LEFT'); // as a dead worker leaves it
    jobs.push(job);
  }
  const worker = await scene.start({ program, args: ['--stalled-interval=100'] });
  await scene.settles(worker, { completed: jobs.length }, jobs.map((job) => [job, 1]));
  assert.equal(worker.named('stalled job put back').length, jobs.length);
});

test('a parent\'s priority and delay that are none do not keep it from its turn', async (t) => {
  const scene = await open(t);
  const runs = [];
  for (const value of noNumbers.filter((one) => !(Number(one) > 1000))) {
    const { parent, child } = await scene.addFamily('work');
    await scene.write(parent, { priority: value, delay: value });
    runs.push([parent, 1], [child, 1]);
  }
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: runs.length }, runs);
});

const noLinks = ['nonsense', '', '[]', '7', 'null', '{}', '{"id":"x"}', '{"queueKey":"x"}', '{"queueKey":null,"id":null}', '{"queueKey":{},"id":[]}', '{"queueKey":true,"id":true}'];

test('a child whose link to its parent is none is found by its key', async (t) => {
  const scene = await open(t);
  const runs = [];
  for (const link of noLinks) {
    const { parent, child } = await scene.addFamily('work');
    await scene.write(child, { parent: link });
    runs.push([parent, 1], [child, 1]);
  }
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: runs.length }, runs);
});

test('a child that fails without a link to its parent is failed, and its parent waits', async (t) => {
  const scene = await open(t);
  const runs = [];
  for (const link of noLinks) {
    const { child } = await scene.addFamily('fail', { ignoreDependencyOnFailure: true });
    await scene.write(child, { parent: link });
    runs.push([child, 1]);
  }
  const { parent, child } = await scene.addFamily('fail');
  await scene.write(child, { parent: '{"idof":true}' }); // the one thing that is still known
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: 1, failed: runs.length + 1, 'waiting-children': runs.length }, [...runs, [child, 1], [parent, 1]]);
});

test('a job that was held back, with options that are none, comes all the same', async (t) => {
  const scene = await open(t);
  const options = ['nonsense', '', 'null', '[]', '{"de":7}', '{"de":true}', '{"de":null}', '{"de":{"ttl":"x"}}', '{"de":{"ttl":1.5}}', '{"de":{"ttl":-1}}', '{"de":{"ttl":1e300}}',
    '{"de":{"id":{}}}', '{"delay":{},"priority":[],"lifo":7}', '{"priority":1e300}'];
  const runs = [];
  for (const [index, opts] of options.entries()) {
    runs.push([await scene.add('work', { deduplication: { id: `d${index}` } }), 1], [{ id: `next${index}` }, 1]);
    await scene.client.hset(scene.key(`dn:d${index}`), { name: 'work', data: '{}', opts, jid: `next${index}` });
  }
  runs.push([await scene.add('work', { deduplication: { id: 'bare' } }), 1], [{ id: 'nameless' }, 1]);
  await scene.client.hset(scene.key('dn:bare'), { opts: '{}', jid: 'nameless' });
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: runs.length }, runs);
});

test('a delayed job of before all times is due, one of after all times keeps nobody from working', async (t) => {
  const scene = await open(t);
  const jobs = [];
  for (const score of ['-inf', '-1', '-1e300', '0.5']) {
    jobs.push(await scene.add('work', { delay: 3_600_000 }));
    await scene.client.zadd(scene.key('delayed'), score, jobs.at(-1).id);
  }
  for (const delay of [1e300, Number.MAX_VALUE]) await scene.add('work', { delay });
  const worker = await scene.start({ program });
  await scene.settles(worker, { completed: jobs.length, delayed: 2 }, jobs.map((job) => [job, 1]));
  await worker.waitForEvent('worker ready');
  jobs.push(await scene.add('work'));
  await scene.settles(worker, { completed: jobs.length, delayed: 2 }, jobs.map((job) => [job, 1]));
});

test('a job without readable options is run once', async (t) => {
  const scene = await open(t);
  const jobs = [];
  for (const opts of ['nonsense', '', 'null', '[]', '"x"', '{"attempts":"many","backoff":"soon"}', '{"attempts":null,"removeOnFail":[]}']) {
    jobs.push(await scene.add('fail', { attempts: 3 }));
    await scene.write(jobs.at(-1), { opts });
  }
  const worker = await scene.start({ program });
  await scene.settles(worker, { failed: jobs.length }, jobs.map((job) => [job, 1]));
});
