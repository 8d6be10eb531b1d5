/*
 * shim: lets system calls of the job program in one directory fail, wait or kill it. tests/faults/support/fault_shim.c is the manual.
 *
 *     env: preload({ directory: scene.storage, calls: 'fsync', names: '.*.dump.tmp', at: 1, act: 'wait:/tmp/file', log: '/tmp/calls' })
 *
 * The worker may be given it too: it hands it down to its job processes, and makes no calls in the directory itself.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binaryFolder } from '../../integration/support/worker.mjs';

export function preload({ directory, calls, names, at, act, log }) {
  const variables = {
    LD_PRELOAD: join(binaryFolder, 'tests/libfault_shim.so'),
    FAULT_DIRECTORY: directory,
    FAULT_CALLS: calls,
    FAULT_NAMES: names,
    FAULT_AT: at,
    FAULT_DO: act,
    FAULT_LOG: log,
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined).map(([name, value]) => [name, `${value}`]));
}

/* The calls that the log tells of: [{ number, call, name, hit }]. */
export function callsIn(log) {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => {
    const [number, call, name, mark] = line.split(' ');
    return { number: Number(number), call, name, hit: mark === '!' };
  });
}
