/* The benchmarks work: each in its shortest form, which ends well and tells all of its figures. How good those are is no test's business. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';

const number = String.raw`\d[\d.]*( \(\d[\d.]* to \d[\d.]*\))?`;

/* Runs it; each of `lines` must be there, `#` standing for a number, with its range if there is one. */
async function assertTells(name, args, lines) {
  const { stdout } = await runProcess(process.execPath, [fileURLToPath(new URL(`../bench/${name}.mjs`, import.meta.url)), ...args]);
  for (const line of lines) {
    const pattern = line.replace(/[.()+/|]/g, '\\$&').replaceAll(' ', ' +').replaceAll('#', number);
    assert.match(stdout, new RegExp(`^ *${pattern} *$`, 'm'), `no line '${line}'`);
  }
}

test('protocol: what taking and finishing a job costs', () =>
  assertTells('protocol', ['--jobs=200', '--rounds=1', '--versions=5.76.2', '--concurrency=10', '--placement=one'], [
    '5.76.2 one 10 kept # # # # # # # #',
    '5.76.2 one 10 removed # # # # # # # #',
    '5.76.2 fetch: BullMQ # us, ours # us (#); finish and fetch: BullMQ # us, ours # us (#)',
  ]));

test('dump: what a backup costs beside bare pg_dump', () =>
  assertTells('dump', ['--megabytes=4', '--rounds=1'], [
    'dump and hash: # of bare',
    'a run at level full: # of one at level toc',
    'reading back: # of the dump',
    "worker's CPU per run: # ms",
    'from start to blocked on the queue: # ms',
  ]));

test('prune: what dumps that go cost', () =>
  assertTells('prune', ['--rows=20', '--rounds=1', `--folder=${temporaryFolder('prune')}`], ['medians: Node # ms, ours # ms: # times as fast']));

test('idle: what a worker costs that has nothing to do, and its death', () =>
  assertTells('idle', ['--quick'], [
    'start, 3 times Node ours',
    'ms until it waits for jobs # #',
    'ms until a job that waits is taken # #',
    'idling, 1 times Node ours ours, as in the image',
    'MB resident (RSS) # # #',
    'MB proportional (PSS) # # #',
    'MB private and dirty # # #',
    'ms of CPU in 2 s # # #',
    'context switches in 2 s # # #',
    'commands to Redis in 2 s # # #',
    'Node never never never #',
    "Node, BullMQ's lock # # # #",
    'ours # # # #',
    'ours, its job process left alive # # # #',
  ]));
