/*
 * BullMQ's own Worker with jobs that do nothing, as protocol_worker.c is ours:
 *
 *     node_worker.mjs VERSION PORT QUEUE CONCURRENCY WARM_UP JOBS
 *     node_worker.mjs VERSION PORT QUEUE fetch WARM_UP JOBS         jobs are only taken, one after the other
 */
import { openNodeWorker, versions } from '../integration/support/bullmq.mjs';

const [version, port, name, concurrency, warmUp, jobs] = process.argv.slice(2);
const redis = { connection: () => ({ host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }) };
let done = 0;
let start;
let cpu;

/* Once for each job. */
function count() {
  if (done === Number(warmUp)) [start, cpu] = [performance.now(), process.cpuUsage()];
  if (done === Number(warmUp) + Number(jobs)) {
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ jobs: Number(jobs), seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }));
    process.exit(0);
  }
  done++;
  return null;
}

if (concurrency === 'fetch') {
  const worker = openNodeWorker(versions[version], redis, null, { name });
  for (;;) {
    await worker.getNextJob('token', { block: false });
    count();
  }
}
openNodeWorker(versions[version], redis, async () => count(), { name, concurrency: Number(concurrency) });
