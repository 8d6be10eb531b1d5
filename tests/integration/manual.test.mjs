/* The man page: that it is well-formed, complete and true, as far as that can be told; and that all is installed where it belongs. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { commandNames, optionsOf } from './support/help.mjs';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';
import { binaryFolder } from './support/worker.mjs';

const file = fileURLToPath(new URL('../../docs/weavestream-backup.1', import.meta.url));
const page = readFileSync(file, 'utf8');
const commands = await commandNames();

const format = (name) => runProcess('man', ['--warnings', '-l', name], { env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', MANWIDTH: '100', MANPAGER: 'cat' } });

/* What follows a heading, up to the next one of its kind. */
const partOf = (text, kind, title) => text.split(new RegExp(`^\\.${kind} `, 'm')).find((part) => part.startsWith(`${title}\n`)) ?? '';

/* ".It Fl n , -limit Ns = Ns Ar N" as --help writes it: "-n, --limit=N". */
const written = (item) => item.replace(/^\.It /, '').replace(/\bFl (?=\w )/g, '-').replace('Fl -', '--').replace(/ , -/, ', --').replaceAll(' Ns ', '').replace('=Ns Ar ', '=').replace('=Ar ', '=');

describe('the man page', { concurrency: 3 }, () => {
  test('man has nothing to say against it', async () => {
    const { stdout, stderr } = await format(file);
    assert.equal(stderr, '');
    assert.match(stdout, /^NAME\n +weavestream-backup — /m);
    const bad = join(temporaryFolder('man'), 'bad.1');
    writeFileSync(bad, `${page}.Xx\n`);
    assert.match((await format(bad)).stderr, /macro 'Xx' not defined/, 'it would have said so');
  });

  test('it has all commands, in the order of the help, and no others', () => {
    assert.deepEqual([...partOf(page, 'Sh', 'COMMANDS').matchAll(/^\.Ss (.*)$/gm)].map(([, name]) => name), commands);
  });

  for (const name of commands) {
    test(`${name}: it has all options, with the same letters and values, in the same order`, async () => {
      const items = [...partOf(partOf(page, 'Sh', 'COMMANDS'), 'Ss', name).matchAll(/^\.It Fl .*$/gm)].map(([item]) => written(item));
      assert.deepEqual(items, (await optionsOf(name)).map(({ label }) => label).filter((label) => label !== '-h, --help'));
    });
  }

  test('it has all settings, and no others', () => {
    const source = readFileSync(new URL('../../common/settings.c', import.meta.url), 'utf8');
    const settings = [...source.matchAll(/^ {4}\{ "([A-Z_]+)", /gm)].map(([, name]) => name);
    assert.ok(settings.length >= 29, settings.join());
    const told = [...partOf(page, 'Sh', 'ENVIRONMENT').matchAll(/^\.It Ev (.*)$/gm)].map(([, name]) => name);
    assert.deepEqual(told.sort(), settings.sort());
  });

  test('it says of those that are required, and of no others, that they are', () => {
    const source = readFileSync(new URL('../../common/settings.c', import.meta.url), 'utf8');
    const required = [...source.matchAll(/^ {4}\{ "([A-Z_]+)",[^"]*\.required = /gm)].map(([, name]) => name);
    assert.deepEqual(required, ['REDIS_URL', 'DATABASE_URL']);
    const items = partOf(page, 'Sh', 'ENVIRONMENT').split('.It Ev ').slice(1);
    assert.deepEqual(items.filter((text) => /^Required /m.test(text)).map((text) => text.split('\n')[0]).sort(), [...required].sort());
  });

  test('nothing in it is longer than a screen is wide', async () => {
    const { stdout } = await format(file);
    assert.deepEqual(stdout.split('\n').filter((line) => line.length > 100), []);
  });
});

test('programs, man page and completion are installed', async () => {
  const root = temporaryFolder('root');
  const { stdout } = await runProcess('cmake', ['--install', binaryFolder], { env: { PATH: process.env.PATH, DESTDIR: root } });
  const installed = [...stdout.matchAll(/^-- Installing: (.*)$/gm)].map(([, path]) => path);
  for (const end of ['/bin/weavestream-backup', '/libexec/weavestream-backup/weavestream-backup-job', '/share/man/man1/weavestream-backup.1',
    '/share/bash-completion/completions/weavestream-backup']) {
    const found = installed.filter((path) => path.endsWith(end));
    assert.equal(found.length, 1, `${end}: ${installed.join()}`);
    assert.ok(found[0].startsWith(root) && existsSync(found[0]));
  }
});

test('under another prefix all of it is there and nothing elsewhere, the programs find each other, and the unit names them', async () => {
  const prefix = temporaryFolder('prefix');
  const { stdout } = await runProcess('cmake', ['--install', binaryFolder, '--prefix', prefix]);
  const installed = [...stdout.matchAll(/^-- (?:Installing|Up-to-date): (.*)$/gm)].map(([, path]) => path);
  assert.ok(installed.length > 10);
  assert.deepEqual(installed.filter((path) => !path.startsWith(`${prefix}/`)), []);
  await runProcess(join(prefix, 'bin/weavestream-backup'), ['list', '--help']);
  assert.match(readFileSync(join(prefix, 'lib/systemd/system/weavestream-backup.service'), 'utf8'), new RegExp(`^ExecStart=${prefix}/bin/weavestream-backup worker$`, 'm'));
});
