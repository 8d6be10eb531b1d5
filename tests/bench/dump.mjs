/*
 * bench/dump: what a run costs beside bare `pg_dump --format=custom --file` followed by `sha256sum`, interleaved, on the same database.
 *
 *     node tests/bench/dump.mjs [--megabytes 500] [--rounds 3]       (after cmake --build --preset release)
 *
 * Compared are the dump and hash phases together; the read-back, which bare pg_dump does not do, is reported beside them. Also: the worker's
 * own CPU during a run, and the time from its start to being blocked on the queue. Medians; the ratio is of medians.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openQueue, runNow, untilState, versions } from '../integration/support/bullmq.mjs';
import { startPostgres, password, role } from '../integration/support/postgres.mjs';
import { cpuSeconds } from '../integration/support/processes.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { runProcess, temporaryFolder } from '../integration/support/run_folder.mjs';
import { createSchema, insertConfig, insertRun, sampleData } from '../integration/support/schema.mjs';
import { startWorker } from '../integration/support/worker.mjs';

const { values: options } = parseArgs({ options: { megabytes: { type: 'string', default: '500' }, rounds: { type: 'string', default: '3' } } });
const rounds = Number(options.rounds);
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/* Runs `work` and says how many milliseconds it took. */
async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function bareDump(postgres, folder) {
  const file = join(folder, 'bare.dump');
  const env = { PATH: process.env.PATH, PGPASSWORD: password };
  const dump = await timed(() =>
    runProcess('pg_dump', ['--format=custom', '--no-owner', '--no-acl', `--file=${file}`, '-h', '127.0.0.1', '-p', String(postgres.port), '-U', role, role], { env }),
  );
  const hash = await timed(() => runProcess('sha256sum', [file], { env }));
  rmSync(file);
  return { dump, hash };
}

async function ourDump({ queue, client, config, worker }) {
  const from = worker.events.length;
  const run = await insertRun(client, { config_id: config });
  const cpuBefore = cpuSeconds(worker.pid);
  const job = await runNow(queue, { configId: config, backupRunId: run });
  const state = await untilState(queue, job, ['completed', 'failed'], { timeout: 600_000 });
  const done = await worker.waitForEvent('backup completed', (event) => event.run === run, { from });
  return { ...done, state, cpuMs: (cpuSeconds(worker.pid) - cpuBefore) * 1000 };
}

/* With what Node needs to start a process and to read its first lines, so the true figure is smaller. */
async function startToReady(redis) {
  const start = performance.now();
  const worker = await startWorker({ env: { REDIS_URL: redis.url }, args: ['--queue', 'idle', '--', 'true'] });
  await worker.waitForEvent('worker ready');
  const milliseconds = performance.now() - start;
  await worker.stop();
  return milliseconds;
}

async function main() {
  const redis = await startRedis();
  const postgres = await startPostgres();
  const folder = temporaryFolder('bench');
  const storage = join(folder, 'backup');
  mkdirSync(storage);
  const client = await postgres.client();
  await createSchema(client);
  await sampleData(client, Number(options.megabytes));
  const size = (await client.query('SELECT pg_database_size(current_database()) AS bytes')).rows[0].bytes;
  await client.query('CHECKPOINT');
  console.log(`database: ${(size / 1048576).toFixed(0)} MB; ${rounds} rounds`);

  const config = await insertConfig(client);
  const queue = openQueue(versions['5.76.2'], redis);
  const worker = await startWorker({ env: { REDIS_URL: redis.url, DATABASE_URL: postgres.url, BACKUP_STORAGE_DIR: storage } });
  await worker.waitForEvent('worker ready');

  const bare = [];
  const ours = [];
  await bareDump(postgres, folder); // warms the database's cache, for both
  for (let round = 0; round < rounds; round++) {
    bare.push(await bareDump(postgres, folder));
    ours.push(await ourDump({ queue, client, config, worker }));
    const [b, o] = [bare.at(-1), ours.at(-1)];
    console.log(`round ${round + 1}: bare dump ${b.dump.toFixed(0)} + hash ${b.hash.toFixed(0)} ms;`
      + ` ours dump ${o.dumpMs} + sync ${o.syncMs} + hash ${o.hashMs} ms, read-back until ${o.verifyMs} ms, worker's CPU ${o.cpuMs.toFixed(0)} ms`);
  }
  const bareMs = median(bare.map((one) => one.dump + one.hash));
  const oursMs = median(ours.map((one) => one.dumpMs + one.syncMs + one.hashMs));
  const wholeMs = median(ours.map((one) => one.dumpMs + one.syncMs + one.verifyMs));
  console.log(`dump and hash: ${(oursMs / bareMs).toFixed(3)} of bare; with the read-back: ${(wholeMs / bareMs).toFixed(3)}`);
  console.log(`worker's CPU per run: ${median(ours.map((one) => one.cpuMs)).toFixed(0)} ms`);

  const starts = [];
  for (let i = 0; i < 9; i++) starts.push(await startToReady(redis));
  console.log(`from start to blocked on the queue: ${median(starts).toFixed(1)} ms`);

  await worker.stop();
  await queue.close();
  await client.end();
  await postgres.stop();
  await redis.stop();
}

await main();
process.exit(0);
