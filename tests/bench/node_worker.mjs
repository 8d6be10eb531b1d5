/* BullMQ's own Worker with jobs that do nothing, as protocol_worker.c is ours:  node_worker.mjs VERSION PORT QUEUE CONCURRENCY WARM_UP JOBS */
import { openNodeWorker, versions } from '../integration/support/bullmq.mjs';

const [version, port, name, concurrency, warmUp, jobs] = process.argv.slice(2).map((word, index) => (index === 0 || index === 2 ? word : Number(word)));
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
let done = 0;
let start;
let cpu;

const worker = openNodeWorker(versions[version], { connection: () => connection }, async () => {
  if (done === warmUp) [start, cpu] = [performance.now(), process.cpuUsage()];
  if (done === warmUp + jobs) {
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ jobs, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }));
    worker.close(true).finally(() => process.exit(0));
  }
  done++;
  return null;
}, { name, concurrency });
