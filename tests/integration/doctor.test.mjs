/* doctor: one installation that is good, and what is said when one thing after the other is broken; each test mends what it broke. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNodeWorker, schedule, untilState, versions } from './support/bullmq.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { startPgbouncer } from './support/pgbouncer.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { startRelay } from './support/relay.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { openScene, programs } from './support/scene.mjs';
import { insertConfig, insertRun } from './support/schema.mjs';
import { seal, smtpKey, startScript, startSmtp } from './support/smtp.mjs';
import { inTerminal } from './support/terminal.mjs';
import { eventually } from './support/wait.mjs';
import { run, workerProgram } from './support/worker.mjs';

const bullmq = Object.values(versions).at(-1);
const password = 'mail "password"';
const all = [
  'settings.queue', 'settings.backups', 'redis.server', 'redis.memory', 'redis.persistence', 'redis.clock', 'queue.jobs', 'queue.workers',
  'postgres.server', 'postgres.session', 'postgres.lock', 'postgres.tables', 'postgres.rights', 'postgres.rowSecurity', 'postgres.clock', 'postgres.pgDump', 'postgres.drill',
  'directory.writable', 'directory.readable', 'directory.space', 'directory.files', 'schedules.queue', 'schedules.backups', 'mail.settings', 'mail.server',
];

let redis;
let postgres;
let scene;
let mail;
let worker;
let config;
let environment;
const undo = []; // in reverse, at the end
const shared = { after: (step) => undo.unshift(step) };

before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 4'] }), startPostgres()]);
  scene = await openScene(shared, { redis, postgres, bullmq });
  config = { id: await insertConfig(scene.sql, { name: 'Nightly', notify_emails: ['me@example.org'] }), cron: '0 3 * * *', timezone: 'Europe/Berlin' };
  mail = await startSmtp(shared, { secure_mode: 'STARTTLS', user: 'backup', password });
  await mail.settings(scene.sql);
  await schedule(scene.queue, config);
  environment = { ...scene.environment, BACKUP_UID: `${process.getuid()}`, BACKUP_GID: `${process.getgid()}`, SMTP_SECRET_KEY: smtpKey, NODE_EXTRA_CA_CERTS: mail.caFile };
  worker = await scene.start();
  await untilState(scene.queue, (await scene.runNow({ configId: config.id })).job, 'completed');
  await eventually(async () => (await scene.queue.getJobCountByTypes('active', 'waiting')) === 0, { what: 'the prune job to be over' });
});
after(async () => {
  for (const step of undo) await step();
  await Promise.all([redis.stop(), postgres.stop()]);
});

/* Findings by "about.check"; their verdicts but `ok` in `wrong`. */
async function doctor(env = {}) {
  const { code, stdout, stderr } = await run(['doctor', '--json'], { env: { ...environment, ...env } });
  const answer = assertAnswer('doctor', stdout);
  const findings = Object.fromEntries(answer.findings.map(({ about, check, ...finding }) => [`${about}.${check}`, finding]));
  assert.equal(stderr, '');
  assert.deepEqual(Object.keys(findings), all);
  for (const verdict of ['ok', 'warn', 'bad', 'unknown']) assert.equal(answer[verdict], answer.findings.filter((finding) => finding.verdict === verdict).length);
  for (const { verdict, advice } of answer.findings) assert.equal(advice !== null, ['warn', 'bad'].includes(verdict));
  assert.equal(code, answer.bad > 0 ? 1 : 0);
  const wrong = Object.entries(findings).filter(([, { verdict }]) => verdict !== 'ok').map(([name, { verdict }]) => [name, verdict]);
  return { findings, wrong: Object.fromEntries(wrong) };
}

/* Exactly this is wrong, and its text and advice are like these. */
async function finds(wrong, text, advice, env = {}) {
  const answer = await doctor(env);
  assert.deepEqual(answer.wrong, wrong, Object.keys(answer.wrong).map((name) => `${name}: ${answer.findings[name].text}`).join('\n'));
  const [name] = Object.keys(wrong);
  assert.match(answer.findings[name].text, text);
  assert.match(answer.findings[name].advice, advice);
  return answer.findings;
}

/* The checks that cannot be made once `needed` is away. */
const unknown = (pattern) => Object.fromEntries(all.filter((name) => pattern.test(name)).map((name) => [name, 'unknown']));
const withoutRedis = unknown(/^redis\.(?!server)|^queue|^schedules\.queue/);
const withoutPostgres = unknown(/^postgres\.(?!server)|^directory\.files|^schedules|^mail/);

test('of a good installation everything is ok', async () => {
  const { findings, wrong } = await doctor();
  assert.deepEqual(wrong, {});
  assert.match(findings['redis.server'].text, /^Redis \d+\.\d+\.\d+, answered in \d+ ms$/);
  assert.match(findings['queue.jobs'].text, /^0 waiting, 0 active, 1 delayed; bullmq:/);
  assert.match(findings['queue.workers'].text, /^1 listening: '127\.0\.0\.1:\d+'$/);
  assert.match(findings['postgres.server'].text, /^PostgreSQL 1\d\..*, connected in \d+ ms$/);
  assert.match(findings['directory.files'].text, /\(1\)$/);
  assert.match(findings['schedules.queue'].text, /\(1\)$/);
  assert.match(findings['schedules.backups'].text, /^each of 1 has succeeded .*; newest backup: \d{4}-.*Z$/);
  assert.equal(findings['mail.settings'].text, `from 'backup@example.org' by '127.0.0.1', port ${mail.port}, with STARTTLS; its password can be decrypted`);
  assert.equal(findings['mail.server'].text, 'it greets, its certificate is good, and it lets us in');
  assert.equal(mail.mails.length, 0);
  assert.ok(mail.logIns > 0);
  assert.deepEqual(scene.files().filter((name) => /tmp/.test(name)), []);
});

test('on a terminal it is one page, with a line for each check, in colours and no wider than the terminal', async () => {
  const { screen, code, raw } = await inTerminal(['doctor'], { env: { ...environment, BACKUP_MIN_FREE_MB: '1048576' }, columns: 80, rows: 60 });
  assert.equal(code, 1);
  assert.match(screen, /^Settings\n  ok    queue         all that are needed are there, and make sense\n  ok    backups {7}all/);
  assert.match(screen, /\nRedis\n  ok    server        Redis 7.*\n/);
  assert.match(screen, /\nDirectory\n  ok    writable {6}dumps can be written into\n {22}'.*'\n/);
  assert.match(screen, /\n  bad   space {9}no room for a dump: .*\n( {22}\S.*\n)+ {22}→ keep fewer dumps \(the schedule's retention\), or give the\n {24}directory a larger volume\n  ok    files/);
  assert.match(screen, /\n  ok    row security  /);
  assert.match(screen, /\n\n24 ok, 1 bad$/);
  assert.ok(raw.includes('\x1b[31mbad   \x1b[0m') && raw.includes('\x1b[1mMail\x1b[0m'));
});

test('into a file it goes without colours, and lines are not broken', async () => {
  const { stdout, code } = await run(['doctor'], { env: { ...environment, REDIS_URL: 'redis://127.0.0.1:1/1' } });
  assert.equal(code, 1);
  assert.ok(!stdout.includes('\x1b'));
  assert.match(stdout, /\nRedis\n  bad   server        Redis at 127\.0\.0\.1:1: .*\n {22}→ see that Redis is up, .*\n  \?     3 checks      not checked: Redis cannot be asked\nQueue\n  \?     2 checks      not checked: Redis cannot be asked\n/);
  assert.match(stdout, /\n\n\d+ ok, 1 bad, \d+ not checked\n$/);
});

test('without the job program its half is missing, and that is said', async () => {
  const lonely = join(temporaryFolder('lonely'), 'weavestream-backup');
  copyFileSync(workerProgram, lonely);
  const { code, stdout, stderr } = await run(['doctor', '--json'], { env: environment, binary: lonely });
  assert.equal(code, 69);
  assert.match(stderr, /^weavestream-backup doctor: weavestream-backup-job is not there: /);
  assert.deepEqual(assertAnswer('doctor', stdout).findings.map(({ about, check }) => `${about}.${check}`), [...all.slice(0, 8), 'settings.jobProgram']);
  const people = await run(['doctor'], { env: environment, binary: lonely });
  assert.match(people.stdout, /\nSettings\n  bad   job program   weavestream-backup-job has not told all: Postgres, .*\n.*\n\n8 ok, 1 bad\n$/);
});

test('of a variable that is no setting, but nearly has the name of one, it is asked whether that was meant', async () => {
  await finds({ 'settings.backups': 'warn' }, /^BACKUP_VERFY is no setting; did you mean BACKUP_VERIFY\?$/, /instead, or remove it$/, { BACKUP_VERFY: 'full' });
  await finds({ 'settings.queue': 'warn' }, /^BACKUP_LOCK_SECOND is no setting; did you mean BACKUP_LOCK_SECONDS\?$/, /instead, or remove it$/, { BACKUP_LOCK_SECOND: '30' });
  await finds({ 'settings.backups': 'bad', 'postgres.server': 'unknown', ...withoutPostgres }, /^BACKUP_VERFY is no setting; did you mean BACKUP_VERIFY\?; DATABASE_URL is not set/, /as the app/, { BACKUP_VERFY: 'full', DATABASE_URL: '' });
});

test('settings that are missing or wrong are told, and what they are not needed for is checked', async () => {
  await finds({ 'settings.queue': 'bad', ...withoutRedis, 'redis.server': 'unknown' }, /^BACKUP_LOCK_SECONDS='3': not a whole number from 5 to 3600$/, /as the app/, { BACKUP_LOCK_SECONDS: '3' });
  const { 'directory.space': space } = await finds({ 'settings.backups': 'bad', 'postgres.server': 'unknown', ...withoutPostgres }, /^DATABASE_URL.*; BACKUP_VERIFY/, /as the app/, { DATABASE_URL: '', BACKUP_VERIFY: 'hard' });
  assert.match(space.text, /^[\d.]+ [GT]iB are free$/);
});

test('without Redis the other half is checked', async () => {
  await finds({ 'redis.server': 'bad', ...withoutRedis }, /^Redis at 127\.0\.0\.1:1: .*refused/i, /REDIS_URL leads to it/, { REDIS_URL: 'redis://127.0.0.1:1/1' });
  const asUser = (user) => environment.REDIS_URL.replace('//', `//${user}@`);
  await finds({ 'redis.server': 'bad', ...withoutRedis }, /WRONGPASS/, /with its user and password/, { REDIS_URL: asUser('nobody:nothing') });
  const client = redis.client();
  await client.acl('SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-client|list');
  await finds({ 'queue.workers': 'warn' }, /^who works on the queue cannot be asked: .*NOPERM/, /CLIENT LIST/, { REDIS_URL: asUser('limited:secret') });
  await client.acl('SETUSER', 'limited', '+@all', '-time');
  await finds({ 'redis.clock': 'warn' }, /^its clock cannot be asked: .*NOPERM/, /TIME/, { REDIS_URL: asUser('limited:secret') });
  await client.acl('SETUSER', 'limited', '+@all', 'resetkeys', '~other:*');
  const { findings, wrong } = await doctor({ REDIS_URL: asUser('limited:secret') });
  assert.deepEqual(wrong, { 'queue.jobs': 'bad', 'schedules.queue': 'unknown' });
  assert.match(findings['queue.jobs'].text, /^the queue cannot be read: .*NOPERM|No permissions/);
});

test('without Postgres the other half is checked', async () => {
  await finds({ 'postgres.server': 'bad', ...withoutPostgres }, /port 1 failed: Connection refused/, /DATABASE_URL lead to it/, { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' });
  await finds({ 'postgres.server': 'bad', ...withoutPostgres }, /password authentication failed/, /role still exists/, { DATABASE_URL: environment.DATABASE_URL.replace(/:[^:@/]+@/, ':wrong@') });
  await finds({ 'postgres.server': 'bad', ...withoutPostgres }, /database "nowhere" does not exist/, /names the app's database: that server has none of this name$/, { DATABASE_URL: postgres.urlOf('nowhere') });
});

test('a Redis that evicts keys, or keeps nothing, is told', async (t) => {
  const client = redis.client();
  const set = async (name, value) => {
    const [, old] = await client.config('GET', name);
    await client.config('SET', name, value);
    t.after(() => client.config('SET', name, old));
  };
  await set('maxmemory-policy', 'allkeys-lru');
  await finds({ 'redis.memory': 'warn' }, /^maxmemory-policy is allkeys-lru: jobs and schedules can vanish/, /noeviction/);
  await set('maxmemory', '100mb');
  await finds({ 'redis.memory': 'bad' }, /used of 100\.00 MiB/, /noeviction/);
  await client.config('SET', 'maxmemory-policy', 'volatile-lru');
  await finds({ 'redis.memory': 'warn' }, /^maxmemory-policy is volatile-lru: the lock of a job can vanish/, /noeviction/);
  await client.config('SET', 'maxmemory-policy', 'noeviction');
  await set('appendonly', 'no');
  await finds({ 'redis.persistence': 'warn' }, /loses all jobs and schedules/, /appendonly to yes/);
  await client.acl('SETUSER', 'noconfig', 'on', '>secret', '~*', '&*', '+@all', '-config');
  await finds({ 'redis.persistence': 'warn' }, /since its last snapshot, if it makes any: that cannot be asked \(.*config/i, /appendonly to yes/, { REDIS_URL: environment.REDIS_URL.replace('//', '//noconfig:secret@') });
  await set('save', '3600 1');
  await finds({ 'redis.persistence': 'warn' }, /since its last snapshot/, /appendonly to yes/);
  await client.config('SET', 'maxmemory', '1mb');
  const { findings } = await doctor();
  assert.equal(findings['redis.memory'].verdict, 'bad');
  assert.match(findings['redis.memory'].text, /^nearly full, and then nothing can be enqueued: .* used of 1\.00 MiB$/);
});

test('clocks that differ are told', async (t) => {
  const ahead = (digits, seconds) => `${Number(digits) + seconds}`;
  const redisPort = await startRelay(t, redis.port, (text) => text.replace(/^\*2\r\n\$10\r\n(\d{10})\r\n/, (whole, digits) => whole.replace(digits, ahead(digits, 10))));
  await finds({ 'redis.clock': 'warn' }, /^Redis' clock is (9\.\d|10\.\d) s ahead of ours$/, /NTP/, { REDIS_URL: environment.REDIS_URL.replace(`:${redis.port}/`, `:${redisPort}/`) });
  const postgresPort = await startRelay(t, postgres.port, (text) => text.replace(/(?<=\0\0\0\r)\d{13}(?=C\0)/, (digits) => ahead(digits, -600_000)));
  await finds({ 'postgres.clock': 'bad' }, /^Postgres' clock is (599|600) s behind ours: schedules fire at the wrong time$/, /NTP/, { DATABASE_URL: environment.DATABASE_URL.replace(`:${postgres.port}/`, `:${postgresPort}/`) });
});

test('a queue that is paused, or of another database, is told', async (t) => {
  await scene.queue.pause();
  t.after(() => scene.queue.resume());
  await finds({ 'queue.jobs': 'bad' }, /paused/, /resume/);
  await scene.queue.resume();
  const other = redis.database(3);
  await finds({ 'queue.jobs': 'warn', 'queue.workers': 'bad', 'schedules.queue': 'bad' }, /^nothing of the app is in this queue: it has never opened it, or Redis was wiped$/, /its database .*; if it is the same, Redis was wiped: restart the app/, { REDIS_URL: other.url });
});

test('workers are counted, and those of Node named as such; it is bad to have none', async (t) => {
  const node = openNodeWorker(bullmq, scene.redis, async () => {}, { name: 'backup', autorun: true });
  t.after(() => node.close());
  await node.waitUntilReady();
  await eventually(async () => (await scene.queue.getWorkers()).length === 2, { what: 'both workers' });
  const [{ addr }] = (await scene.queue.getWorkers()).sort((a, b) => a.age - b.age);
  const port = await startRelay(t, redis.port, (text) => text.replace(new RegExp(`( addr=${addr} .*?) user=default redir=-1`), '$1 lib-name=ioredis(5.6)'));
  const { findings, wrong } = await doctor({ REDIS_URL: environment.REDIS_URL.replace(`:${redis.port}/`, `:${port}/`) });
  assert.deepEqual(wrong, {});
  assert.match(findings['queue.workers'].text, /^2 listening: /);
  assert.ok(findings['queue.workers'].text.includes(`'${addr} (Node)'`), findings['queue.workers'].text);
  await node.close();

  const asNode = await startRelay(t, redis.port, (text) => text.replaceAll(' user=default redir=-1', ' lib-name=ioredis(5)  '));
  await finds({ 'queue.workers': 'warn' }, /^only Node workers take jobs from the queue; 1 listening: /, /start 'weavestream-backup worker'/,
    { REDIS_URL: environment.REDIS_URL.replace(`:${redis.port}/`, `:${asNode}/`) });

  await worker.stop();
  t.after(async () => (worker = await scene.start()));
  await finds({ 'queue.workers': 'bad' }, /^nobody takes jobs/, /start 'weavestream-backup worker'/);
});

test('a pooler that lends out connections by the transaction is found out, and one by the session is fine', async (t) => {
  const transaction = await startPgbouncer(t, postgres, { database: scene.database, pool_mode: 'transaction' });
  await finds({ 'postgres.session': 'bad' }, /different server processes/, /pool_mode = session/, { DATABASE_URL: transaction.url });
  const session = await startPgbouncer(t, postgres, { database: scene.database, pool_mode: 'session' });
  assert.deepEqual((await doctor({ DATABASE_URL: session.url })).wrong, {});
});

test('a stranger that holds the backup lock is named', async (t) => {
  t.after(await scene.takeBackupLock('psql of somebody'));
  await finds({ 'postgres.lock': 'bad' }, /^'psql of somebody' \(process \d+ of the server\) holds the backup lock/, /pg_terminate_backend/);
});

test('a database or schema without the app is told', async () => {
  await finds({ 'postgres.tables': 'bad', ...unknown(/^directory\.files|^schedules|^mail/) },
    /'audit_log', 'backup_config', 'backup_run', 'email_settings'$/, /DATABASE_URL to the app's database/, { DATABASE_URL: postgres.urlOf('postgres') });
});

test('a role that may not read, or does not see, every table is told which', async (t) => {
  const { sql } = scene;
  await sql.query(`CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA public, "other Schema" TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA public, "other Schema" TO reader; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, "other Schema" TO reader;
    GRANT SELECT, INSERT, UPDATE ON backup_run, backup_config, audit_log TO reader`);
  for (const { oid } of (await sql.query('SELECT oid FROM pg_largeobject_metadata')).rows) await sql.query(`GRANT SELECT ON LARGE OBJECT ${oid} TO reader`);
  const DATABASE_URL = `postgresql://reader:reader@127.0.0.1:${postgres.port}/${scene.database}`;
  t.after(() => sql.query('DROP OWNED BY reader; DROP ROLE reader'));
  assert.deepEqual((await doctor({ DATABASE_URL })).wrong, {});

  await finds({ 'postgres.drill': 'bad' }, /the user reader may not create databases/, /BACKUP_DRILL_URL/, { DATABASE_URL, BACKUP_VERIFY: 'restore' });
  assert.equal((await doctor({ DATABASE_URL, BACKUP_VERIFY: 'restore', BACKUP_DRILL_URL: environment.DATABASE_URL })).findings['postgres.drill'].text, 'dumps can be restored for their proof');
  await sql.query('ALTER ROLE reader SET default_transaction_read_only = on');
  await finds({ 'postgres.server': 'bad' }, /^nothing can be written there/, /primary/, { DATABASE_URL });
  await sql.query('ALTER ROLE reader RESET default_transaction_read_only');
  await sql.query(`REVOKE INSERT, UPDATE ON backup_run FROM reader`);
  await finds({ 'postgres.tables': 'bad' }, /^'reader' lacks rights to record backups: 'INSERT on backup_run', 'UPDATE on backup_run'$/, /^grant these to 'reader'/, { DATABASE_URL });
  await sql.query(`GRANT INSERT, UPDATE ON backup_run TO reader; REVOKE SELECT ON companies, "ticket numbers" FROM reader;
    CREATE SCHEMA "Hidden"; CREATE TABLE "Hidden".one (); GRANT SELECT ON "Hidden".one TO reader; SELECT lo_create(4711)`);
  await finds({ 'postgres.rights': 'bad' }, /^'reader' may not read '"Hidden"\.one', 'large objects: 1', 'public\."ticket numbers"', 'public\.companies': every dump will fail$/,
    /GRANT|grant USAGE on the schema and SELECT/, { DATABASE_URL });
  await sql.query(`GRANT SELECT ON companies, "ticket numbers" TO reader; DROP SCHEMA "Hidden" CASCADE; SELECT lo_unlink(4711); ALTER TABLE companies ENABLE ROW LEVEL SECURITY`);
  await finds({ 'postgres.rowSecurity': 'bad' }, /^row security hides rows from 'reader' in 'public\.companies': every dump will fail$/, /ALTER ROLE "reader" BYPASSRLS/, { DATABASE_URL });
  assert.deepEqual((await doctor()).wrong, {}, 'the owner sees everything');
  await sql.query('ALTER TABLE companies FORCE ROW LEVEL SECURITY');
  await sql.query('ALTER ROLE reader BYPASSRLS');
  assert.deepEqual((await doctor({ DATABASE_URL })).wrong, {}, 'so does one who may');
  await sql.query('ALTER TABLE companies DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY');
});

test('a pg_dump that is older than the server, newer, or missing, is told', async () => {
  const version = (text) => programs({ pg_dump: `echo 'pg_dump (PostgreSQL) ${text}'`, pg_restore: `echo 'pg_restore (PostgreSQL) ${text}'` });
  await finds({ 'postgres.pgDump': 'bad' }, /^pg_dump is 12\.9: it does not dump a server that is newer/, /version 1\d$/, version('12.9'));
  await finds({ 'postgres.pgDump': 'warn' }, /^pg_dump is 99\.1, and the server 1\d/, /version 1\d$/, version('99.1'));
  await finds({ 'postgres.pgDump': 'bad' }, /^pg_restore is 12\.9.*: it does not read what pg_dump 1\d.* writes$/, /client programs, version 1\d$/, programs({ pg_restore: `echo 'pg_restore (PostgreSQL) 12.9'` }));
  await finds({ 'postgres.pgDump': 'bad' }, /^BACKUP_COMPRESSION=zstd needs pg_dump 16 or newer, and this one is 15\.1: set it to a level/, /as this pg_dump takes it/, { BACKUP_COMPRESSION: 'zstd', ...version('15.1') });
  await finds({ 'postgres.pgDump': 'bad' }, /pg_dump.*No such file/, /install PostgreSQL's client programs/, { PATH: '/nowhere' });
});

test('a backup directory that is not there, or full, or not for the app to read, is told', async (t) => {
  renameSync(scene.storage, `${scene.storage}.away`);
  t.after(() => existsSync(`${scene.storage}.away`) && renameSync(`${scene.storage}.away`, scene.storage));
  await finds({ 'directory.writable': 'bad', ...unknown(/^directory\.(?!writable)/) }, /No such file or directory; .*is the volume of .* mounted\?/, /in which user \d+ may write/);
  writeFileSync(scene.storage, '');
  await finds({ 'directory.writable': 'bad', ...unknown(/^directory\.(?!writable)/) }, /Not a directory/, /in which user \d+ may write/);
  rmSync(scene.storage);
  renameSync(`${scene.storage}.away`, scene.storage);
  await finds({ 'directory.space': 'bad' }, /^no room for a dump: .* BACKUP_MIN_FREE_MB reserves/, /keep fewer dumps/, { BACKUP_MIN_FREE_MB: '1048576' });
  chmodSync(scene.storage, 0o700);
  await finds({ 'directory.readable': 'warn' }, /^the app, as user 4711, may not enter '.*': nobody can download/, /BACKUP_UID and BACKUP_GID/, { BACKUP_UID: '4711', BACKUP_GID: '4711' });
  chmodSync(scene.storage, 0o755);
  await finds({ 'directory.readable': 'warn' }, /^1 of 1 dumps cannot be read by the app, as user 4711/, /chown/, { BACKUP_UID: '4711', BACKUP_GID: '4711' });
  chmodSync(join(scene.storage, scene.dumps()[0]), 0o644);
  await finds({ 'directory.readable': 'warn' }, /^dumps are written by user \d+, for nobody else to read, and the app is user 4711$/, /run the worker as/, { BACKUP_UID: '4711', BACKUP_GID: '4711' });
});

test('rows without their files and files without rows are told', async () => {
  const [dump] = scene.dumps();
  const stray = 'weavestream-postgres-2020-01-01T00-00-00Z.dump';
  writeFileSync(join(scene.storage, stray), '');
  await finds({ 'directory.files': 'warn' }, new RegExp(`^no run knows these dumps: '${stray}'$`), /verify/);
  rmSync(join(scene.storage, stray));
  const id = await insertRun(scene.sql, { config_id: config.id, status: 'success', started_at: new Date('2020-01-01T00:00:00Z'), created_at: new Date('2020-01-01T00:00:00Z'), dump_path: join(scene.storage, stray) });
  await finds({ 'directory.files': 'warn' }, new RegExp(`the app lists are not in the directory: '.*/${stray}'$`), /copy them back/);
  await scene.sql.query('DELETE FROM backup_run WHERE id = $1', [id]);
  renameSync(join(scene.storage, dump), join(scene.storage, 'elsewhere'));
  await finds({ 'directory.files': 'bad' }, new RegExp(`^the newest backup is not in the directory; missing: '.*/${dump}'$`), /BACKUP_STORAGE_DIR/);
  renameSync(join(scene.storage, 'elsewhere'), join(scene.storage, dump));
});

test('schedules that the queue does not have, or has otherwise, or should not have, are told', async () => {
  const id = `backup-config-${config.id}`;
  await scene.queue.removeJobScheduler(id);
  await finds({ 'schedules.queue': 'bad' }, /^not in the queue, so they never run: 'Nightly'$/, /schedules --repair/);
  await schedule(scene.queue, { ...config, cron: '0 5 * * *' });
  await finds({ 'schedules.queue': 'bad' }, /^the queue runs them otherwise than the app says: 'Nightly: the queue has '0 5 \* \* \*' in Europe\/Berlin'$/, /save the schedule again/);
  await schedule(scene.queue, config);
  const orphan = { ...config, id: '11111111-2222-3333-4444-555555555555' };
  await schedule(scene.queue, orphan);
  await finds({ 'schedules.queue': 'warn' }, /^the queue has schedules that the app has not: 'deleted: backup-config-11111111-/, /schedules --repair/);
  await scene.queue.removeJobScheduler(`backup-config-${orphan.id}`);
});

test('schedules that failed last, never ran, or cannot be followed are told by name; so is it to have none', async (t) => {
  const { sql } = scene;
  t.after(() => sql.query(`DELETE FROM backup_run WHERE status = 'failed'`));
  t.after(() => sql.query(`UPDATE backup_config SET cron = '${config.cron}', enabled = true`));
  const later = new Date(Date.now() + 1000);
  const failed = await insertRun(sql, { config_id: config.id, kind: 'SCHEDULED', status: 'failed', started_at: later, finished_at: later, created_at: later, error: 'disk full' });
  await finds({ 'schedules.backups': 'bad' }, /^1 of 1 schedules: 'Nightly' failed last: disk full$/, /'Run now' succeed \(weavestream-backup enqueue --config 'Nightly'\)$/);
  await sql.query(`UPDATE backup_run SET error = 'concurrent' WHERE id = $1`, [failed]);
  assert.deepEqual((await doctor()).wrong, {}, 'a run that was refused beside another one has broken nothing');
  await sql.query('DELETE FROM backup_run WHERE id = $1', [failed]);

  const memory = join(scene.storage, '.weavestream-backup-ledger.json');
  const seen = Date.now() - 4 * 86_400_000;
  writeFileSync(memory, JSON.stringify({ looked: seen, configs: [{ ...config, seen, settled: seen, owed: 0, unusable: false }], complaints: [] }));
  assert.deepEqual((await doctor()).wrong, {}, 'it has succeeded since it was due');
  await sql.query(`UPDATE backup_run SET created_at = created_at - interval '3 days', started_at = started_at - interval '3 days'`);
  await finds({ 'schedules.backups': 'bad' }, /^1 of 1 schedules: 'Nightly' has not run since it was due at \d{4}-.*Z$/, /Run now/);
  rmSync(memory);
  await finds({ 'schedules.backups': 'warn' }, /^1 of 1 schedules: 'Nightly' was due at (\d{4}-.*Z), and its last success is of \d{4}-.*Z$/, /Run now/);
  await sql.query(`UPDATE backup_run SET created_at = created_at + interval '3 days', started_at = started_at + interval '3 days'`);
  assert.deepEqual((await doctor()).wrong, {});

  await sql.query(`UPDATE backup_config SET cron = 'at night'`);
  assert.match((await doctor()).findings['schedules.backups'].text, /'Nightly' cannot be followed: /);
  await sql.query('UPDATE backup_config SET cron = $1, enabled = false', [config.cron]);
  const { findings } = await doctor();
  assert.equal(findings['schedules.backups'].text, 'no schedule is enabled: nothing is backed up by itself');
  assert.equal(findings['schedules.queue'].verdict, 'warn');
  await sql.query('UPDATE backup_config SET enabled = true');
  const young = { ...config, id: await insertConfig(sql, { name: 'Young', notify_emails: ['me@example.org'] }) };
  await schedule(scene.queue, young);
  await finds({ 'schedules.backups': 'warn' }, /^1 of 2 schedules: 'Young' has never run$/, /Run now/);
  await scene.queue.removeJobScheduler(`backup-config-${young.id}`);
  await sql.query('DELETE FROM backup_config WHERE id = $1', [young.id]);
});

test('mail that cannot be sent, or would not be, is told', async (t) => {
  const { sql } = scene;
  await finds({ 'mail.settings': 'bad', 'mail.server': 'unknown' }, /key/, /SMTP_SECRET_KEY/, { SMTP_SECRET_KEY: Buffer.alloc(32).toString('base64') });
  await mail.settings(sql, { host: null });
  await finds({ 'mail.settings': 'bad', 'mail.server': 'unknown' }, /lack the host/, /complete the mail settings/);
  await mail.settings(sql, { password_ciphertext: seal('wrong') });
  await finds({ 'mail.server': 'bad' }, /^mail server '127\.0\.0\.1', port \d+: .*\('535/, /no failure is told until then/);
  await mail.settings(sql, {});
  await finds({ 'mail.server': 'bad' }, /certificate/, /mail settings/, { NODE_EXTRA_CA_CERTS: '' });
  await mail.settings(sql, { enabled: false });
  await finds({ 'mail.settings': 'warn', 'mail.server': 'unknown' }, /schedules have recipients/, /BACKUP_PING_URL/);
  await sql.query(`UPDATE backup_config SET notify_emails = '{}'`);
  await finds({ 'mail.settings': 'warn', 'mail.server': 'unknown' }, /nobody is told of failures/, /BACKUP_PING_URL/);
  const { wrong } = await doctor({ BACKUP_PING_URL: 'http://127.0.0.1:1/ping' });
  assert.deepEqual(wrong, { 'mail.server': 'unknown' });
  await mail.settings(sql, { port: 1 }); // of no concern to backups
  assert.deepEqual((await doctor({ BACKUP_PING_URL: 'http://127.0.0.1:1/ping' })).wrong, { 'mail.server': 'unknown' });
  await mail.settings(sql, {});
  await finds({ 'mail.settings': 'warn' }, /no recipients \(1\): nobody is told/, /each schedule somebody to notify/);
  await sql.query(`UPDATE backup_config SET notify_emails = '{me@example.org}'`);
  assert.equal(mail.mails.length, 0);
});

test('servers that take a connection and say nothing are given up after some seconds', async (t) => {
  const { port } = await startScript(t, [null]);
  const hanging = await startRelay(t, postgres.port, (text) => text, (text) => (text.includes('transaction_read_only') ? '' : text));
  await mail.settings(scene.sql, { port });
  const began = Date.now();
  await Promise.all([
    finds({ 'mail.server': 'bad' }, /it took too long/, /mail settings/),
    finds({ 'redis.server': 'bad', ...withoutRedis, 'postgres.server': 'bad', ...withoutPostgres }, /^Redis at 127\.0\.0\.1:\d+: /, /REDIS_URL leads to it/,
      { REDIS_URL: `redis://127.0.0.1:${port}/0`, DATABASE_URL: `postgresql://somebody@127.0.0.1:${port}/app?connect_timeout=2` }),
    finds({ 'postgres.server': 'bad', ...withoutPostgres }, /^postgres: no answer to a query within 5 s$/, /^see that the server is up/,
      { DATABASE_URL: environment.DATABASE_URL.replace(`:${postgres.port}/`, `:${hanging}/`) }),
  ]);
  assert.ok(Date.now() - began >= 4000 && Date.now() - began < 20_000);
  await mail.settings(scene.sql);
});
