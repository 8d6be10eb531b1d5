/*
 * terminal: a command as a person sees it: in a real terminal, with cursor movements resolved.
 *
 *     const shown = await inTerminal(['list', '--limit', '3'], { env, columns: 100 });
 *     shown.screen          what is on the screen at the end, with what has scrolled out of it; without blanks at the ends of lines
 *     shown.saw(/47 %/)     whether that was to be seen at any time
 *     shown.code            as script hands it on: 130 after a ^C
 *
 *     const terminal = await openTerminal(['status', '--watch'], { env });
 *     await terminal.shows(/active/);     until that is on the screen
 *     terminal.type('\x03');              as on the keyboard; this is ^C
 *     await terminal.ended;               the same as inTerminal() hands back
 *
 * The environment is bare, as in worker.mjs; colours are in `raw`, what came before the emulator.
 */
import xterm from '@xterm/headless';
import { startProcess, temporaryFolder } from './run_folder.mjs';
import { within } from './wait.mjs';
import { environmentFor, sanitizerReport, workerProgram } from './worker.mjs';

const quoted = (word) => `'${`${word}`.replaceAll("'", `'\\''`)}'`;

/* What a person sees: no blanks at the ends of lines, no empty lines below. */
function readScreen(terminal) {
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row));
  const text = lines.reduce((all, line) => all + (line.isWrapped ? '' : '\n') + line.translateToString(true), '');
  return text.slice(1).trimEnd();
}

export async function openTerminal(args, { env = {}, columns = 100, rows = 40, program = workerProgram, cwd = undefined } = {}) {
  const reports = temporaryFolder('terminal');
  const emulator = new xterm.Terminal({ cols: columns, rows, scrollback: 10_000, allowProposedApi: true });
  const command = `stty cols ${columns} rows ${rows}; exec ${[program, ...args].map(quoted).join(' ')}`;
  const child = await startProcess('script', ['-qefc', command, '/dev/null'], {
    cwd: cwd ?? reports,
    env: { ...environmentFor(env, reports), TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const frames = []; // screens, each another than the one before
  const waiting = new Set();
  let raw = '';

  const closed = new Promise((done) => {
    child.stdout.on('data', (bytes) => {
      raw += bytes.toString('latin1');
      emulator.write(bytes, () => {
        const screen = readScreen(emulator);
        if (screen !== frames.at(-1)) frames.push(screen);
        for (const look of [...waiting]) look();
      });
    });
    child.stdout.once('close', () => emulator.write('', done));
  });
  const saw = (pattern) => frames.some((frame) => pattern.test(frame));
  const seen = () => ({ screen: readScreen(emulator), frames, saw, raw: Buffer.from(raw, 'latin1').toString() });

  const ended = child.ended.then(async ({ code, signal }) => {
    await closed;
    const report = sanitizerReport(reports, raw);
    if (report) throw new Error(`a sanitizer spoke up:\n${report}`);
    return { code, signal, ...seen() };
  });
  child.stdin.on('error', () => {}); // it has ended before all was typed

  return {
    pid: child.pid,
    ended,
    type: (text) => child.stdin.write(text),
    seen,
    /* Until the screen matches, now or later; hands back the match. */
    shows(pattern, { timeout = 15_000 } = {}) {
      const found = new Promise((done, refuse) => {
        const look = () => {
          const match = pattern.exec(readScreen(emulator));
          if (match === null) return;
          waiting.delete(look);
          done(match);
        };
        waiting.add(look);
        look();
        ended.then(() => {
          look();
          refuse(new Error(`it ended without showing ${pattern}:\n${readScreen(emulator)}`));
        }, refuse);
      });
      return within(found, timeout, `${pattern} on the screen`).catch((error) => {
        child.kill('SIGKILL'); // nobody looks at it any more
        throw new Error(`${error.message}; it shows:\n${readScreen(emulator)}`);
      });
    },
  };
}

export async function inTerminal(args, { timeout = 60_000, ...options } = {}) {
  const terminal = await openTerminal(args, options);
  return within(terminal.ended, timeout, 'the command to end');
}
