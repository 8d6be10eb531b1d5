/* `weavestream-backup schedules`: what is wrong with the schedules in the queue, each by its name; and its repair. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeAll, openQueue, schedule, versions } from './support/bullmq.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { openScene } from './support/scene.mjs';
import { insertConfig, insertRun, readConfig } from './support/schema.mjs';
import { inTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres()]);
});
after(() => Promise.all([redis?.stop(), postgres?.stop()]));

const open = async (t, bullmq = versions['6.7.0']) => {
  const scene = await openScene(t, { redis, postgres, bullmq });
  await eventually(() => scene.client.hexists(scene.queue.toKey('meta'), 'version'), { what: "the queue's version" });
  return Object.assign(scene, {
    /* A schedule, in the app and in the queue; hands back its row. */
    async plan(config = {}, { register = true } = {}) {
      const row = await readConfig(scene.sql, await insertConfig(scene.sql, { cron: '0 3 * * *', timezone: 'Etc/UTC', ...config }));
      if (register) await schedule(scene.queue, row);
      return row;
    },
    async schedules(args = [], env = {}) {
      const { code, stdout, stderr } = await run(['schedules', '--json', ...args], { env: { ...scene.environment, ...env } });
      assert.equal(stderr, '');
      return { code, ...assertAnswer('schedules', stdout) };
    },
    registered: async () => (await scene.queue.getJobSchedulers()).map(({ key }) => key).sort(),
  });
};

const schedulerOf = ({ id }) => `backup-config-${id}`;
const states = ({ schedules }) => Object.fromEntries(schedules.map(({ name, state }) => [name, state]));

/* As a worker's ledger remembers that it has seen a schedule for so long. */
function seenFor(scene, days, ...rows) {
  const at = Date.now() - days * 86_400_000;
  const configs = rows.map(({ id, cron, timezone }) => ({ id, cron, timezone, seen: at, settled: at, owed: 0, unusable: false }));
  writeFileSync(join(scene.storage, '.weavestream-backup-ledger.json'), JSON.stringify({ looked: at, configs, complaints: [] }));
}

describe('schedules', { concurrency: 3 }, () => {
  test('all is good: status 0', async (t) => {
    const scene = await open(t);
    const row = await scene.plan();
    await scene.plan({ name: 'Weekly', enabled: false }, { register: false });
    const { code, schedules, ...rest } = await scene.schedules();
    assert.equal(code, 0);
    assert.deepEqual(rest, { strays: [], repairs: null, wrong: 0 });
    const [{ nextDue, nextInQueue, ...good }, disabled] = schedules;
    assert.deepEqual(good, { id: row.id, name: 'Nightly', enabled: true, cron: '0 3 * * *', timezone: 'Etc/UTC', state: 'good', why: null, overdueSince: null });
    assert.equal(nextInQueue, nextDue);
    assert.equal(disabled.state, 'disabled');
  });

  for (const [version, bullmq] of Object.entries(versions)) {
    test(`bullmq ${version}: each thing that is wrong has a name, and --repair mends what the ledger would`, async (t) => {
      const scene = await open(t, bullmq);
      const good = await scene.plan({ name: 'a good one' });
      const missing = await scene.plan({ name: 'a missing one' }, { register: false });
      const dead = await scene.plan({ name: 'a dead one' });
      const different = await scene.plan({ name: 'a different one' });
      const disabled = await scene.plan({ name: 'a disabled one' });
      const deleted = await scene.plan({ name: 'a deleted one' });
      const unusable = await scene.plan({ name: 'an unusable one', cron: '0 25 * * *' }, { register: false });
      const { next } = await scene.queue.getJobScheduler(schedulerOf(dead));
      await scene.client.zrem(scene.queue.toKey('delayed'), `repeat:${schedulerOf(dead)}:${next}`);
      await scene.client.del(scene.queue.toKey(`repeat:${schedulerOf(dead)}:${next}`));
      await scene.sql.query(`UPDATE backup_config SET cron = '0 4 * * *' WHERE id = $1`, [different.id]);
      await scene.sql.query('UPDATE backup_config SET enabled = false WHERE id = $1', [disabled.id]);
      await scene.sql.query('DELETE FROM backup_config WHERE id = $1', [deleted.id]);

      const before = await scene.schedules();
      assert.equal(before.code, 1);
      assert.deepEqual(states(before), { 'a good one': 'good', 'a missing one': 'missing', 'a dead one': 'dead', 'a different one': 'different', 'a disabled one': 'disabled', 'an unusable one': 'unusable' });
      assert.deepEqual(before.strays.map(({ scheduler, state }) => [scheduler, state]).sort(), [[schedulerOf(deleted), 'deleted'], [schedulerOf(disabled), 'disabled']].sort());
      assert.equal(before.wrong, 6);
      const why = (name) => before.schedules.find((one) => one.name === name).why;
      assert.equal(why('a different one'), "the queue has '0 3 * * *' in Etc/UTC");
      assert.match(why('an unusable one'), /0 25 \* \* \*/);
      assert.deepEqual(await scene.registered(), [good, dead, different, disabled, deleted].map(schedulerOf).sort(), 'looking changes nothing');

      const repaired = await scene.schedules(['--repair']);
      assert.equal(repaired.code, 1);
      assert.deepEqual(repaired.repairs.map(({ did, what }) => `${did} ${what}`).sort(),
        [`made ${schedulerOf(missing)}`, `made ${schedulerOf(dead)}`, `removed ${schedulerOf(disabled)}`, `removed ${schedulerOf(deleted)}`].sort());
      assert.ok(repaired.repairs.every(({ error }) => error === null));
      assert.deepEqual(states(repaired), { ...states(before), 'a missing one': 'good', 'a dead one': 'good' });
      assert.deepEqual([repaired.strays, repaired.wrong], [[], 2]);
      assert.deepEqual(await scene.registered(), [good, missing, dead, different].map(schedulerOf).sort());

      await schedule(scene.queue, await readConfig(scene.sql, different.id));
      await scene.sql.query('DELETE FROM backup_config WHERE id = $1', [unusable.id]);
      assert.equal((await scene.schedules()).code, 0);
    });
  }

  test('a scheduler that was made by --repair is the one that the API makes', async (t) => {
    const scene = await open(t);
    const row = await scene.plan();
    const all = async () => {
      const [scheduler] = await scene.queue.getJobSchedulers();
      const [{ id, name, data, opts: { timestamp, delay, ...opts } }] = await scene.queue.getDelayed();
      return { scheduler, id, name, data, opts };
    };
    const theirs = await all();
    await scene.queue.removeJobScheduler(schedulerOf(row));
    assert.equal((await scene.schedules(['--repair'])).code, 0);
    assert.deepEqual(await all(), theirs);
  });

  test('a run that did not happen is overdue, until a job that makes up for it is in the queue', async (t) => {
    const scene = await open(t);
    const row = await scene.plan();
    await scene.plan({ name: 'one that ran' }).then((ran) => Promise.all([
      insertRun(scene.sql, { config_id: ran.id, kind: 'SCHEDULED', status: 'success', started_at: new Date(), finished_at: new Date() }),
      seenFor(scene, 3, row, ran),
    ]));
    const before = await scene.schedules();
    assert.equal(before.code, 1);
    assert.equal(before.wrong, 1);
    const [{ name, state, overdueSince }] = before.schedules;
    assert.deepEqual({ name, state }, { name: 'Nightly', state: 'good' });
    assert.match(overdueSince, /T03:00:00\.000Z$/);
    const repaired = await scene.schedules(['--repair']);
    assert.deepEqual(repaired.repairs, [{ did: 'added', what: 'run', error: null }]);
    assert.deepEqual([repaired.code, repaired.wrong], [0, 0]);
    assert.deepEqual((await scene.queue.getWaiting()).map(({ data }) => data), [{ kind: 'run', configId: row.id }]);
  });

  test('a repeatable job of BullMQ 5 beside its schedule is a stray, and stays', async (t) => {
    const scene = await open(t);
    const row = await scene.plan();
    const older = openQueue(versions['5.76.2'], scene.redis, { skipMetasUpdate: true });
    t.after(() => closeAll(older));
    await older.add('run', { kind: 'run', configId: row.id }, { jobId: `backup:cfg:${row.id}`, repeat: { pattern: '0 3 * * *' } });
    const { code, strays } = await scene.schedules(['--repair']);
    assert.equal(code, 1);
    assert.deepEqual(strays.map(({ state }) => state), ['legacy']);
  });

  test('in a terminal', async (t) => {
    const scene = await open(t);
    await scene.plan();
    await scene.plan({ name: 'Weekly', timezone: 'Europe/Berlin' }, { register: false });
    const deleted = await scene.plan({ name: 'Gone' });
    await scene.sql.query('DELETE FROM backup_config WHERE id = $1', [deleted.id]);
    const show = async (...args) => {
      const { screen, code } = await inTerminal(['schedules', ...args], { env: scene.environment, columns: 160 });
      return { code, screen: screen.replace(/\d{4}-\d\d-\d\d \d\d:00:00Z/g, 'YYYY-MM-DD hh:mm:ssZ').replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID') };
    };
    assert.deepEqual(await show(), { code: 1, screen: `\
SCHEDULE                                            CRON       ZONE           NEXT IN QUEUE         STATE
Nightly                                             0 3 * * *  Etc/UTC        YYYY-MM-DD hh:mm:ssZ  good
Weekly                                              0 3 * * *  Europe/Berlin  -                     missing
backup-config-ID  -          -              YYYY-MM-DD hh:mm:ssZ  orphaned: its schedule is deleted` });
    const { code, screen } = await show('--repair');
    assert.equal(code, 0);
    assert.deepEqual(screen.split('\n').slice(0, 2).sort(), ["made 'Weekly'", 'removed backup-config-ID']);
    assert.equal(screen.split('\n').slice(2).join('\n'), `
SCHEDULE  CRON       ZONE           NEXT IN QUEUE         STATE
Nightly   0 3 * * *  Etc/UTC        YYYY-MM-DD hh:mm:ssZ  good
Weekly    0 3 * * *  Europe/Berlin  YYYY-MM-DD hh:mm:ssZ  good`);
  });

  test('in a terminal: why a schedule is wrong is told below, in full, however narrow the screen', async (t) => {
    const scene = await open(t);
    assert.equal((await run(['schedules'], { env: scene.environment })).stdout, 'There are no schedules: make one in the app, under Admin, Backups.\n');
    const row = await scene.plan({ name: 'Nightly, of the whole of the company' });
    await scene.sql.query(`UPDATE backup_config SET cron = '0 4 * * *' WHERE id = $1`, [row.id]);
    const { screen, code } = await inTerminal(['schedules'], { env: scene.environment, columns: 80 });
    assert.equal(code, 1);
    assert.equal(screen.replace(/\d{4}-\d\d-\d\d \d\d:00:00Z/, 'YYYY-MM-DD hh:mm:ssZ'), `\
SCHEDULE                     CRON       ZONE     NEXT IN QUEUE         STATE
Nightly, of the whole of t…  0 4 * * *  Etc/UTC  YYYY-MM-DD hh:mm:ssZ  different

Nightly, of the whole of the company is different: the queue has '0 3 * * *' in Etc/UTC`);
  });

  test('what Redis refuses is said, and stays wrong', async (t) => {
    const scene = await open(t);
    await scene.plan({}, { register: false });
    await scene.client.set(scene.queue.toKey('repeat'), 'no sorted set');
    const { code, stdout, stderr } = await run(['schedules', '--repair'], { env: scene.environment });
    assert.equal(code, 69);
    assert.equal(stdout, '');
    assert.match(stderr, /^weavestream-backup schedules: Redis: .*WRONGTYPE/);
  });

  test('while a ledger is at work --repair does nothing, and says so with status 75', async (t) => {
    const scene = await open(t);
    await scene.plan({}, { register: false });
    await scene.sql.query(`SELECT pg_advisory_lock(hashtext('weavestream:backup:ledger'))`);
    const { code, stdout, stderr } = await run(['schedules', '--repair'], { env: scene.environment });
    assert.deepEqual([code, stdout], [75, '']);
    assert.match(stderr, /^weavestream-backup schedules: nothing was repaired: a worker, .* at this moment; try again in a minute\n$/);
    assert.deepEqual(await scene.registered(), []);
    await scene.sql.query(`SELECT pg_advisory_unlock(hashtext('weavestream:backup:ledger'))`);
    assert.equal((await run(['schedules', '--repair'], { env: scene.environment })).code, 0);
  });

  test('Redis or Postgres away: status 69', async (t) => {
    const scene = await open(t);
    const redisAway = await run(['schedules'], { env: { ...scene.environment, REDIS_URL: 'redis://127.0.0.1:1' } });
    assert.deepEqual({ code: redisAway.code, stderr: redisAway.stderr }, { code: 69, stderr: 'weavestream-backup schedules: Redis at 127.0.0.1:1: connect: Connection refused; is it up, and is REDIS_URL right?\n' });
    const postgresAway = await run(['schedules'], { env: { ...scene.environment, DATABASE_URL: 'postgresql://me@127.0.0.1:1/x' } });
    assert.equal(postgresAway.code, 69);
    assert.match(postgresAway.stderr, /^weavestream-backup schedules: .*Connection refused/);
  });

  test('a wrong password of Postgres: status 77; a database that is not the app\'s: 78', async (t) => {
    const scene = await open(t);
    const { DATABASE_URL } = scene.environment;
    for (const args of [[], ['--repair']]) {
      assert.equal((await run(['schedules', ...args], { env: { ...scene.environment, DATABASE_URL: DATABASE_URL.replace(/:[^:@/]+@/, ':wrong@') } })).code, 77);
      assert.equal((await run(['schedules', ...args], { env: { ...scene.environment, DATABASE_URL: DATABASE_URL.replace(scene.database, 'postgres') } })).code, 78);
    }
  });
});
