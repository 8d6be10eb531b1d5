/*
 * run_folder: everything that a test run leaves on the machine, in one place: one temporary folder, and the processes started by this one.
 * Whatever ends this process (its end, an error, Ctrl-C), they are stopped by pid and the folder is removed.
 *
 * tests/integration/run.mjs hands the folder down in WEAVESTREAM_TEST_FOLDER; a file run by hand makes its own.
 * WEAVESTREAM_TEST_KEEP=1 leaves the folder for a look.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './processes.mjs';

const started = new Map(); // pid -> { signal }: processes of ours that still live
let ownFolder = null;      // the run's folder, if it is this process that made and removes it
let watching = false;

function waitHere(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/* Runs while the process exits, so it cannot await anything. */
function stopEverything() {
  for (const [pid, { signal }] of started) {
    try {
      process.kill(pid, 'SIGCONT');
      process.kill(pid, signal);
    } catch {
      // already gone
    }
  }
  for (let tries = 0; tries < 500 && [...started.keys()].some(isAlive); tries++) waitHere(10);
  for (const pid of [...started.keys()].filter(isAlive)) process.kill(pid, 'SIGKILL');
  if (ownFolder !== null && !process.env.WEAVESTREAM_TEST_KEEP) rmSync(ownFolder, { recursive: true, force: true, maxRetries: 20 });
}

function watchForTheEnd() {
  if (watching) return;
  watching = true;
  process.on('exit', stopEverything);
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) process.once(signal, () => process.exit(128 + number));
}

export function runFolder() {
  watchForTheEnd();
  if (!process.env.WEAVESTREAM_TEST_FOLDER) {
    ownFolder = makeFolder(tmpdir(), 'weavestream-backup-test-');
    process.env.WEAVESTREAM_TEST_FOLDER = ownFolder; // so that what we start can be told from other processes
  }
  return process.env.WEAVESTREAM_TEST_FOLDER;
}

function makeFolder(parent, prefix) {
  const folder = mkdtempSync(join(parent, prefix));
  chmodSync(folder, 0o755); // Postgres runs as another user and must get through
  return folder;
}

/* A new folder inside the run's folder. */
export function temporaryFolder(name = 'folder') {
  return makeFolder(runFolder(), `${name}-`);
}

/*
 * child_process.spawn, and the process is stopped at our own end at the latest, with `lastSignal`. Waits until it runs; an unknown program is
 * an error here. Inside, `child.ended` is a promise of { code, signal }. It has a session of its own: Ctrl-C is for us to pass on.
 */
export function startProcess(program, args, { lastSignal = 'SIGKILL', ...options } = {}) {
  watchForTheEnd();
  const child = spawn(program, args, { detached: true, ...options });
  child.ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      started.delete(child.pid);
      resolve({ code, signal });
    });
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`cannot start ${program}: ${error.message}`)));
    child.once('spawn', () => {
      started.set(child.pid, { signal: lastSignal });
      resolve(child);
    });
  });
}

/* Runs a program to its end: { code, signal, stdout, stderr }. With `check`, anything but exit code 0 is an error that shows its words. */
export async function runProcess(program, args, { input = '', check = true, ...options } = {}) {
  const child = await startProcess(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: [], stderr: [] };
  child.stdout.on('data', (bytes) => output.stdout.push(bytes));
  child.stderr.on('data', (bytes) => output.stderr.push(bytes));
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.stdin.on('error', () => {}); // it may end without reading all of it
  child.stdin.end(input);
  const { code, signal } = await child.ended;
  await closed;
  const stdout = Buffer.concat(output.stdout).toString();
  const stderr = Buffer.concat(output.stderr).toString();
  if (check && code !== 0) throw new Error(`${program} ended with ${signal ?? code}: ${stderr || stdout}`);
  return { code, signal, stdout, stderr };
}

/*
 * A port of 127.0.0.1 on which nobody listens, below the range from which the kernel takes the ports of outgoing connections, so that a
 * server can have it again after a restart. Somebody may still be quicker: a server that cannot have its port is started again on another.
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
