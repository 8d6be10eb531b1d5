/* `weavestream-backup run`, `list` and `prune`: what a person does without a queue, as a person sees it. There is no Redis in this file. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertAnswer } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { untilGone } from './support/processes.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { programs, sha256 } from './support/scene.mjs';
import { createSchema, insertConfig, insertRun, readAudit, readConfig, readRun, sampleData } from './support/schema.mjs';
import { inTerminal, openTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

let postgres;
let databases = 0;
before(async () => {
  postgres = await startPostgres();
  await postgres.createDatabase('template');
  const sql = await postgres.client('template');
  await createSchema(sql);
  await sampleData(sql, 0.2);
  await sql.end();
});
after(() => postgres.stop());

/* A database and a backup directory; `command` runs one of ours with them. */
async function open(t) {
  const database = `by_hand_${++databases}`;
  await postgres.createDatabase(database, { template: 'template' });
  const sql = await postgres.client(database);
  t.after(() => sql.end());
  const storage = temporaryFolder('storage');
  const environment = { DATABASE_URL: postgres.urlOf(database), BACKUP_STORAGE_DIR: storage };
  return {
    database, sql, storage, environment,
    command: (args, env = {}) => run(args, { env: { ...environment, ...env } }),
    files: () => readdirSync(storage).filter((name) => !name.endsWith('ledger.json')).sort(),
    rows: async () => (await sql.query('SELECT * FROM backup_run ORDER BY created_at, id')).rows,
  };
}

/* A successful run with its two files, of so many bytes. */
async function addDump(scene, config_id, time, { bytes = 1000, ...row } = {}) {
  const name = `weavestream-postgres-${time.replaceAll(':', '-')}Z.dump`;
  const dump_path = join(scene.storage, name);
  const manifest_path = dump_path.replace(/\.dump$/, '.manifest.json');
  writeFileSync(dump_path, 'x'.repeat(bytes));
  writeFileSync(manifest_path, '{}');
  const started_at = new Date(`${time}Z`);
  const id = await insertRun(scene.sql, { config_id, kind: 'SCHEDULED', status: 'success', created_at: started_at, started_at,
    finished_at: new Date(started_at.getTime() + 61_000), size_bytes: bytes, dump_path, manifest_path, ...row });
  return { id, name, dump_path, manifest_path };
}

/* Times, sizes and names of dumps as they would be at another time; the widths stay. */
const settled = (text) => text.replace(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?/g, '<TIME>').replace(/\d+(\.\d+)? (s|ms|KiB|MiB|bytes)\b/g, '<N> $2');

describe('run', { concurrency: 2 }, () => {
  test('a backup is made as by the queue: the row, the audit row, the files, the schedule', async (t) => {
    const scene = await open(t);
    const configId = await insertConfig(scene.sql, { name: 'Nightly', enabled: false });
    const { code, stdout, stderr } = await scene.command(['run', '--config', 'Nightly']);
    assert.equal(code, 0, stderr);
    const [row] = await scene.rows();
    const name = row.dump_path.split('/').pop();
    assert.equal(settled(stdout), `Nightly: weavestream-postgres-<TIME>.dump, <N> KiB in <N> s, verified: full\n`);
    assert.match(stderr, /^Dumping with pg_dump .*\nDumped .*\nRead back from disk .*\nPublished as weavestream-postgres-\S+\.dump, with its manifest\n$/);
    assert.deepEqual({ kind: row.kind, status: row.status, config_id: row.config_id, triggered_by: row.triggered_by, size_bytes: row.size_bytes, verified: row.manifest.verified.level },
      { kind: 'MANUAL', status: 'success', config_id: configId, triggered_by: null, size_bytes: statSync(row.dump_path).size, verified: 'full' });
    assert.deepEqual(scene.files(), [name, name.replace('.dump', '.manifest.json')].sort());
    assert.deepEqual((await readAudit(scene.sql, row.id)).map(({ action }) => action), ['backup.run.completed']);
    assert.deepEqual((await readConfig(scene.sql, configId)).last_run_at, row.finished_at);
  });

  test('a directory that is not there is made, and that is said: it may be a volume that is not mounted', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    const storage = join(scene.storage, 'not', 'mounted');
    const { code, stderr } = await scene.command(['run', '--config', 'Nightly'], { BACKUP_STORAGE_DIR: storage });
    assert.equal(code, 0, stderr);
    const line = `Made the backup directory '${storage}'; if that should be a mounted volume, it is not mounted\n`;
    assert.ok(stderr.includes(line), stderr);
    const again = await scene.command(['run', '--config', 'Nightly'], { BACKUP_STORAGE_DIR: storage });
    assert.ok(again.code === 0 && !again.stderr.includes('Made'), again.stderr);
  });

  test('--json tells the outcome in one object; --prune deletes what retention does not keep', async (t) => {
    const scene = await open(t);
    const configId = await insertConfig(scene.sql, { name: 'Nightly', retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
    await addDump(scene, configId, '2026-01-01T03:00:00');
    const kept = await scene.command(['run', '--config', configId, '--json']);
    assert.equal(assertAnswer('run', kept.stdout).pruned, null);
    assert.equal(scene.files().length, 4, 'without --prune all stay');
    const { code, stdout } = await scene.command(['run', '--config', configId, '--json', '--prune']);
    assert.equal(code, 0);
    const answer = assertAnswer('run', stdout);
    const file = join(scene.storage, answer.file);
    assert.deepEqual(answer, { runId: answer.runId, configId, configName: 'Nightly', outcome: 'success', file: answer.file, sizeBytes: statSync(file).size, sha256: sha256(file),
      durationMs: answer.durationMs, verified: 'full', error: null, pruned: 2, pruneError: null });
    assert.deepEqual(scene.files().filter((name) => name.endsWith('.dump')), [answer.file]);
  });

  test('in a terminal, a bar moves by phase, and goes', async (t) => {
    const scene = await open(t);
    const configId = await insertConfig(scene.sql, { name: 'Nightly' });
    await addDump(scene, configId, '2026-01-01T03:00:00', { bytes: 400_000 });
    const slow = programs({ pg_dump: 'case "$*" in *--version*) ;; *) sleep 1.2 ;; esac\nexec pg_dump "$@"', pg_restore: 'pg_restore "$@" && sleep 1.2' });
    const shown = await inTerminal(['run', '--config', 'Nightly'], { env: { ...scene.environment, ...slow }, columns: 120 });
    assert.equal(shown.code, 0, shown.screen);
    assert.ok(shown.saw(/^dumping /m), shown.frames.join('\n---\n'));
    assert.ok(shown.saw(/^reading back \[=+>? *\] +\d+ %/m), shown.frames.join('\n---\n'));
    const { tables, rows } = (await scene.rows()).at(-1).manifest;
    const numbers = { [`all ${Object.keys(tables).length} tables`]: 'all <N> tables', [`with ${rows} rows`]: 'with <N> rows' };
    const screen = Object.entries(numbers).reduce((text, [number, word]) => text.replace(number, word), settled(shown.screen));
    assert.equal(screen.replace(/pg_dump .*, from server .*, to .*/, 'pg_dump <V>, from server <V>, to <PATH>').replace(/\d+ sequences/, '<N> sequences').replace(/[0-9a-f]{64}/, '<SHA-256>'),
      `Dumping with pg_dump <V>, from server <V>, to <PATH>
Dumped <N> bytes in <N> s, synced to disk in <N> s
Read back from disk in <N> s: all <N> tables of the database, with <N> rows, <N> sequences, 2 large objects; SHA-256 <SHA-256>
Published as weavestream-postgres-<TIME>.dump, with its manifest
Nightly: weavestream-postgres-<TIME>.dump, <N> KiB in <N> s, verified: full`);
  });

  test('a failed run says why in its last line, leaves nothing, and its row says the same', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    const broken = programs({ pg_dump: 'case "$*" in *--version*) exec pg_dump "$@" ;; esac\necho "pg_dump: error: out of luck" >&2; exit 1' });
    for (const json of [false, true]) {
      const { code, stdout, stderr } = await scene.command(['run', '--config', 'Nightly', ...(json ? ['--json'] : [])], broken);
      assert.equal(code, 1);
      const row = (await scene.rows()).pop();
      assert.equal(row.status, 'failed');
      assert.match(row.error, /pg_dump: exit status 1: pg_dump: error: out of luck/);
      assert.equal(stderr.trimEnd().split('\n').pop(), `weavestream-backup run: the backup of 'Nightly' failed: ${row.error}`);
      assert.equal(stderr.split('out of luck').length, 2, `said once: ${stderr}`);
      if (json) assert.equal(assertAnswer('run', stdout).error, row.error);
      else assert.equal(stdout, '');
      assert.deepEqual(scene.files(), []);
    }
  });

  test('when nobody reads what it prints, the backup is made all the same, and status 74 says so', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    const { code } = await run(['-c', '"$0" run --config Nightly 2>&1 | true; exit "${PIPESTATUS[0]}"', workerProgram], { binary: 'bash', env: scene.environment });
    assert.equal(code, 74);
    const [row] = await scene.rows();
    assert.equal(row.status, 'success');
    assert.ok(existsSync(row.dump_path));
  });

  test('beside another backup it fails, and says who holds the lock', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    await scene.sql.query(`SET application_name = 'weavestream-backup run'; SELECT pg_advisory_lock(hashtext('weavestream:backup'))`);
    const { code, stderr } = await scene.command(['run', '--config', 'Nightly']);
    assert.equal(code, 1);
    assert.match(stderr, /^Another backup is already running for this instance\. \(.*Postgres process \d+.*\)\nweavestream-backup run: the backup of 'Nightly' failed: concurrent: somebody else held the backup lock\n$/);
    assert.equal((await scene.rows())[0].error, 'concurrent');
  });

  test('where it cannot have a session of its own, its row says so', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    await scene.sql.query(`CREATE ROLE lonely LOGIN PASSWORD 'lonely' CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO lonely`);
    const url = scene.environment.DATABASE_URL.replace(/\/\/[^@]*@/, '//lonely:lonely@');
    const { code, stderr } = await scene.command(['run', '--config', 'Nightly'], { DATABASE_URL: url });
    assert.equal(code, 1);
    assert.match(stderr, /too many connections for role "lonely"/);
    const [{ status, error }] = await scene.rows();
    assert.equal(status, 'failed');
    assert.match(error, /too many connections for role "lonely"/);
  });

  test('^C stops it: no file is left, the row says failed, and nobody is told of it later', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    await scene.sql.query('BEGIN; LOCK TABLE companies IN ACCESS EXCLUSIVE MODE');
    const terminal = await openTerminal(['run', '--config', 'Nightly'], { env: scene.environment });
    await terminal.shows(/Dumping with pg_dump/);
    terminal.type('\x03');
    const { code, screen } = await terminal.ended;
    await scene.sql.query('ROLLBACK');
    assert.equal(code, 130, screen);
    assert.match(screen, /Interrupted: no dump is left, and the row says failed$/m);
    assert.deepEqual(scene.files(), []);
    const [row] = await scene.rows();
    assert.deepEqual({ status: row.status, error: row.error, manifest: row.manifest }, { status: 'failed', error: 'interrupted: it was stopped before its dump was in place', manifest: null });
  });

  for (const json of [false, true])
    test(`^C while it prunes leaves the backup, and says so${json ? ', also in JSON' : ''}`, async (t) => {
      const scene = await open(t);
      const configId = await insertConfig(scene.sql, { name: 'Nightly', retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
      const old = await addDump(scene, configId, '2026-01-01T03:00:00');
      const holder = await postgres.client(scene.database);
      t.after(() => holder.end());
      await holder.query('BEGIN');
      await holder.query('SELECT FROM backup_run WHERE id = $1 FOR UPDATE', [old.id]);
      const started = await startWorker({ program: workerProgram, args: ['run', '--config', 'Nightly', '--prune', ...(json ? ['--json'] : [])], env: scene.environment });
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'weavestream-backup prune' AND wait_event_type = 'Lock'`;
      await eventually(async () => (await scene.sql.query(waiting)).rowCount === 1, { what: 'the prune to wait for the row' });
      const { code } = await started.stop('SIGINT');
      assert.equal(code, 130);
      const row = (await scene.rows()).pop();
      assert.equal(row.status, 'success');
      assert.ok(existsSync(row.dump_path));
      assert.equal(started.stderr().split('\n').pop(), 'weavestream-backup run: the backup is done, but older dumps may be left: interrupted');
      if (json) assert.deepEqual(((answer) => [answer.outcome, answer.file, answer.pruned, answer.pruneError])(assertAnswer('run', started.stdout)), ['success', row.dump_path.split('/').pop(), null, 'interrupted']);
      else assert.equal(settled(started.stdout), `Nightly: weavestream-postgres-<TIME>.dump, <N> KiB in <N> s, verified: full\n`);
    });

  for (const [name, args, expected] of [
    ['', [], {}],
    [', also in JSON', ['--json'], { pruned: null, pruneError: null }],
    [', nor does it prune', ['--json', '--prune'], { pruned: null, pruneError: 'interrupted' }],
  ])
    test(`^C while BACKUP_AFTER_SUCCESS runs leaves the backup, and says so${name}`, async (t) => {
      const scene = await open(t);
      const configId = await insertConfig(scene.sql, { name: 'Nightly', retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
      const old = await addDump(scene, configId, '2026-01-01T03:00:00');
      const started = await startWorker({ program: workerProgram, args: ['run', '--config', 'Nightly', ...args], env: { ...scene.environment, BACKUP_AFTER_SUCCESS: 'exec sleep 600' } });
      let children;
      await eventually(() => (children = started.descendants()).some(({ cmdline }) => cmdline.startsWith('sleep')), { what: 'the command to run' });
      const { code } = await started.stop('SIGINT');
      assert.equal(code, 130);
      await untilGone(children);
      const row = (await scene.rows()).pop();
      assert.equal(row.status, 'success');
      assert.ok(existsSync(row.dump_path) && existsSync(old.dump_path));
      const told = started.stderr().split('\n').slice(-2);
      if (expected.pruneError) assert.equal(told.pop(), 'weavestream-backup run: the backup is done, but older dumps may be left: interrupted');
      assert.equal(told.pop(), 'The backup is done, but was stopped before all was done that follows');
      if (args.length === 0) {
        assert.equal(settled(started.stdout), 'Nightly: weavestream-postgres-<TIME>.dump, <N> KiB in <N> s, verified: full\n');
        return;
      }
      const { outcome, file, sizeBytes, sha256: sum, verified, error, pruned, pruneError } = assertAnswer('run', started.stdout);
      assert.deepEqual({ outcome, file, sizeBytes, sum, verified, error, pruned, pruneError }, { outcome: 'success', file: row.dump_path.split('/').pop(),
        sizeBytes: statSync(row.dump_path).size, sum: sha256(row.dump_path), verified: 'full', error: null, ...expected });
    });

  test('a closed terminal stops it as well, unless it is to be ignored', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql, { name: 'Nightly' });
    await scene.sql.query('BEGIN; LOCK TABLE companies IN ACCESS EXCLUSIVE MODE');
    const args = ['run', '--config', 'Nightly'];
    const plain = await startWorker({ program: workerProgram, args, env: scene.environment });
    await eventually(() => /Dumping/.test(plain.stderr()), { what: 'the dump to begin' });
    const children = plain.descendants();
    assert.equal((await plain.stop('SIGHUP')).code, 129);
    await untilGone(children);
    const kept = await startWorker({ program: 'sh', args: ['-c', 'trap "" HUP; exec "$@"', 'sh', workerProgram, ...args], env: scene.environment });
    await eventually(() => /Dumping/.test(kept.stderr()), { what: 'the dump to begin' });
    kept.signal('SIGHUP');
    await scene.sql.query('ROLLBACK');
    assert.equal((await kept.ended).code, 0);
    assert.deepEqual((await scene.rows()).map(({ status }) => status), ['failed', 'success']);
  });
});

describe('a schedule is named', { concurrency: 2 }, () => {
  test('by its name or id; one that is not there, or not the only one, is told with the candidates', async (t) => {
    const scene = await open(t);
    const none = await scene.command(['list', '--config', 'Nightly']);
    assert.deepEqual({ code: none.code, stderr: none.stderr },
      { code: 66, stderr: "weavestream-backup list: no schedule is called 'Nightly', nor are there others: make one in the app, under Admin, Backups\n" });
    const first = await insertConfig(scene.sql, { name: 'Nightly' });
    const second = await insertConfig(scene.sql, { name: 'Nightly', cron: '0 4 * * *', enabled: false });
    const [one, other] = [first, second].sort();
    const shown = { [first]: `'Nightly' (${first}, 0 3 * * *)`, [second]: `'Nightly' (${second}, 0 4 * * *, disabled)` };
    for (const command of ['run', 'list', 'prune']) {
      const both = await scene.command([command, '--config', 'Nightly']);
      assert.deepEqual({ code: both.code, stderr: both.stderr },
        { code: 66, stderr: `weavestream-backup ${command}: 2 schedules are called 'Nightly', name one by its id: ${shown[one]}, ${shown[other]}\n` });
      const wrong = await scene.command([command, '--config', 'nightly']);
      assert.deepEqual({ code: wrong.code, stderr: wrong.stderr },
        { code: 66, stderr: `weavestream-backup ${command}: no schedule is called 'nightly'; there are: ${shown[one]}, ${shown[other]}\n` });
    }
    assert.equal((await scene.command(['list', '--config', second.toUpperCase()])).stdout, 'No runs.\n');
    assert.equal((await scene.rows()).length, 0, 'nothing was run');
  });

  test('run insists on one', async () => {
    const { code, stderr } = await run(['run']);
    assert.deepEqual({ code, stderr }, { code: 64, stderr: "weavestream-backup run: which schedule? --config=NAME|ID is wanted; try 'weavestream-backup list'\n" });
  });

  test('without its password, or in another database, Postgres is not away: status 77 and 78', async (t) => {
    const { environment, database } = await open(t);
    const { DATABASE_URL } = environment;
    for (const command of [['list'], ['prune', '--dry-run'], ['run', '--config', 'Nightly']]) {
      const status = async (url) => (await run(command, { env: { ...environment, DATABASE_URL: url } })).code;
      assert.deepEqual([await status(DATABASE_URL.replace(/:[^:@/]+@/, ':wrong@')), await status(DATABASE_URL.replace(database, 'nowhere')),
        await status(DATABASE_URL.replace(database, 'postgres'))], [77, 78, 78], command[0]);
    }
  });

  test('without Postgres, or without settings, that is told', async () => {
    for (const command of ['list', 'prune']) {
      const away = await run([command], { env: { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' } });
      assert.equal(away.code, 69);
      assert.match(away.stderr, new RegExp(`^weavestream-backup ${command}: postgres: .*refused.*\n$`, 'i'));
      const unset = await run([command]);
      assert.equal(unset.code, 78);
      assert.match(unset.stderr, new RegExp(`^weavestream-backup ${command}: DATABASE_URL is not set: .*\n$`));
    }
  });
});

describe('list', () => {
  let scene;
  let runs;
  before(async (t) => {
    scene = await open({ after });
    const nightly = await insertConfig(scene.sql, { name: 'Nightly' });
    const weekly = await insertConfig(scene.sql, { name: 'Weekly, \x1b[31mred\nand wide: 日本' });
    runs = [
      await addDump(scene, nightly, '2026-01-01T03:00:00', { manifest: JSON.stringify({ verified: { level: 'full' } }), bytes: 123_456 }),
      await addDump(scene, weekly, '2026-01-02T03:00:00', { dump_path: null, manifest_path: null }),
      await addDump(scene, null, '2026-01-03T03:00:00'),
      { id: await insertRun(scene.sql, { config_id: nightly, status: 'failed', created_at: new Date('2026-01-04T03:00:00Z'), started_at: new Date('2026-01-04T03:00:00Z'),
        finished_at: new Date('2026-01-04T03:00:00.500Z'), error: 'pg_dump: exit status 1: pg_dump: error: connection to server at "postgres" failed:\nFATAL: the database system is starting up, and more of this kind' }) },
      { id: await insertRun(scene.sql, { config_id: nightly, created_at: new Date('2026-01-05T03:00:00Z') }) },
    ];
  });

  test('it shows when, what, how, and why not, newest first', async () => {
    const { screen, raw, code } = await inTerminal(['list'], { env: { ...scene.environment, NO_COLOR: '1' }, columns: 140 });
    assert.equal(code, 0);
    assert.ok(!raw.includes('\x1b['), 'no colours');
    assert.equal(screen, `BEGAN                 SCHEDULE                         OUTCOME        SIZE       TOOK  VERIFIED  FILE OR REASON
2026-01-05 03:00:00Z  Nightly                          queued            -          -  -         -
2026-01-04 03:00:00Z  Nightly                          failed            -      0.5 s  -         pg_dump: exit status 1: pg_dump: error: co…
2026-01-03 03:00:00Z  (deleted)                        success      1000 B  1 min 1 s  -         weavestream-postgres-2026-01-03T03-00-00Z.…
2026-01-02 03:00:00Z  Weekly,  [31mred and wide: 日本  success      1000 B  1 min 1 s  -         (pruned)
2026-01-01 03:00:00Z  Nightly                          success  120.56 KiB  1 min 1 s  full      weavestream-postgres-2026-01-01T03-00-00Z.…`);
  });

  test('a run that is still under way tells how long it has been, one that was refused why', async (t) => {
    const other = await open(t);
    const id = await insertConfig(other.sql, { name: 'Nightly' });
    const began = new Date(Date.now() - 7_200_000);
    await insertRun(other.sql, { config_id: id, status: 'running', created_at: began, started_at: began });
    await insertRun(other.sql, { config_id: id, status: 'failed', created_at: new Date(began - 1000), error: 'concurrent' });
    const { stdout } = await other.command(['list']);
    assert.match(stdout, /running +- +2 h 0 min so far +- +-$/m);
    assert.match(stdout, /failed .* concurrent: somebody else held the backup lock$/m);
    assert.deepEqual(assertAnswer('list', (await other.command(['list', '--json'])).stdout).runs.map(({ durationMs, error }) => [durationMs, error]), [[null, null], [null, 'concurrent']]);
  });

  test('on a terminal outcomes have colours; in a pipe nothing is coloured or cut', async () => {
    const { raw } = await inTerminal(['list'], { env: scene.environment });
    assert.ok(raw.includes('\x1b[31mfailed\x1b[0m') && raw.includes('\x1b[32msuccess\x1b[0m'), raw);
    const { stdout } = await scene.command(['list']);
    assert.ok(!stdout.includes('\x1b'));
    assert.match(stdout, /failed: FATAL: the database system is starting up, and more of this kind$/m);
  });

  test('it is limited, by number, outcome and schedule', async () => {
    const listed = async (...args) => assertAnswer('list', (await scene.command(['list', '--json', ...args])).stdout).runs.map(({ runId }) => runId);
    const ids = runs.map(({ id }) => id).reverse();
    assert.deepEqual(await listed(), ids);
    assert.deepEqual(await listed('--limit', '2'), ids.slice(0, 2));
    assert.deepEqual(await listed('--failed'), [runs[3].id]);
    assert.deepEqual(await listed('--config', 'Nightly'), [runs[4].id, runs[3].id, runs[0].id]);
    const { code, stderr } = await scene.command(['list', '--limit', '0']);
    assert.deepEqual({ code, stderr }, { code: 64, stderr: "weavestream-backup list: --limit='0' is not a number from 1 to 100000\n" });
  });

  test('--json has all of it', async () => {
    const answer = assertAnswer('list', (await scene.command(['list', '--json'])).stdout);
    const { configId, ...good } = answer.runs[4];
    assert.deepEqual(good, { runId: runs[0].id, configName: 'Nightly', kind: 'SCHEDULED', status: 'success', createdAt: '2026-01-01T03:00:00.000Z', startedAt: '2026-01-01T03:00:00.000Z',
      finishedAt: '2026-01-01T03:01:01.000Z', durationMs: 61_000, sizeBytes: 123_456, dumpPath: runs[0].dump_path, verified: 'full', error: null });
    assert.deepEqual({ configName: answer.runs[2].configName, configId: answer.runs[2].configId }, { configName: null, configId: null });
    assert.match(answer.runs[1].error, /failed:\nFATAL/);
  });
});

describe('prune', { concurrency: 2 }, () => {
  const two = { keepLast: 2, daily: 0, weekly: 0, monthly: 0 };

  async function scenery(t) {
    const scene = await open(t);
    const configId = await insertConfig(scene.sql, { name: 'Nightly', retention: two });
    const days = [];
    for (const day of [1, 2, 3, 4]) days.push(await addDump(scene, configId, `2026-01-0${day}T03:00:00`, { bytes: day * 1000 }));
    const orphan = await addDump(scene, null, '2026-01-05T03:00:00');
    writeFileSync(join(scene.storage, 'weavestream-postgres-2026-01-06T03-00-00Z.dump'), 'nobody');
    return { scene, configId, days, orphan };
  }

  test('--dry-run tells of each dump why it stays or goes and what that frees, and touches nothing, even while a backup runs', async (t) => {
    const { scene, days } = await scenery(t);
    await insertConfig(scene.sql, { name: 'Weekly' });
    await scene.sql.query(`SELECT pg_advisory_lock(hashtext('weavestream:backup'))`);
    const before = { files: scene.files(), rows: await scene.rows() };
    const { screen, code } = await inTerminal(['prune', '--dry-run'], { env: scene.environment, columns: 120 });
    assert.equal(code, 0);
    assert.equal(screen, `Nightly: 2 kept, 2 would be removed, which would free 2.93 KiB
FATE    FILE                                            STARTED                   SIZE  WHY
keep    weavestream-postgres-2026-01-04T03-00-00Z.dump  2026-01-04 03:00:00Z  3.91 KiB  newest, last 2
keep    weavestream-postgres-2026-01-03T03-00-00Z.dump  2026-01-03 03:00:00Z  2.93 KiB  last 2
stray   weavestream-postgres-2026-01-05T03-00-00Z.dump  2026-01-05 03:00:00Z    1000 B  its schedule was deleted; with …
remove  weavestream-postgres-2026-01-02T03-00-00Z.dump  2026-01-02 03:00:00Z  1.95 KiB  beyond last 2, daily 0, weekly …
remove  weavestream-postgres-2026-01-01T03-00-00Z.dump  2026-01-01 03:00:00Z    1000 B  beyond last 2, daily 0, weekly …
stray   weavestream-postgres-2026-01-06T03-00-00Z.dump  -                          6 B  no row names it: it stays until…
Weekly: 0 kept, 0 would be removed`);
    assert.deepEqual({ files: scene.files(), rows: await scene.rows() }, before);
    assert.ok(days.every(({ dump_path }) => existsSync(dump_path)));
  });

  test('rows that lead elsewhere are counted as skipped; if all do, or the directory is not there, nothing is pruned', async (t) => {
    const { scene } = await scenery(t);
    const pruned = (...args) => scene.command(['prune', '--dry-run', '--config', 'Nightly'], ...args);
    await scene.sql.query('UPDATE backup_run SET dump_path = $1 WHERE started_at = $2', ['/elsewhere/weavestream-postgres-2026-01-03T03-00-00Z.dump', new Date('2026-01-03T03:00:00Z')]);
    assert.match((await pruned()).stdout, /^Nightly: 2 kept, 1 would be removed, which would free 1000 B; 1 skipped\n/);
    const missing = join(scene.storage, 'not', 'there');
    const refused = await pruned({ BACKUP_STORAGE_DIR: missing });
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^weavestream-backup prune: 'Nightly': open the backup directory '.*': No such file or directory; .* is the volume of '.*' mounted\?$/m);
    assert.ok(!existsSync(join(scene.storage, 'not')), 'it is not made');
    const other = await pruned({ BACKUP_STORAGE_DIR: temporaryFolder('other') });
    assert.equal(other.code, 1);
    assert.match(other.stderr, /^weavestream-backup prune: 'Nightly': nothing was pruned: of 4 dumps none is in '.*'; is the right directory mounted\?$/m);
  });

  test('without --dry-run it does what it told, as the job does', async (t) => {
    const { scene, configId, days, orphan } = await scenery(t);
    const told = assertAnswer('prune', (await scene.command(['prune', '--dry-run', '--json'])).stdout);
    const { code, stdout } = await scene.command(['prune', '--json']);
    assert.equal(code, 0);
    const done = assertAnswer('prune', stdout);
    assert.deepEqual({ ...done, dryRun: true }, told);
    assert.deepEqual(done.schedules, [{ configId, configName: 'Nightly', kept: 2, removed: 2, failed: 0, skipped: 0, freedBytes: 3000, error: null }]);
    assert.equal(done.freedBytes, 3000);
    assert.deepEqual(done.dumps.filter(({ fate }) => fate === 'stray').map(({ runId, configName }) => ({ runId, configName })), [{ runId: orphan.id, configName: null }, { runId: null, configName: null }]);
    for (const [i, { id, dump_path, manifest_path }] of days.entries()) {
      const stays = i >= 2;
      assert.deepEqual([existsSync(dump_path), existsSync(manifest_path), (await readRun(scene.sql, id)).dump_path], stays ? [true, true, dump_path] : [false, false, null]);
    }
    assert.deepEqual(assertAnswer('prune', (await scene.command(['prune', '--json'])).stdout).schedules[0].removed, 0, 'the next one has nothing to do');
  });

  test('a dump that two rows name is freed once, and not while one of them stays', async (t) => {
    const { scene, configId, days } = await scenery(t);
    await addDump(scene, configId, '2026-01-01T03:00:00', { started_at: new Date('2025-12-01T03:00:00Z') });
    await addDump(scene, configId, '2026-01-04T03:00:00', { bytes: 4000, started_at: new Date('2025-11-01T03:00:00Z') });
    const { dumps, freedBytes } = assertAnswer('prune', (await scene.command(['prune', '--json'])).stdout);
    assert.equal(freedBytes, 3000);
    assert.match(dumps.find(({ startedAt }) => startedAt === '2025-11-01T03:00:00.000Z').reason, /; but another row needs the file$/);
    assert.ok(existsSync(days[3].dump_path));
  });

  test('--config prunes one schedule only', async (t) => {
    const { scene, days } = await scenery(t);
    const other = await addDump(scene, await insertConfig(scene.sql, { name: 'Other', retention: { ...two, keepLast: 0 } }), '2025-01-01T03:00:00');
    const gone = await addDump(scene, (await readRun(scene.sql, other.id)).config_id, '2024-01-01T03:00:00');
    await scene.command(['prune', '--config', 'Other']);
    assert.ok(!existsSync(gone.dump_path) && existsSync(other.dump_path) && days.every(({ dump_path }) => existsSync(dump_path)));
  });

  test('while a backup runs it is to be tried again later: status 75', async (t) => {
    const { scene } = await scenery(t);
    await scene.sql.query(`SET application_name = 'weavestream-backup run'; SELECT pg_advisory_lock(hashtext('weavestream:backup'))`);
    const { code, stdout, stderr } = await scene.command(['prune']);
    assert.deepEqual({ code, stdout }, { code: 75, stdout: '' });
    assert.match(stderr, /^weavestream-backup prune: 'Nightly': nothing was pruned: .*weavestream-backup run.*\n$/);
    assert.equal(scene.files().length, 11);
  });

  test('a schedule that cannot be pruned is told, and the others are: status 1', async (t) => {
    const { scene, days } = await scenery(t);
    const bad = await insertConfig(scene.sql, { name: 'Bad', retention: { keepLast: 'many' } });
    const { code, stdout, stderr } = await scene.command(['prune', '--json']);
    assert.equal(code, 1);
    assert.equal(stderr, "weavestream-backup prune: 'Bad': nothing was pruned: the retention is malformed: 'keepLast' is not a number\n");
    const { schedules } = assertAnswer('prune', stdout);
    assert.deepEqual(schedules.map(({ configName, removed, error }) => ({ configName, removed, error })), [
      { configName: 'Bad', removed: 0, error: "nothing was pruned: the retention is malformed: 'keepLast' is not a number" }, { configName: 'Nightly', removed: 2, error: null }]);
    assert.ok(bad && !existsSync(days[0].dump_path));
  });
});
