/* What all commands have in common: --help, --json, how they look in a terminal; and that the support code for such tests sees what it should. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commandNames, helpOf, optionsOf } from './support/help.mjs';
import { hasSchema, schemaErrors } from './support/json_schema.mjs';
import { runProcess } from './support/run_folder.mjs';
import { executable } from './support/scene.mjs';
import { inTerminal, openTerminal } from './support/terminal.mjs';
import { run, workerProgram } from './support/worker.mjs';

const commands = await commandNames();

describe('commands', { concurrency: 3 }, () => {
  test('the help lists them, and each has a help of its own', async () => {
    assert.ok(commands.length >= 6, commands.join());
    for (const name of commands) {
      const text = await helpOf(name);
      assert.match(text, new RegExp(`^Usage: weavestream-backup ${name} `), name);
      assert.match(text, /^Exit status: /m, name);
      assert.ok(text.split('\n').every((line) => line.length <= 120), `${name} --help has a line that is too long`);
    }
  });

  test('whoever has --json has a schema', async () => {
    const answering = [];
    for (const name of commands) if ((await optionsOf(name)).some(({ long }) => long === 'json')) answering.push(name);
    assert.ok(answering.includes('verify'));
    assert.deepEqual(answering.filter((name) => !hasSchema(name)), []);
  });

  test('an unknown option is told with status 64, by each in the same words', async () => {
    for (const name of commands) {
      const { code, stdout, stderr } = await run([name, '--no-such-option']);
      assert.deepEqual([code, stdout, stderr], [64, '', `weavestream-backup ${name}: '--no-such-option' is no option; try --help\n`]);
    }
  });

  for (const [words, complaint] of [
    [['pause'], ": 'pause' is no command; try 'weavestream-backup help'"],
    [['statsu'], ": 'statsu' is no command; did you mean 'status'?"],
    [['st\x1b[2J'], ": 'st [2J' is no command; try 'weavestream-backup help'"],
    [['help', 'dril'], ": 'dril' is no command; did you mean 'drill'?"],
    [['help', 'drill', 'list'], " help: 'list' is one too many; try --help"],
    [['version', 'extra'], " version: 'extra' is one too many; try --help"],
    [['list', '--confg=Nightly'], " list: '--confg' is no option; did you mean '--config'?"],
    [['worker', '--l'], " worker: '--l' begins more than one option; try --help"],
    [['list', '--config'], " list: '--config' needs a value: --config=NAME|ID"],
    [['list', '-jc'], " list: '-c' needs a value: --config=NAME|ID"],
    [['list', '--json', '-xj'], " list: '-x' is no option; try --help"],
    [['list', '--json=yes'], " list: '--json' takes no value; try --help"],
    [['list', '--help=yes'], " list: '--help' takes no value; try --help"],
    [['status', '--to=postgresql://me:hunter2@localhost'], " status: '--to' is no option; try --help"],
    [['restore', '--to', 'postgresql://me:hunter2@localhost/app', '-é', 'x.dump'], " restore: '-...' is no option; try --help"],
    [['run', 'Nightly'], " run: a schedule is named by --config: run --config 'Nightly'"],
    [['restore', '--plan'], ' restore: FILE is missing; try --help'],
  ])
    test(`weavestream-backup ${JSON.stringify(words).slice(1, -1)}: one line says what is wrong`, async () => {
      const { code, stdout, stderr } = await run(words);
      assert.deepEqual([code, stdout, stderr], [64, '', `weavestream-backup${complaint}\n`]);
    });

  test('help COMMAND prints what COMMAND --help does', async () => {
    for (const name of [...commands, 'help', 'version']) assert.equal((await run(['help', name])).stdout, await helpOf(name), name);
  });

  test('what cannot be printed is told, with status 74', async () => {
    for (const words of [...[...commands, 'version', 'help'].map((name) => [name, '--help']), ['cron', '0 3 * * *'], ['worker', '--check']]) {
      const env = { REDIS_URL: 'redis://localhost', DATABASE_URL: 'postgresql://me@localhost/app' };
      const { code, stderr } = await runProcess('sh', ['-c', 'exec "$0" "$@" >/dev/full', workerProgram, ...words], { env, check: false });
      assert.deepEqual([code, stderr], [74, `weavestream-backup ${words[0]}: write standard output: No space left on device\n`], words.join(' '));
    }
  });
});

describe('in a terminal', { concurrency: 3 }, () => {
  test('cron prints when a pattern fires next', async () => {
    const { screen, code } = await inTerminal(['cron', '--tz', 'Europe/Berlin', '--from', '2026-03-28T12:00', '--count', '2', '30 2 * * *']);
    assert.deepEqual([code, screen], [0, '2026-03-29T03:30:00+02:00 Sunday\n2026-03-30T02:30:00+02:00 Monday']);
  });

  test('version and help say what this is', async () => {
    assert.match((await inTerminal(['version'])).screen, /^weavestream-backup \d+\.\d+\.\d+$/);
    assert.match((await inTerminal(['help'], { columns: 120 })).screen, /^Usage: weavestream-backup COMMAND(.*\n)+ {2}restore +\S/);
  });

  test('worker --check shows the settings, passwords masked', async () => {
    const env = { REDIS_URL: 'redis://:hunter2@localhost', DATABASE_URL: 'postgresql://me:hunter2@localhost/app' };
    const { screen, code, raw } = await inTerminal(['worker', '--check'], { env, columns: 120 });
    assert.equal(code, 0);
    assert.match(screen, /^REDIS_URL=redis:\/\/:\*\*\*@localhost/m);
    assert.ok(!raw.includes('hunter2'));
  });

  test('an operand too many is told, but for a URL, which may have a password in it', async () => {
    const { screen, code } = await inTerminal(['verify', 'a.dump', 'postgresql://me:hunter2@localhost/app']);
    assert.deepEqual([code, screen], [64, "weavestream-backup verify: '...://...' is one too many; try --help"]);
  });
});

describe('the terminal of these tests', { concurrency: 3 }, () => {
  const script = (text) => ({ program: executable(`#!/bin/sh\n${text}\n`) });

  test('it resolves what moves the cursor, and remembers what was to be seen', async () => {
    const shown = await inTerminal([], script(`printf 'working  10 %%'; sleep 0.3; printf '\\r\\033[Kdone\\n\\033[31mred\\033[0m  \\n'; exit 3`));
    assert.equal(shown.screen, 'done\nred');
    assert.equal(shown.code, 3);
    assert.ok(shown.saw(/working {2}10 %/));
    assert.ok(!shown.saw(/20 %/));
    assert.ok(shown.raw.includes('\x1b[31m'));
  });

  test('it has the width that was asked for', async () => {
    const { screen } = await inTerminal(['a b', "it's"], { ...script('stty size; printf "%s|%s" "$1" "$2"'), columns: 77, rows: 12 });
    assert.equal(screen, "12 77\na b|it's");
  });

  test('what is typed gets there, ^C as a signal', async () => {
    const terminal = await openTerminal([], script(`trap 'echo stopped; exit 130' INT; echo ready; read line; echo "got $line"; while :; do sleep 0.05; done`));
    await terminal.shows(/ready/);
    terminal.type('hello\n');
    await terminal.shows(/got hello/);
    terminal.type('\x03');
    const { code, screen } = await terminal.ended;
    assert.equal(code, 130);
    assert.match(screen, /stopped$/);
  });
});

test('a schema refuses what is not in it', () => {
  const good = { file: 'a.dump', level: 'full', proven: true, reason: null, manifest: null, sizeBytes: 1, sha256: 'a'.repeat(64), tables: 1, rows: 1, largeObjects: 0, sequences: 0, restoreMs: null, countMs: null, durationMs: 1 };
  assert.deepEqual(schemaErrors('verify', good), []);
  assert.match(schemaErrors('verify', { ...good, level: 'most' }).join(), /level must be equal to one of/);
  assert.match(schemaErrors('verify', { ...good, extra: 1 }).join(), /must NOT have additional properties/);
  assert.match(schemaErrors('verify', { ...good, sizeBytes: -1 }).join(), /sizeBytes/);
  const { rows, ...without } = good;
  assert.match(schemaErrors('verify', without).join(), /must have required property 'rows'/);
});
