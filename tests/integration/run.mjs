#!/usr/bin/env node
/*
 * Runs one file of node:test tests:  node tests/integration/run.mjs [--timeout SECONDS] [--only REGEX] FILE
 *
 * It fails when a test fails, when no test ran, when nothing happens for the time-out (120 s; meant for one test), when a process that the
 * tests started is still there at the end, and, with CI set, when a test was skipped. The last line is "N passed, N failed".
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { processesOf } from './support/processes.mjs';
import { eventually } from './support/wait.mjs';

const { values, positionals } = parseArgs({
  options: { timeout: { type: 'string', default: '120' }, only: { type: 'string' } },
  allowPositionals: true,
});
if (positionals.length !== 1 || !(Number(values.timeout) > 0)) {
  console.error('usage: node tests/integration/run.mjs [--timeout SECONDS] [--only REGEX] FILE');
  process.exit(64);
}
const [file] = positionals;
const timeout = Number(values.timeout) * 1000;
const inCi = Boolean(process.env.CI) && process.env.CI !== 'false';

const folder = mkdtempSync(join(tmpdir(), 'weavestream-backup-test-'));
chmodSync(folder, 0o755); // Postgres runs as another user and must get through

const count = { passed: 0, failed: 0, skipped: 0 };
const running = new Set(); // names of tests that have begun
const path = [];           // the suites around the test that is being told of

function fail(what, why = '') {
  count.failed++;
  console.log(`FAILED  ${what}${why ? `\n${why.replace(/^/gm, '        ')}` : ''}`);
}

/* A suite is not a test; one that fails on its own (in a hook) is a failure all the same. */
function note(event) {
  if (event.type === 'test:start' || event.type === 'test:dequeue') running.add(event.name);
  if (event.type === 'test:start') path.splice(event.nesting, Infinity, event.name);
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return;
  running.delete(event.name);
  if (event.leftOut) return;
  const name = [...path.slice(0, event.nesting), event.name].join(': ');
  if (event.suite && (event.type === 'test:pass' || event.failureType === 'subtestsFailed')) return;
  if (event.type === 'test:fail') return fail(name, event.reason);
  if (event.skipped) {
    count.skipped++;
    console.log(`skipped ${name}`);
    return;
  }
  count.passed++;
  console.log(`ok      ${name} (${Math.round(event.milliseconds)} ms)`);
}

async function runFile() {
  const only = values.only ? [`--test-name-pattern=${values.only}`] : [];
  const reporter = fileURLToPath(new URL('support/reporter.mjs', import.meta.url));
  const child = spawn(process.execPath, [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...only, file], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, WEAVESTREAM_TEST_FOLDER: folder },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      child.kill('SIGTERM'); // it stops its servers, then ends; we go on below and look what is left
      count.failed++;
    });
  }

  let hung = false;
  let timer;
  const giveUp = () => {
    hung = true;
    fail(`nothing happened for ${values.timeout} s`, `in: ${[...running].join(', ') || 'the end of the file: is something left open?'}`);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  };
  const wind = () => {
    clearTimeout(timer);
    if (!hung) timer = setTimeout(giveUp, timeout);
  };
  wind();
  const events = createInterface({ input: child.stdio[3] }).on('line', (line) => {
    wind();
    note(JSON.parse(line));
  });
  const [[code, signal]] = await Promise.all([once(child, 'close'), once(events, 'close')]);
  clearTimeout(timer);
  if (code !== 0 && count.failed === 0) fail(`${basename(file)} ended with ${signal ?? `exit code ${code}`}`);
}

/* What the file left behind. A process may need a moment to notice that its parent has gone. */
async function lookForLeftovers() {
  await eventually(() => processesOf(folder).length === 0, { timeout: 5000, what: 'every process of the tests to be gone' }).catch(() => {
    const left = processesOf(folder);
    if (left.length === 0) return;
    fail('processes were left running', left.map(({ pid, cmdline }) => `${pid} ${cmdline}`).join('\n'));
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone meanwhile
      }
    }
  });
}

await runFile();
await lookForLeftovers();
if (process.env.WEAVESTREAM_TEST_KEEP) console.log(`kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true, maxRetries: 20 });

if (count.passed + count.failed + count.skipped === 0) fail(`no test ran in ${file}`);
if (inCi && count.skipped > 0) fail(`${count.skipped} skipped, and in CI a skip is a failure`);
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`);
process.exitCode = count.failed > 0 ? 1 : 0;
