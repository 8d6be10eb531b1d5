/*
 * smtp: a real mail server (npm's smtp-server) for one test, on a port of its own, and the app's row of mail settings.
 *
 *     const server = await startSmtp(t, { secure_mode: 'STARTTLS', user: 'me', password });
 *     await server.settings(sql, { from_name: 'Backups' });        the row of email_settings that leads to it
 *     const [mail] = await server.received(1);                     { from, to, headers, body, raw, secure, user, greeting }
 *     server.connections                                           how many there were
 *     const server = await startScript(t, ['220 hello', '250 ok'])  a server that only says these lines, one for each line that it gets
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { SMTPServer } from 'smtp-server';
import { temporaryFolder } from './run_folder.mjs';
import { makeCertificates } from './tls.mjs';
import { eventually } from './wait.mjs';

export const smtpKey = randomBytes(32).toString('base64');

/* The envelope of an SMTP password, as the app writes it. */
export function seal(password, { version = 2, kid = '1', key = smtpKey } = {}) {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), iv);
  if (version === 2) cipher.setAAD(Buffer.from('email-settings:singleton:smtp-password'));
  const sealed = Buffer.concat([cipher.update(password, 'utf8'), cipher.final()]);
  const id = Buffer.from(kid);
  return Buffer.concat([Buffer.from([version, id.length]), id, iv, cipher.getAuthTag(), sealed]).toString('base64');
}

/* The row is replaced; what is left out has a default that works without a log-in. */
export async function setMail(sql, row) {
  const all = { id: 'singleton', enabled: true, host: '127.0.0.1', port: 25, secure_mode: 'NONE', from_email: 'backup@example.org', ...row };
  const places = Object.keys(all).map((_, index) => `$${index + 1}`);
  await sql.query('DELETE FROM email_settings');
  await sql.query(`INSERT INTO email_settings (${Object.keys(all)}) VALUES (${places})`, Object.values(all));
}

const fromQ = (text) => Buffer.from(text.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString();

/* Headers by name, unfolded and decoded; the body decoded. Fails if a line is longer than it may be or no ASCII. */
export function readMail(raw) {
  for (const line of raw.split('\r\n')) if (!/^[\t -~]{0,76}$/.test(line)) throw new Error(`not fit for the wire: ${JSON.stringify(line)}`);
  const end = raw.indexOf('\r\n\r\n');
  const fields = raw.slice(0, end).replace(/\r\n /g, ' ').split('\r\n').map((line) => /^([A-Za-z-]+): (.*)$/.exec(line).slice(1));
  const decoded = (value) => value.replace(/\?= =\?UTF-8\?Q\?/g, '').replace(/=\?UTF-8\?Q\?(.*?)\?=/g, (_, word) => fromQ(word.replaceAll('_', ' ')));
  return { headers: Object.fromEntries(fields.map(([name, value]) => [name, decoded(value)])), body: fromQ(raw.slice(end + 4).replace(/=\r\n/g, '')).replaceAll('\r\n', '\n') };
}

function listen(t, server, sockets = new Set()) {
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return new Promise((done, refuse) => {
    server.once?.('error', refuse);
    const listening = server.listen(0, '127.0.0.1', () => done(listening.address().port));
  });
}

/*
 * `user` and `password`: nobody else gets in. `refuse(address)`: the reply to a recipient that is not taken. `hold`: a promise to wait for
 * before a mail is taken. `names`: of the certificate. Everything else is for smtp-server.
 */
export async function startSmtp(t, { secure_mode = 'NONE', user = null, password = null, refuse = () => null, hold = null, names = undefined, ...options } = {}) {
  const certificates = secure_mode === 'NONE' ? null : await makeCertificates(temporaryFolder('smtp'), names ? { names } : {});
  const mails = [];
  const seen = { connections: 0, logIns: 0 };
  const server = new SMTPServer({
    secure: secure_mode === 'TLS',
    ...(certificates ? { key: readFileSync(certificates.keyFile), cert: readFileSync(certificates.certFile) } : { hideSTARTTLS: true }),
    authOptional: user === null,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    logger: false,
    onConnect: (session, done) => {
      seen.connections++;
      done();
    },
    onAuth: (given, session, done) => {
      seen.logIns++;
      if (given.username === user && given.password === password) done(null, { user });
      else done(new Error(`Invalid username or password`));
    },
    onRcptTo: ({ address }, session, done) => {
      const reply = refuse(address);
      done(reply ? Object.assign(new Error(reply), { responseCode: 550 }) : null);
    },
    onData: (stream, session, done) => {
      const chunks = [];
      stream.on('data', (bytes) => chunks.push(bytes));
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks).toString('latin1');
        const { mailFrom, rcptTo } = session.envelope;
        await hold;
        mails.push({ raw, from: mailFrom.address, to: rcptTo.map(({ address }) => address), secure: session.secure, user: session.user, greeting: session.hostNameAppearsAs, ...readMail(raw) });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // of one connection, as of a client that does not trust us
  const port = await listen(t, server);
  return {
    port,
    mails,
    caFile: certificates?.caFile,
    get connections() {
      return seen.connections;
    },
    get logIns() {
      return seen.logIns;
    },
    settings: (sql, row = {}) => setMail(sql, { port, secure_mode, ...(user ? { username: user, password_ciphertext: seal(password) } : {}), ...row }),
    async received(count) {
      await eventually(() => mails.length >= count, { what: `${count} mails` });
      return mails;
    },
  };
}

/* Says the first line at once, then one for each that it gets (a mail counts as one); null: it says no more. `heard` are the lines it got. */
export async function startScript(t, lines) {
  const heard = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    let next = 0;
    let inMail = false;
    const say = () => {
      const line = lines[next++];
      inMail = line?.startsWith('354') ?? false;
      if (line !== undefined && line !== null) socket.write(`${line}\r\n`);
    };
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let rest = '';
    socket.setEncoding('latin1').on('data', (text) => {
      const got = (rest + text).split('\r\n');
      rest = got.pop();
      for (const line of got) {
        heard.push(line);
        if (!inMail || line === '.') say();
      }
    });
    say();
  });
  const port = await listen(t, server, sockets);
  return { port, heard, sockets };
}
