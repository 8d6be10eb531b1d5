/*
 * rest: what must hold when a stage is at rest.
 *
 *     const { problems, seconds } = await untilAtRest(stage, 90);    what is wrong has so many seconds to become right
 *     await restoreDumps(stage)                                  every dump that a row names is restored, and has what the database had
 *     await findWhatIsLeft(stage)                                after the workers have ended
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesOf } from '../../integration/support/processes.mjs';
import { rowCounts } from '../../integration/support/schema.mjs';

const states = ['completed', 'failed', 'active', 'waiting', 'prioritized', 'paused', 'waiting-children', 'delayed'];
const writtenByRuns = ['public.backup_run', 'public.audit_log'];

const inPlace = (stage, path) => join(stage.volume.path, basename(path ?? '-'));

async function everyJob({ scene }) {
  const jobs = await Promise.all(states.map(async (state) => (await scene.queue.getJobs([state])).map((job) => ({ state, job }))));
  return jobs.flat();
}

/* What a row that says `success` promises. */
function checkSuccess(stage, row) {
  try {
    const dump = readFileSync(inPlace(stage, row.dump_path));
    const manifest = JSON.parse(readFileSync(inPlace(stage, row.manifest_path), 'utf8'));
    const { filename, sizeBytes, sha256 } = manifest;
    const facts = { filename: basename(row.dump_path), sizeBytes: dump.length, sha256: createHash('sha256').update(dump).digest('hex') };
    const told = { size: row.size_bytes, row: row.manifest?.sha256 };
    if (JSON.stringify({ filename, sizeBytes, sha256 }) !== JSON.stringify(facts)) return [`the manifest of ${filename} does not describe it`];
    return told.size === facts.sizeBytes && told.row === facts.sha256 ? [] : [`the row of ${filename} does not describe it`];
  } catch (error) {
    return [`a successful row has no dump: ${error.message}`];
  }
}

function checkRow(stage, row) {
  if (row.status === 'success') return checkSuccess(stage, row);
  if (row.status !== 'failed') return [`a row is ${row.status}`];
  if (!row.error) return ['a row failed without a reason'];
  return row.dump_path === null && row.manifest_path === null ? [] : ['a failed row names files'];
}

function checkFiles(stage, rows) {
  const named = rows.filter(({ status }) => status === 'success').flatMap((row) => [row.dump_path, row.manifest_path]).map((path) => basename(path ?? ''));
  const mayStay = [...named, '.weavestream-backup-ledger.json'];
  return readdirSync(stage.volume.path).filter((name) => !mayStay.includes(name)).map((name) => `the file ${name} is left`);
}

/* The next of a schedule waits for its day. */
const isForTheFuture = ({ state, job }) => state === 'delayed' && job.id.startsWith('repeat:');

function checkJob({ state, job }, rows) {
  if (state === 'failed') return job.failedReason ? [] : [`job ${job.id} failed without a reason`];
  if (state !== 'completed') return [`job ${job.id} (${job.name}) is ${state}`];
  if (job.name !== 'run') return [];
  const { backupRunId, filename } = job.returnvalue ?? {};
  const row = rows.find(({ id }) => id === backupRunId);
  return row?.status === 'success' && basename(row.dump_path) === filename ? [] : [`job ${job.id} is completed, but not its row`];
}

/* A backup that failed for good is told once; one that succeeded, at most once, and only if that is wanted. */
function checkMails({ mails, notifies }, jobs, rows) {
  const succeeded = rows.filter(({ status }) => status === 'success');
  const isUndone = ({ state, job }) => job.name === 'run' && state === 'failed' &&
    !succeeded.some(({ id, kind }) => (job.data.backupRunId ? id === job.data.backupRunId : kind === 'SCHEDULED'));
  const failures = mails.filter(({ headers }) => headers.Subject.includes('FAILED')).length;
  const expected = jobs.filter(isUndone).length;
  const problems = failures === expected ? [] : [`${failures} mails tell of ${expected} failures`];
  if (mails.length - failures > (notifies ? succeeded.length : 0)) problems.push('a success was told, unasked or twice');
  return problems;
}

const ofOurs = `application_name LIKE 'weavestream-backup%'`;

async function checkPostgres({ ask }) {
  const sessions = await ask(`SELECT application_name, state FROM pg_stat_activity WHERE ${ofOurs}`);
  const locks = await ask(`SELECT pid FROM pg_locks WHERE locktype = 'advisory'`);
  const databases = await ask(`SELECT datname FROM pg_database WHERE datname LIKE 'weavestream\\_drill\\_%'`);
  return [...sessions.map(({ application_name, state }) => `a session '${application_name}' is left, ${state}`),
    ...locks.map(({ pid }) => `process ${pid} holds an advisory lock`), ...databases.map(({ datname }) => `the database ${datname} is left`)];
}

const ourProcesses = ({ scene, volume }) => [...processesOf(scene.folder), ...processesOf(volume.folder)];

function checkProcesses(stage) {
  return ourProcesses(stage).filter(({ pid }) => !stage.workers.some((worker) => worker.pid === pid)).map(({ cmdline }) => `a process is left: ${cmdline}`);
}

async function look(stage) {
  const rows = await stage.ask('SELECT * FROM backup_run');
  const jobs = await everyJob(stage);
  return [
    ...jobs.filter((one) => !isForTheFuture(one)).flatMap((one) => checkJob(one, rows)),
    ...rows.flatMap((row) => checkRow(stage, row)),
    ...checkFiles(stage, rows),
    ...checkMails(stage, jobs, rows),
    ...checkProcesses(stage),
    ...await checkPostgres(stage),
  ];
}

export async function untilAtRest(stage, patience) {
  const start = performance.now();
  for (;;) {
    const problems = await look(stage);
    const seconds = (performance.now() - start) / 1000;
    if (problems.length === 0 || seconds > patience) return { problems, seconds };
    await pause(100);
  }
}

export async function restoreDumps(stage) {
  const { postgres } = stage.servers;
  const problems = [];
  for (const { dump_path } of await stage.ask(`SELECT dump_path FROM backup_run WHERE status = 'success'`)) {
    try {
      const client = await postgres.restore(inPlace(stage, dump_path), 'restored');
      const counts = await rowCounts(client);
      await client.end();
      const wrong = Object.keys(stage.before).filter((name) => !writtenByRuns.includes(name) && counts[name] !== stage.before[name]);
      problems.push(...wrong.map((name) => `a dump restores ${counts[name]} of ${stage.before[name]}: ${name}`));
    } catch (error) {
      problems.push(`a dump does not restore: ${error.message}`);
    }
    await postgres.dropDatabase('restored');
  }
  return problems;
}

export async function findWhatIsLeft(stage) {
  return [...ourProcesses(stage).map(({ cmdline }) => `a process outlives the workers: ${cmdline}`), ...await checkPostgres(stage)];
}
