#!/usr/bin/env node
/*
 * The fault matrix: each step of a run struck by each fault, manual and scheduled runs.
 *
 *     node tests/faults/matrix.mjs [--only STEP,FAULT,KIND] [--at-once 4] [--patience 90] [--list]
 *
 * A line for each cell, at the end how many there were and in how many something broke; exit status 1 if in any. Of --only, what is left out or empty
 * matches everything: --only verify, --only ',disk full', --only ',,scheduled'.
 */
import { parseArgs } from 'node:util';
import { everyCell, runCell } from './matrix/cell.mjs';
import { playAll } from './matrix/play.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    'at-once': { type: 'string', default: '4' },
    patience: { type: 'string', default: '90' }, // seconds until all is to be at rest
    list: { type: 'boolean', default: false },
  },
});
const [step, fault, kind] = values.only.split(',');
const cells = everyCell().filter((cell) => (!step || cell.step === step) && (!fault || cell.fault === fault) && (!kind || cell.kind === kind));
if (cells.length === 0) {
  console.error('there is no such cell');
  process.exit(64);
}
if (values.list) {
  for (const cell of cells) console.log(Object.values(cell).join(','));
  process.exit(0);
}

let broken = 0;
function tell({ step, fault, kind }, { ending, seconds, problems }) {
  console.log(`${problems.length > 0 ? 'BROKEN' : 'ok    '} ${step}, ${fault}, ${kind}, ${seconds.toFixed(1)} s: ${ending.split('\n')[0]}`);
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0) broken++;
}
await playAll(cells, { atOnce: Number(values['at-once']), patience: Number(values.patience), run: runCell, tell });
console.log(`${cells.length} cells, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
