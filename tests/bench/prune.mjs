/*
 * bench/prune: what it costs to prune many dumps, beside doing so from Node one row at a time (two files unlinked, one UPDATE, each awaited),
 * interleaved, on the same database and disk.
 *
 *     node tests/bench/prune.mjs [--rows 10000] [--rounds 5] [--folder /dev/shm]       (after cmake --build --preset release)
 *
 * Ours is the whole life of the job process, from its start to its end. Postgres syncs each commit, as it does where backups matter. The dumps are
 * in memory: what a disk takes to free their blocks is the same for both, and may be more than all the rest. Medians; the ratio is of medians.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../integration/support/postgres.mjs';
import { runProcess } from '../integration/support/run_folder.mjs';
import { createSchema, insertConfig } from '../integration/support/schema.mjs';
import { jobProgram } from '../integration/support/worker.mjs';

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '5' }, folder: { type: 'string', default: '/dev/shm' } },
});
const rows = Number(options.rows);
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/* One more row than are to go, one a minute, each with its dump and manifest. */
async function fill(client, configId, storage) {
  await client.query('TRUNCATE backup_run');
  await client.query(`INSERT INTO backup_run (config_id, kind, status, started_at, size_bytes, manifest, dump_path, manifest_path)
    SELECT $1::uuid, 'SCHEDULED', 'success', at, 1024, '{"sizeBytes": 1024, "verified": {"level": "full"}}', path || '.dump', path || '.manifest.json'
    FROM generate_series(0, $3) i, LATERAL (SELECT timestamp '2026-01-01' + i * interval '1 minute' AS at) AS times,
         LATERAL (SELECT $2 || to_char(at, '"/weavestream-postgres-"YYYY-MM-DD"T"HH24-MI-SS"Z"') AS path) AS paths`, [configId, storage, rows]);
  const { rows: paths } = await client.query('SELECT dump_path, manifest_path FROM backup_run');
  const dump = Buffer.alloc(1024, 'x');
  for (const { dump_path, manifest_path } of paths) {
    writeFileSync(dump_path, dump);
    writeFileSync(manifest_path, ''); // both together fit into a container's 64 MB of /dev/shm
  }
  await client.query('ANALYZE backup_run');
  await client.query('CHECKPOINT');
  await runProcess('sync', []);
}

async function fromNode(client, configId) {
  const { rows: all } = await client.query(`SELECT id, dump_path, manifest_path FROM backup_run
    WHERE config_id = $1 AND status = 'success' AND dump_path IS NOT NULL ORDER BY started_at DESC`, [configId]);
  for (const { id, dump_path, manifest_path } of all.slice(1)) {
    await unlink(dump_path);
    await unlink(manifest_path);
    await client.query('UPDATE backup_run SET dump_path = NULL, manifest_path = NULL WHERE id = $1', [id]);
  }
}

const ours = (postgres, configId, storage) =>
  runProcess(jobProgram, [], {
    env: { PATH: process.env.PATH, DATABASE_URL: postgres.url, BACKUP_STORAGE_DIR: storage, LOG_LEVEL: 'warn' },
    input: JSON.stringify({ name: 'prune', data: { kind: 'prune', configId } }),
  });

/* How many milliseconds it took; afterwards one dump and its row are left. */
async function timed(work, client, storage) {
  const start = performance.now();
  await work();
  const milliseconds = performance.now() - start;
  const { rows: [{ left }] } = await client.query('SELECT count(*)::int AS left FROM backup_run WHERE dump_path IS NOT NULL');
  if (left !== 1 || readdirSync(storage).length !== 2) throw new Error(`${left} rows and ${readdirSync(storage).length} files are left`);
  return milliseconds;
}

const postgres = await startPostgres({ extraConf: ['fsync = on'] });
const client = await postgres.client();
await createSchema(client);
const configId = await insertConfig(client, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
const storage = mkdtempSync(join(options.folder, 'weavestream-backup-bench-'));
const times = { node: [], ours: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  await fill(client, configId, storage);
  times.node.push(await timed(() => fromNode(client, configId), client, storage));
  await fill(client, configId, storage);
  times.ours.push(await timed(() => ours(postgres, configId, storage), client, storage));
  console.log(`round ${round + 1}: ${rows} rows from Node in ${times.node.at(-1).toFixed(0)} ms, ours in ${times.ours.at(-1).toFixed(0)} ms`);
}
const [nodeMs, oursMs] = [median(times.node), median(times.ours)];
console.log(`medians: Node ${nodeMs.toFixed(0)} ms, ours ${oursMs.toFixed(0)} ms: ${(nodeMs / oursMs).toFixed(1)} times as fast`);
rmSync(storage, { recursive: true });
await client.end();
await postgres.stop();
process.exit(0);
