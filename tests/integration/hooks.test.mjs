/* Pings, the webhook, and the command after success: who is told what, and what happens to a run if that goes wrong. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { everyProcess } from './support/processes.mjs';
import { startRedis } from './support/redis.mjs';
import { freePort, temporaryFolder } from './support/run_folder.mjs';
import { executable, openScene, sha256 } from './support/scene.mjs';
import { insertConfig, readRun } from './support/schema.mjs';
import { startSmtp } from './support/smtp.mjs';
import { eventually } from './support/wait.mjs';
import { startWeb } from './support/web.mjs';

const token = '4c7f9e0a-secret-of-the-url';
const signingSecret = 'whsec_ü';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres({ extraConf: ['max_connections = 200'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

async function open(t, env = {}) {
  const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
  Object.assign(scene.environment, env);
  return scene;
}

const logsOf = async (scene, job) => (await scene.queue.getJobLogs(job.id)).logs;
const noDump = () => ({ PATH: temporaryFolder('empty') });

/* A pg_dump that fails once as if the server had gone, and then works. */
const dumpThatFailsOnce = (scene) => ({
  PATH: `${dirname(executable(`#!/bin/sh
PATH='${process.env.PATH}'
case $1 in --version) exec pg_dump "$@" ;; esac
if mkdir "${scene.folder}/failed"; then echo 'pg_dump: error: server closed the connection unexpectedly' >&2; exit 1; fi
exec pg_dump "$@"
`, 'pg_dump'))}:${process.env.PATH}`,
});

/* One run to its end: the job, and what its worker logged. */
async function runOnce(scene, { state = 'completed', env = {}, ...config } = {}) {
  const worker = await scene.start({ env });
  const ids = await scene.runNow(config);
  const job = await untilState(scene.queue, ids.job, state);
  return { ...ids, job, worker, logs: await logsOf(scene, job) };
}

const calls = (web) => web.requests.map(({ method, path }) => `${method} ${path}`);

describe('around a run', { concurrency: 4 }, () => {
  /* What goes wrong costs a warning, tells no secret, and leaves the run a success. */
  describe('a server that', { concurrency: 4 }, () => {
    async function assertWarned(t, web, pattern, env = {}) {
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}`, ...env });
      const { worker, logs, runId } = await runOnce(scene);
      assert.equal((await readRun(scene.sql, runId)).status, 'success');
      const warnings = worker.named('ping not sent');
      assert.equal(warnings.length, 2); // start and success
      for (const { error, level } of warnings) {
        assert.equal(level, 'warn');
        assert.match(error, pattern);
        assert.ok(logs.includes(`No ping was sent: ${error}`), logs.join('\n'));
      }
      assert.ok(![...worker.lines, ...logs].some((line) => line.includes(token)), 'the secret part of the URL is in no log');
    }

    test('says nothing has ten seconds', async (t) => {
      const web = await startWeb(t, { answers: ['hang'] });
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}` });
      const worker = await scene.start();
      const { job } = await scene.runNow();
      await web.received(1);
      const asked = performance.now();
      const { error } = await worker.waitForEvent('ping not sent');
      const seconds = (performance.now() - asked) / 1000;
      assert.ok(seconds > 9 && seconds < 14, `${seconds} s`);
      assert.match(error, /: it took too long$/);
      await untilState(scene.queue, job, 'completed');
      assert.deepEqual(calls(web), [`GET /${token}/start`, `GET /${token}`]);
    });

    test('is not there', async (t) => {
      const port = await freePort();
      await assertWarned(t, { url: `http://127.0.0.1:${port}` }, new RegExp(`^'http://127\\.0\\.0\\.1:${port}': Failed to connect to 127\\.0\\.0\\.1 port ${port}`));
    });

    test('answers with an error, and its page repeats the URL', async (t) => {
      const pages = [`Cannot GET /${token}/start`, '\n <html>no</html>'].map((body) => ({ status: 404, body }));
      const web = await startWeb(t, { answers: pages });
      await assertWarned(t, web, /': it answered 404$/);
    });

    test('redirects to another host, is not followed there', async (t) => {
      const other = await startWeb(t);
      const answer = { status: 302, headers: { location: `${other.url}/${token}` } };
      const web = await startWeb(t, { answers: [answer, answer] });
      await assertWarned(t, web, new RegExp(`: it redirects to '${other.url}', which is not followed: give the URL there$`));
      assert.deepEqual(calls(other), []);
    });

    test('is behind a proxy is told through it', async (t) => {
      const proxy = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `http://ping.example/${token}`, http_proxy: proxy.url });
      await runOnce(scene);
      assert.deepEqual(calls(proxy), [`GET http://ping.example/${token}/start`, `GET http://ping.example/${token}`]);
    });

    test('redirects in circles', async (t) => {
      const web = await startWeb(t, { answers: Array(8).fill({ status: 308, headers: { location: `/${token}` } }) });
      await assertWarned(t, web, /: it redirects more than 3 times$/);
      assert.equal(web.requests.length, 8);
    });

    test('has a certificate that nobody signed whom we trust', async (t) => {
      const web = await startWeb(t, { tls: true });
      await assertWarned(t, web, /: SSL certificate problem: /);
      assert.deepEqual(calls(web), []);
    });

    test('has a certificate for another name', async (t) => {
      const web = await startWeb(t, { tls: true, names: 'DNS:other.example.org' });
      await assertWarned(t, web, /: SSL: no alternative certificate subject name matches/, { NODE_EXTRA_CA_CERTS: web.caFile });
      assert.deepEqual(calls(web), []);
    });

    test('has a certificate that NODE_EXTRA_CA_CERTS vouches for, and redirects within itself, is followed, body and all', async (t) => {
      const web = await startWeb(t, { tls: true, answers: [{ status: 307, headers: { location: '/elsewhere' } }] });
      const scene = await open(t, { BACKUP_WEBHOOK_URL: `${web.url}/hook`, NODE_EXTRA_CA_CERTS: web.caFile });
      await runOnce(scene);
      assert.deepEqual(calls(web), ['POST /hook', 'POST /elsewhere']);
      assert.equal(JSON.parse(web.requests[1].body).event, 'backup.completed');
    });

    for (const [name, what] of [['BACKUP_PING_URL', 'ping not sent'], ['BACKUP_WEBHOOK_URL', 'webhook not told']]) {
      test(`hangs on ${name} at the end does not keep the worker from being stopped, nor the lock from others; the next attempt tells of the success`, async (t) => {
        const web = await startWeb(t, { answers: name === 'BACKUP_PING_URL' ? [{}, 'hang'] : ['hang'] });
        const scene = await open(t, { [name]: `${web.url}/${token}` });
        const worker = await scene.start();
        const { job, runId } = await scene.runNow();
        await web.received(name === 'BACKUP_PING_URL' ? 2 : 1);
        await (await scene.takeBackupLock('another'))();
        const { code, seconds } = await worker.stop();
        assert.equal(code, 0);
        assert.ok(seconds < 5, `${seconds} s`);
        assert.equal(await job.getState(), 'waiting');
        assert.equal((await readRun(scene.sql, runId)).status, 'success');
        assert.match(worker.named(what)[0].error, /: the worker was stopped$/);
        const before = calls(web);
        await scene.start();
        const { returnvalue } = await untilState(scene.queue, job, 'completed');
        assert.deepEqual(calls(web), [...before, before.at(-1)]);
        if (name === 'BACKUP_WEBHOOK_URL') {
          const { event, file, sizeBytes, sha256: checksum, verified, durationMs } = JSON.parse(web.requests[1].body);
          const { filename } = returnvalue;
          assert.deepEqual({ event, file, sizeBytes, checksum, verified }, { event: 'backup.completed', file: filename, sizeBytes: returnvalue.sizeBytes, checksum: returnvalue.sha256, verified: 'full' });
          assert.ok(durationMs >= returnvalue.durationMs, `${durationMs} ms`);
        }
        assert.equal(scene.dumps().length, 1);
      });
    }
  });

  describe('a ping', { concurrency: 2 }, () => {
    test('is sent at the start and at a success', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}?create=1` });
      const { worker } = await runOnce(scene);
      assert.deepEqual(calls(web), [`GET /${token}/start?create=1`, `GET /${token}?create=1`]);
      assert.deepEqual(worker.named('ping not sent'), []);
    });

    test('of a failure has the reason as its body', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}/` });
      const { job } = await runOnce(scene, { state: 'failed', env: noDump() });
      assert.deepEqual(calls(web), [`GET /${token}/start`, `POST /${token}/fail`]);
      assert.equal(web.requests[1].body, job.failedReason);
      assert.equal(web.requests[1].headers['content-type'], 'text/plain; charset=utf-8');
    });

    test('of a failure is not sent if the queue tries again', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}` });
      const { job } = await runOnce(scene, { options: { attempts: 2 }, env: dumpThatFailsOnce(scene) });
      assert.equal(job.attemptsStarted, 2);
      assert.deepEqual(calls(web), [`GET /${token}/start`, `GET /${token}/start`, `GET /${token}`]);
    });

    test('to Uptime Kuma says up or down, and nothing at the start', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/api/push/${token}?status=up&msg=OK&ping=` });
      await (await runOnce(scene)).worker.stop();
      const { job } = await runOnce(scene, { state: 'failed', env: noDump() });
      const [up, down] = web.requests.map(({ path }) => new URL(path, web.url));
      assert.equal(web.requests.length, 2);
      assert.equal(up.pathname, `/api/push/${token}`);
      const { ping, ...rest } = Object.fromEntries(up.searchParams);
      assert.deepEqual(rest, { status: 'up', msg: 'OK' });
      assert.ok(Number(ping) > 0, ping);
      assert.equal(down.searchParams.get('status'), 'down');
      assert.equal(down.searchParams.get('msg'), job.failedReason);
    });

    test('of a run that went back to the queue, or was skipped, is none', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}` });
      const worker = await scene.start();
      const skipped = await scene.queue.add('run', { kind: 'run', configId: await insertConfig(scene.sql, { enabled: false }) });
      await untilState(scene.queue, skipped, 'completed');
      assert.deepEqual(calls(web), []);
      await scene.holdDumps();
      const { job } = await scene.runNow();
      await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
      await worker.stop();
      assert.equal(await job.getState(), 'waiting');
      assert.deepEqual(calls(web), [`GET /${token}/start`]);
    });

    test('tells of a run that another job had done, but perhaps not told', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}`, BACKUP_WEBHOOK_URL: `${web.url}/hook` });
      const { configId, runId } = await runOnce(scene);
      const before = web.requests.length;
      await untilState(scene.queue, await scene.queue.add('run', { kind: 'run', configId, backupRunId: runId }), 'completed');
      assert.deepEqual(calls(web).slice(before), [`GET /${token}`]);
    });

    test('is sent even if Postgres is not there', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_PING_URL: `${web.url}/${token}`, BACKUP_WEBHOOK_URL: `${web.url}/hook` });
      const port = await freePort();
      const { job } = await runOnce(scene, { state: 'failed', env: { DATABASE_URL: `postgresql://me:pw@127.0.0.1:${port}/db` } });
      assert.deepEqual(calls(web), ['POST /hook', `POST /${token}/fail`]);
      const { event, error, runId, configName } = JSON.parse(web.requests[0].body);
      assert.deepEqual({ event, error, runId, configName }, { event: 'backup.failed', error: job.failedReason, runId: null, configName: null });
    });
  });

  describe('the webhook', { concurrency: 2 }, () => {
    test('gets a success as signed JSON', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_WEBHOOK_URL: `${web.url}/hook?key=${token}`, BACKUP_WEBHOOK_SECRET: signingSecret });
      const { configId, runId, job, worker } = await runOnce(scene, { name: 'Büro "1"' });
      const { filename, sizeBytes, sha256: checksum } = job.returnvalue;
      assert.deepEqual(calls(web), [`POST /hook?key=${token}`]);
      const [{ headers, body }] = web.requests;
      const { durationMs, at, ...rest } = JSON.parse(body);
      assert.deepEqual(rest, {
        event: 'backup.completed', outcome: 'success', runId, configId, configName: 'Büro "1"', file: filename, sizeBytes, sha256: checksum, verified: 'full', afterSuccess: null, error: null,
      });
      assert.ok(durationMs > 0 && durationMs < 60_000, durationMs);
      assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000, at);
      assert.equal(headers['content-type'], 'application/json');
      const timestamp = headers['x-weavestream-timestamp'];
      assert.equal(timestamp, String(Math.floor(Date.parse(at) / 1000)));
      assert.equal(headers['x-weavestream-signature'], `sha256=${createHmac('sha256', signingSecret).update(`${timestamp}.${body}`).digest('hex')}`);
      assert.deepEqual(worker.named('webhook not told'), []);
    });

    test('gets a failure, without a signature if there is no secret', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, { BACKUP_WEBHOOK_URL: `${web.url}/hook` });
      const { configId, runId, job } = await runOnce(scene, { state: 'failed', env: noDump() });
      const [{ headers, body }] = web.requests;
      const { at, ...rest } = JSON.parse(body);
      assert.deepEqual(rest, {
        event: 'backup.failed', outcome: 'failed', runId, configId, configName: 'Nightly', file: null, sizeBytes: null, sha256: null, durationMs: null, verified: null, afterSuccess: null,
        error: job.failedReason,
      });
      assert.equal(headers['x-weavestream-signature'], undefined);
    });

    for (const [what, answers] of [['an error of the server', [{ status: 503 }]], ['a connection that is cut', ['cut']]]) {
      test(`is tried a second time after ${what}`, async (t) => {
        const web = await startWeb(t, { answers });
        const scene = await open(t, { BACKUP_WEBHOOK_URL: `${web.url}/hook` });
        const { worker } = await runOnce(scene);
        assert.deepEqual(calls(web), ['POST /hook', 'POST /hook']);
        assert.equal(web.requests[0].body, web.requests[1].body);
        assert.deepEqual(worker.named('webhook not told'), []);
      });
    }

    test('is not tried again if it says no', async (t) => {
      const web = await startWeb(t, { answers: [{ status: 403, body: 'who are you?' }] });
      const scene = await open(t, { BACKUP_WEBHOOK_URL: `${web.url}/hook` });
      const { worker, logs } = await runOnce(scene);
      assert.deepEqual(calls(web), ['POST /hook']);
      assert.equal(worker.named('webhook not told')[0].error, `'${web.url}': it answered 403: who are you?`);
      assert.ok(logs.includes(`The webhook was not told: '${web.url}': it answered 403: who are you?`), logs.join('\n'));
    });
  });

  describe('the command after success', { concurrency: 2 }, () => {
    test('gets the facts and our environment, but no secret of ours', async (t) => {
      const web = await startWeb(t);
      const scene = await open(t, {
        BACKUP_AFTER_SUCCESS: 'sha256sum <"$BACKUP_FILE" >"$SCENE/sum" && cat "$BACKUP_MANIFEST" >"$SCENE/manifest" && env >"$SCENE/environment" && echo copied "$BACKUP_CONFIG_NAME"',
        BACKUP_PING_URL: `${web.url}/${token}`, BACKUP_WEBHOOK_SECRET: token, BACKUP_WEBHOOK_URL: `${web.url}/${token}`, SMTP_SECRET_KEY: Buffer.alloc(32).toString('base64'), PGPASSWORD: token,
        RESTIC_PASSWORD: 'mine', BACKUP_FILE: 'not this',
      });
      const { configId, runId, job, logs, worker } = await runOnce(scene, { name: 'Büro; echo "1"' });
      const { filename, sizeBytes, sha256: checksum } = job.returnvalue;
      assert.equal(readFileSync(join(scene.folder, 'sum'), 'utf8').split(' ')[0], checksum);
      assert.equal(JSON.parse(readFileSync(join(scene.folder, 'manifest'), 'utf8')).filename, filename);
      const lines = readFileSync(join(scene.folder, 'environment'), 'utf8').trim().split('\n');
      const environment = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
      const { PATH, SCENE, RESTIC_PASSWORD } = environment;
      assert.deepEqual({ PATH, SCENE, RESTIC_PASSWORD }, { PATH: process.env.PATH, SCENE: scene.folder, RESTIC_PASSWORD: 'mine' });
      const facts = Object.fromEntries(['FILE', 'MANIFEST', 'RUN_ID', 'CONFIG_ID', 'CONFIG_NAME', 'SIZE_BYTES', 'SHA256', 'DIRECTORY'].map((name) => [name, environment[`BACKUP_${name}`]]));
      assert.deepEqual(facts, {
        FILE: join(scene.storage, filename), MANIFEST: join(scene.storage, filename.replace('.dump', '.manifest.json')), RUN_ID: runId, CONFIG_ID: configId,
        CONFIG_NAME: 'Büro; echo "1"', SIZE_BYTES: String(sizeBytes), SHA256: checksum, DIRECTORY: scene.storage,
      });
      for (const name of ['DATABASE_URL', 'REDIS_URL', 'SMTP_SECRET_KEY', 'BACKUP_PING_URL', 'BACKUP_WEBHOOK_URL', 'BACKUP_WEBHOOK_SECRET', 'PGPASSWORD']) assert.equal(environment[name], undefined, name);
      assert.equal(sha256(facts.FILE), checksum);
      assert.ok(logs.includes('BACKUP_AFTER_SUCCESS said: copied Büro; echo "1"'), logs.join('\n'));
      assert.ok(logs.some((line) => /^BACKUP_AFTER_SUCCESS ran for \d\.\d s$/.test(line)), logs.join('\n'));
      assert.equal(worker.named('after-success failed').length, 0);
    });

    test('that fails is told in both logs, to the webhook and by mail, and the run stays a success', async (t) => {
      const web = await startWeb(t);
      const server = await startSmtp(t);
      const scene = await open(t, { BACKUP_AFTER_SUCCESS: 'echo rsync: connection refused >&2; exit 12', BACKUP_WEBHOOK_URL: web.url, BACKUP_PING_URL: `${web.url}/${token}` });
      await server.settings(scene.sql);
      const { runId, logs, worker } = await runOnce(scene, { notify_emails: ['a@example.com'] }); // who hears of no success
      const reason = 'BACKUP_AFTER_SUCCESS: /bin/sh: exit status 12: rsync: connection refused';
      assert.equal((await readRun(scene.sql, runId)).status, 'success');
      assert.equal(scene.dumps().length, 1);
      assert.equal(worker.named('after-success failed')[0].error, reason);
      assert.ok(logs.includes(`The backup is done, but what was to follow it went wrong: ${reason}`), logs.join('\n'));
      assert.deepEqual(calls(web), [`GET /${token}/start`, 'POST /', `GET /${token}`]);
      const { event, afterSuccess } = JSON.parse(web.requests[1].body);
      assert.deepEqual({ event, afterSuccess }, { event: 'backup.completed', afterSuccess: reason });
      const [mail, ...others] = await server.received(1);
      assert.deepEqual(others, []);
      assert.equal(mail.headers.Subject, '[Weavestream] Backup succeeded, but what follows it FAILED — Nightly');
      assert.ok(mail.body.includes(reason), mail.body);
    });

    test('may take longer than the session with Postgres lives: a mail is sent all the same', async (t) => {
      const server = await startSmtp(t);
      const scene = await open(t, { BACKUP_AFTER_SUCCESS: 'touch "$SCENE/running"; while [ ! -e "$SCENE/go" ]; do sleep 0.02; done' });
      await server.settings(scene.sql);
      const worker = await scene.start();
      const { job } = await scene.runNow({ notify_emails: ['a@example.com'], notify_on_success: true });
      await eventually(() => existsSync(join(scene.folder, 'running')), { what: 'the command to run' });
      const { rowCount } = await scene.sql.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'weavestream-backup run'`);
      assert.ok(rowCount >= 1);
      scene.release('go');
      await untilState(scene.queue, job, 'completed');
      assert.equal((await server.received(1)).length, 1);
      assert.deepEqual(worker.named('mail not sent'), []);
    });

    test('as README has it copies dump and manifest', async (t) => {
      const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
      const [, example] = /<!-- example: after success -->\n```sh\nBACKUP_AFTER_SUCCESS='(.*)'\n```/.exec(readme);
      const offsite = temporaryFolder('offsite');
      const rclone = executable(`#!/bin/sh\n[ "$1" = copy ] && [ "$3" = offsite:weavestream ] && cp "$2" '${offsite}'\n`, 'rclone');
      const scene = await open(t, { BACKUP_AFTER_SUCCESS: example, PATH: `${dirname(rclone)}:${process.env.PATH}` });
      const { job } = await runOnce(scene);
      assert.equal(sha256(join(offsite, job.returnvalue.filename)), job.returnvalue.sha256);
      assert.deepEqual(readdirSync(offsite).sort(), scene.files());
    });

    test('is not run after a failure', async (t) => {
      const scene = await open(t, { BACKUP_AFTER_SUCCESS: 'touch "$SCENE/ran"' });
      await runOnce(scene, { state: 'failed', env: noDump() });
      assert.ok(!existsSync(join(scene.folder, 'ran')));
    });

    test('does not hold the backup lock, and ends with its children when the worker is stopped; the next attempt runs it again, for the same dump', async (t) => {
      const scene = await open(t, { BACKUP_AFTER_SUCCESS: 'if [ -e "$SCENE/running" ]; then env >"$SCENE/again"; else sleep 4711 & touch "$SCENE/running"; sleep 4711; fi; true' });
      const sleepers = () => everyProcess().filter(({ cmdline, state }) => cmdline === 'sleep 4711' && state !== 'Z');
      const worker = await scene.start({ env: { BACKUP_SHUTDOWN_SECONDS: '2' } });
      const { job, runId } = await scene.runNow();
      await eventually(() => existsSync(join(scene.folder, 'running')) && sleepers().length === 2, { what: 'the command to run' });
      await (await scene.takeBackupLock('another'))();
      const { code, seconds } = await worker.stop();
      assert.equal(code, 0);
      assert.ok(seconds < 3, `${seconds} s`);
      assert.equal(await job.getState(), 'waiting');
      assert.equal((await readRun(scene.sql, runId)).status, 'success');
      assert.match(worker.named('after-success failed')[0].error, /: the worker was stopped$/);
      assert.deepEqual(sleepers(), []);
      await scene.start();
      const { returnvalue: { filename, sizeBytes, sha256: checksum } } = await untilState(scene.queue, job, 'completed');
      assert.deepEqual(scene.dumps(), [filename]);
      const environment = readFileSync(join(scene.folder, 'again'), 'utf8').split('\n');
      const facts = { FILE: join(scene.storage, filename), MANIFEST: join(scene.storage, filename.replace('.dump', '.manifest.json')), RUN_ID: runId, SIZE_BYTES: sizeBytes, SHA256: checksum, DIRECTORY: scene.storage };
      for (const [name, value] of Object.entries(facts)) assert.ok(environment.includes(`BACKUP_${name}=${value}`), name);
    });
  });
});
