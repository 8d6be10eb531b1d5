/* `weavestream-backup restore`: what it looks at, what it refuses and by which name, and that all is there afterwards. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { backUp, copyOf, flip, manifestOf, restoreBy, rewrite } from './support/dumps.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { password, startPostgres } from './support/postgres.mjs';
import { untilGone } from './support/processes.mjs';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';
import { sha256 } from './support/scene.mjs';
import { createSchema, rowCounts, sampleData } from './support/schema.mjs';
import { inTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

let postgres;
let good;   // a dump of the app's database; its app has the migrations in `migrations`
let script; // the same as a .sql.gz
let counts;
let migrations;
let envFile;
let database = 0;

const applied = ['20250101000000_init', '20250601000000_backups'];

/* A directory of the app, as it is in a checkout; hands back that of the migrations. */
function makeMigrations(names, text = (name) => `-- ${name}\n`) {
  const folder = join(temporaryFolder('app'), 'packages/db/prisma/migrations');
  for (const name of names) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'migration.sql'), text(name));
  }
  return folder;
}

function writeEnv(text) {
  const file = join(temporaryFolder('env'), '.env');
  writeFileSync(file, text);
  return file;
}

/* Autovacuum comes to it soon, and stays for minutes. */
async function makeBusyDatabase() {
  await postgres.psql('ALTER SYSTEM SET autovacuum_naptime = 1', 'postgres');
  await postgres.psql('SELECT pg_reload_conf()', 'postgres');
  await postgres.createDatabase('busy', { template: 'template0' });
  await postgres.psql('CREATE TABLE busy (id int) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1); INSERT INTO busy SELECT generate_series(1, 50000); DELETE FROM busy', 'busy');
}

before(async () => {
  postgres = await startPostgres();
  await makeBusyDatabase();
  const sql = await postgres.client();
  await createSchema(sql);
  await sampleData(sql, 0.5);
  migrations = makeMigrations(applied);
  good = await backUp(postgres, { env: { PASSWORD_ENCRYPTION_KEY_KID: 'pk-2', WEAVESTREAM_VERSION: '1.8.14' }, cwd: join(migrations, '../../../..') });
  counts = await rowCounts(await postgres.restore(good.file, 'reference'));
  const { stdout } = await runProcess('pg_dump', ['--no-owner', '--no-acl', '-d', 'reference'], { env: postgres.environment });
  script = join(temporaryFolder('script'), 'backup-2026-05-01.sql.gz');
  writeFileSync(script, gzipSync(stdout));
  envFile = writeEnv("# of the new host\nexport PASSWORD_ENCRYPTION_KEY='c2VjcmV0'\nPASSWORD_ENCRYPTION_KEY_KID=pk-2 # since May\n");
});
after(() => postgres.stop());

async function emptyDatabase() {
  const name = `target_${++database}`;
  await postgres.createDatabase(name, { template: 'template0' });
  return name;
}

async function filledDatabase() {
  const name = await emptyDatabase();
  await postgres.psql('CREATE TABLE companies (id int); INSERT INTO companies VALUES (7); CREATE TABLE "its own" (id int)', name);
  return name;
}

/* With the password in a variable. */
const restore = (name, args, { env = {}, ...options } = {}) => run(['restore', '--to-env', 'TARGET', ...args], { env: { TARGET: postgres.urlOf(name), ...env }, ...options });

const answerOf = async (name, args, options) => {
  const { code, stdout, stderr } = await restore(name, ['--json', ...args], options);
  return { code, stderr, ...assertAnswer('restore', stdout) };
};

/* { checksum: 'ok', ... } */
const verdicts = ({ checks }) => Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
const textOf = ({ checks }, name) => checks.find((check) => check.name === name)?.text;

async function assertSame(name) {
  const client = await postgres.client(name);
  assert.deepEqual(await rowCounts(client), counts);
  await client.end();
}

const tablesOf = async (name) => Number(await postgres.psql(`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`, name));

describe('restore', { concurrency: 3 }, () => {
  test('with all that it can look at, every check is ok, and the plan changes nothing', async () => {
    const name = await emptyDatabase();
    const answer = await answerOf(name, ['--plan', '--env-file', envFile, '--migrations', migrations, good.file]);
    assert.equal(answer.stderr, '');
    assert.deepEqual(verdicts(answer), { checksum: 'ok', archive: 'ok', server: 'ok', target: 'ok', sessions: 'ok', space: 'ok', migrations: 'ok', passwords: 'ok' });
    const { code, database: told, planOnly, refused, restored, reason, rows, restoreMs, checklist } = answer;
    assert.deepEqual({ code, told, planOnly, refused, restored, reason, rows, restoreMs, checklist },
      { code: 0, told: name, planOnly: true, refused: 0, restored: false, reason: null, rows: good.manifest.rows, restoreMs: null, checklist: [] });
    assert.equal(await tablesOf(name), 0);
  });

  test('what cannot be looked at is a warning, with what to do', async () => {
    const name = await emptyDatabase();
    const { code, stdout, stderr } = await restore(name, ['--plan', copyOf(good, { manifest: false })]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^warn {5}checksum {3}there is no manifest beside it: nothing tells whether it is what was dumped$/m);
    assert.match(stdout, /^warn {5}archive {4}read back whole: \d+ tables with \d+ rows.*; without a manifest nothing says that this is all$/m);
    assert.match(stdout, /^ok {7}target {5}database 'target_\d+' is empty$/m);
    assert.match(stdout, /^warn {5}migrations not compared: name the new host's with --migrations/m);
    assert.match(stdout, /^warn {5}passwords {2}not looked for: name the new host's \.env with --env-file/m);
    assert.match(stdout, /\nIt can be restored: the same command without --plan does it\.\n$/);
  });

  test('into an empty database everything comes, and what is left to do is told', async () => {
    const name = await emptyDatabase();
    const { code, stdout, stderr } = await restore(name, ['--env-file', envFile, '--migrations', migrations, good.file]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, new RegExp(`\nrestored into '${name}' on 127\\.0\\.0\\.1 in [\\d.]+ s: \\d+ tables with ${good.manifest.rows} rows, counted in [\\d.]+ s: as in the manifest\n`));
    assert.match(stdout, /\n {2}\[x\] Rows: every table has as many as in the dump\n {2}\[x\] Migrations: .*\n {2}\[x\] Secrets: the \.env has PASSWORD_ENCRYPTION_KEY with id 'pk-2'\n {2}\[ \] Secrets: .*\n {2}\[ \] Files: \$\{DATA_DIR\}\/files .*\n {2}\[ \] Sign-in: .*\n {2}\[ \] Backups: .*Run now.*\n$/);
    await assertSame(name);
  });

  test('nothing is ticked off that was not looked at', async () => {
    const name = await emptyDatabase();
    const { code, checklist } = await answerOf(name, [good.file]);
    assert.equal(code, 0);
    assert.deepEqual(checklist.filter(({ done }) => done).map(({ text }) => text), ['Rows: every table has as many as in the dump']);
  });

  test('over several connections the result is the same', async () => {
    const name = await emptyDatabase();
    const { code, restored, compared } = await answerOf(name, ['--jobs', '3', good.file]);
    assert.deepEqual({ code, restored, compared }, { code: 0, restored: true, compared: true });
    await assertSame(name);
  });

  test('--clean replaces what the dump has and says what stays', async () => {
    const name = await filledDatabase();
    const answer = await answerOf(name, ['--clean', good.file]);
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(textOf(answer, 'target'), /is not empty: 1 table \(public\.companies\) will be dropped and replaced, with all their rows; 1 table \(public\."its own"\) that the restore does not bring will stay$/);
    assert.equal(await postgres.psql('SELECT count(*) FROM companies', name), '20');
    assert.equal(await postgres.psql('SELECT count(*) FROM "its own"', name), '0');
  });

  test('a restore of a restored database, over itself, ends the same', async () => {
    const name = await emptyDatabase();
    assert.equal((await restore(name, [good.file])).code, 0);
    assert.equal((await restore(name, ['--clean', good.file])).code, 0);
    await assertSame(name);
  });

  test('--table brings only that, with its rows', async () => {
    const name = await emptyDatabase();
    const answer = await answerOf(name, ['--table', 'companies', '--table=documents', good.file]);
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(textOf(answer, 'tables'), /^2 of \d+ tables, with \d+ rows; without indexes, constraints and triggers$/);
    assert.equal(answer.tables, 2);
    assert.equal(await tablesOf(name), 2);
    assert.equal(await postgres.psql('SELECT count(*) FROM companies', name), '20');
  });

  test('--table takes a schema, and needs it for a name that is in two; what pg_restore cannot choose alone is refused', async () => {
    const name = await emptyDatabase();
    await postgres.psql('CREATE SCHEMA twin; CREATE TABLE assets (a int); CREATE TABLE other (a int); CREATE TABLE twin.other (a int); CREATE TABLE twin.assets AS SELECT 7 AS a', name);
    const file = join(temporaryFolder('twins'), 'twins.dump');
    await runProcess('pg_dump', ['--format=custom', `--file=${file}`, '-d', name], { env: postgres.environment });
    const target = await emptyDatabase();
    await postgres.psql('CREATE SCHEMA twin', target);
    const answer = await answerOf(target, ['--table=twin.assets', file]);
    assert.equal(answer.code, 0, answer.stderr);
    assert.deepEqual([answer.tables, await tablesOf(target), await postgres.psql('SELECT a FROM twin.assets', target)], [1, 0, '7']);
    const refusal = async (...tables) => textOf(await answerOf(await emptyDatabase(), [...tables.map((table) => `--table=${table}`), file]), 'tables');
    assert.equal(await refusal('assets'), "'assets' is more than one table of the dump: name one of public.assets, twin.assets");
    assert.equal(await refusal('twin.assets', 'public.other'), "pg_restore would restore 'public.assets' along with them: restore these tables one after the other");
    assert.equal(await refusal('twin.nothing'), "the dump has no table 'twin.nothing' (names are without quotes; a schema may stand before them, as in public.assets)");
  });

  test('--table into a database that lacks its schema is refused, with the statement that makes it', async () => {
    const name = await emptyDatabase();
    await postgres.psql('CREATE SCHEMA "Größe"; CREATE TABLE "Größe".w AS SELECT 7 AS a', name);
    const file = join(temporaryFolder('schema'), 'schema.dump');
    await runProcess('pg_dump', ['--format=custom', `--file=${file}`, '-d', name], { env: postgres.environment });
    const target = await emptyDatabase();
    const answer = await answerOf(target, ['--plan', '--table=Größe.w', file]);
    assert.deepEqual([answer.code, verdicts(answer).target], [1, 'refused']);
    assert.equal(textOf(answer, 'target'), `database '${target}': it has no schema "Größe", which single tables do not bring: make it first: CREATE SCHEMA "Größe"`);
    await postgres.psql('CREATE SCHEMA "Größe"', target);
    assert.equal((await restore(target, ['--table=Größe.w', file])).code, 0);
    assert.equal(await postgres.psql('SELECT a FROM "Größe".w', target), '7');
  });

  test('--clean --table of a table on which others hang is refused, and they are named', async () => {
    const name = await emptyDatabase();
    await postgres.psql('CREATE TABLE companies (id int PRIMARY KEY, parent int REFERENCES companies); CREATE VIEW "all" AS SELECT * FROM companies', name);
    await postgres.psql('CREATE TABLE offices (id int, company int CONSTRAINT belongs REFERENCES companies)', name);
    const plan = () => answerOf(name, ['--plan', '--clean', '--table=companies', good.file]);
    const answer = await plan();
    assert.deepEqual([answer.code, verdicts(answer).target], [1, 'refused']);
    assert.equal(textOf(answer, 'target'), `database '${name}': public.companies cannot be dropped while others hang on it (the foreign key belongs of public.offices, the view public."all"): drop them first, and make them anew afterwards`);
    await postgres.psql('DROP VIEW "all"; ALTER TABLE offices DROP CONSTRAINT belongs', name);
    assert.equal((await plan()).code, 0);
    assert.equal((await restore(name, ['--clean', '--table=companies', good.file])).code, 0);
  });

  test('a foreign key between the tables of --clean --table is in the way only if the one that it leads to is dropped first', async () => {
    const name = await emptyDatabase();
    assert.equal((await restore(name, [good.file])).code, 0);
    await postgres.psql('DROP VIEW "assets per company"; ALTER TABLE documents DROP CONSTRAINT documents_company_id_fkey', name);
    const answer = await answerOf(name, ['--plan', '--clean', '--table=companies', '--table=assets', good.file]);
    assert.match(textOf(answer, 'target'), /: public\.companies cannot be dropped while others hang on it \(the foreign key "?\w+"? of public\.assets\): /);
    assert.equal((await restore(name, ['--clean', '--table=backup_config', '--table=backup_run', good.file])).code, 0);
  });

  test('in a terminal a bar is drawn, and what is told at the end stands there', async () => {
    const name = await emptyDatabase();
    const env = { TARGET: postgres.urlOf(name), ...restoreBy('case "$*" in *--dbname*) sleep 0.5 ;; esac; real "$@"') };
    const shown = await inTerminal(['restore', '--to-env', 'TARGET', good.file], { env, columns: 200 });
    assert.equal(shown.code, 0, shown.screen);
    assert.match(shown.raw, /reading back \[=+\] 100 %/);
    assert.ok(shown.saw(/^restoring \[.*%/m));
    assert.match(shown.screen, /^ok {7}checksum {3}size and SHA-256 are those of .*\nok {7}archive .*\nok {7}server .*\nok {7}target .*\nok {7}sessions .*\nok {7}space .*\nwarn {5}migrations .*\nwarn {5}passwords .*\n\nrestored into /);
    assert.match(shown.raw, /\x1b\[32mok\x1b\[/);
  });
});

describe("the user guide's own recipe", () => {
  test('pg_restore from standard input takes our dumps, into an empty database and over a full one', async () => {
    await postgres.restore(good.file, 'recipe');
    await assertSame('recipe');
    await postgres.restore(good.file, 'recipe');
    await assertSame('recipe');
  });
});

describe('a legacy .sql.gz', { concurrency: 3 }, () => {
  test('goes through psql, and what could not be checked is said', async () => {
    const name = await emptyDatabase();
    const answer = await answerOf(name, ['--env-file', envFile, script]);
    assert.equal(answer.code, 0, answer.stderr);
    assert.deepEqual(verdicts(answer), { checksum: 'warn', archive: 'warn', server: 'ok', target: 'ok', sessions: 'ok', space: 'ok', migrations: 'warn', passwords: 'warn' });
    assert.match(textOf(answer, 'archive'), /^unpacked whole, \d+ tables; rows cannot be compared with anything$/);
    assert.match(textOf(answer, 'server'), /^PostgreSQL \S+ .*takes a dump of PostgreSQL \d+/);
    const { restored, compared, checklist } = answer;
    assert.deepEqual({ restored, compared }, { restored: true, compared: false });
    assert.match(checklist[0].text, /^Rows: they could not be compared with anything/);
    assert.equal(checklist.some(({ done }) => done), false);
    await assertSame(name);
  });

  const damaged = {
    'one that is cut off': [(bytes) => bytes.subarray(0, bytes.length - 2000), /^it could not be unpacked: gzip: exit status 1: gzip: .*: unexpected end of file$/],
    'one with a flipped bit': [(bytes) => Buffer.from(bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))), /^it could not be unpacked: gzip: /],
    'one of which pg_dump wrote only a part': [() => gzipSync('--\n-- PostgreSQL database dump\n--\nCREATE TABLE a (id int);\n'), /^its last line is not that of a dump .*: it is not whole$/],
    'a packed archive': [() => gzipSync(readFileSync(good.file)), /^it is an archive that somebody packed: unpack it \(gunzip\), then restore it$/],
    'a dump of a whole server': [() => gzipSync('\\connect postgres\n-- PostgreSQL database dump complete\n'), /^it connects to databases by itself/],
  };
  for (const [what, [make, reason]] of Object.entries(damaged))
    test(`${what} is refused`, async () => {
      const name = await emptyDatabase();
      const file = join(temporaryFolder('script'), 'damaged.sql.gz');
      writeFileSync(file, make(readFileSync(script)));
      const answer = await answerOf(name, [file]);
      assert.equal(answer.code, 1);
      assert.equal(verdicts(answer).archive, 'refused');
      assert.match(textOf(answer, 'archive'), reason);
      assert.equal(await tablesOf(name), 0);
    });

  test('a statement that fails changes nothing', async () => {
    const name = await emptyDatabase();
    const file = join(temporaryFolder('script'), 'wrong.sql.gz');
    writeFileSync(file, gzipSync('CREATE TABLE a (id int);\nSELECT nonsense;\n-- PostgreSQL database dump complete\n'));
    const { code, stderr } = await restore(name, [file]);
    assert.equal(code, 1);
    assert.match(stderr, /not restored: psql: exit status 3: .*nonsense.*; nothing was changed in the database$/m);
    assert.equal(await tablesOf(name), 0);
  });

  test('what breaks after it was looked at is not committed', async () => {
    const name = await emptyDatabase();
    const folder = temporaryFolder('gzip'); // the second time, it ends in the middle
    writeFileSync(join(folder, 'gzip'), `#!/bin/sh\nPATH='${process.env.PATH}'\nif mkdir '${folder}/first' 2>/dev/null; then exec gzip "$@"; fi\ngzip "$@" | head -c 20000\nexit 1\n`, { mode: 0o755 });
    const { code, stderr } = await restore(name, [script], { env: { PATH: `${folder}:${process.env.PATH}` } });
    assert.equal(code, 1);
    assert.match(stderr, /not restored: it could not be unpacked: gzip: exit status 1: .*; nothing was changed in the database$/m);
    assert.equal(await tablesOf(name), 0);
  });

  test('into a database that is not empty it does not go, unless it drops what it makes', async () => {
    const name = await filledDatabase();
    const plain = await answerOf(name, ['--clean', '--plan', script]);
    assert.match(textOf(plain, 'target'), /is not empty, and the script does not drop what it makes: drop the database and create it anew$/);
    const { stdout } = await runProcess('pg_dump', ['--no-owner', '--no-acl', '--clean', '--if-exists', '-d', 'reference'], { env: postgres.environment });
    const dropping = join(temporaryFolder('script'), 'dropping.sql.gz');
    writeFileSync(dropping, gzipSync(stdout));
    assert.equal((await answerOf(name, [dropping])).refused, 1);
    assert.equal((await answerOf(name, ['--clean', dropping])).code, 0);
    assert.equal(await postgres.psql('SELECT count(*) FROM companies', name), '20');
  });

  test('single tables cannot be taken out of it', async () => {
    const answer = await answerOf(await emptyDatabase(), ['--table=companies', script]);
    assert.deepEqual([answer.code, verdicts(answer).tables], [1, 'refused']);
  });
});

/* Each with exactly one wrong thing, which is refused by its name; nothing is restored. */
describe('the restore matrix', { concurrency: 3 }, () => {
  const olderApp = () => ['--migrations', makeMigrations(applied.slice(0, 1))];
  const matrix = {
    'a flipped bit': ['checksum', { file: () => { const copy = copyOf(good); flip(copy, readFileSync(copy).length - 3); return copy; }, also: ['archive'] }, /^its SHA-256 is [0-9a-f]{64}, but its manifest says [0-9a-f]{64}$/],
    'another size': ['checksum', { file: () => { const copy = copyOf(good); truncateSync(copy, 5000); return copy; } }, /^it has 5000 bytes, but its manifest says \d+$/],
    'other bytes of the same size, which pg_restore takes': ['checksum', { file: otherDump }, /^its SHA-256 is [0-9a-f]{64}, but its manifest says [0-9a-f]{64}$/],
    'a manifest that is none': ['checksum', { file: () => { const copy = copyOf(good); writeFileSync(manifestOf(copy), '{'); return copy; } }, /manifest\.json': the manifest is not JSON/],
    'a truncated dump without a manifest': ['archive', { file: () => { const copy = copyOf(good, { manifest: false }); truncateSync(copy, readFileSync(copy).length - 1000); return copy; } }, /^the dump could not be read back: pg_restore: exit status 1: /],
    'no dump at all': ['archive', { file: () => { const copy = copyOf(good, { manifest: false }); writeFileSync(copy, 'hello'.repeat(1000)); return copy; } }, /^the dump could not be read back: pg_restore: /],
    'a file that is not there': ['archive', { alone: true, file: () => '/nowhere/x.dump', code: 66 }, /^open '\/nowhere\/x\.dump': No such file or directory$/],
    'other rows than the manifest lists': ['archive', { file: () => { const copy = copyOf(good); rewrite(copy, (manifest) => ({ ...manifest, tables: { ...manifest.tables, 'public.assets': 501 } })); return copy; } }, /^table public\.assets has 501 rows in the manifest, 500 in the dump$/],
    'a table that is not in it': ['tables', { args: ['--table', 'nothing'] }, /^the dump has no table 'nothing' \(names are without quotes; a schema may stand before them, as in public\.assets\)$/],
    'an older server': ['server', { file: newerDump }, /^PostgreSQL \d+\.\d+.* is older than the dump's 99\.\S+.*: restore into a server of version 99 or newer$/],
    'a database that is not empty': ['target', { database: filledDatabase }, /^database 'target_\d+' is not empty: it has 2 tables, 2 objects in all: name an empty one, or give --clean to replace what is in it$/],
    'a database that holds nothing but a type': ['target', { database: async () => { const name = await emptyDatabase(); await postgres.psql(`CREATE TYPE mood AS ENUM ('good')`, name); return name; } }, /is not empty: it has 0 tables, 1 object in all/],
    'a database that is not there': ['target', { database: () => 'nowhere', code: 78 }, /^postgres: .*database "nowhere" does not exist$/],
    'a server that is not there': ['target', { env: () => ({ TARGET: 'postgresql://me@127.0.0.1:1/x' }), code: 69 }, /^postgres: .*refused/],
    'a wrong password': ['target', { env: (name) => ({ TARGET: postgres.urlOf(name).replace(/:[^:@]*@/, ':wrong@') }), code: 77 }, /^postgres: .*password authentication failed/],
    'somebody in the database': ['sessions', { database: filledDatabase, args: ['--clean'], session: true }, /^1 other session is in the database \(the app\): stop whatever uses it/],
    'no room': ['space', { env: () => ({ BACKUP_MIN_FREE_MB: '1048576' }) }, /are free in '\S+', and the restore takes \S+ \wiB at least, beside what BACKUP_MIN_FREE_MB reserves$/],
    'an app that is older than the dump': ['migrations', { args: olderApp }, /lacks 1 that the dump has been through \(20250601000000_backups\): the app there is older than the dump: install Weavestream 1\.8\.14 or newer$/],
    'no migrations where they should be': ['migrations', { args: ['--migrations', '/nowhere'] }, /^open the migrations directory '\/nowhere': No such file or directory$/],
    'an .env with another key': ['passwords', { args: () => ['--env-file', writeEnv('PASSWORD_ENCRYPTION_KEY=eA==\n')] }, /has no key of the dump's id, 'pk-2': its stored passwords could not be decrypted: take over /],
    'an .env with the id but no key': ['passwords', { args: () => ['--env-file', writeEnv('PASSWORD_ENCRYPTION_KEY_KID=pk-2\nPASSWORD_ENCRYPTION_KEY=\n')] }, /has no key of the dump's id/],
    'no .env where it should be': ['passwords', { args: ['--env-file', '/nowhere/.env'] }, /^open '\/nowhere\/\.env': No such file or directory$/],
  };

  /* The header of an archive is not compressed; the version in it gets another major of the same length. */
  function newerDump() {
    const copy = copyOf(good);
    const bytes = readFileSync(copy);
    const version = Buffer.from(`${good.manifest.serverVersion.split(' ')[0]} (`);
    const at = bytes.indexOf(version);
    assert.ok(at > 0 && at < 200, 'the version is in the header');
    bytes.write('99', at);
    writeFileSync(copy, bytes);
    rewrite(copy, (manifest) => ({ ...manifest, sha256: sha256(copy) }));
    return copy;
  }

  /* Nothing is wrong with a dump of another minor version. */
  function otherDump() {
    const copy = copyOf(good);
    const [version] = good.manifest.serverVersion.split(' ');
    flip(copy, readFileSync(copy).indexOf(version) + version.length - 1);
    return copy;
  }

  for (const [what, [name, { file = () => good.file, args = [], database: make = emptyDatabase, env = () => ({}), also = [], alone = false, session = false, code = 1 }, reason]] of Object.entries(matrix))
    test(`${what}: ${name}`, async () => {
      const target = await make();
      const client = session ? await postgres.client(target, { application_name: 'the app' }) : null;
      const answer = await answerOf(target, [...(typeof args === 'function' ? args() : args), file()], { env: env(target) });
      await client?.end();
      const refused = answer.checks.filter(({ verdict }) => verdict === 'refused').map((check) => check.name);
      assert.deepEqual(refused.filter((one) => !also.includes(one)), [name]);
      assert.match(textOf(answer, name), reason);
      if (alone) assert.equal(answer.checks.length, 1, 'nothing can be compared with it');
      assert.equal(answer.code, code);
      assert.equal(answer.restored, false);
      assert.match(answer.stderr, /^weavestream-backup restore: nothing was restored: \d checks? refused\n$/);
      if (/^target_/.test(target)) assert.ok((await tablesOf(target)) <= 2);
    });
});

describe('restore, the checks', { concurrency: 3 }, () => {
  const check = async (name, args, file = good.file) => {
    const answer = await answerOf(await emptyDatabase(), ['--plan', ...args, file]);
    return `${verdicts(answer)[name]}: ${textOf(answer, name)}`;
  };

  test('an app that is newer is good, and what it will do is told', async () => {
    const newer = makeMigrations([...applied, '20260101000000_more']);
    assert.match(await check('migrations', ['--migrations', newer]), /^ok: the app there is newer: `prisma migrate deploy` will apply 1 more \(20260101000000_more\)$/);
    const name = await emptyDatabase();
    const { checklist } = await answerOf(name, ['--migrations', newer, good.file]);
    assert.deepEqual(checklist[1], { text: 'Migrations: start the API; its `prisma migrate deploy` has to apply 1', done: false });
  });

  test('the same names with other contents are a warning', async () => {
    assert.match(await check('migrations', ['--migrations', makeMigrations(applied, () => 'other')]), /^warn: the same 2 names, but their migration\.sql files differ/);
  });

  test('the same names are good where the dump does not tell what was in them', async () => {
    const names = /^ok: the same 2 names as in '.*'; the dump does not tell what was in them$/;
    assert.match(await check('migrations', ['--migrations', migrations], copyOf(good, { manifest: false })), names);
    const copy = copyOf(good);
    rewrite(copy, (manifest) => ({ ...manifest, prismaMigrationHash: 'unknown:not-found' }));
    assert.match(await check('migrations', ['--migrations', migrations], copy), names);
  });

  test("a key among the previous ones will do; a Node worker's null is the app's default", async () => {
    assert.match(await check('passwords', ['--env-file', writeEnv('PASSWORD_ENCRYPTION_KEY=eA==\nPASSWORD_ENCRYPTION_KEY_KID="pk-3"\nPASSWORD_PREVIOUS_KEYS=pk-1:eQ==,pk-2:eg==\n')]), /^ok: .*, 'pk-2', among its previous keys$/);
    const copy = copyOf(good);
    rewrite(copy, (manifest) => ({ ...manifest, passwordEncryptionKid: null }));
    assert.match(await check('passwords', ['--env-file', writeEnv('PASSWORD_ENCRYPTION_KEY=eA==\n')], copy), /^ok: .*, '1'$/);
  });

  test('the .env may come on standard input', async () => {
    const { stdout } = await restore(await emptyDatabase(), ['--plan', '--env-file', '-', good.file], { input: readFileSync(envFile, 'utf8') });
    assert.match(stdout, /^ok {7}passwords {2}'standard input' has a key of the dump's id, 'pk-2'$/m);
  });

  test('somebody in an empty database is a warning', async () => {
    const name = await emptyDatabase();
    const client = await postgres.client(name, { application_name: 'a person' });
    const answer = await answerOf(name, ['--plan', good.file]);
    await client.end();
    assert.equal(verdicts(answer).sessions, 'warn');
  });

  /* By a role that may not look at the sessions of others. */
  const asPlain = (name) => ({ TARGET: postgres.urlOf(name).replace(`${postgres.role}:`, 'plain:') });
  before(() => postgres.psql(`CREATE ROLE plain LOGIN PASSWORD '${password.replaceAll("'", "''")}'`, 'postgres'));

  test("the server's own work in the database is nobody's session", async () => {
    await eventually(async () => (await postgres.psql(`SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'busy'`, 'postgres')) === '1', { what: 'autovacuum' });
    const answer = await answerOf('busy', ['--plan', good.file], { env: asPlain('busy') });
    assert.deepEqual([verdicts(answer).sessions, textOf(answer, 'sessions')], ['ok', 'nobody else is in the database']);
  });

  test('where the server is cannot always be seen', async () => {
    const name = await emptyDatabase();
    const answer = await answerOf(name, ['--plan', good.file], { env: asPlain(name) });
    assert.equal(verdicts(answer).space, 'warn');
    assert.match(textOf(answer, 'space'), /^how much the server has cannot be seen from here/);
  });
});

describe('restore, what goes wrong', { concurrency: 3 }, () => {
  test('a restore that fails has changed nothing', async () => {
    const name = await filledDatabase();
    await postgres.psql('CREATE VIEW holder AS SELECT * FROM companies', name);
    const { code, stderr } = await restore(name, ['--clean', good.file]);
    assert.equal(code, 1);
    assert.match(stderr, /not restored: pg_restore: exit status 1: .*cannot drop table public\.companies because other objects depend on it.*; nothing was changed in the database$/m);
    assert.equal(await postgres.psql('SELECT id FROM companies', name), '7');
  });

  for (const [what, jobs] of [['in one transaction', []], ['over several connections', ['--jobs=2']]])
    test(`who comes in after the look and holds a table is named, and not waited for without end: ${what}`, async () => {
      const name = await filledDatabase();
      const folder = temporaryFolder('go');
      const restoring = restore(name, ['--clean', ...jobs, good.file], { env: restoreBy(`case "$*" in *--dbname*) touch ${folder}/begun; while [ ! -e ${folder}/go ]; do sleep 0.1; done ;; esac; real "$@"`) });
      await eventually(() => existsSync(join(folder, 'begun')), { what: 'pg_restore to be started' });
      const client = await postgres.client(name, { application_name: 'a person' });
      await client.query('BEGIN; SELECT * FROM companies');
      writeFileSync(join(folder, 'go'), '');
      const { code, stderr } = await restoring;
      await client.end();
      assert.equal(code, 1);
      assert.match(stderr, /not restored: .*somebody came into the database meanwhile: the restore waits for AccessExclusiveLock on public\.companies, blocked by Postgres process \d+ \('a person', .*docker compose stop/);
      assert.equal(await postgres.psql('SELECT id FROM companies', name), '7');
    });

  test('over several connections it may have, and says so', async () => {
    const { code, stderr } = await restore(await emptyDatabase(), ['--jobs=2', good.file],
      { env: restoreBy('case "$*" in *--dbname*) echo "pg_restore: error: broken" >&2; exit 1 ;; *) real "$@" ;; esac') });
    assert.equal(code, 1);
    assert.match(stderr, /not restored: .*broken; the database is half restored: restore again with --clean$/m);
  });

  test('a restore in which rows are missing is told as such', async () => {
    const answer = await answerOf(await emptyDatabase(), [good.file], { env: restoreBy('case "$*" in *--dbname*) real --schema-only "$@" ;; *) real "$@" ;; esac') });
    assert.deepEqual([answer.code, answer.restored, answer.compared], [1, true, false]);
    assert.match(answer.reason, /^restored, but not as it should be: table public\..* has \d+ rows in the dump, 0 in the restored database$/);
  });

  test('so is one in which a table is missing', async () => {
    const answer = await answerOf(await emptyDatabase(), [good.file], { env: restoreBy('case "$*" in *--dbname*) exit 0 ;; *) real "$@" ;; esac') });
    assert.deepEqual([answer.code, answer.restored, answer.compared], [1, true, false]);
    assert.match(answer.reason, /^restored, but not as it should be: count the rows of .+ in the restored database: postgres: .*does not exist/);
  });

  test('without the programs that it needs, nothing is said about the dump: status 69', async () => {
    const name = await emptyDatabase();
    for (const [file, reason] of [[good.file, /^pg_restore: No such file or directory/], [script, /gzip: No such file or directory/]]) {
      const answer = await answerOf(name, ['--plan', file], { env: { PATH: '/nowhere' } });
      assert.equal(answer.code, 69);
      assert.match(textOf(answer, 'archive'), reason);
    }
  });

  test('what pg_restore says although it succeeds is told', async () => {
    const env = restoreBy('case "$*" in *--dbname*) echo "pg_restore: warning: odd" >&2 ;; esac; real "$@"');
    assert.match((await restore(await emptyDatabase(), [good.file], { env })).stdout, /\npg_restore said: pg_restore: warning: odd\n/);
    assert.equal((await answerOf(await emptyDatabase(), [good.file], { env })).warnings, 'pg_restore: warning: odd');
  });

  test('when nobody reads what it prints, it is brought to its end all the same, and status 74 says so', async () => {
    const name = await emptyDatabase();
    const { code } = await run(['-c', '"$0" restore --jobs=2 --to-env TARGET "$1" | true; exit "${PIPESTATUS[0]}"', workerProgram, good.file], { binary: 'bash', env: { TARGET: postgres.urlOf(name) } });
    assert.equal(code, 74);
    await assertSame(name);
  });

  test('^C in the middle changes nothing, and leaves nothing behind', async () => {
    const name = await filledDatabase();
    const env = { TARGET: postgres.urlOf(name), ...restoreBy('case "$*" in *--dbname*) sleep 600 ;; *) real "$@" ;; esac') };
    const worker = await startWorker({ program: workerProgram, args: ['restore', '--clean', '--to-env', 'TARGET', good.file], env });
    let children;
    await eventually(() => (children = worker.descendants()).some(({ cmdline }) => cmdline.startsWith('sleep')), { what: 'pg_restore to run' });
    const { code } = await worker.stop('SIGINT');
    assert.equal(code, 130);
    assert.ok(worker.lines.some((line) => line === 'weavestream-backup restore: interrupted: nothing was changed in the database'), worker.lines.join('\n'));
    await untilGone(children);
    assert.equal(await postgres.psql('SELECT id FROM companies', name), '7');
  });
});

describe('restore, the command line', { concurrency: 3 }, () => {
  test('the target is given once', async () => {
    for (const args of [[], ['--to', 'postgresql://a/b', '--to-env', 'X']]) {
      const { code, stderr } = await run(['restore', ...args, good.file]);
      assert.deepEqual({ code, stderr }, { code: 64, stderr: 'weavestream-backup restore: one of --to=URL and --to-env=NAME is wanted; try --help\n' });
    }
    const unset = await run(['restore', '--to-env', 'NOT_SET', good.file]);
    assert.deepEqual([unset.code, unset.stderr], [78, "weavestream-backup restore: --to-env: the environment variable 'NOT_SET' is not set\n"]);
    assert.equal((await run(['restore', '--to', 'mysql://x/y', good.file])).code, 64);
    assert.equal((await run(['restore', '--to', 'postgresql://a/b'])).code, 64);
  });

  test('the password may be in PGPASSWORD', async () => {
    const name = await emptyDatabase();
    const { code, stdout } = await run(['restore', '--plan', '--to', postgres.urlOf(name).replace(/:[^:@/]*@/, '@'), good.file], { env: { PGPASSWORD: password } });
    assert.equal(code, 0, stdout);
  });

  test('a password with a line break is refused before anything is looked at', async () => {
    const url = 'postgresql://me@127.0.0.1:1/x';
    for (const [env, args, status] of [
      [{ TARGET: url.replace('me@', 'me:a%0Ab@') }, ['--to-env', 'TARGET'], 78],
      [{ TARGET: url, PGPASSWORD: 'a\nb' }, ['--to-env', 'TARGET'], 78],
      [{}, ['--to', url.replace('me@', 'me:a%0Ab@')], 64],
    ]) {
      const { code, stdout, stderr } = await run(['restore', ...args, good.file], { env });
      assert.deepEqual([code, stdout], [status, '']);
      assert.match(stderr, /^weavestream-backup restore: (TARGET|--to): the database password has a line break, which PostgreSQL's programs cannot be given\n$/);
    }
  });

  test('a password on the command line is overwritten there, and no program of ours gets it on its own', async () => {
    const name = await emptyDatabase();
    const folder = temporaryFolder('look');
    const env = restoreBy(`ps -eo args > '${folder}/'$$; real "$@"`);
    const { code, stdout, stderr } = await run(['restore', '--to', postgres.urlOf(name), good.file], { env });
    assert.equal(code, 0, stderr);
    const seen = (await runProcess('sh', ['-c', `cat '${folder}'/*`])).stdout;
    assert.match(seen, /weavestream-backup-job restore --to \*{20,} /);
    assert.match(seen, /pg_restore .*--dbname=host/);
    const secret = encodeURIComponent(password);
    for (const text of [seen, stdout, stderr]) for (const word of [password, secret]) assert.ok(!text.includes(word));
  });

  test('an answer that cannot be written is a failure', async () => {
    const { code } = await runProcess('sh', ['-c', `TARGET='${postgres.urlOf(await emptyDatabase()).replaceAll("'", '%27')}' exec ${workerProgram} restore --plan --to-env TARGET ${good.file} >/dev/full`], { check: false });
    assert.equal(code, 74);
  });
});
