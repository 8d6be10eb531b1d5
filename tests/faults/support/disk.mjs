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

/* The row, and the job on standard input. */
export async function newJob(scene) {
  const runId = await insertRun(scene.sql, { config_id: scene.configId });
  return { runId, input: JSON.stringify({ id: '1', name: 'run', data: { kind: 'run', configId: scene.configId, backupRunId: runId } }) };
}

/* What the job process said, line by line, and its verdict; none if it was killed. */
export function reportsIn(text) {
  const lines = text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { lines, verdict: lines.find(({ type }) => type === 'completed' || type === 'failed') };
}

/* To its end: { row, lines, verdict }. `wrapper`: a program, with its arguments, that becomes the job program. */
export async function runJob(scene, directory, env = {}, { wrapper = [] } = {}) {
  const { runId, input } = await newJob(scene);
  const [binary, ...args] = [...wrapper, jobProgram];
  const { stdout } = await run(args, { binary, input, env: { ...scene.environment, BACKUP_STORAGE_DIR: directory, ...env } });
  return { row: await readRun(scene.sql, runId), ...reportsIn(stdout) };
}

export async function assertRunFailed(scene, { row, verdict }, reason) {
  assert.equal(verdict.type, 'failed');
  assert.ok(verdict.reason.includes(reason), verdict.reason);
  assert.equal(row.status, 'failed');
  assert.equal(row.error, verdict.reason);
  assert.equal(row.dump_path, null);
  assert.deepEqual((await readAudit(scene.sql, row.id)).map(({ action }) => action), ['backup.run.failed']);
}
