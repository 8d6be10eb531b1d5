/*
 * disk: runs by the job process alone, without worker and queue, each with a row of its own and in a backup directory of the test's choice.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScene, sha256 } from '../../integration/support/scene.mjs';
import { insertConfig, insertRun, readAudit, readRun } from '../../integration/support/schema.mjs';
import { jobProgram, run } from '../../integration/support/worker.mjs';
import { newest } from './scene.mjs';

export async function openDisk(t, options) {
  const scene = await openScene(t, { bullmq: newest, ...options });
  return Object.assign(scene, { configId: await insertConfig(scene.sql) });
}

export const newDirectory = (scene) => mkdtempSync(join(scene.storage, 'backup-'));

/* Does a job of this kind: what the job process said, line by line, and its verdict; none if it was killed. */
async function doJob(scene, directory, data, { env = {}, wrapper = [] }) {
  const [binary, ...args] = [...wrapper, jobProgram];
  const { stdout } = await run(args, {
    binary,
    input: JSON.stringify({ id: '1', name: data.kind, data: { configId: scene.configId, ...data } }),
    env: { ...scene.environment, BACKUP_STORAGE_DIR: directory, ...env },
  });
  const lines = stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { lines, verdict: lines.find(({ type }) => type === 'completed' || type === 'failed') };
}

/* A run to its end: { row, lines, verdict }. `wrapper`: a program, with its arguments, that becomes the job program. */
export async function runJob(scene, directory, options = {}) {
  const runId = await insertRun(scene.sql, { config_id: scene.configId });
  const said = await doJob(scene, directory, { kind: 'run', backupRunId: runId }, options);
  return { row: await readRun(scene.sql, runId), ...said };
}

export const pruneJob = (scene, directory, options = {}) => doJob(scene, directory, { kind: 'prune' }, options);

/* One good run a day, oldest first, of which a prune keeps but the newest. Hands back the names of the dumps. */
export async function addOldDumps(scene, directory, count) {
  await scene.sql.query(`UPDATE backup_config SET retention = '{"keepLast":1,"daily":0,"weekly":0,"monthly":0}'`);
  await scene.sql.query('DELETE FROM backup_run');
  const names = [];
  for (let day = 1; day <= count; day++) {
    const filename = `weavestream-postgres-2026-01-0${day}T00-00-00Z.dump`;
    const dump_path = join(directory, filename);
    const manifest_path = dump_path.replace(/dump$/, 'manifest.json');
    writeFileSync(dump_path, `${day}`);
    writeFileSync(manifest_path, JSON.stringify({ filename, sizeBytes: 1, sha256: sha256(dump_path) }));
    await insertRun(scene.sql, { config_id: scene.configId, status: 'success', started_at: new Date(`2026-01-0${day}`), size_bytes: 1, dump_path, manifest_path });
    names.push(filename);
  }
  return names;
}

export async function assertRunFailed(scene, { row, verdict }, reason) {
  assert.equal(verdict.type, 'failed');
  assert.ok(verdict.reason.includes(reason), verdict.reason);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, verdict.reason);
  assert.equal(row.dump_path, null);
  assert.deepEqual((await readAudit(scene.sql, row.id)).map(({ action }) => action), ['backup.run.failed']);
}
