/* Mail about runs: who gets one, when, and what it says; with a real mail server. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { assertInReadme } from './support/readme.mjs';
import { startRedis } from './support/redis.mjs';
import { temporaryFolder } from './support/run_folder.mjs';
import { executable, openScene } from './support/scene.mjs';
import { insertConfig } from './support/schema.mjs';
import { seal, setMail, smtpKey, startSmtp } from './support/smtp.mjs';
import { eventually } from './support/wait.mjs';

const user = 'backup@example.org';
const password = 'p@ss:w"örd\\ €%';
const both = { notify_emails: ['a@example.com', 'b@example.com'], notify_on_success: true };

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 100'] }), startPostgres({ extraConf: ['max_connections = 100'] })]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

async function open(t, { env = {}, ...options } = {}) {
  const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'], ...options });
  Object.assign(scene.environment, { SMTP_SECRET_KEY: smtpKey, ...env });
  return scene;
}

const logsOf = async (scene, { job }) => (await scene.queue.getJobLogs(job.id)).logs;

/* Without pg_dump, every run fails. */
const noDump = () => ({ PATH: temporaryFolder('empty') });

/* One where the dump is cut short: that may be better the next time. */
const cutDump = () => ({
  PATH: `${dirname(executable(`#!/bin/sh
PATH='${process.env.PATH}'
pg_dump "$@" || exit
for argument in "$@"; do case $argument in --file=*) truncate -s -2000 "\${argument#--file=}" ;; esac; done
`, 'pg_dump'))}:${process.env.PATH}`,
});

describe('a success is told', () => {
  for (const secure_mode of ['STARTTLS', 'TLS', 'NONE']) {
    test(`over ${secure_mode}, after a log-in`, async (t) => {
      const server = await startSmtp(t, { secure_mode, user, password });
      const scene = await open(t, { env: { NODE_EXTRA_CA_CERTS: server.caFile } });
      await server.settings(scene.sql, { from_name: 'Acme', reply_to: 'admin@example.org' });
      const worker = await scene.start();
      const ids = await scene.runNow({ name: 'Büro, "night" 🌙', ...both });
      const { filename, sizeBytes } = (await untilState(scene.queue, ids.job, 'completed')).returnvalue;
      const [mail, ...others] = await server.received(1);
      assert.deepEqual(others, []);
      assert.equal(mail.secure, secure_mode !== 'NONE');
      assert.equal(mail.user, user);
      assert.equal(mail.from, 'backup@example.org');
      assert.deepEqual(mail.to, both.notify_emails);
      const { Date: date, 'Message-ID': id, ...headers } = mail.headers;
      assert.deepEqual(headers, {
        From: 'Acme <backup@example.org>',
        'Reply-To': 'admin@example.org',
        To: 'a@example.com, b@example.com',
        Subject: '[Weavestream] Backup succeeded — Büro, "night" 🌙',
        'Auto-Submitted': 'auto-generated',
        'MIME-Version': '1.0',
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Transfer-Encoding': 'quoted-printable',
      });
      assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000, date);
      assert.match(id, /^<[0-9a-f-]{36}@example\.org>$/);
      assert.match(mail.body, new RegExp(`^Schedule: Büro, "night" 🌙\nFile: ${filename}\nSize: ${(sizeBytes / 1024).toFixed(2)} KB\n\n`));
      assert.ok(mail.body.includes('The backup is stored under ${DATA_DIR}/backup on the Docker host.'));
      assert.ok(mail.body.includes('${DATA_DIR}/files'));
      assert.equal((await worker.waitForEvent('mail sent')).recipients, 2);
    });
  }

  test('only where it is wanted, and only if there is somebody to tell', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    const worker = await scene.start();
    for (const config of [{ ...both, notify_on_success: false }, { notify_on_success: true }]) {
      await untilState(scene.queue, (await scene.runNow(config)).job, 'completed');
    }
    await untilState(scene.queue, (await scene.runNow({ ...both, name: 'The last' })).job, 'completed');
    const mails = await server.received(1);
    assert.deepEqual(mails.map(({ headers }) => headers.Subject), ['[Weavestream] Backup succeeded — The last']);
    assert.equal(server.connections, 1);
    assert.deepEqual(worker.named('mail not sent'), []);
  });

  test('while the backup lock is free again, and the job done only afterwards', async (t) => {
    let release;
    const server = await startSmtp(t, { hold: new Promise((done) => (release = done)) });
    const scene = await open(t);
    await server.settings(scene.sql);
    await scene.start();
    const { runId, job } = await scene.runNow(both);
    await eventually(async () => (await scene.rows()).find(({ id }) => id === runId).status === 'success', { what: 'the row to say success' });
    const giveBack = await scene.takeBackupLock('another');
    await giveBack();
    assert.equal(await job.getState(), 'active');
    release();
    await untilState(scene.queue, job, 'completed');
    assert.equal((await server.received(1)).length, 1);
  });
});

describe('a failure is told', () => {
  test('with the error of the row, also where successes are not', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    await scene.start({ env: noDump() });
    const ids = await scene.runNow({ name: 'Nightly', notify_emails: ['a@example.com'] });
    const { failedReason } = await untilState(scene.queue, ids.job, 'failed');
    const [mail] = await server.received(1);
    assert.equal(mail.headers.Subject, '[Weavestream] Backup FAILED — Nightly');
    assert.equal(mail.headers.From, 'Weavestream <backup@example.org>');
    assert.ok(mail.body.startsWith(`Schedule: Nightly\nError: ${failedReason}\n\n`), mail.body);
    assert.match(mail.body, /logs of the worker/);
    assert.match(mail.greeting, /^(\[127\.0\.0\.1\]|.*\..*)$/);
  });

  test('once: not of an attempt after which the queue tries again', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    await scene.start({ env: cutDump() });
    const ids = await scene.runNow({ ...both, options: { attempts: 2 } });
    const failed = await untilState(scene.queue, ids.job, 'failed');
    assert.equal(failed.attemptsMade, 2);
    assert.equal((await server.received(1)).length, 1);
    assert.equal(server.connections, 1);
  });

  test('of a run that met another', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    await scene.takeBackupLock('another worker');
    await scene.start();
    await untilState(scene.queue, (await scene.runNow(both)).job, 'failed');
    const [mail] = await server.received(1);
    assert.match(mail.body, /\nError: concurrent\n/);
  });

  test('without a header or a line of its own making, whatever names and errors hold', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql, { from_name: 'Weave\r\nBcc: evil@example.com', reply_to: 'x@example.org\r\nBcc: evil@example.com' });
    const PATH = `${dirname(executable(`#!/bin/sh\nprintf 'Bcc: evil@example.com\\n.\\nQUIT\\n..two\\n' >&2\nexit 1\n`, 'pg_dump'))}:${process.env.PATH}`;
    const worker = await scene.start({ env: { PATH } });
    const ids = await scene.runNow({ name: 'Night\r\nBcc: evil@example.com\r\n\r\n.\r\nly', ...both });
    const { failedReason } = await untilState(scene.queue, ids.job, 'failed');
    const [mail] = await server.received(1);
    assert.deepEqual(mail.to, both.notify_emails);
    assert.deepEqual(Object.keys(mail.headers), ['From', 'To', 'Subject', 'Date', 'Message-ID', 'Auto-Submitted', 'MIME-Version', 'Content-Type', 'Content-Transfer-Encoding']);
    assert.equal(mail.headers.Subject, '[Weavestream] Backup FAILED — Night Bcc: evil@example.com . ly');
    assert.equal(mail.headers.From, 'Weave Bcc: evil@example.com <backup@example.org>');
    assert.ok(failedReason.includes('\n.\nQUIT\n..two'), failedReason);
    assert.ok(mail.body.startsWith(`Schedule: Night Bcc: evil@example.com . ly\nError: ${failedReason}\n\n`), mail.body);
    assert.equal((await worker.waitForEvent('mail without reply-to')).level, 'warn');
  });
});

describe('nobody is told', () => {
  test('of a run that is handed back, or skipped', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    const first = await scene.start();
    const release = await scene.holdDumps();
    const ids = await scene.runNow({ ...both, name: 'The last' });
    await eventually(() => scene.waitingDump(), { what: 'pg_dump to wait for the table' });
    await first.stop();
    assert.equal(await ids.job.getState(), 'waiting');
    const disabled = await insertConfig(scene.sql, { ...both, enabled: false });
    await release();
    await scene.start();
    await untilState(scene.queue, await scene.queue.add('run', { kind: 'run', configId: disabled }), 'completed');
    await untilState(scene.queue, ids.job, 'completed');
    const mails = await server.received(1);
    assert.deepEqual(mails.map(({ headers }) => headers.Subject), ['[Weavestream] Backup succeeded — The last']);
    assert.equal(server.connections, 1);
  });

  test('twice of a run that was done before', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    await scene.start();
    const { configId, runId, job } = await scene.runNow(both);
    await untilState(scene.queue, job, 'completed');
    const again = await scene.queue.add('run', { kind: 'run', configId, backupRunId: runId });
    await untilState(scene.queue, again, 'completed');
    assert.equal((await server.received(1)).length, 1);
    assert.equal(server.connections, 1);
  });
});

describe('recipients', () => {
  test('beyond the first 100 are left out, with a warning', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    const worker = await scene.start();
    const notify_emails = Array.from({ length: 150 }, (_, index) => `person-${index}@example.com`);
    const ids = await scene.runNow({ notify_emails, notify_on_success: true });
    await untilState(scene.queue, ids.job, 'completed');
    const [mail] = await server.received(1);
    assert.deepEqual(mail.to, notify_emails.slice(0, 100));
    assert.deepEqual(mail.headers.To.split(', '), notify_emails.slice(0, 100));
    const warning = await worker.waitForEvent('mail recipients left out');
    assert.deepEqual([warning.level, warning.sentTo, warning.leftOut], ['warn', 100, 50]);
    assert.ok((await logsOf(scene, ids)).includes('The mail goes to the first 100 recipients only; left out: 50'));
  });

  test('that the server refuses do not keep the mail from the others', async (t) => {
    const server = await startSmtp(t, { refuse: (address) => (address.startsWith('b') ? `No mailbox for ${address}` : null) });
    const scene = await open(t);
    await server.settings(scene.sql);
    const worker = await scene.start();
    const ids = await scene.runNow({ notify_emails: ['a@example.com', 'b1@example.com', 'c@example.com', 'b2@example.com'], notify_on_success: true });
    await untilState(scene.queue, ids.job, 'completed');
    assert.deepEqual((await server.received(1))[0].to, ['a@example.com', 'c@example.com']);
    const warning = await worker.waitForEvent('mail recipients refused');
    assert.deepEqual([warning.count, warning.of, warning.first, warning.reply], [2, 4, 'b1@example.com', '550 No mailbox for b1@example.com']);
    assert.ok((await logsOf(scene, ids)).includes('The mail server refused 2 of 4 recipients, the first of them b1@example.com: 550 No mailbox for b1@example.com'));
    assert.deepEqual(worker.named('mail not sent'), []);
  });

  test('that are all refused are nobody', async (t) => {
    const server = await startSmtp(t, { refuse: (address) => `No mailbox for ${address}` });
    const scene = await open(t);
    await server.settings(scene.sql);
    const worker = await scene.start();
    await untilState(scene.queue, (await scene.runNow(both)).job, 'completed');
    assert.match((await worker.waitForEvent('mail not sent')).error, /RCPT failed: 550.*\('550 No mailbox for b@example\.com'\)$/);
    assert.deepEqual(server.mails, []);
  });

  test('that are no addresses are passed over', async (t) => {
    const server = await startSmtp(t);
    const scene = await open(t);
    await server.settings(scene.sql);
    const worker = await scene.start();
    const notify_emails = ['a@example.com>\r\nRCPT TO:<evil@example.com', 'nobody', 'a@example.com', 'bü@example.com'];
    await untilState(scene.queue, (await scene.runNow({ notify_emails, notify_on_success: true })).job, 'completed');
    assert.deepEqual((await server.received(1))[0].to, ['a@example.com']);
    assert.equal((await worker.waitForEvent('mail recipients without an address')).count, 3);
  });
});

describe('the password', () => {
  const oldKey = randomBytes(32).toString('base64');
  const cases = {
    'in the older envelope': [seal(password, { version: 1 }), {}],
    'under a key with a name': [seal(password, { kid: 'schlüssel 2' }), { SMTP_SECRET_KEY_KID: 'schlüssel 2' }],
    'under a previous key': [seal(password, { kid: '1', key: oldKey }), { SMTP_SECRET_KEY_KID: '2', SMTP_PREVIOUS_KEYS: `0:${smtpKey},1:${oldKey}` }],
  };
  for (const [what, [password_ciphertext, env]] of Object.entries(cases)) {
    test(`is read ${what}`, async (t) => {
      const server = await startSmtp(t, { user, password });
      const scene = await open(t, { env });
      await server.settings(scene.sql, { password_ciphertext });
      await scene.start({ env: noDump() });
      await untilState(scene.queue, (await scene.runNow(both)).job, 'failed');
      assert.equal((await server.received(1))[0].user, user);
    });
  }
});

test('mail that is not set up, or wrongly, is a warning in both logs that says what is missing', async (t) => {
  const scene = await open(t);
  const worker = await scene.start({ env: noDump() });
  const configId = await insertConfig(scene.sql, both);
  const expectWarning = async (settings, reason) => {
    await scene.sql.query('DELETE FROM email_settings');
    if (settings) await setMail(scene.sql, settings);
    const from = worker.events.length;
    const ids = await scene.runNow({ configId });
    await untilState(scene.queue, ids.job, 'failed');
    const warning = await worker.waitForEvent('mail not sent', () => true, { from });
    assert.deepEqual([warning.level, warning.config, warning.error], ['warn', configId, reason]);
    assert.ok((await logsOf(scene, ids)).includes(`No mail was sent: ${reason}`));
  };
  const expectWarningOfReadme = async (settings, reason) => {
    await expectWarning(settings, reason);
    assertInReadme(`No mail was sent: ${reason}`);
  };
  const cannot = 'the SMTP password cannot be decrypted: ';
  await expectWarning(null, "mail is not enabled in the app's settings");
  await expectWarning({ enabled: false }, "mail is not enabled in the app's settings");
  await expectWarning({ host: null }, "the app's mail settings lack the host");
  await expectWarning({ port: null }, "the app's mail settings lack the port");
  await expectWarning({ from_email: '' }, "the app's mail settings lack the sender's address");
  await expectWarning({ from_email: 'Backup <b@example.org>' }, "the sender's address in the app's mail settings is none");
  await expectWarning({ port: 70000 }, "the port in the app's mail settings is none");
  await expectWarning({ host: 'a/b' }, "mail server 'a/b', port 25: this is no name of a host");
  await expectWarning({ username: 'me' }, "the app's mail settings have a user name, but no password");
  await expectWarning({ username: 'me', password_ciphertext: seal('') }, "the app's mail settings have a user name, but an empty password");
  await expectWarning({ username: 'me', password_ciphertext: 'hunter2!' }, `${cannot}it is not base64`);
  await expectWarningOfReadme({ username: 'me', password_ciphertext: seal('x', { key: randomBytes(32).toString('base64') }) }, `${cannot}its key does not fit, or it is damaged`);
  await expectWarningOfReadme({ username: 'me', password_ciphertext: seal('x', { kid: '7' }) },
    `${cannot}its key "7" is neither SMTP_SECRET_KEY (with the id in SMTP_SECRET_KEY_KID) nor among SMTP_PREVIOUS_KEYS`);
});
