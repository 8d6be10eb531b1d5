/*
 * processes: what /proc knows about other processes. A zombie counts as dead: process 1 of a container may not reap.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { eventually } from './wait.mjs';

function readOrNull(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null; // gone meanwhile, or not ours to look at
  }
}

/* { pid, ppid, group, state, name, cmdline }, or null if there is no such process. `cmdline` is one string, arguments parted by blanks. */
export function lookAt(pid) {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name stands in parentheses and may hold blanks and parentheses itself.
  const close = stat.lastIndexOf(')');
  const [state, ppid, group] = stat.slice(close + 2).split(' ');
  const cmdline = (readOrNull(`/proc/${pid}/cmdline`) ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
  return { pid: Number(pid), ppid: Number(ppid), group: Number(group), state, name: stat.slice(stat.indexOf('(') + 1, close), cmdline };
}

export function everyProcess() {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(lookAt)
    .filter((process) => process !== null);
}

export function isAlive(pid) {
  const process = lookAt(pid);
  return process !== null && process.state !== 'Z' && process.state !== 'X';
}

/* Children, their children and so on, living ones only unless `zombies` is set. */
export function descendants(pid, { zombies = false } = {}) {
  const everyone = everyProcess();
  const found = [];
  const parents = [pid];
  while (parents.length > 0) {
    const parent = parents.shift();
    for (const process of everyone.filter((one) => one.ppid === parent)) {
      found.push(process);
      parents.push(process.pid);
    }
  }
  return found.filter((process) => zombies || !['Z', 'X'].includes(process.state));
}

/* Resident memory in bytes; 0 for a zombie. */
export function residentBytes(pid) {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readOrNull(`/proc/${pid}/status`) ?? '');
  return line ? Number(line[1]) * 1024 : 0;
}

/* Seconds of CPU that the process has used, its reaped children not counted. */
export function cpuSeconds(pid) {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return 0;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function untilGone(pids, { timeout = 10_000 } = {}) {
  const list = [pids].flat().map((one) => (typeof one === 'number' ? one : one.pid));
  return eventually(() => list.every((pid) => !isAlive(pid)), {
    timeout,
    what: `the processes ${list.map((pid) => `${pid} (${lookAt(pid)?.cmdline ?? 'gone'})`).join(', ')} to be gone`,
  });
}

/*
 * Processes that belong to a test run: they work in its folder, were started with it in their environment, or name it. (Postgres and Redis
 * overwrite their own arguments and environment with their title, but stay in the folder.)
 */
export function processesOf(folder) {
  return everyProcess().filter((one) => {
    if (one.pid === process.pid || ['Z', 'X'].includes(one.state)) return false;
    let cwd = '';
    try {
      cwd = readlinkSync(`/proc/${one.pid}/cwd`);
    } catch {
      // gone meanwhile
    }
    const environment = readOrNull(`/proc/${one.pid}/environ`) ?? '';
    return cwd.startsWith(folder) || one.cmdline.includes(folder) || environment.includes(`WEAVESTREAM_TEST_FOLDER=${folder}`);
  });
}
