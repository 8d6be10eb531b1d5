/* What TAB offers in bash, against what --help says. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { commandNames, optionsOf } from './support/help.mjs';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';
import { startPostgres } from './support/postgres.mjs';
import { createSchema, insertConfig } from './support/schema.mjs';
import { openTerminal } from './support/terminal.mjs';
import { workerProgram } from './support/worker.mjs';

const file = fileURLToPath(new URL('../../scripts/completion/weavestream-backup.bash', import.meta.url));

/* What is offered for the last of these words, which bash has split as it does. */
async function offered(words, options = {}) {
  const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weavestream_backup; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await runProcess('bash', ['--norc', '-c', script, file, workerProgram, ...words], options);
  assert.equal(stderr, '');
  return stdout.split('\n').filter(Boolean).sort();
}

const commands = await commandNames();

describe('completion', { concurrency: 3 }, () => {
  test('the first word is one of the commands', async () => {
    assert.deepEqual(await offered(['']), [...commands, 'help', 'version', '--help', '--version'].sort());
    assert.deepEqual(await offered(['ver']), ['verify', 'version']);
    assert.deepEqual(await offered(['help', 'ver']), ['verify', 'version']);
  });

  for (const name of commands) {
    test(`${name}: all options of its help are offered, and no others`, async () => {
      const options = await optionsOf(name);
      assert.ok(options.length >= 2, name);
      assert.deepEqual(await offered([name, '--']), options.map(({ long, value }) => `--${long}${value ? '=' : ''}`).sort());
    });
  }

  test('values are offered where the help lists them, with = and without', async () => {
    assert.deepEqual(await offered(['verify', '--level', '=', '']), ['full', 'restore', 'toc']);
    assert.deepEqual(await offered(['verify', '--level', '=']), ['full', 'restore', 'toc']);
    assert.deepEqual(await offered(['verify', '--level', '=', 'f']), ['full']);
    assert.deepEqual(await offered(['verify', '--level', 'r']), ['restore']);
    assert.deepEqual(await offered(['verify', '-l', '']), ['full', 'restore', 'toc']);
    assert.deepEqual(await offered(['verify', '-a', '-']), await offered(['verify', '-']));
    assert.deepEqual(await offered(['cron', '--dialect', '=', '']), ['4', '5']);
    assert.deepEqual(await offered(['list', '--limit', '=', '']), []);
  });

  test('schedules are offered by their names where Postgres tells them, and nothing is said where it does not', async (t) => {
    const postgres = await startPostgres();
    t.after(() => postgres.stop());
    const sql = await postgres.client();
    t.after(() => sql.end());
    await createSchema(sql);
    for (const name of ['Nightly', 'Nightly, far away', "O'Hara $HOME", 'never "quoted"', 'Weekly']) await insertConfig(sql, { name });
    const env = { PATH: process.env.PATH, REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: postgres.url };
    assert.deepEqual(await offered(['run', '--config', '=', 'N'], { env }), ['Nightly', 'Nightly\\,\\ far\\ away']);
    assert.deepEqual(await offered(['run', '-c', ''], { env }), ['Nightly', 'Nightly\\,\\ far\\ away', "O\\'Hara\\ \\$HOME", 'Weekly']);
    assert.deepEqual(await offered(['list', '--config', 'Nightly\\,\\ f'], { env }), ['Nightly\\,\\ far\\ away']);
    assert.deepEqual(await offered(['list', '--config', ''], { env: { ...env, DATABASE_URL: 'postgresql://me@127.0.0.1:1/none' } }), []);
    assert.deepEqual(await offered(['list', '--config', ''], { env: { PATH: process.env.PATH } }), []);
  });

  test('files are offered where a file is meant', async () => {
    const cwd = temporaryFolder('files');
    for (const name of ['a.dump', 'b.dump']) writeFileSync(join(cwd, name), '');
    mkdirSync(join(cwd, 'folder'));
    assert.deepEqual(await offered(['verify', ''], { cwd }), ['a.dump', 'b.dump', 'folder']);
    assert.deepEqual(await offered(['verify', '--manifest', '=', 'a'], { cwd }), ['a.dump']);
    assert.deepEqual(await offered(['list', ''], { cwd }), []);
    for (const name of ['my one.dump', 'my other.dump']) writeFileSync(join(cwd, name), '');
    for (const typed of ['my\\ o', '"my o', "'my o"]) assert.deepEqual(await offered(['verify', typed], { cwd }), ['my one.dump', 'my other.dump'], typed);
  });

  test('behind -- nothing is an option', async () => {
    assert.deepEqual(await offered(['worker', '--', 'prog', '--']), []);
  });

  test('a real TAB in a real terminal completes commands, options and values', async () => {
    const terminal = await openTerminal(['--norc', '-i'], { program: 'bash', env: { PATH: `${dirname(workerProgram)}:${process.env.PATH}`, PS1: '$ ' } });
    await terminal.shows(/^\$$/m);
    terminal.type(`source '${file}'\n`);
    terminal.type('weavestream-backup veri\t');
    await terminal.shows(/weavestream-backup verify$/m);
    terminal.type('--lev\t');
    await terminal.shows(/verify --level=$/m);
    terminal.type('res\t');
    await terminal.shows(/verify --level=restore/m);
    terminal.type('--help\nexit\n');
    const { screen } = await terminal.ended;
    assert.match(screen, /^Usage: weavestream-backup verify /m);
  });
});
