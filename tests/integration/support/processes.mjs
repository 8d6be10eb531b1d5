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

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/* { name, fields }: the process's name, and what stands behind it in /proc/PID/stat; or null. */
function readStat(pid) {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name stands in parentheses and may hold blanks and parentheses itself.
  const close = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, close), fields: stat.slice(close + 2).split(' ') };
}

/* { pid, ppid, group, state, name, cmdline }, or null if there is no such process. `cmdline` is one string, arguments parted by blanks. */
export function lookAt(pid) {
  const stat = readStat(pid);
  if (stat === null) return null;
  const [state, ppid, group] = stat.fields;
  const cmdline = (readOrNull(`/proc/${pid}/cmdline`) ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
  return { pid: Number(pid), ppid: Number(ppid), group: Number(group), state, name: stat.name, cmdline };
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

function secondsOf(pid, ...places) {
  const stat = readStat(pid);
  return stat === null ? 0 : sum(places.map((place) => Number(stat.fields[place]))) / 100;
}

/* Seconds of CPU that the process has used, its reaped children not counted; and that those have. */
export const cpuSeconds = (pid) => secondsOf(pid, 11, 12);
const reapedSeconds = (pid) => secondsOf(pid, 13, 14);

/* A process and all below it. */
const tree = (pid) => [pid, ...descendants(pid).map((one) => one.pid)];

/* What the process and all below it take of memory, in bytes: { rss, pss, privateDirty }. */
export function memoryOfTree(pid) {
  const rollups = tree(pid).map((one) => readOrNull(`/proc/${one}/smaps_rollup`) ?? '');
  const all = (name) => sum(rollups.map((text) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024));
  return { rss: all('Rss'), pss: all('Pss'), privateDirty: all('Private_Dirty') };
}

function tasksOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
  } catch {
    return []; // gone meanwhile
  }
}

/*
 * What the process and all below it have used up to now, all threads together: { cpuMs, switches }. Of children that were reaped only their CPU is known,
 * to a hundredth of a second.
 */
export function usageOfTree(pid) {
  const tasks = tree(pid).flatMap(tasksOf);
  const nanoseconds = sum(tasks.map((task) => Number((readOrNull(`${task}/schedstat`) ?? '0').split(' ')[0])));
  const switches = tasks.flatMap((task) => [...(readOrNull(`${task}/status`) ?? '').matchAll(/ctxt_switches:\s+(\d+)/g)].map(([, count]) => Number(count)));
  return { cpuMs: nanoseconds / 1e6 + 1000 * sum(tree(pid).map(reapedSeconds)), switches: sum(switches) };
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
