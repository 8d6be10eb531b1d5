/*
 * stage: one run of one scenario, on a Redis database of its own.
 *
 *     const stages = openStages(redis);
 *     const description = await stages.play(scenario, { bullmq: versions['6.7.0'], kind: 'ours' });
 *
 * A scenario is what a file in scenarios/ exports, one or a list:
 *
 *     title             a sentence
 *     only              the one version of bullmq that it can be played with, if it is not both
 *     queue             options of the Queue, if any
 *     worker            options of the worker, in bullmq's words, if any
 *     work(job, tools)  what a job does (workers.mjs); returns 'done' if there is none
 *     run(scene)        what happens; the database is described once the worker is idle again, or at once, if the scenario ends `busy`
 */
import { closeAll, openQueue, untilState } from '../../integration/support/bullmq.mjs';
import { startRedis } from '../../integration/support/redis.mjs';
import { eventually } from '../../integration/support/wait.mjs';
import { readDatabase } from './database.mjs';
import { describeRun } from './describe.mjs';
import { kinds } from './workers.mjs';

const databases = 64; // one for each run at a time, and database 0
const slowly = { timeout: 60_000 }; // with the sanitizers, on a busy machine

/* A stream of one entry a node is trimmed exactly, so that each trimming shows. */
export const startServer = () => startRedis({ appendonly: false, extraArgs: [`databases ${databases}`, 'stream-node-max-entries 1'] });

/* Jobs that are held while they are active: tools.hold() in a job, held() and release() in run(). */
function makeHolds() {
  const waiting = [];
  return {
    hold: () => new Promise((done) => waiting.push(done)),
    held: (count = 1) => eventually(() => waiting.length >= count, { ...slowly, what: `${count} jobs to be held` }),
    release: () => waiting.splice(0).forEach((done) => done()),
  };
}

/* A worker that waits for jobs is blocked on the marker, which is then empty: it has nothing more to do. */
async function isBlocked({ client, number }) {
  const lines = (await client.client('LIST')).split('\n');
  return lines.some((line) => line.includes(` db=${number} `) && / flags=b /.test(line) && / cmd=bzpopmin /.test(line));
}

/* What a scenario's run() is given. */
function makeScene({ bullmq, kind, redis, client, number, scenario }) {
  const prefix = scenario.queue?.prefix ?? 'bull';
  const holds = makeHolds();
  const queues = [];
  const workers = [];
  const seen = [];
  const told = [];
  let flow = null;

  const work = (job, tools) => {
    seen.push(JSON.stringify(job));
    return scenario.work ? scenario.work(job, { ...tools, hold: holds.hold }) : 'done';
  };
  const scene = {
    bullmq,
    redis,
    client,
    ...holds,
    until: (condition, what) => eventually(condition, { ...slowly, what }),
    state: (job, states) => untilState(scene.queue, job, states, slowly),
    completed: (count) => scene.until(async () => (await scene.queue.getCompletedCount()) === count, `${count} completed jobs`),
    gone: (name) => scene.until(async () => !(await client.exists(scene.queue.toKey(name))), `'${name}' to be gone`),
    idle: () => scene.until(() => isBlocked({ client, number }), 'the worker to be idle'),
    /* The name is there once the queue has written about itself. */
    async openQueue(name, options = {}) {
      const queue = openQueue(bullmq, redis, { name, defaultJobOptions: {}, ...scenario.queue, ...options });
      queues.push(queue);
      await scene.until(() => client.hexists(queue.toKey('meta'), 'version'), `the queue '${name}'`);
      return queue;
    },
    get flow() {
      flow ??= new bullmq.FlowProducer({ connection: redis.connection(), prefix });
      return flow;
    },
    async startWorker(options = {}) {
      const all = { ...scenario.worker, ...options };
      const worker = await kinds[kind]({ bullmq, redis, client, prefix, queue: scene.queue, work }, all);
      workers.push(worker);
      if (!all.skipStalledCheck) await scene.until(() => client.exists(scene.queue.toKey('stalled-check')), 'the look for stalled jobs');
      return worker;
    },
    /* Takes the next job as a worker that dies at once: the next look for stalled jobs finds it. */
    async abandonJob() {
      const options = { connection: redis.connection(), prefix, lockDuration: 1 };
      const lookForStalled = async () => {
        const worker = new bullmq.Worker('work', null, options);
        await worker.startStalledCheckTimer();
        await scene.until(() => client.del(scene.queue.toKey('stalled-check')), 'the look for stalled jobs');
        await worker.close();
      };
      await lookForStalled(); // puts back what was abandoned before
      const worker = new bullmq.Worker('work', null, options);
      const job = await worker.getNextJob('abandoned');
      await worker.close();
      await scene.gone(`${job.id}:lock`);
      await lookForStalled(); // marks it
      return job;
    },
    tell: (what) => told.push(JSON.stringify(what)),
    outside: () => ({ 'jobs as the work saw them': seen, 'what the scenario told': told }),
    async close() {
      holds.release();
      await Promise.all(workers.map((worker) => worker.stop()));
      await closeAll(...queues, flow);
    },
  };
  return scene;
}

export function openStages(redis) {
  const free = Array.from({ length: databases - 1 }, (_, index) => index + 1);

  return {
    async play(scenario, { bullmq, kind }) {
      const number = await eventually(() => free.pop(), { what: 'a free database' });
      const view = redis.database(number);
      const client = view.client();
      const scene = makeScene({ bullmq, kind, redis: view, client, number, scenario });
      const from = Date.now();
      try {
        scene.queue = await scene.openQueue('work');
        await scenario.run(scene);
        if (!scenario.busy) await scene.idle();
        return describeRun({ database: await readDatabase(client), outside: scene.outside() }, { from, to: Date.now() });
      } finally {
        await scene.close();
        await client.flushdb();
        await client.quit();
        free.push(number);
      }
    },
  };
}
