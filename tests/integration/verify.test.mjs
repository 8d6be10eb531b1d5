/* `weavestream-backup verify` and `drill`: what they say of a dump, with its manifest and without, at each level. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { backUp, copyOf, flip, manifestOf, restoreBy } from './support/dumps.mjs';
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
let good; // a dump with its manifest: { folder, file, manifestFile, manifest }
let counts;

before(async () => {
  postgres = await startPostgres();
  const sql = await postgres.client();
  await createSchema(sql);
  await sampleData(sql, 0.5);
  counts = await rowCounts(sql);
  counts['public.backup_config'] += 1; // for the run, which writes its audit row only after the dump
  counts['public.backup_run'] += 1;
  good = await backUp(postgres);
});
after(() => postgres.stop());

const verify = (args, options = {}) => run(['verify', ...args], options);

async function assertProven(args, options = {}) {
  const { code, stdout, stderr } = await verify(args, options);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return stdout;
}

/* One line on standard error, none on standard output. */
async function assertNot(args, reason, { status = 1, ...options } = {}) {
  const { code, stdout, stderr } = await verify(args, options);
  assert.match(stderr, reason);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.deepEqual({ code, stdout }, { code: status, stdout: '' });
}

describe('verify', { concurrency: 3 }, () => {
  test('a dump beside its manifest is proven, and its contents are told', async () => {
    const tables = Object.keys(counts).filter((name) => /\./.test(name) && !/^sequence/.test(name) && !/document sizes/.test(name));
    const rows = tables.reduce((sum, name) => sum + counts[name], 0);
    assert.match(await assertProven([good.file]),
      new RegExp(`^${good.file}: proven: ${tables.length} tables with ${rows} rows, 2 large objects, \\d+ sequences, as in the manifest\n$`));
  });

  test('at level toc nothing is called proven', async () => {
    assert.equal(await assertProven(['--level', 'toc', good.file]), `${good.file}: table of contents readable, size and SHA-256 as in the manifest\n`);
  });

  test('at level restore the dump is restored, and nothing is left of that', async () => {
    assert.match(await assertProven(['--level=restore', good.file], { env: { DATABASE_URL: postgres.url } }), /: proven by a restore: \d+ tables with \d+ rows/);
    const sql = await postgres.client();
    await eventually(async () => (await sql.query(`SELECT FROM pg_database WHERE datname LIKE '%drill%'`)).rowCount === 0, { what: 'no drill database to be left' });
  });

  test('the server for a restore is that of BACKUP_DRILL_URL, or else of DATABASE_URL; without either it is a wrong setting', async () => {
    await assertProven(['-lrestore', good.file], { env: { BACKUP_DRILL_URL: postgres.urlOf('postgres'), DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' } });
    await assertNot(['-lrestore', good.file], /a restore needs a server: set BACKUP_DRILL_URL or DATABASE_URL$/m, { status: 78 });
    await assertNot(['-lrestore', good.file], /^weavestream-backup verify: BACKUP_DRILL_URL: /, { status: 78, env: { BACKUP_DRILL_URL: 'mysql://x' } });
    await assertNot(['-lrestore', good.file], /not proven: restore drill: postgres: .*refused/, { status: 69, env: { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' } });
  });

  test('a restore in which rows are missing proves nothing', async () => {
    const lying = restoreBy('case "$*" in *--dbname*) real --schema-only "$@" ;; *) real "$@" ;; esac');
    await assertNot(['-lrestore', good.file], /: not proven: restore drill: table .* has \d+ rows in the dump, 0 in the restored database$/m, { env: { DATABASE_URL: postgres.url, ...lying } });
  });

  test('a restore without room is not begun, where the room can be seen', async () => {
    await assertNot(['-lrestore', good.file],
      /: not proven: restore drill: no room for a restore: \S+ \wiB are free in '\S+', where the server keeps its data, of which BACKUP_MIN_FREE_MB reserves 1\.00 TiB, and it takes \S+ \wiB: make room there, or set BACKUP_DRILL_URL to another server$/m,
      { env: { DATABASE_URL: postgres.url, BACKUP_MIN_FREE_MB: '1048576' } });
  });

  test('--json tells all of it in one object', async () => {
    const stdout = await assertProven(['--json', good.file]);
    const result = assertAnswer('verify', stdout);
    assert.deepEqual(Object.keys(result), ['file', 'level', 'proven', 'reason', 'manifest', 'sizeBytes', 'sha256', 'tables', 'rows', 'largeObjects', 'sequences', 'restoreMs', 'countMs', 'durationMs']);
    const { durationMs, sequences, ...rest } = result;
    assert.ok(durationMs > 0 && sequences > 0);
    assert.deepEqual(rest, { file: good.file, level: 'full', proven: true, reason: null, manifest: good.manifestFile, sizeBytes: statSync(good.file).size, sha256: sha256(good.file),
      tables: Object.keys(good.manifest.tables).length, rows: good.manifest.rows, largeObjects: 2, restoreMs: null, countMs: null });
  });

  test('--json tells why not, and what it did not get to know', async () => {
    const copy = copyOf(good, { manifest: false });
    const unproven = await verify(['--json', '--level=toc', copy]);
    assert.equal(unproven.code, 1);
    const { reason, ...rest } = assertAnswer('verify', unproven.stdout);
    assert.equal(reason, "table of contents readable, but could not be proven: there is no manifest 'copy.manifest.json' beside it");
    assert.equal(unproven.stderr, `weavestream-backup verify: ${copy}: ${reason}\n`);
    assert.deepEqual({ ...rest, durationMs: 0 }, { file: copy, level: 'toc', proven: false, manifest: null, sizeBytes: statSync(copy).size, sha256: sha256(copy),
      tables: null, rows: null, largeObjects: null, sequences: null, restoreMs: null, countMs: null, durationMs: 0 });
    truncateSync(copy, 20);
    const broken = await verify(['--json', copy]);
    assert.equal(broken.code, 1);
    const { proven, sizeBytes, sha256: hash } = assertAnswer('verify', broken.stdout);
    assert.deepEqual({ proven, sizeBytes, hash }, { proven: false, sizeBytes: null, hash: null });
  });
});

describe('verify, without a manifest', { concurrency: 3 }, () => {
  test('a good dump could not be proven, and what was found is told all the same', async () => {
    const copy = copyOf(good, { manifest: false });
    await assertNot([copy], /: whole and readable \(\d+ tables with \d+ rows, 2 large objects, \d+ sequences\), but could not be proven: there is no manifest 'copy\.manifest\.json' beside it$/m);
    await assertNot(['-ltoc', copy], /: table of contents readable, but could not be proven: there is no manifest/);
    await assertNot(['-lrestore', copy], /: restored \(\d+ tables with .*\), but could not be proven: there is no manifest/, { env: { DATABASE_URL: postgres.url } });
  });

  test('one that is somewhere else can be named', async () => {
    const copy = copyOf(good, { manifest: false });
    await assertProven(['--manifest', good.manifestFile, copy]);
    await assertNot(['--manifest', join(dirname(copy), 'none.json'), copy], /: not proven: open '.*none\.json': No such file or directory$/m, { status: 66 });
  });

  test('a truncated dump is refused', async () => {
    const copy = copyOf(good, { manifest: false });
    truncateSync(copy, statSync(copy).size - 1000);
    await assertNot([copy], /: not proven: the dump could not be read back: pg_restore: exit status 1: /);
  });
});

describe('verify, with a manifest', { concurrency: 3 }, () => {
  test('the size is looked at before anything is read', async () => {
    const copy = copyOf(good);
    truncateSync(copy, 1000);
    await assertNot([copy], new RegExp(`: not proven: it has 1000 bytes, but its manifest says ${statSync(good.file).size}$`, 'm'), { env: restoreBy('exit 0') });
  });

  test('a bit that flipped is refused, at every level and also where nothing but the checksum tells', async () => {
    const plain = await backUp(postgres, { env: { BACKUP_COMPRESSION: '0' } });
    for (const one of [good, plain]) {
      const copy = copyOf(one);
      flip(copy, Math.floor(statSync(copy).size * 0.9));
      for (const level of ['toc', 'full']) await assertNot(['--level', level, copy], /: not proven: (its SHA-256 is [0-9a-f]{64}, but its manifest says [0-9a-f]{64}|the dump could not be read back: .*)$/m);
    }
  });

  test('other rows than it lists are refused', async () => {
    const copy = copyOf(good);
    const manifest = { ...good.manifest, tables: { ...good.manifest.tables, 'public.assets': 501 } };
    writeFileSync(copy.replace('.dump', '.manifest.json'), JSON.stringify(manifest));
    await assertNot([copy], /: not proven: table public\.assets has 501 rows in the manifest, 500 in the dump$/m);
  });

  test('one that a Node worker wrote lists no tables, and that is said', async () => {
    const copy = copyOf(good);
    const { weavestreamVersion, generatedAt, filename, sizeBytes, sha256: hash } = good.manifest;
    writeFileSync(copy.replace('.dump', '.manifest.json'), JSON.stringify({ weavestreamVersion, generatedAt, filename, sizeBytes, sha256: hash }));
    assert.match(await assertProven([copy]), /: proven: \d+ tables with .*; size and SHA-256 as in the manifest, which lists no tables$/m);
  });

  test('one that is none is told', async () => {
    const copy = copyOf(good);
    writeFileSync(copy.replace('.dump', '.manifest.json'), '{');
    await assertNot([copy], /: not proven: '.*copy\.manifest\.json': /);
  });
});

describe('verify --all', { concurrency: 3 }, () => {
  /* Three dumps of one second and one of before, in a backup directory. */
  function directory() {
    const folder = temporaryFolder('storage');
    const names = ['2026-11-21T03-00-00Z', '2026-11-22T03-00-00Z', '2026-11-22T03-00-00Z-2', '2026-11-22T03-00-00Z-10'].map((time) => join(folder, `weavestream-postgres-${time}.dump`));
    for (const name of [...names].reverse()) {
      copyFileSync(good.file, name);
      copyFileSync(good.manifestFile, manifestOf(name));
    }
    writeFileSync(join(folder, '.weavestream-postgres-2026-11-22T03-00-00Z-1.dump.tmp'), 'a draft');
    writeFileSync(join(folder, 'my own.dump'), 'not ours');
    return { folder, names };
  }

  test('each dump in the backup directory has a line, the oldest first, and a summary comes last', async () => {
    const { folder, names } = directory();
    const stdout = await assertProven(['--all'], { env: { BACKUP_STORAGE_DIR: folder } });
    assert.deepEqual(stdout.trimEnd().split('\n').map((line) => line.replace(/: proven: .*/, '')), [...names, `4 dumps in ${folder}: 4 proven, 0 not`]);
  });

  test('one that is bad does not hide the others, and is told by the status', async () => {
    const { folder, names } = directory();
    flip(names[1], 5000);
    truncateSync(names[2], 100);
    const { code, stdout, stderr } = await verify(['--all'], { env: { BACKUP_STORAGE_DIR: folder } });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^weavestream-backup verify: ${names[1]}: not proven: .*\nweavestream-backup verify: ${names[2]}: not proven: it has 100 bytes.*\n$`));
    assert.match(stdout, new RegExp(`^${names[0]}: proven: .*\n${names[3]}: proven: .*\n4 dumps in ${folder}: 2 proven, 2 not\n$`));
  });

  test('--json has all of them in one object', async () => {
    const { folder, names } = directory();
    truncateSync(names[3], 100);
    const { code, stdout } = await verify(['--all', '--json', '--level=toc'], { env: { BACKUP_STORAGE_DIR: folder } });
    const { dumps, ...rest } = assertAnswer('verify_all', stdout);
    assert.deepEqual({ code, ...rest }, { code: 1, directory: folder, level: 'toc', proven: 3, notProven: 1 });
    assert.deepEqual(dumps.map(({ file }) => file), names);
    assert.match(dumps[3].reason, /^not proven: it has 100 bytes/);
  });

  test('a directory without dumps is told, and none is made', async () => {
    const nowhere = join(temporaryFolder('storage'), 'none');
    await assertNot(['--all'], /: open the backup directory '.*none': No such file or directory$/m, { status: 66, env: { BACKUP_STORAGE_DIR: nowhere } });
    assert.ok(!existsSync(nowhere));
    await assertNot(['--all'], /: there is no dump in '.*': is BACKUP_STORAGE_DIR right\?$/m, { status: 66, env: { BACKUP_STORAGE_DIR: temporaryFolder('empty') } });
  });

  test('it is either one file or all, and a manifest belongs to one', async () => {
    await assertNot(['--all', good.file], /one FILE is wanted, or --all; try --help$/m, { status: 64 });
    await assertNot(['--all', '--manifest', good.manifestFile], /--manifest is for one FILE/, { status: 64 });
  });
});

describe('drill', { concurrency: 3 }, () => {
  const drill = (args, options) => run(['drill', ...args], options);

  async function urlOfRole(name, rights) {
    await postgres.psql(`CREATE ROLE ${name} LOGIN ${rights} PASSWORD '${password.replaceAll("'", "''")}'`, 'postgres');
    return postgres.urlOf('postgres').replace(`${postgres.role}:`, `${name}:`);
  }

  test('the newest dump is restored, and how long that takes is told', async () => {
    const { code, stdout, stderr } = await drill([], { env: { BACKUP_STORAGE_DIR: good.folder, DATABASE_URL: postgres.url } });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, new RegExp(`^${good.file}: proven by a restore: \\d+ tables with .*, as in the manifest; restored in [\\d.]+ s, counted in [\\d.]+ s\n$`));
  });

  test('a FILE can be named; --json is that of verify, with the times', async () => {
    const { code, stdout } = await drill(['--json', copyOf(good)], { env: { BACKUP_DRILL_URL: postgres.urlOf('postgres') } });
    const { proven, level, restoreMs, countMs, durationMs } = assertAnswer('drill', stdout);
    assert.deepEqual({ code, proven, level }, { code: 0, proven: true, level: 'restore' });
    assert.ok(restoreMs > 0 && countMs > 0 && durationMs >= restoreMs + countMs - 2);
  });

  test('in a terminal a person sees how far it is', async () => {
    const env = { BACKUP_STORAGE_DIR: good.folder, DATABASE_URL: postgres.url };
    const { code, screen, raw } = await inTerminal(['drill'], { env, columns: 240 });
    assert.match(raw, /reading back \[=+\] 100 %.*restoring/s);
    assert.match(screen, /^\S+: proven by a restore: .*; restored in [\d.]+ s, counted in [\d.]+ s$/);
    assert.equal(code, 0);
  });

  test('a restore in which rows are missing fails', async () => {
    const env = { DATABASE_URL: postgres.url, ...restoreBy('case "$*" in *--dbname*) real --schema-only "$@" ;; *) real "$@" ;; esac') };
    const { code, stderr } = await drill([good.file], { env });
    assert.equal(code, 1);
    assert.match(stderr, /^weavestream-backup drill: .*: not proven: restore drill: table .* has \d+ rows in the dump, 0 in the restored database\n$/);
  });

  test('so does one in which a table is missing, or may not be counted by its own owner', async () => {
    const without = { DATABASE_URL: postgres.url, ...restoreBy('case "$*" in *--dbname*) exit 0 ;; esac; real "$@"') };
    const missing = await drill([good.file], { env: without });
    assert.deepEqual([missing.code, /: not proven: restore drill: count the rows of .+ in the restored database: postgres: .*does not exist/.test(missing.stderr)], [1, true], missing.stderr);
    await postgres.createDatabase('forced', { template: 'template0' });
    await postgres.psql('CREATE TABLE hidden AS SELECT 7 AS a; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY', 'forced');
    const file = join(temporaryFolder('forced'), 'forced.dump');
    await runProcess('pg_dump', ['--format=custom', `--file=${file}`, '-d', 'forced'], { env: postgres.environment });
    const { code, stderr } = await drill([file], { env: { DATABASE_URL: await urlOfRole('creator', 'CREATEDB') } });
    assert.deepEqual([code, /: count the rows of public\.hidden in the restored database: postgres: .*row-level security/.test(stderr)], [1, true], stderr);
  });

  test('a server that is away says nothing about the dump: status 69', async () => {
    const { code, stderr } = await drill([good.file], { env: { DATABASE_URL: 'postgresql://me@127.0.0.1:1/x' } });
    assert.equal(code, 69);
    assert.match(stderr, /^weavestream-backup drill: .*: not proven: restore drill: .*Connection refused/);
  });

  test('a bare name is looked for in the backup directory', async () => {
    const { stdout } = await drill([basename(good.file)], { env: { BACKUP_STORAGE_DIR: dirname(good.file), DATABASE_URL: postgres.url } });
    assert.match(stdout, new RegExp(`^${good.file}: proven by a restore`));
  });

  test('nor does one that does not let us in, status 77, or has no such database, 78; for all dumps as for one', async () => {
    const wrong = { DATABASE_URL: postgres.url.replace(/:[^:@/]+@/, ':wrong@') };
    const nowhere = { DATABASE_URL: postgres.urlOf('nowhere') };
    assert.equal((await drill([good.file], { env: wrong })).code, 77);
    assert.equal((await drill([good.file], { env: nowhere })).code, 78);
    const all = (env) => verify(['--all', '-lrestore'], { env: { BACKUP_STORAGE_DIR: dirname(good.file), ...env } });
    assert.deepEqual([(await all(wrong)).code, (await all(nowhere)).code], [77, 78]);
  });

  test('nor does one on which we may not create databases: status 77', async () => {
    const { code, stderr } = await drill([good.file], { env: { DATABASE_URL: await urlOfRole('plain', '') } });
    assert.equal(code, 77, stderr);
    assert.match(stderr, /: not proven: restore drill: the user plain may not create databases, which a restore needs: allow it \(ALTER ROLE plain CREATEDB\)/);
  });

  test('without dumps, or without a server, there is nothing to restore', async () => {
    const empty = await drill([], { env: { BACKUP_STORAGE_DIR: temporaryFolder('empty'), DATABASE_URL: postgres.url } });
    assert.equal(empty.code, 66);
    assert.match(empty.stderr, /^weavestream-backup drill: there is no dump in /);
    const { code, stderr } = await drill([good.file]);
    assert.deepEqual({ code, stderr }, { code: 78, stderr: 'weavestream-backup drill: a restore needs a server: set BACKUP_DRILL_URL or DATABASE_URL\n' });
  });
});

describe('verify, the command', { concurrency: 3 }, () => {
  test('a bare name, as list shows it, is looked for in the backup directory, unless it is in the current folder', async () => {
    const name = basename(good.file);
    const bare = { BACKUP_STORAGE_DIR: dirname(good.file), DATABASE_URL: postgres.url };
    assert.match(await assertProven([name], { env: bare }), new RegExp(`^${good.file}: proven`));
    assert.match(await assertProven([name], { cwd: dirname(good.file), env: bare }), new RegExp(`^${name}: proven`));
    const plan = await run(['restore', '--plan', '--to-env', 'DATABASE_URL', '--json', name], { env: bare });
    assert.equal(JSON.parse(plan.stdout).file, good.file);
    await assertNot([name], new RegExp(`^weavestream-backup verify: open '${name}': No such file`), { status: 66, env: { BACKUP_STORAGE_DIR: temporaryFolder('empty') } });
  });

  test('any path will do, and a symbolic link leads to dump and manifest', async () => {
    const odd = copyOf(good, { name: '-x "ü" \'.dump' });
    await assertProven(['--', '-x "ü" \'.dump'], { cwd: dirname(odd) });
    const link = join(temporaryFolder('link'), 'latest');
    symlinkSync(good.file, link);
    await assertProven([link]);
  });

  test('what is no file is refused without waiting for it', async () => {
    const folder = temporaryFolder('files');
    await runProcess('mkfifo', [join(folder, 'fifo.dump')]);
    mkdirSync(join(folder, 'folder.dump'));
    symlinkSync('nowhere', join(folder, 'link.dump'));
    for (const [name, reason] of [['fifo', ' is no regular file: Invalid argument'], ['folder', ' is no regular file: Is a directory'], ['link', ': No such file or directory'], ['none', ': No such file or directory']]) {
      await assertNot([join(folder, `${name}.dump`)], new RegExp(`^weavestream-backup verify: (open )?'${folder}/${name}\\.dump'${reason}$`, 'm'), { status: 66 });
    }
  });

  test('an empty file and one that is no archive prove nothing', async () => {
    const folder = temporaryFolder('files');
    writeFileSync(join(folder, 'empty.dump'), '');
    writeFileSync(join(folder, 'text.dump'), 'CREATE TABLE a ();\n'.repeat(100));
    await assertNot([join(folder, 'text.dump')], /: not proven: .*several lines, of which the last is the end$/m, { env: restoreBy('printf "pg_restore: several\\nlines, of which\\nthe last is the end\\n" >&2; exit 1') });
    await assertNot([join(folder, 'empty.dump')], /: not proven: the dump is empty$/m);
    await assertNot([join(folder, 'text.dump')], /: not proven: the dump could not be read back: pg_restore: /);
  });

  test('a wrong command line is told with status 64, and --help tells everything', async () => {
    await assertNot([], /one FILE is wanted, or --all; try --help$/m, { status: 64 });
    await assertNot(['a', 'b'], /'b' is one too many; try --help$/m, { status: 64 });
    await assertNot(['--level=most', 'a'], /--level='most' is not one of toc, full, restore$/m, { status: 64 });
    assert.equal((await verify(['--unknown', 'a'])).code, 64);
    const help = await assertProven(['--help']);
    for (const word of ['--level', '--manifest', '--json', 'BACKUP_DRILL_URL', 'Exit status', 'Examples']) assert.ok(help.includes(word), word);
  });

  test('SIGINT ends it with 130, without a word, and nothing goes on', async () => {
    const copy = copyOf(good);
    const process = await startWorker({ program: workerProgram, args: ['verify', copy], env: restoreBy('exec sleep 600') });
    let children;
    await eventually(() => (children = process.descendants()).some(({ cmdline }) => cmdline.startsWith('sleep')), { what: 'pg_restore to run' });
    const { code } = await process.stop('SIGINT');
    assert.equal(code, 130);
    assert.deepEqual({ lines: process.lines, stdout: process.stdout }, { lines: [], stdout: '' });
    await untilGone(children);
  });

  test('SIGINT in a restore drops its database, and says so', async () => {
    const started = await startWorker({ program: workerProgram, args: ['drill', good.file],
      env: { DATABASE_URL: postgres.url, ...restoreBy('case "$*" in *--dbname*) exec sleep 600 ;; esac; real "$@"') } });
    await eventually(() => started.descendants().some(({ cmdline }) => cmdline.startsWith('sleep')), { what: 'the restore to run' });
    const { code } = await started.stop('SIGINT');
    assert.deepEqual([code, started.stderr()], [130, 'weavestream-backup drill: interrupted; its throw-away database is dropped']);
    const left = () => postgres.psql(`SELECT count(*) FROM pg_database WHERE datname ~ '^weavestream_drill_'`);
    await eventually(async () => (await left()) === '0', { what: 'no drill to have a database, those of other tests included' });
  });

  test('SIGINT before there is a database says nothing of one', async (t) => {
    let asked;
    const connected = new Promise((done) => { asked = done; });
    const silent = createServer((socket) => socket.on('error', () => {}).on('data', asked));
    await new Promise((done) => silent.listen(0, '127.0.0.1', done));
    t.after(() => silent.close());
    const started = await startWorker({ program: workerProgram, args: ['drill', good.file], env: { DATABASE_URL: `postgresql://me@127.0.0.1:${silent.address().port}/app` } });
    await connected;
    const { code } = await started.stop('SIGINT');
    assert.deepEqual([code, started.stderr(), started.stdout], [130, '', '']);
  });

  test('SIGINT while the server cannot make its database, nor drop it, says that it may be left; the next drill drops it', async (t) => {
    const own = await startPostgres();
    t.after(() => own.stop());
    const sql = await own.client();
    t.after(() => sql.end());
    const waiting = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'weavestream-backup drill%' AND wait_event_type = 'Lock'`;
    const left = 'weavestream-backup drill: interrupted; its throw-away database may be left: the next drill drops it';
    await sql.query('BEGIN; LOCK TABLE pg_database IN SHARE MODE');
    const started = await startWorker({ program: workerProgram, args: ['drill', good.file], env: { DATABASE_URL: own.url } });
    await eventually(async () => (await own.psql(waiting)) === '1', { what: 'CREATE DATABASE to wait' });
    const { code } = await started.stop('SIGINT');
    assert.equal(code, 130);
    assert.equal(started.stderr().split('\n').pop(), left);
    await sql.query('ROLLBACK');
    assert.equal((await run(['drill', good.file], { env: { DATABASE_URL: own.url } })).code, 0);
    await eventually(async () => (await sql.query(`SELECT FROM pg_database WHERE datname ~ '^weavestream_drill_'`)).rowCount === 0, { what: 'no drill to have a database' });
  });

  test('progress is drawn on a terminal, and nowhere else', async () => {
    const shown = await runProcess('script', ['-qec', `${workerProgram} verify ${good.file}`, '/dev/null']);
    assert.match(shown.stdout, /reading back \[=+\] 100 %.*\r\x1b\[K.*: proven: /s);
    const { stdout, stderr } = await verify([good.file]);
    assert.doesNotMatch(stdout + stderr, /reading back/);
  });

  test('without pg_restore nothing is said about the dump', async () => {
    await assertNot([good.file], /: not proven: pg_restore: No such file or directory \(is the PostgreSQL client installed\? PATH=\/nowhere\)$/m, { status: 69, env: { PATH: '/nowhere' } });
  });

  test('an answer that cannot be written is a failure', async () => {
    const { code } = await runProcess('sh', ['-c', `exec ${workerProgram} verify ${good.file} >/dev/full`], { check: false });
    assert.equal(code, 74);
  });
});
