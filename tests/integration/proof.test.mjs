/* What is proven of a dump before it counts: that all is in it that the database had, to the row. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runNow, untilState, versions } from './support/bullmq.mjs';
import { contents, expectedContents } from './support/contents.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { mode, openScene, programs } from './support/scene.mjs';
import { createSchema, insertConfig, insertRun, readRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t) => openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
const logOf = async (scene, job) => (await scene.queue.getJobLogs(job.id)).logs.join('\n');
const hidden = (scene) => scene.files().filter((name) => name.startsWith('.'));

/* The manifest, which file and row agree on. */
async function assertSucceeded(scene, { runId, job }) {
  const { failedReason } = await untilState(scene.queue, job, ['completed', 'failed']);
  const row = await readRun(scene.sql, runId);
  assert.equal(row.status, 'success', failedReason);
  const text = readFileSync(row.manifest_path, 'utf8');
  const manifest = JSON.parse(text);
  assert.equal(text, JSON.stringify(manifest, null, 2));
  assert.deepEqual(row.manifest, manifest);
  return manifest;
}

async function assertFailed(scene, { runId, job }, reason) {
  const { failedReason } = await untilState(scene.queue, job, ['completed', 'failed']);
  assert.match(failedReason ?? 'it did not fail', reason);
  const row = await readRun(scene.sql, runId);
  assert.deepEqual([row.status, row.error], ['failed', failedReason]);
  assert.deepEqual(scene.dumps(), []);
}

const readContents = ({ tables, rows, largeObjects, sequences }) => ({ tables, rows, largeObjects, sequences });

describe('no good dump is refused, and its rows are counted', { concurrency: 4 }, () => {
  for (const encoding of ['LATIN1', 'SQL_ASCII'])
    test(`a database in ${encoding}`, async (t) => {
      const scene = await open(t);
      const database = `in_${encoding.toLowerCase()}`;
      await scene.sql.query(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`);
      const sql = await postgres.client(database);
      t.after(() => sql.end());
      await createSchema(sql);
      await sql.query(`DO $$ BEGIN EXECUTE convert_from('\\x${Buffer.from('CREATE TABLE "f\xfcr" AS SELECT \'\xe4\' AS t', 'latin1').toString('hex')}', '${encoding}'); END $$`);
      const configId = await insertConfig(sql);
      const runId = await insertRun(sql, { config_id: configId });
      await scene.start({ env: { DATABASE_URL: postgres.urlOf(database), BACKUP_VERIFY: 'restore' } });
      const job = await runNow(scene.queue, { configId, backupRunId: runId });
      const { tables } = await assertSucceeded({ ...scene, sql }, { runId, job });
      assert.equal(tables['public."f\\xfcr"'], 1);
    });

  for (const [title, { sql, but }] of Object.entries(contents))
    test(title, async (t) => {
      const scene = await open(t);
      await scene.sql.query(sql);
      const ids = await scene.runNow();
      const expected = await expectedContents(scene.sql, but);
      await scene.start();
      const manifest = await assertSucceeded(scene, ids);
      assert.deepEqual(readContents(manifest), expected);
      assert.deepEqual(Object.keys(manifest.tables), Object.keys(expected.tables));
    });
});

test('a database in LATIN1 gets the reason of a failure without the characters that it lacks', async (t) => {
  const scene = await open(t);
  await scene.sql.query("CREATE DATABASE without_kanji TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
  const sql = await postgres.client('without_kanji');
  t.after(() => sql.end());
  await createSchema(sql);
  const configId = await insertConfig(sql);
  const runId = await insertRun(sql, { config_id: configId });
  await scene.start({ env: { DATABASE_URL: postgres.urlOf('without_kanji'), ...programs({ pg_dump: 'case $1 in --version) exec pg_dump --version ;; esac\necho "no 漢 here" >&2; exit 1' }) } });
  const { failedReason } = await untilState(scene.queue, await runNow(scene.queue, { configId, backupRunId: runId }), 'failed');
  assert.equal(failedReason, 'pg_dump: exit status 1: no 漢 here');
  const row = await readRun(sql, runId);
  assert.deepEqual([row.status, row.error], ['failed', 'pg_dump: exit status 1: no ??? here']);
});

/* A pg_dump that is given one more option than we give it. */
const withoutSome = (option) => programs({ pg_dump: `case $1 in --version) exec pg_dump --version ;; esac\nexec pg_dump '${option}' "$@"` });

describe('a dump that lacks something fails the run', { concurrency: 4 }, () => {
  const cases = {
    'a table': ['--exclude-table=public.documents', /^the dump lacks table public\.documents$/],
    'several tables': ['--exclude-table=public.[ad]*s', /^the dump lacks table public\.assets and 1 more$/],
    'the rows of a table': ['--exclude-table-data=*"Odd"*', /^the dump lacks table public\."Odd ""Table"", with; a -- name"$/],
    'a schema': ['--exclude-schema="other Schema"', /^the dump lacks table "other Schema"\.columnless and 1 more$/],
    'large objects': ['--no-blobs', /^the dump has 0 large objects, the database had 2$/],
    'a sequence': ['--exclude-table=*ticket*', /^the dump has 2 sequences, the database had 3$/],
    'all data': ['--schema-only', /^the dump lacks table "other Schema"\.columnless and \d+ more$/],
  };
  for (const [what, [option, reason]] of Object.entries(cases))
    test(what, async (t) => {
      const scene = await open(t);
      await scene.start({ env: withoutSome(option) });
      await assertFailed(scene, await scene.runNow(), reason);
      assert.deepEqual(scene.files(), []);
    });

  test('a partition of which another one is read as their root', async (t) => {
    const scene = await open(t);
    await scene.sql.query(`CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE moods (m mood) PARTITION BY HASH (m);
      CREATE TABLE moods_0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE moods_1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1)`);
    await scene.start({ env: withoutSome('--exclude-table-data=moods_1') });
    await assertFailed(scene, await scene.runNow(), /^the dump lacks 1 of the 2 partitions of table public\.moods$/);
  });

  test('and is tried again as the attempts of its job allow', async (t) => {
    const scene = await open(t);
    const marker = join(scene.folder, 'was here');
    await scene.start({
      env: programs({ pg_dump: `case $1 in --version) exec pg_dump --version ;; esac\nif mkdir '${marker}'; then set -- --exclude-table=public.assets "$@"; fi\nexec pg_dump "$@"` }),
    });
    const ids = await scene.runNow({ options: { attempts: 2 } });
    await assertSucceeded(scene, ids);
    assert.match(await logOf(scene, ids.job), /^Failed: the dump lacks table public\.assets$/m);
  });
});

describe('the dump is of one snapshot', { concurrency: 4 }, () => {
  test('what is made or emptied while it is written does not count', async (t) => {
    const scene = await open(t);
    const ids = await scene.runNow();
    const expected = await expectedContents(scene.sql);
    const release = await scene.holdDumps();
    await scene.start();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    await scene.sql.query('CREATE TABLE late AS SELECT 1; DELETE FROM assets; SELECT lo_from_bytea(0, $$$$)');
    await release();
    assert.deepEqual(readContents(await assertSucceeded(scene, ids)), expected);
  });

  const endSnapshot = ({ sql }) => sql.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'weavestream-backup snapshot'`);

  test('its session is needed no more once pg_dump has begun', async (t) => {
    const scene = await open(t);
    await scene.start();
    const release = await scene.holdDumps();
    const ids = await scene.runNow();
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    assert.equal((await endSnapshot(scene)).rowCount, 1);
    await release();
    await assertSucceeded(scene, ids);
  });

  test('if its session is lost before, the run is tried again', async (t) => {
    const scene = await open(t);
    await scene.start({ env: programs({ pg_dump: `case $1 in --version) exec pg_dump --version ;; esac
[ -e '${scene.folder}/go' ] || { : >'${scene.folder}/here'; while [ ! -e '${scene.folder}/go' ]; do sleep 0.02; done; }\nexec pg_dump "$@"` }) });
    const ids = await scene.runNow({ options: { attempts: 2 } });
    await eventually(() => existsSync(join(scene.folder, 'here')), { what: 'pg_dump to begin' });
    assert.equal((await endSnapshot(scene)).rowCount, 1);
    scene.release('go');
    await assertSucceeded(scene, ids);
    assert.match(await logOf(scene, ids.job), /^Failed: pg_dump: .*snapshot/m);
  });
});

test('what was proven stands in the manifest behind the known keys, and in the log', async (t) => {
  const scene = await open(t);
  await scene.start();
  const began = Date.now();
  const ids = await scene.runNow();
  const manifest = await assertSucceeded(scene, ids);
  assert.deepEqual(Object.keys(manifest), ['weavestreamVersion', 'prismaMigrationHash', 'passwordEncryptionKid', 'databaseUrlHostname', 'generatedAt', 'filename',
    'sizeBytes', 'sha256', 'backupRunId', 'pgDumpVersion', 'serverVersion', 'durationMs', 'tables', 'rows', 'largeObjects', 'sequences', 'verified']);
  const { level, at, durationMs } = manifest.verified;
  assert.equal(level, 'full');
  assert.ok(Date.parse(at) >= began - 1 && Date.parse(at) <= Date.now() && durationMs > 0 && durationMs <= manifest.durationMs);
  const count = Object.keys(manifest.tables).length;
  assert.match(await logOf(scene, ids.job), new RegExp(`^Read back from disk in \\d+\\.\\d s: all ${count} tables of the database, with ${manifest.rows} rows, 3 sequences, 2 large objects; SHA-256 ${manifest.sha256}$`, 'm'));
});

test('at level toc nothing is said to be proven', async (t) => {
  const scene = await open(t);
  await scene.start({ env: { BACKUP_VERIFY: 'toc', ...withoutSome('--exclude-table=public.assets') } });
  const ids = await scene.runNow();
  const manifest = await assertSucceeded(scene, ids);
  assert.equal(manifest.verified.level, 'toc');
  assert.deepEqual(['tables', 'rows', 'largeObjects', 'sequences'].filter((key) => key in manifest), []);
  const log = await logOf(scene, ids.job);
  assert.match(log, new RegExp(`^Table of contents readable; SHA-256 ${manifest.sha256}$`, 'm'));
  assert.doesNotMatch(log, /prove|read back|all \d+ tables/i);
});

test('with BACKUP_KEEP_REJECTED=1 the last dump that could not be proven is kept aside, and nobody takes it for a backup', async (t) => {
  const scene = await open(t);
  const worker = await scene.start({ env: { BACKUP_KEEP_REJECTED: '1', ...withoutSome('--exclude-table=public.assets') } });
  const configId = await insertConfig(scene.sql);
  const kept = [];
  for (let i = 0; i < 2; i++) {
    await assertFailed(scene, await scene.runNow({ configId }), /^the dump lacks table public\.assets \(also: the dump is kept as '\.weavestream-postgres-[0-9TZ:-]+\.rejected'\)$/);
    assert.equal(scene.files().length, 1);
    kept.push(scene.files()[0]);
    assert.equal(mode(join(scene.storage, kept[i])), '600');
    assert.equal(readFileSync(join(scene.storage, kept[i])).subarray(0, 5).toString(), 'PGDMP');
    assert.equal((await worker.waitForEvent('rejected dump kept', ({ file }) => file === kept[i])).level, 'warn');
  }
  await worker.stop();
  await scene.start();
  await assertSucceeded(scene, await scene.runNow({ configId }));
  assert.deepEqual(hidden(scene), [kept[1]], 'the next run leaves it');
});

test('an archive without a checksum inside is warned of', async (t) => {
  const scene = await open(t);
  await scene.start({ env: { BACKUP_COMPRESSION: '0' } });
  const ids = await scene.runNow();
  await assertSucceeded(scene, ids);
  assert.equal((await logOf(scene, ids.job)).match(/^BACKUP_COMPRESSION=0: such an archive has no checksum inside; only the SHA-256 in its manifest tells whether it was damaged later$/gm).length, 1);
});
