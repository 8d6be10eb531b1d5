/*
 * A prune that is killed at any of its calls in the backup directory, or that one of them fails: it leaves too much, never too little, and the
 * next prune makes good of it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { startProcess } from '../integration/support/run_folder.mjs';
import { insertConfig } from '../integration/support/schema.mjs';
import { jobProgram } from '../integration/support/worker.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { newDirectory, openDisk, pruneJob } from './support/disk.mjs';
import { startPostgresProxy } from './support/postgres_proxy.mjs';
import { callsIn, preload } from './support/shim.mjs';

const calls = 'unlinkat,fsync';
const days = 4; // of which the last stays

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 20'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

/* A directory with a dump of each day, its rows, and a config that keeps the last. */
async function openShelf(scene, count = days) {
  const directory = newDirectory(scene);
  const configId = await insertConfig(scene.sql, { retention: { keepLast: 1, daily: 0, weekly: 0, monthly: 0 } });
  const { rows } = await scene.sql.query(`
    INSERT INTO backup_run (config_id, kind, status, started_at, dump_path, manifest_path)
    SELECT $1, 'MANUAL', 'success', day, path || '.dump', path || '.manifest.json'
    FROM generate_series('2026-01-01'::timestamp, '2026-01-01'::timestamp + ($3::int - 1) * interval '1 day', '1 day') day,
      concat($2::text, '/weavestream-postgres-', to_char(day, 'YYYY-MM-DD"T"HH24-MI-SS"Z"')) path
    RETURNING dump_path, manifest_path`, [configId, directory, count]);
  for (const file of rows.flatMap(Object.values)) writeFileSync(file, 'data');
  return { directory, configId, count, log: `${directory}.calls` };
}

async function prune(scene, { directory, configId, log }, fault = {}) {
  rmSync(log, { force: true });
  const said = await pruneJob({ ...scene, configId }, directory, { env: preload({ directory, calls, log, ...fault }) });
  return { ...said, calls: callsIn(log).map(({ call, name }) => `${call} ${name}`) };
}

const rowsOf = async (scene, { configId }) => (await scene.sql.query('SELECT * FROM backup_run WHERE config_id = $1 ORDER BY started_at', [configId])).rows;

/* Every dump that is there has its manifest, and a row that names both; what stays is whole. */
async function assertNeverTooLittle(scene, shelf) {
  const rows = await rowsOf(scene, shelf);
  for (const name of readdirSync(shelf.directory).filter((one) => one.endsWith('.dump'))) {
    const row = rows.find(({ dump_path }) => dump_path === join(shelf.directory, name));
    assert.ok(row, `no row names ${name}`);
    assert.ok(existsSync(row.manifest_path), `${name} has no manifest`);
  }
  const { dump_path, manifest_path } = rows.at(-1);
  assert.ok(existsSync(dump_path) && existsSync(manifest_path), 'the last dump is there');
}

async function assertPruned(scene, shelf, { verdict }) {
  assert.equal(verdict?.type, 'completed', verdict?.reason);
  assert.equal(readdirSync(shelf.directory).length, 2);
  assert.deepEqual((await rowsOf(scene, shelf)).map(({ dump_path }) => dump_path !== null), [...Array(shelf.count - 1).fill(false), true]);
  await assertNeverTooLittle(scene, shelf);
}

test('dumps go before their manifests, each durably, and the rows forget both last', async (t) => {
  const scene = await openDisk(t, { redis, postgres });
  const shelf = await openShelf(scene);
  const { verdict, calls: made } = await prune(scene, shelf);
  assert.deepEqual(verdict.returnvalue, { pruned: 3, kept: 1, failed: 0 });
  const names = ['03', '02', '01'].map((day) => `weavestream-postgres-2026-01-${day}T00-00-00Z`);
  assert.deepEqual(made, [...names.map((name) => `unlinkat ${name}.dump`), 'fsync .', ...names.map((name) => `unlinkat ${name}.manifest.json`), 'fsync .']);
  await assertPruned(scene, shelf, { verdict });
});

test('stopped in the middle, it takes what is deleted off the rows, and the next prune goes on', async (t) => {
  const scene = await openDisk(t, { redis, postgres });
  const shelf = await openShelf(scene);
  const go = join(scene.folder, 'go');
  const fault = preload({ directory: shelf.directory, calls, log: shelf.log, at: 2, act: `wait:${go}` });
  const child = await startProcess(jobProgram, [], {
    env: { PATH: process.env.PATH, ASAN_OPTIONS: 'verify_asan_link_order=0', ...scene.environment, BACKUP_STORAGE_DIR: shelf.directory, ...fault },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const closed = once(child.stdout, 'close');
  child.stdin.end(JSON.stringify({ name: 'prune', data: { kind: 'prune', configId: shelf.configId } }));
  await eventually(() => callsIn(shelf.log).some(({ hit }) => hit), { what: 'the second dump to be about to go' });
  child.kill('SIGTERM');
  writeFileSync(go, '');
  await closed;
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.equal(JSON.parse(said.trim().split('\n').at(-1)).type, 'interrupted');
  assert.deepEqual((await rowsOf(scene, shelf)).map(({ dump_path }) => dump_path !== null), [true, false, false, true]);
  assert.equal(readdirSync(shelf.directory).length, 4);
  await assertNeverTooLittle(scene, shelf);
  await assertPruned(scene, shelf, await prune(scene, shelf));
});

describe('each call', { concurrency: 4 }, () => {
  for (let at = 1; at <= 2 * (days - 1) + 2; at++) {
    test(`number ${at}: killed there, or failing, it leaves too much, and the next prune goes on`, async (t) => {
      const scene = await openDisk(t, { redis, postgres });
      for (const act of ['kill', 'EIO', 'EROFS', 'EACCES']) {
        const shelf = await openShelf(scene);
        const { verdict, calls: made } = await prune(scene, shelf, { at, act });
        assert.ok(made.length >= at, `${act}: only ${made.length} calls were made`);
        await assertNeverTooLittle(scene, shelf);
        if (act === 'kill') assert.equal(verdict, undefined);
        else if (made[at - 1].startsWith('unlinkat')) assert.deepEqual(verdict.returnvalue, { pruned: 2, kept: 1, failed: 1 }, act);
        else assert.match(verdict.reason, /Input\/output error|Read-only file system|Permission denied/);
        await assertPruned(scene, shelf, await prune(scene, shelf));
      }
    });
  }
});

/* Rows are changed a thousand at a time, while the dumps of the next thousand go. */
describe('where one batch ends and the next begins', { concurrency: 3 }, () => {
  const batch = 1000;
  const more = 2;
  const first = 2 * (batch + 1); // unlinks and syncs of the first batch
  const seam = [first + 1, first + more + 1, first + 2 * (more + 1)]; // the next one's first dump, its first sync, its last
  for (const isHeld of [false, true]) {
    for (const at of seam) {
      test(`killed at call number ${at}, the rows of the first ${isHeld ? 'not changed' : 'changed or being changed'}: it leaves too much, and the next prune goes on`, async (t) => {
        const scene = await openDisk(t, { redis, postgres });
        const shelf = await openShelf(scene, batch + more + 1);
        const proxy = await startPostgresProxy(postgres);
        t.after(() => proxy.stop());
        if (isHeld) proxy.hold('rows', ({ from, text }) => from === 'client' && /UPDATE backup_run SET dump_path/.test(text));
        const through = { ...scene, environment: { ...scene.environment, DATABASE_URL: proxy.through(scene.environment.DATABASE_URL) } };
        const { verdict, calls: made } = await prune(through, shelf, { at, act: 'kill' });
        assert.equal(verdict, undefined);
        assert.equal(made.length, at);
        await assertNeverTooLittle(scene, shelf);
        await assertPruned(scene, shelf, await prune(scene, shelf));
      });
    }
  }
});
