/*
 * bench/dump: what a run costs beside bare `pg_dump --format=custom --file` followed by `sha256sum`, and what the proof costs: runs at level
 * `full` beside runs at level `toc`. All are interleaved, on the same database.
 *
 *     node tests/bench/dump.mjs [--megabytes 400] [--rounds 5]       (after cmake --build --preset release)
 *
 * Half of the data is documents, which hardly compress; the other half a journal, which compresses well: reading it back is quick, but so is
 * dumping it. With bare pg_dump are compared the dump and hash phases of a run at `toc`. Also: the worker's own CPU during a run, and the time
 * from its start to being blocked on the queue. Medians; each ratio is the median of the rounds' ratios.
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

const { values: options } = parseArgs({ options: { megabytes: { type: 'string', default: '400' }, rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/* About 220 bytes a row. */
function writeJournal(client, megabytes) {
  return client.query(`CREATE TABLE journal AS
    SELECT i AS id, timestamptz '2026-01-01' + i * interval '17 seconds' AS at, (ARRAY['info', 'warn', 'error'])[1 + i * 7919 % 3] AS level,
      format('user %s changed asset %s of company %s from 10.0.%s.%s', i * 48271 % 997, i * 16807 % 65537, i % 41, i % 7, i * 31 % 253) AS message,
      jsonb_build_object('request', md5(i::text), 'ms', i * 37 % 1000, 'path', '/api/v1/assets/' || i * 16807 % 65537) AS details
    FROM generate_series(1::bigint, ${Math.round((megabytes * 1048576) / 220)}) i`);
}

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

/* A worker at that level, with a queue of its own. */
async function startLevel(level, { redis, client, storage, config }, DATABASE_URL) {
  const worker = await startWorker({ env: { REDIS_URL: redis.url, DATABASE_URL, BACKUP_STORAGE_DIR: storage, BACKUP_VERIFY: level } });
  const queue = openQueue(versions['5.76.2'], redis);
  await worker.waitForEvent('worker ready');
  return {
    async run() {
      const from = worker.events.length;
      const cpuBefore = cpuSeconds(worker.pid);
      const run = await insertRun(client, { config_id: config });
      const job = await runNow(queue, { configId: config, backupRunId: run });
      await untilState(queue, job, ['completed', 'failed'], { timeout: 600_000 });
      const done = await worker.waitForEvent('backup completed', (event) => event.run === run, { from });
      rmSync(join(storage, done.file));
      return { ...done, cpuMs: (cpuSeconds(worker.pid) - cpuBefore) * 1000 };
    },
    stop: () => Promise.all([worker.stop(), queue.close()]),
  };
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

const phases = ({ dumpMs, syncMs, hashMs, verifyMs, durationMs }) =>
  `${durationMs} ms: dump ${dumpMs}, sync ${syncMs}, hash until ${hashMs}, read-back until ${verifyMs}`;

async function main() {
  const redis = await startRedis();
  const postgres = await startPostgres();
  const folder = temporaryFolder('bench');
  const storage = join(folder, 'backup');
  mkdirSync(storage);
  const client = await postgres.client();
  await createSchema(client);
  await sampleData(client, Number(options.megabytes) / 2);
  await writeJournal(client, Number(options.megabytes) / 2);
  const size = (await client.query('SELECT pg_database_size(current_database()) AS bytes')).rows[0].bytes;
  await client.query('CHECKPOINT');
  console.log(`database: ${(size / 1048576).toFixed(0)} MB; ${rounds} rounds`);

  const config = await insertConfig(client);
  const [toc, full] = await Promise.all(['toc', 'full'].map((level, index) =>
    startLevel(level, { redis: redis.database(index + 1), client, storage, config }, postgres.url)));

  const taken = [];
  await bareDump(postgres, folder); // warms the database's cache, for all
  for (let round = 0; round < rounds; round++) {
    const one = { bare: await bareDump(postgres, folder) };
    for (const level of round % 2 === 0 ? ['toc', 'full'] : ['full', 'toc']) one[level] = await { toc, full }[level].run(); // neither always follows the other
    taken.push(one);
    console.log(`round ${round + 1}: bare: dump ${one.bare.dump.toFixed(0)}, hash ${one.bare.hash.toFixed(0)}`);
    console.log(`    toc ${phases(one.toc)}`);
    console.log(`    full ${phases(one.full)}`);
  }
  const overRounds = (compute) => median(taken.map(compute));
  console.log(`dump and hash: ${overRounds(({ bare, toc: run }) => (run.dumpMs + run.syncMs + run.hashMs) / (bare.dump + bare.hash)).toFixed(3)} of bare`);
  console.log(`a run at level full: ${overRounds((one) => one.full.durationMs / one.toc.durationMs).toFixed(3)} of one at level toc`);
  console.log(`reading back: ${overRounds((one) => one.full.verifyMs / one.full.dumpMs).toFixed(3)} of the dump`);
  console.log(`worker's CPU per run: ${overRounds((one) => one.full.cpuMs).toFixed(0)} ms`);

  const starts = [];
  for (let i = 0; i < 9; i++) starts.push(await startToReady(redis));
  console.log(`from start to blocked on the queue: ${median(starts).toFixed(1)} ms`);

  await Promise.all([toc.stop(), full.stop()]);
  await client.end();
  await postgres.stop();
  await redis.stop();
}

await main();
process.exit(0);
