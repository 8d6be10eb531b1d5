/*
 * system_calls: what a program and its children did to the files of one directory, as strace saw it, in the order in which the calls ended.
 *
 *     const present = filesIn(directory);
 *     await run(..., { wrapper: recorder(trace) });       a program, with its arguments, that becomes the one to be recorded
 *     const events = readTrace(trace, directory, /'success'/, present);
 *
 * An event is one of
 *
 *     { type: 'present', name, file, bytes }  before the first call; files are numbered: a name may mean one file and later another
 *     { type: 'create', name, file }
 *     { type: 'write', file, offset, bytes }
 *     { type: 'truncate', file, length }
 *     { type: 'sync', file }
 *     { type: 'rename', from, to }
 *     { type: 'link', from, to }
 *     { type: 'unlink', name }
 *     { type: 'sync directory' }
 *     { type: 'make directory' }
 *     { type: 'sync all' }                    what the whole file system has
 *     { type: 'said' }                        a packet that matches begins to be sent
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const traced = 'openat,write,pwrite64,lseek,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,syncfs,sendto';

export const recorder = (trace) => ['strace', '-f', '-qq', '-y', '-xx', '-s', '100000000', '-e', 'signal=none', '-e', `trace=${traced}`, '-o', trace];

/* Whole lines: a call during which another process made one is written in two parts. `begun`: the line is but the first of them. */
function* callsIn(text) {
  const begun = new Map();
  for (const line of text.split('\n')) {
    const [, pid, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (!rest) continue;
    const end = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (rest.endsWith(' <unfinished ...>')) {
      begun.set(pid, rest.slice(0, -' <unfinished ...>'.length));
      yield { pid, begun: true, call: begun.get(pid) };
    } else if (end) {
      yield { pid, wasBegun: true, call: begun.get(pid) + end[1] };
    } else yield { pid, call: rest };
  }
}

const bytesOf = (hex) => Buffer.from(hex.replaceAll('\\x', ''), 'hex');
const textOf = (hex) => bytesOf(hex).toString();

/* { call, fds: [{ fd, path }], strings: [Buffer], numbers: [], flags, result, resultPath } */
function parse(line) {
  const [, call, list, result] = /^(\w+)\((.*)\) += (-?\d+)/s.exec(line) ?? [];
  if (!call) return null;
  return {
    call,
    result: Number(result),
    fds: [...list.matchAll(/(AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)/g)].map(([, fd, path]) => ({ fd, path: textOf(path) })),
    strings: [...list.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => bytesOf(hex)),
    rest: list.replaceAll(/"[^"]*"|<[^>]*>/g, ''),
  };
}

/* [[name, content]] */
export const filesIn = (directory) => (existsSync(directory) ? readdirSync(directory).sort().map((name) => [name, readFileSync(join(directory, name))]) : []);

export function readTrace(trace, directory, packet, filesBefore) {
  const events = [];
  const files = new Map(); // name -> number of the file
  const offsets = new Map(); // "pid:fd" -> where it writes next
  let count = 0;

  const inside = (path) => (dirname(path) === directory ? path.slice(directory.length + 1) : null);
  const named = ({ fds, strings }, index) => inside(resolve(fds[index]?.path ?? '/', strings[index].toString()));
  const lastNumber = ({ rest }) => Number(/(\d+)\D*$/.exec(rest)[1]);
  const move = (from, to) => {
    files.set(to, files.get(from));
    events.push({ type: 'rename', from, to });
    files.delete(from);
  };

  for (const [name, bytes] of filesBefore) {
    files.set(name, ++count);
    events.push({ type: 'present', name, file: count, bytes });
  }

  const note = {
    openat(one, pid) {
      const name = named(one, 0);
      if (name === null) return;
      offsets.set(`${pid}:${one.result}`, 0);
      if (/O_CREAT/.test(one.rest) && !files.has(name)) {
        files.set(name, ++count);
        events.push({ type: 'create', name, file: count });
      } else if (/O_TRUNC/.test(one.rest)) events.push({ type: 'truncate', file: files.get(name), length: 0 });
    },
    write(one, pid) {
      const key = `${pid}:${one.fds[0]?.fd}`;
      const offset = offsets.get(key) ?? 0;
      if (!note.pwrite64(one, pid, offset)) return;
      offsets.set(key, offset + one.result);
    },
    pwrite64(one, pid, offset = lastNumber(one)) {
      const name = inside(one.fds[0]?.path ?? '/');
      if (name === null || !files.has(name)) return false;
      events.push({ type: 'write', file: files.get(name), offset, bytes: one.strings[0].subarray(0, one.result) });
      return true;
    },
    lseek: (one, pid) => offsets.set(`${pid}:${one.fds[0]?.fd}`, one.result),
    ftruncate(one) {
      const name = inside(one.fds[0].path);
      if (name !== null) events.push({ type: 'truncate', file: files.get(name), length: lastNumber(one) });
    },
    fsync(one) {
      const { path } = one.fds[0];
      if (path === directory) events.push({ type: 'sync directory' });
      else if (files.has(inside(path))) events.push({ type: 'sync', file: files.get(inside(path)) });
    },
    fdatasync: (one) => note.fsync(one),
    renameat2: (one) => named(one, 0) !== null && move(named(one, 0), named(one, 1)),
    renameat: (one) => note.renameat2(one),
    rename: (one) => note.renameat2(one),
    linkat(one) {
      const [from, to] = [named(one, 0), named(one, 1)];
      if (from === null) return;
      files.set(to, files.get(from));
      events.push({ type: 'link', from, to });
    },
    link: (one) => note.linkat(one),
    unlinkat(one) {
      const name = named(one, 0);
      if (files.delete(name)) events.push({ type: 'unlink', name });
    },
    unlink: (one) => note.unlinkat(one),
    mkdir: ({ strings }) => strings[0].toString() === directory && events.push({ type: 'make directory' }),
    mkdirat: (one) => note.mkdir(one),
    syncfs: ({ fds }) => fds[0].path === directory && events.push({ type: 'sync all' }),
    sendto: () => {},
  };

  for (const { pid, begun = false, wasBegun = false, call } of callsIn(readFileSync(trace, 'latin1'))) {
    const packetBytes = /^sendto\([^"]*"((?:\\x[0-9a-f]{2})*)"/.exec(call)?.[1];
    if (packetBytes !== undefined && !wasBegun && packet.test(textOf(packetBytes))) events.push({ type: 'said' });
    const one = begun ? null : parse(call);
    if (one !== null && one.result >= 0) note[one.call](one, pid);
  }
  return events;
}
