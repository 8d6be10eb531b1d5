/*
 * gate: where somebody is made to wait, so that a test can strike just there.
 *
 *     const gate = openableGate();       whoever comes to it: `await gate.pass()`
 *     const gate = fileGate('verify');   for a program: it makes the file gate.reachedFile and waits for gate.openFile; gate.shell does so in sh
 *     await gate.reached();
 *     gate.open();                       for good: whoever comes later passes
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../integration/support/run_folder.mjs';
import { eventually, within } from '../../integration/support/wait.mjs';

const patience = 20_000;

export function openableGate(name) {
  let arrive;
  let open;
  const reached = new Promise((done) => (arrive = done));
  const opened = new Promise((done) => (open = done));
  return {
    reached: () => within(reached, patience, `somebody to reach ${name}`),
    open,
    pass() {
      arrive();
      return opened;
    },
  };
}

export function fileGate(name) {
  const folder = temporaryFolder('gate');
  const reachedFile = join(folder, 'reached');
  const openFile = join(folder, 'open');
  return {
    reachedFile,
    openFile,
    shell: `: >'${reachedFile}'; while [ ! -e '${openFile}' ]; do sleep 0.02; done`,
    reached: () => eventually(() => existsSync(reachedFile), { timeout: patience, what: `somebody to reach ${name}` }),
    open: () => writeFileSync(openFile, ''),
  };
}
