/* `weavestream-backup-job ledger`: what it says and does about a queue and a database that do not agree; and all of it with a real worker. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { defaultJobOptions, schedule, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { mode, openScene } from './support/scene.mjs';
import { insertConfig, insertRun, readAudit, readRun } from './support/schema.mjs';
import { startSmtp } from './support/smtp.mjs';
import { eventually } from './support/wait.mjs';
import { startWeb } from './support/web.mjs';
import { jobProgram, run } from './support/worker.mjs';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const notify = { notify_emails: ['a@example.com'] };
const file = '.weavestream-backup-ledger.json';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 50'] }), startPostgres({ extraConf: ['max_connections = 100'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t, bullmq = versions['6.7.0']) => openScene(t, { redis, postgres, bullmq });

/* A config that was due two hours ago, and the facts in which nothing is wrong but that. */
async function dueConfig(scene, row = {}) {
  const due = Math.floor((Date.now() - 2 * hour) / minute) * minute;
  const at = new Date(due);
  const config = { cron: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`, timezone: 'Etc/UTC', ...row };
  return { id: await insertConfig(scene.sql, config), due, ...config };
}

const scheduler = ({ id, cron, timezone, due }) => ({
  id: `backup-config-${id}`,
  next: due + day,
  fields: { name: 'run', pattern: cron, tz: timezone, data: JSON.stringify({ kind: 'run', configId: id }), ic: '3' },
  job: { id: `repeat:backup-config-${id}:${due + day}`, state: 'delayed', data: { kind: 'run', configId: id } },
});

const runJob = (data, fields = {}) => ({ id: '7', name: 'run', state: 'waiting', data: { kind: 'run', ...data }, timestamp: Date.now(), ...fields });

const snapshot = (fields = {}) => ({ queue: 'backup', prefix: 'bull', version: 'bullmq:6.7.0', now: Date.now(), paused: false, complete: true, schedulers: [], jobs: [], ...fields });

/* It looked at this config a day ago, and all was well. */
function remember(scene, ...configs) {
  const seen = Date.now() - day;
  const known = configs.map(({ id, cron, timezone }) => ({ id, cron, timezone: timezone ?? 'Etc/UTC', seen, settled: seen, owed: 0, unusable: false }));
  writeFileSync(join(scene.storage, file), JSON.stringify({ looked: seen, configs: known, complaints: [] }));
}

const memory = (scene) => JSON.parse(readFileSync(join(scene.storage, file), 'utf8'));

/* Runs it: { said, verdict, log }. */
async function look(scene, facts, env = {}) {
  const { code, stdout, stderr } = await run(['ledger'], { binary: jobProgram, input: typeof facts === 'string' ? facts : JSON.stringify(facts), env: { ...scene.environment, ...env } });
  assert.equal(code, 0, stderr);
  const said = stdout.trim().split('\n').map((line) => JSON.parse(line));
  return { verdict: said.pop(), said, log: stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
}

const eventsOf = ({ log }, ...levels) => log.filter(({ level }) => levels.includes(level)).map(({ event }) => event);

function assertComesBack({ verdict }, within = hour) {
  assert.equal(verdict.type, 'delay');
  assert.ok(verdict.until > Date.now() && verdict.until <= Date.now() + within, `in ${verdict.until - Date.now()} ms`);
}

describe('schedules', () => {
  test('one that is missing is registered as the app does it', async (t) => {
    const scene = await open(t);
    const id = await insertConfig(scene.sql, { cron: '0 3 * * 1-5', timezone: null });
    await insertConfig(scene.sql, { enabled: false });
    const looked = await look(scene, snapshot());
    assert.deepEqual(looked.said, [{
      type: 'schedule', id: `backup-config-${id}`, pattern: '0 3 * * 1-5', tz: 'Etc/UTC', name: 'run', data: { kind: 'run', configId: id }, opts: defaultJobOptions,
    }]);
    assert.deepEqual(eventsOf(looked, 'warn', 'error'), ['schedule repaired']);
    assertComesBack(looked);
  });

  test('one that is as it should be is let be, and so is a queue that is not known in full', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    const looked = await look(scene, snapshot({ schedulers: [scheduler(config)] }));
    assert.deepEqual(looked.said, []);
    assert.deepEqual(eventsOf(looked, 'warn', 'error'), []);
    assert.deepEqual((await look(scene, snapshot({ complete: false }))).said, []);
  });

  test('one without a pending job is begun again', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    for (const job of [null, { id: 'x', state: 'completed', data: null }]) {
      const { said } = await look(scene, snapshot({ schedulers: [{ ...scheduler(config), next: Date.now() - hour, job }] }));
      assert.deepEqual(said.map(({ type, id }) => [type, id]), [['schedule', `backup-config-${config.id}`]]);
    }
  });

  test('one that differs from its config is reported once', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene, { cron: '0 3 1 1 *' });
    const right = scheduler(config);
    const wrongs = [{ pattern: '0 4 1 1 *' }, { tz: 'Europe/Berlin' }, { data: '{"kind":"prune"}' }, { data: '{"kind":"run"}' }, { data: 'no JSON' }];
    for (const wrong of wrongs) {
      remember(scene, config);
      const facts = { schedulers: [{ ...right, fields: { ...right.fields, ...wrong } }] };
      const looked = await look(scene, snapshot(facts));
      assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], ['schedule differs from its config']], JSON.stringify(wrong));
      assert.deepEqual(eventsOf(await look(scene, snapshot(facts)), 'warn', 'error'), []);
    }
  });

  test('one of a disabled config is reported, and removed if that is wanted', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene, { enabled: false });
    const facts = snapshot({ schedulers: [scheduler(config), { ...scheduler({ ...config, id: 'nightly' }), job: null }] });
    const looked = await look(scene, facts);
    assert.deepEqual([looked.said, eventsOf(looked, 'warn')], [[], ['schedule of a disabled config']]);
    assert.deepEqual((await look(scene, facts, { BACKUP_SCHEDULE_REPAIR: 'full' })).said, [{ type: 'unschedule', id: `backup-config-${config.id}` }]);
  });

  test('a legacy repeatable beside one is reported', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    const legacy = { id: 'b5f5e2a3', next: Date.now() + hour, fields: { name: 'run', pattern: '0 3 * * *' }, job: { id: 'repeat:b5f5e2a3:1', state: 'delayed', data: { configId: config.id } } };
    const looked = await look(scene, snapshot({ schedulers: [scheduler(config), legacy] }));
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], ['legacy repeatable beside a schedule']]);
  });

  test('one that cannot be followed is told once, by mail as well', async (t) => {
    const server = await startSmtp(t, { secure_mode: 'NONE' });
    const scene = await open(t);
    await server.settings(scene.sql);
    await dueConfig(scene, { timezone: 'Europe/Atlantis', ...notify });
    const looked = await look(scene, snapshot());
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], ['schedule cannot be followed']]);
    assert.match((await server.received(1))[0].body, /missed: no run is ever due: .*Europe\/Atlantis/s);
    assert.deepEqual(eventsOf(await look(scene, snapshot()), 'warn', 'error'), []);
  });
});

describe('runs', () => {
  test('one that did not happen is told once, and made up for by one job', async (t) => {
    const server = await startSmtp(t, { secure_mode: 'NONE' });
    const web = await startWeb(t);
    const scene = await open(t);
    Object.assign(scene.environment, { BACKUP_PING_URL: `${web.url}/ping`, BACKUP_WEBHOOK_URL: `${web.url}/hook` });
    await server.settings(scene.sql);
    const config = await dueConfig(scene, { name: 'Weekly', ...notify });
    remember(scene, config);
    const schedulers = [scheduler(config)];
    const catchUp = {
      type: 'add', name: 'run', data: { kind: 'run', configId: config.id }, opts: { jobId: `catch-up-${config.id}-${config.due}`, ...defaultJobOptions },
    };

    const looked = await look(scene, snapshot({ schedulers }));
    assert.deepEqual(looked.said, [catchUp]);
    assert.deepEqual(eventsOf(looked, 'warn', 'error'), ['run missed']);
    assertComesBack(looked);
    const [mail] = await server.received(1);
    const reason = `missed: the run due at ${new Date(config.due).toISOString()} did not happen within 30 minutes`;
    assert.ok(mail.body.includes(reason), mail.body);
    const [hook, ping] = web.requests;
    assert.deepEqual([hook.path, ping.path, ping.body], ['/hook', '/ping/fail', reason]);
    const { event, outcome, runId, configId, configName, error } = JSON.parse(hook.body);
    assert.deepEqual({ event, outcome, runId, configId, configName, error }, { event: 'backup.missed', outcome: 'missed', runId: null, configId: config.id, configName: 'Weekly', error: reason });

    const lost = await look(scene, snapshot({ schedulers }));
    assert.deepEqual([lost.said, eventsOf(lost, 'warn', 'error')], [[catchUp], []], 'as long as its job is not there');
    assert.deepEqual((await look(scene, snapshot({ schedulers, jobs: [runJob({ configId: config.id })] }))).said, []);
    await insertRun(scene.sql, { config_id: config.id, kind: 'SCHEDULED', status: 'success', started_at: new Date() });
    assert.deepEqual((await look(scene, snapshot({ schedulers }))).said, []);
    assert.equal(memory(scene).configs[0].owed, 0);
    assert.equal((await server.received(1)).length, 1);
    assert.equal(web.requests.length, 2);
  });

  test('what happened, waits or is paused is not missed', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    const nothing = async (fields, env) => {
      remember(scene, config);
      const looked = await look(scene, snapshot({ schedulers: [scheduler(config)], ...fields }), env);
      assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], []]);
    };
    await nothing({ paused: true });
    await nothing({ jobs: [runJob({ configId: config.id })] });
    await nothing({ jobs: [runJob({ configId: config.id }, { id: `repeat:backup-config-${config.id}:${config.due}`, state: 'delayed' })] });
    await nothing({}, { BACKUP_MISSED_GRACE_MINUTES: '180' });
    await insertRun(scene.sql, { config_id: config.id, kind: 'SCHEDULED', status: 'failed', created_at: new Date(config.due) });
    await nothing({});
  });

  test('without catching up it is only told', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    remember(scene, config);
    const looked = await look(scene, snapshot({ schedulers: [scheduler(config)] }), { BACKUP_CATCH_UP: '0' });
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], ['run missed']]);
  });
});

describe('queued rows', () => {
  const old = () => new Date(Date.now() - 10 * minute);
  const settled = async (t, row) => {
    const scene = await open(t);
    const config = await dueConfig(scene, row);
    return { scene, config, facts: (jobs = []) => snapshot({ schedulers: [scheduler(config)], jobs }) };
  };

  test('one whose job is gone is closed, with its audit row and a mail', async (t) => {
    const server = await startSmtp(t, { secure_mode: 'NONE' });
    const { scene, config, facts } = await settled(t, notify);
    await server.settings(scene.sql);
    const runId = await insertRun(scene.sql, { config_id: config.id, created_at: old() });
    const looked = await look(scene, facts());
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], ['row without a job closed']]);
    const row = await readRun(scene.sql, runId);
    const reason = 'the job is gone from the queue (wiped, drained or removed)';
    assert.deepEqual([row.status, row.error], ['failed', reason]);
    assert.ok(Math.abs(row.finished_at - Date.now()) < minute);
    const audit = await readAudit(scene.sql, runId);
    assert.deepEqual(audit.map(({ action, after }) => [action, after]), [['backup.run.failed', { configId: config.id, error: reason }]]);
    assert.match((await server.received(1))[0].body, /the job is gone from the queue/);
  });

  test('one whose job failed without a start gets its reason', async (t) => {
    const { scene, config, facts } = await settled(t);
    const runId = await insertRun(scene.sql, { config_id: config.id, created_at: old() });
    await look(scene, facts([runJob({ configId: config.id, backupRunId: runId }, { state: 'failed', failedReason: 'job stalled more than allowable limit' })]));
    assert.equal((await readRun(scene.sql, runId)).error, 'job stalled more than allowable limit');
  });

  test('a scheduled one is made up for', async (t) => {
    const { scene, config, facts } = await settled(t);
    const runId = await insertRun(scene.sql, { config_id: config.id, kind: 'SCHEDULED', created_at: old() });
    const looked = await look(scene, facts());
    assert.deepEqual(looked.said.map(({ type, data }) => [type, data]), [['add', { kind: 'run', configId: config.id }]]);
    assert.equal((await readRun(scene.sql, runId)).status, 'failed');
  });

  test('one that is young, or has a job, is let be', async (t) => {
    const { scene, config, facts } = await settled(t);
    const young = await insertRun(scene.sql, { config_id: config.id });
    const manual = await insertRun(scene.sql, { config_id: config.id, created_at: old() });
    const scheduled = await insertRun(scene.sql, { config_id: config.id, kind: 'SCHEDULED', created_at: old() });
    const looked = await look(scene, facts([runJob({ configId: config.id, backupRunId: manual }), runJob({ configId: config.id }, { id: '8', state: 'active' })]));
    assert.deepEqual(looked.said, []);
    for (const id of [young, manual, scheduled]) assert.equal((await readRun(scene.sql, id)).status, 'queued');
    assertComesBack(looked, 2 * minute);
  });
});

describe('failures that nobody was told of', () => {
  const ago = (minutes) => new Date(Date.now() - minutes * minute);
  const cut = { kind: 'SCHEDULED', status: 'failed', error: 'it was cut short', manifest: '{"untold":true}', created_at: ago(10), started_at: ago(10), finished_at: ago(9) };
  const marked = async (scene, id) => (await readRun(scene.sql, id)).manifest !== null;

  async function withMail(t) {
    const server = await startSmtp(t, { secure_mode: 'NONE' });
    const scene = await open(t);
    await server.settings(scene.sql);
    return { server, scene, configId: await insertConfig(scene.sql, { ...notify, enabled: false }) };
  }

  test('a scheduled run that died is told: it is no success of its own, and neither is one that failed after it', async (t) => {
    const { server, scene, configId } = await withMail(t);
    const runId = await insertRun(scene.sql, { config_id: configId, kind: 'SCHEDULED', status: 'running', created_at: ago(10), started_at: ago(10) });
    await insertRun(scene.sql, { config_id: configId, kind: 'SCHEDULED', status: 'failed', created_at: ago(5), started_at: ago(5) });
    await look(scene, snapshot());
    assert.equal(await marked(scene, runId), false);
    assert.match((await server.received(1))[0].body, /interrupted: the worker died during the backup/);
  });

  test('one that may go on, for all that is known of the queue, is told later', async (t) => {
    const { server, scene, configId } = await withMail(t);
    const runId = await insertRun(scene.sql, { ...cut, config_id: configId });
    for (const fields of [{ complete: false }, { now: Date.now() - 10 * minute }]) {
      assertComesBack(await look(scene, snapshot(fields)), 2 * minute);
      assert.equal(await marked(scene, runId), true, JSON.stringify(fields));
    }
    await look(scene, snapshot());
    assert.equal(await marked(scene, runId), false);
    assert.equal((await server.received(1)).length, 1);
  });

  test('once somebody took too long to be told of one, the others are told later', async (t) => {
    const web = await startWeb(t, { answers: ['hang'] });
    const { server, scene, configId } = await withMail(t);
    const runs = [await insertRun(scene.sql, { ...cut, config_id: configId }), await insertRun(scene.sql, { ...cut, config_id: configId })];
    const looked = await look(scene, snapshot(), { BACKUP_PING_URL: web.url });
    assertComesBack(looked, 2 * minute);
    assert.deepEqual(eventsOf(looked, 'warn'), ['ping not sent']);
    assert.deepEqual((await Promise.all(runs.map((id) => marked(scene, id)))).sort(), [false, true]);
    assert.equal((await server.received(1)).length, 1);
    await look(scene, snapshot(), { BACKUP_PING_URL: web.url });
    assert.deepEqual(await Promise.all(runs.map((id) => marked(scene, id))), [false, false]);
  });
});

describe('its memory', () => {
  test('is readable by its owner only, and garbage is none', async (t) => {
    const scene = await open(t);
    const config = await dueConfig(scene);
    writeFileSync(join(scene.storage, file), '{"configs":[{"id":', { mode: 0o644 });
    const looked = await look(scene, snapshot({ schedulers: [scheduler(config)] }));
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error')], [[], []]);
    assert.equal(mode(join(scene.storage, file)), '600');
    assert.deepEqual(readdirSync(scene.storage), [file]);
    const [known] = memory(scene).configs;
    assert.deepEqual([known.id, known.cron, known.timezone], [config.id, config.cron, config.timezone]);
  });

  test('where it cannot be written, schedules are repaired, and nothing is told as missed', async (t) => {
    const scene = await open(t);
    const [config, other] = [await dueConfig(scene), await dueConfig(scene)];
    remember(scene, config, other);
    const { size } = statSync(join(scene.storage, file));
    mkdirSync(join(scene.storage, `${file}.tmp`));
    const looked = await look(scene, snapshot({ schedulers: [scheduler(other)] }));
    assert.deepEqual(looked.said.map(({ type, id }) => [type, id]), [['schedule', `backup-config-${config.id}`]]);
    assert.deepEqual(eventsOf(looked, 'warn', 'error'), ['schedule repaired', 'ledger cannot remember']);
    assert.equal(statSync(join(scene.storage, file)).size, size);
  });
});

describe('when it cannot look', () => {
  test('while another one is at work, it does nothing and says so', async (t) => {
    const scene = await open(t);
    await insertConfig(scene.sql);
    const holder = await postgres.client(scene.database);
    t.after(() => holder.end());
    await holder.query(`SELECT pg_advisory_lock(hashtext('weavestream:backup:ledger'))`);
    const looked = await look(scene, snapshot());
    assert.deepEqual([looked.said, eventsOf(looked, 'warn', 'error'), looked.verdict], [[], [], { type: 'wait' }]);
  });

  test('without Postgres, or with something else than a snapshot, it fails', async (t) => {
    const scene = await open(t);
    const away = await look(scene, snapshot(), { DATABASE_URL: 'postgresql://x:y@127.0.0.1:1/none' });
    assert.deepEqual([away.said, away.verdict.type, away.verdict.retry], [[], 'failed', true]);
    for (const text of ['', '{}', '[1]', '{"now":"x"}']) assert.equal((await look(scene, text)).verdict.type, 'failed', text);
  });
});

for (const [version, bullmq] of Object.entries(versions)) {
  test(`bullmq ${version}: after FLUSHALL the schedules are back, their runs go on, and the app's own registration changes nothing`, async (t) => {
    const scene = await open(t, bullmq);
    const config = { id: randomUUID(), cron: '*/3 * * * * *', timezone: 'Europe/Berlin' };
    await insertConfig(scene.sql, config);
    await schedule(scene.queue, config);
    const runsSince = async (time) => (await scene.rows()).filter(({ kind, status, created_at }) => kind === 'SCHEDULED' && status === 'success' && created_at >= time);
    const worker = await scene.start({ ledger: true });
    await eventually(async () => (await runsSince(0)).length > 0, { timeout: 30_000, what: 'a scheduled run' });

    await scene.client.flushdb();
    const wiped = Date.now();
    await eventually(async () => (await scene.queue.getJobSchedulersCount()) === 1, { timeout: minute, what: 'the scheduler to be back' });
    const found = await scene.queue.getJobScheduler(`backup-config-${config.id}`);
    assert.deepEqual([found.pattern, found.tz, found.name, found.template], [config.cron, config.timezone, 'run', { data: { kind: 'run', configId: config.id }, opts: defaultJobOptions }]);
    await eventually(async () => (await runsSince(wiped)).length > 1, { timeout: minute, what: 'two more scheduled runs' });

    await scene.queue.pause();
    await eventually(async () => (await scene.queue.getActiveCount()) === 0, { what: 'nothing to be active' });
    const shape = async () => {
      const { next, iterationCount, offset, ...rest } = await scene.queue.getJobScheduler(`backup-config-${config.id}`);
      return rest;
    };
    const ours = await shape();
    await schedule(scene.queue, config);
    assert.deepEqual(await shape(), ours);
    const complaints = ['schedule differs from its config', 'run missed', 'row without a job closed', 'ledger failed'];
    assert.deepEqual(worker.events.filter(({ event }) => complaints.includes(event)), []);
  });
}
