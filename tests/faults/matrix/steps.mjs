/*
 * steps: the moments of a run at which the matrix strikes, in their order. Each makes the first worker's run wait just there, without any help
 * from the product: `hold(stage)` hands back the gate, and what the first worker's environment needs for it.
 */
import { dirname } from 'node:path';
import { executable } from '../../integration/support/scene.mjs';
import { fileGate } from '../support/gate.mjs';
import { preload } from '../support/shim.mjs';

/* A session with Postgres waits at a message. */
const session = (name, matches, times = 1) => ({
  hold: ({ postgres }) => ({ gate: postgres.hold(name, (message) => message.application === `weavestream-backup ${name}` && matches(message), { times }) }),
});
const starts = ({ type }) => type === 'startup';
const sends = (pattern) => ({ from, text }) => from === 'client' && pattern.test(text);
const getsRow = ({ from, type }) => from === 'server' && type === 'd';

/* The job process waits at a system call on a file. */
const call = (calls, names) => ({
  hold({ volume }) {
    const gate = fileGate(calls);
    return { gate, env: preload({ directory: volume.folder, calls, names, at: 1, act: `wait:${gate.openFile}`, log: gate.reachedFile }) };
  },
});

/* A program waits before or after it did its work; asked for its version, it does not. */
const program = (name, script) => ({
  hold() {
    const gate = fileGate(name);
    const file = executable(`#!/bin/sh
PATH='${process.env.PATH}'
[ "$1" = --version ] && exec ${name} --version
${script(gate.shell)}
`, name);
    return { gate, env: { PATH: `${dirname(file)}:${process.env.PATH}` } };
  },
});

/* The command after success waits. */
const hook = {
  hold() {
    const gate = fileGate('hook');
    return { gate, env: { BACKUP_AFTER_SUCCESS: gate.shell } };
  },
};

/* The mail server makes it wait before it takes the mail. */
const mail = { hold: (stage) => ({ gate: stage.mail.hold('mail') }) };

/* The worker waits for Redis' answer to that; its job process meanwhile has come to the mail. */
const addsPruneJob = (words) => words.some((word) => word.startsWith('prune-'));
const bothOf = (...gates) => ({ reached: () => Promise.all(gates.map((gate) => gate.reached())), open: () => gates.forEach((gate) => gate.open()) });

/* `settings`: of both workers. `notifies`: a success is told by mail. `fails`: the dump does, until all is at rest. */
export const steps = {
  connect: session('run', starts),
  row: session('run', sends(/backup_run/)),
  lock: session('run', sends(/pg_try_advisory_lock/)),
  snapshot: session('snapshot', sends(/pg_export_snapshot/)),
  'dump 0 %': session('dump', starts),
  'dump 50 %': session('dump', getsRow, 300),
  'dump 100 %': program('pg_dump', (wait) => `pg_dump "$@" || exit; ${wait}`),
  sync: call('fsync', '.*.dump.tmp'),
  verify: program('pg_restore', (wait) => `${wait}; exec pg_restore "$@"`),
  hash: call('pread', '.*.dump.tmp'),
  drill: { ...session('restore', sends(/^COPY /)), settings: { BACKUP_VERIFY: 'restore' } },
  manifest: call('fsync', '.*.manifest.json.tmp'),
  rename: call('renameat2', '.*.dump.tmp'),
  success: session('run', sends(/UPDATE backup_run SET status = 'success'/)),
  audit: session('run', sends(/INSERT INTO audit_log/)),
  add: { hold: (stage) => ({ gate: bothOf(stage.redis.hold('add', addsPruneJob), stage.mail.hold('mail')) }), notifies: true },
  hook,
  mail: { ...mail, notifies: true },
  'failure mail': { ...mail, fails: true },
};
