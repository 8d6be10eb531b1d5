/*
 * disk: runs by the job process alone, without worker and queue, each with a row of its own and in a backup directory of the test's choice.
 */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openScene } from '../../integration/support/scene.mjs';
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

export async function assertRunFailed(scene, { row, verdict }, reason) {
  assert.equal(verdict.type, 'failed');
  assert.ok(verdict.reason.includes(reason), verdict.reason);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, verdict.reason);
  assert.equal(row.dump_path, null);
  assert.deepEqual((await readAudit(scene.sql, row.id)).map(({ action }) => action), ['backup.run.failed']);
}
