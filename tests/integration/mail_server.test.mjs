/* Mail servers that one cannot trust, that refuse, hang or are not there: the run's outcome stays as it is, and no password gets out. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { untilState, versions } from './support/bullmq.mjs';
import { everyProcess } from './support/processes.mjs';
import { startPostgres } from './support/postgres.mjs';
import { assertInReadme } from './support/readme.mjs';
import { startRedis } from './support/redis.mjs';
import { freePort, temporaryFolder } from './support/run_folder.mjs';
import { openScene } from './support/scene.mjs';
import { readRun } from './support/schema.mjs';
import { seal, setMail, smtpKey, startScript, startSmtp } from './support/smtp.mjs';
import { eventually } from './support/wait.mjs';

const user = 'backup@example.org';
const password = 'hunter2-hunter2-hunter2';
const told = { notify_emails: ['a@example.com'], notify_on_success: true };

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres({ extraConf: ['max_connections = 100'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

async function open(t, { env = {} } = {}) {
  const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
  Object.assign(scene.environment, { SMTP_SECRET_KEY: smtpKey, ...env });
  return scene;
}

/* A run that succeeds, and of which nobody is told: { reason, logs, worker }. */
async function runUntold(scene, options = {}) {
  const worker = await scene.start(options);
  const { job, runId } = await scene.runNow(told);
  await untilState(scene.queue, job, 'completed');
  assert.equal((await readRun(scene.sql, runId)).status, 'success');
  const { level, error } = await worker.waitForEvent('mail not sent');
  const { logs } = await scene.queue.getJobLogs(job.id);
  assert.equal(level, 'warn');
  assert.ok(logs.includes(`No mail was sent: ${error}`), logs.join('\n'));
  return { reason: error, logs, worker };
}

/* In none of the ways in which it goes over the wire. */
function assertNotIn(text) {
  const ways = [password, Buffer.from(password).toString('base64'), Buffer.from(`\0${user}\0${password}`).toString('base64')];
  for (const way of ways) assert.ok(!text.includes(way), text);
}

describe('a server whose certificate', () => {
  const cases = {
    'nobody has signed that we trust': [{}, () => ({}), /SSL certificate problem: unable to get local issuer certificate/],
    'is of another host': [{ names: 'DNS:mail.example.org' }, ({ caFile }) => ({ NODE_EXTRA_CA_CERTS: caFile }), /no alternative certificate subject name matches target/],
    'cannot be checked, because NODE_EXTRA_CA_CERTS leads nowhere': [{}, () => ({ NODE_EXTRA_CA_CERTS: '/nowhere.pem' }), /NODE_EXTRA_CA_CERTS: no certificates can be read from '\/nowhere\.pem': ./],
  };
  for (const [what, [options, env, reason]] of Object.entries(cases)) {
    for (const secure_mode of ['TLS', 'STARTTLS']) {
      test(`${what} gets neither mail nor password (${secure_mode})`, async (t) => {
        const server = await startSmtp(t, { secure_mode, user, password, ...options });
        const scene = await open(t, { env: env(server) });
        await server.settings(scene.sql);
        assert.match((await runUntold(scene)).reason, reason);
        assert.deepEqual([server.mails.length, server.logIns], [0, 0]);
      });
    }
  }

  test('is signed by who stands in SSL_CERT_FILE is trusted', async (t) => {
    const server = await startSmtp(t, { secure_mode: 'TLS' });
    const scene = await open(t, { env: { SSL_CERT_FILE: server.caFile } });
    await server.settings(scene.sql, { host: 'localhost' });
    await scene.start();
    await untilState(scene.queue, (await scene.runNow(told)).job, 'completed');
    assert.equal((await server.received(1))[0].secure, true);
  });
});

describe('a server that', () => {
  test('offers no STARTTLS where it is asked for hears nothing in plain text', async (t) => {
    const server = await startScript(t, ['220 hello', '250-me\r\n250 AUTH PLAIN', null]);
    const scene = await open(t);
    await setMail(scene.sql, { port: server.port, secure_mode: 'STARTTLS', username: user, password_ciphertext: seal(password) });
    assert.match((await runUntold(scene)).reason, /STARTTLS not supported/);
    assert.deepEqual(server.heard.filter((line) => !/^(EHLO|QUIT)/.test(line)), []);
    assert.ok(server.heard.length > 0);
  });

  test('refuses the log-in is told with its status only, and the password is nowhere to be seen', async (t) => {
    // This one repeats what it got, password and all.
    const echo = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const server = await startScript(t, ['220 hello', '250-me\r\n250 AUTH PLAIN', '334 ', `535 5.7.8 I do not like ${echo}`, '221 bye']);
    const scene = await open(t, { env: { LOG_LEVEL: 'trace' } });
    await setMail(scene.sql, { port: server.port, username: user, password_ciphertext: seal(password) });
    const { reason, logs, worker } = await runUntold(scene);
    assert.match(reason, /Login denied \('535 5\.7\.8'\)$/);
    assert.ok(server.heard.includes(echo), 'the password was sent');
    assertNotIn([worker.stderr(), ...logs, ...(await scene.rows()).map((row) => JSON.stringify(row))].join('\n'));
  });

  test('refuses the sender or the mail is told in its own words', async (t) => {
    const greeting = ['220 hello', '250 me'];
    const words = {
      "MAIL failed: 553 ('553 5.1.8 Sender address rejected')": [...greeting, '553 5.1.8 Sender address rejected', '221 bye'],
      "('554 5.7.1 Looks like spam')": [...greeting, '250 ok', '250 ok', '354 go on', '554 5.7.1 Looks like spam', '221 bye'],
    };
    for (const [reason, lines] of Object.entries(words)) {
      const server = await startScript(t, lines);
      const scene = await open(t);
      await setMail(scene.sql, { port: server.port });
      const told = (await runUntold(scene)).reason;
      assert.ok(told.endsWith(reason), told);
    }
  });

  test('hangs up, or is not there', async (t) => {
    const server = await startScript(t, ['220 hello', null]);
    const scene = await open(t);
    await setMail(scene.sql, { port: server.port });
    const hangUp = eventually(() => server.heard.length > 0, { what: 'a greeting' }).then(() => server.sockets.forEach((socket) => socket.destroy()));
    const { reason, worker } = await runUntold(scene);
    await hangUp;
    assert.ok(reason.startsWith(`mail server '127.0.0.1', port ${server.port}: `), reason);
    await worker.stop();

    const port = await freePort();
    await setMail(scene.sql, { port });
    const gone = (await runUntold(scene)).reason;
    assert.match(gone, /Failed to connect to 127\.0\.0\.1 port \d+/);
    assertInReadme(`No mail was sent: ${gone}`);
  });

  test('does not answer has 30 seconds', async (t) => {
    const server = await startScript(t, ['220 hello', '250 me', '250 ok', '250 ok', '354 go on', null]);
    const scene = await open(t);
    await setMail(scene.sql, { port: server.port });
    const worker = await scene.start();
    const { job } = await scene.runNow(told);
    const sent = await eventually(() => server.heard.includes('.') && performance.now(), { what: 'the mail to be sent' });
    const { error } = await worker.waitForEvent('mail not sent', () => true, { timeout: 40_000 });
    assert.match(error, /: it took too long$/);
    assertInReadme(`No mail was sent: ${error}`);
    const seconds = (performance.now() - sent) / 1000;
    assert.ok(seconds > 25 && seconds < 33, `${seconds} s`);
    await untilState(scene.queue, job, 'completed');
  });

  for (const [what, lines, event] of [
    ['after it took the mail', ['250 ok', '250 ok', '354 go on', '250 taken', null], 'mail sent'],
    ['after it refused the mail', ['553 no', null], 'mail not sent'],
  ]) {
    test(`does not answer to our goodbye ${what} does not hold up the job`, async (t) => {
      const server = await startScript(t, ['220 hello', '250 me', ...lines]);
      const scene = await open(t);
      await setMail(scene.sql, { port: server.port });
      const worker = await scene.start();
      const { job } = await scene.runNow(told);
      const began = await eventually(() => server.heard.includes('QUIT') && performance.now(), { what: 'our goodbye' });
      await untilState(scene.queue, job, 'completed');
      assert.ok(performance.now() - began < 5000);
      await worker.waitForEvent(event);
    });
  }

  for (const [where, lines] of [['before it greets', [null]], ['with the mail in its hands', ['220 hello', '250 me', '250 ok', '250 ok', '354 go on', null]]]) {
    test(`hangs ${where} does not keep the worker from being stopped; the run stays a success, and its job goes back to be told`, async (t) => {
      const server = await startScript(t, lines);
      const scene = await open(t);
      await setMail(scene.sql, { port: server.port });
      const worker = await scene.start();
      const { job, runId } = await scene.runNow(told);
      await eventually(() => server.sockets.size > 0 && (lines.length === 1 || server.heard.includes('.')), { what: 'it to hang' });
      const { code, seconds } = await worker.stop();
      assert.equal(code, 0);
      assert.ok(seconds < 5, `${seconds} s`);
      assert.equal(await job.getState(), 'waiting');
      assert.equal((await readRun(scene.sql, runId)).status, 'success');
      assert.match(worker.named('mail not sent')[0].error, /: the worker was stopped$/);
    });
  }
});

test('the password is in no argument list while a mail is on its way', async (t) => {
  const server = await startScript(t, ['220 hello', '250-me\r\n250 AUTH PLAIN', '334 ', null]);
  const scene = await open(t);
  await setMail(scene.sql, { port: server.port, username: user, password_ciphertext: seal(password) });
  const worker = await scene.start();
  await scene.runNow(told);
  await eventually(() => server.heard.length === 3, { what: 'the password to be sent' });
  const lists = everyProcess().filter(({ pid }) => [worker.pid, ...worker.descendants().map((one) => one.pid)].includes(pid));
  assert.ok(lists.some(({ cmdline }) => cmdline.includes('weavestream-backup-job')));
  for (const { cmdline } of lists) {
    assertNotIn(cmdline);
    assert.ok(!cmdline.includes(smtpKey));
  }
});
