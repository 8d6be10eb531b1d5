/*
 * worker: our own programs, as a test starts them.
 *
 *     const worker = await startWorker({ env: { REDIS_URL: redis.url, DATABASE_URL: postgres.url, BACKUP_STORAGE_DIR: folder } });
 *     after(() => worker.kill());
 *     await worker.waitForEvent('worker ready');
 *     const from = worker.events.length;                 // only what is logged from here on
 *     await worker.waitForEvent('job completed', (event) => event.job === job.id, { from });
 *     const { code, seconds } = await worker.stop('SIGTERM');
 *
 * The programs are taken from WEAVESTREAM_BACKUP_BIN_DIR (build/release). They see none of our environment but PATH and a few like it, so
 * that what a test says is what they get. What a sanitizer has to say, in any process below, fails the test at stop(), kill() and run().
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { descendants, isAlive } from './processes.mjs';
import { runFolder, runProcess, startProcess, temporaryFolder } from './run_folder.mjs';
import { within } from './wait.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

export const binaryFolder = resolve(root, process.env.WEAVESTREAM_BACKUP_BIN_DIR || 'build/release');
export const workerProgram = join(binaryFolder, 'weavestream-backup');
export const jobProgram = join(binaryFolder, 'weavestream-backup-job');

const sanitizerWords = /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|MemorySanitizer|runtime error:/;

/* Sanitizers write into files of their own, so that nothing is lost when a program's standard error is read by another, or closed; a
 * library that is preloaded may stand before theirs. */
export function environmentFor(env, reports) {
  const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'LSAN_OPTIONS'];
  const ours = Object.fromEntries(passedOn.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]));
  const logPath = `log_path=${join(reports, 'sanitizer')}`;
  return {
    ...ours,
    WEAVESTREAM_TEST_FOLDER: runFolder(),
    ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'verify_asan_link_order=0', logPath].filter(Boolean).join(':'),
    UBSAN_OPTIONS: [process.env.UBSAN_OPTIONS, 'print_stacktrace=1', logPath].filter(Boolean).join(':'),
    ...env,
  };
}

export function sanitizerReport(reports, stderr) {
  const files = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
  return [...files, ...(sanitizerWords.test(stderr) ? [stderr] : [])].join('\n');
}

const unread = new Set(); // workers whose last words nobody has looked at yet: looked at when the test file ends
process.on('exit', () => {
  for (const worker of unread) {
    const report = worker.sanitizerReport();
    if (!report) continue;
    console.error(report);
    process.exitCode = 1;
  }
});

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/*
 * Starts `weavestream-backup worker ARGS…`, or any other `program` with exactly `args`. `env` is added to a bare environment; a value of
 * undefined takes a variable out.
 */
export async function startWorker({ env = {}, args = [], binary = workerProgram, program = null, cwd = undefined } = {}) {
  const reports = temporaryFolder('worker');
  const child = await startProcess(program ?? binary, program ? args : ['worker', ...args], {
    cwd: cwd ?? reports,
    env: environmentFor(env, reports),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events = [];
  const lines = [];
  const waiting = new Set();
  let stdout = '';

  const closed = Promise.all([
    new Promise((done) => child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text)).once('close', done)),
    new Promise((done) =>
      createInterface({ input: child.stderr, crlfDelay: Infinity })
        .on('line', (line) => {
          lines.push(line);
          const event = parsed(line);
          if (event !== null) events.push(event);
          for (const look of [...waiting]) look();
        })
        .once('close', done),
    ),
  ]);

  const lastLines = () => lines.slice(-15).join('\n') || '(nothing was logged)';

  const worker = {
    pid: child.pid,
    child,
    events, // parsed lines of standard error
    lines,  // all of its lines, as they are
    ended: child.ended,
    get stdout() {
      return stdout;
    },
    stderr: () => lines.join('\n'),
    named: (name) => events.filter((event) => event.event === name),
    isRunning: () => isAlive(child.pid),
    descendants: () => descendants(child.pid),
    signal: (name) => child.kill(name),

    /* The first event of that name for which `predicate` holds, past or to come. Fails if the worker ends without it. */
    waitForEvent(name, predicate = () => true, { timeout = 15_000, from = 0 } = {}) {
      let next = from;
      const found = new Promise((done, refuse) => {
        const look = () => {
          while (next < events.length) {
            const event = events[next++];
            if (event.event !== name || !predicate(event)) continue;
            waiting.delete(look);
            done(event);
            return;
          }
        };
        waiting.add(look);
        look();
        closed.then(() => {
          look();
          refuse(new Error(`the worker ended without the event "${name}":\n${lastLines()}`));
        });
      });
      return within(found, timeout, `the event "${name}"`).catch((error) => {
        throw new Error(error.message.includes('\n') ? error.message : `${error.message}; the last lines were:\n${lastLines()}`);
      });
    },

    sanitizerReport: () => sanitizerReport(reports, lines.join('\n')),

    /* Sends `signal` and waits for the end: { code, signal, seconds }. */
    async stop(signal = 'SIGTERM', { timeout = 20_000 } = {}) {
      const start = performance.now();
      child.kill(signal);
      try {
        const end = await within(child.ended, timeout, `the worker to end after ${signal}`);
        const seconds = (performance.now() - start) / 1000;
        await within(closed, timeout, 'the end of its standard error, which some process below still holds open');
        unread.delete(worker);
        const report = worker.sanitizerReport();
        if (report) throw new Error(`a sanitizer spoke up:\n${report}`);
        return { ...end, seconds };
      } finally {
        child.kill('SIGKILL');
      }
    },
    /* As a power cut to the process: SIGKILL. Harmless when it has ended already. */
    kill: () => worker.stop('SIGKILL'),
  };
  unread.add(worker);
  return worker;
}

/* Runs one of our programs to its end: { code, signal, stdout, stderr }; no exit code is an error here. */
export async function run(args, { env = {}, input = '', binary = workerProgram, cwd = undefined } = {}) {
  const reports = temporaryFolder(basename(binary));
  const result = await runProcess(binary, args, { cwd: cwd ?? reports, env: environmentFor(env, reports), input, check: false });
  const report = sanitizerReport(reports, result.stderr);
  if (report) throw new Error(`a sanitizer spoke up:\n${report}`);
  return result;
}
