/*
 * A backup worker on Node as the app's is, for comparison: BullMQ's Worker on the queue `backup`, and a pool of Postgres:
 *
 *     REDIS_URL=... DATABASE_URL=... BACKUP_STORAGE_DIR=... node tests/bench/node_backup_worker.mjs ['{"lockDuration":30000}']
 *
 * Modelled is what costs memory and time between jobs, and what becomes of a run whose worker dies: a lock that lives as long as a backup may take
 * (BACKUP_JOB_LOCK_MINUTES), all other options as BullMQ has them, row, advisory lock, dump through a pipe, checksum, manifest, the prune job.
 * Not modelled, so that the app's needs more: its other queues, Prisma, its logger, mail and audit, and what a prune deletes. The argument: options
 * of the Worker that are to be others. It says {"event":"worker ready"} on standard error; SIGTERM closes it.
 */
import { Queue, Worker } from 'bullmq5';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';

const { REDIS_URL, DATABASE_URL, BACKUP_STORAGE_DIR, BACKUP_JOB_LOCK_MINUTES = '360' } = process.env;
const options = JSON.parse(process.argv[2] ?? '{}');
const database = DATABASE_URL.replace(/\?.*/s, '');
const connection = { url: REDIS_URL, maxRetriesPerRequest: null };
const pool = new pg.Pool({ connectionString: database });
const queue = new Queue('backup', { connection });

async function dump(file) {
  const child = spawn('pg_dump', ['--format=custom', '--no-owner', '--no-acl', `--dbname=${database}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  await pipeline(child.stdout, createWriteStream(`${file}.tmp`, { mode: 0o600 }));
  const code = await ended;
  if (code !== 0) throw new Error(`pg_dump ended with ${code}`);
  await rename(`${file}.tmp`, file);
}

async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function backUp(id) {
  const filename = `weavestream-postgres-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z.dump`;
  const file = join(BACKUP_STORAGE_DIR, filename);
  const manifestFile = file.replace(/dump$/, 'manifest.json');
  await pool.query(`UPDATE backup_run SET status = 'running', started_at = now() AT TIME ZONE 'UTC' WHERE id = $1`, [id]);
  await dump(file);
  const manifest = { generatedAt: new Date().toISOString(), filename, sizeBytes: (await stat(file)).size, sha256: await sha256(file) };
  await writeFile(manifestFile, JSON.stringify(manifest, null, 2));
  await pool.query(`UPDATE backup_run SET status = 'success', finished_at = now() AT TIME ZONE 'UTC', size_bytes = $2, manifest = $3, dump_path = $4,
    manifest_path = $5 WHERE id = $1`, [id, manifest.sizeBytes, manifest, file, manifestFile]);
}

/* A run that fails does not fail its job. Lock and unlock go through the pool. */
async function run({ configId, backupRunId }) {
  const { rows: [config] } = await pool.query('SELECT * FROM backup_config WHERE id = $1', [configId]);
  if (!config) return { skipped: true };
  const { rows: [{ had }] } = await pool.query(`SELECT pg_try_advisory_lock(hashtext('weavestream:backup')) AS had`);
  try {
    if (!had) throw new Error('concurrent');
    await backUp(backupRunId);
    await queue.add('prune', { kind: 'prune', configId }, { attempts: 1, removeOnComplete: { age: 3600 }, removeOnFail: { age: 86400 } });
  } catch (error) {
    await pool.query(`UPDATE backup_run SET status = 'failed', finished_at = now() AT TIME ZONE 'UTC', error = $2 WHERE id = $1`, [backupRunId, error.message]);
  } finally {
    if (had) await pool.query(`SELECT pg_advisory_unlock(hashtext('weavestream:backup'))`);
  }
  return { backupRunId };
}

/* Only looks. */
async function prune({ configId }) {
  const { rowCount } = await pool.query(`SELECT * FROM backup_run WHERE config_id = $1 AND status = 'success' ORDER BY started_at DESC`, [configId]);
  return { kept: rowCount };
}

const work = { run, prune };
const worker = new Worker('backup', ({ name, data }) => work[name](data), { connection, lockDuration: Number(BACKUP_JOB_LOCK_MINUTES) * 60_000, ...options });
process.on('SIGTERM', async () => {
  await Promise.all([worker.close(), queue.close(), pool.end()]);
  process.exit(0);
});
await Promise.all([worker.waitUntilReady(), pool.query('SELECT 1')]);
console.error(JSON.stringify({ event: 'worker ready' }));
