/*
 * redis: a real Redis for one test, on a port and in a folder of its own.
 *
 *     const redis = await startRedis({ password: 'p@ss:w/ord%', tls: true });
 *     after(() => redis.stop());
 *     redis.url                     for REDIS_URL; redis.caFile for REDIS_TLS_CA
 *     redis.connection()            options for bullmq's and ioredis' constructors
 *     const client = redis.client() an ioredis client, closed by stop()
 *     await redis.cli('LLEN', 'bull:backup:wait')
 *     await redis.restart()         same port; the data is there again with `appendonly`, which is the default, as in the app's compose file
 *     await redis.restart({ wipe: true, signal: 'SIGKILL' })
 *     redis.pause(), redis.resume() SIGSTOP, SIGCONT: a server that hangs
 *     redis.database(3)             the same server, its database 3: for tests that share a server (extraArgs: ['databases 100'])
 */
import { readFileSync, rmSync, writeFileSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, runProcess, startProcess, temporaryFolder } from './run_folder.mjs';
import { makeCertificates } from './tls.mjs';
import { eventually } from './wait.mjs';

/* As redis.conf and redis-cli understand it. */
const quoted = (text) => `"${text.replace(/["\\]/g, '\\$&')}"`;

function configuration({ folder, port, tls, password, user, socketPath, appendonly, extraArgs }) {
  const lines = [
    'bind 127.0.0.1',
    `dir ${quoted(folder)}`,
    'save ""',
    `appendonly ${appendonly ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    'daemonize no',
    tls ? `port 0\ntls-port ${port}` : `port ${port}`,
  ];
  if (tls) lines.push(`tls-ca-cert-file ${quoted(tls.caFile)}`, `tls-cert-file ${quoted(tls.certFile)}`, `tls-key-file ${quoted(tls.keyFile)}`, 'tls-auth-clients no');
  if (socketPath) lines.push(`unixsocket ${quoted(socketPath)}`, 'unixsocketperm 700');
  if (user) lines.push(`user ${user} on ${quoted(`>${password}`)} ~* &* +@all`, 'user default off');
  else if (password) lines.push(`requirepass ${quoted(password)}`);
  return [...lines, ...extraArgs, ''].join('\n');
}

/*
 * All optional. `password`: requirepass, or that of the ACL user `user` (then the default user is off). `unixSocket`: a socket as well, and
 * `url` and connection() use it. `extraArgs`: more lines for redis.conf, as ['maxmemory 10mb'].
 */
export async function startRedis({ tls = false, password = '', user = '', unixSocket = false, appendonly = true, extraArgs = [] } = {}) {
  const folder = temporaryFolder('redis');
  const certificates = tls ? await makeCertificates(folder) : null;
  const socketPath = unixSocket ? join(folder, 'redis.sock') : '';
  const logFile = join(folder, 'redis.log');
  const clients = new Set();
  let child = null;
  let port = 0;

  const connection = (more = {}) => ({
    ...(socketPath ? { path: socketPath } : { host: '127.0.0.1', port }),
    ...(user ? { username: user } : {}),
    ...(password ? { password } : {}),
    ...(tls ? { tls: { ca: readFileSync(certificates.caFile), servername: 'localhost' } } : {}),
    maxRetriesPerRequest: null,
    ...more,
  });

  const client = (more = {}) => {
    const one = new Redis(connection(more));
    one.on('error', () => {}); // it reconnects by itself; what a test asks of it fails or waits
    clients.add(one);
    return one;
  };

  const ready = async () => {
    const probe = client({ retryStrategy: () => 20, maxRetriesPerRequest: null, commandTimeout: 1000 });
    try {
      await eventually(
        async () => {
          if (child.exitCode !== null || child.signalCode !== null) return 'ended';
          return (await probe.ping()) === 'PONG';
        },
        { what: 'Redis to answer' },
      );
    } finally {
      probe.disconnect();
      clients.delete(probe);
    }
    return child.exitCode === null && child.signalCode === null;
  };

  const start = async () => {
    const log = openSync(logFile, 'a');
    try {
      child = await startProcess('redis-server', [join(folder, 'redis.conf')], { cwd: folder, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
    return ready();
  };

  const startSomewhere = async () => {
    for (let tries = 0; tries < 5; tries++) {
      port = await freePort();
      writeFileSync(join(folder, 'redis.conf'), configuration({ folder, port, tls: certificates, password, user, socketPath, appendonly, extraArgs }));
      if (await start()) return;
      if (!/already in use/i.test(readFileSync(logFile, 'utf8'))) break;
    }
    throw new Error(`Redis did not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
  };

  const end = async (signal) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(child.pid, 'SIGCONT');
    process.kill(child.pid, signal);
    await child.ended;
  };

  await startSomewhere();

  const server = {
    folder,
    socketPath,
    password,
    user,
    logFile,
    caFile: certificates?.caFile,
    connection,
    client,
    get port() {
      return port;
    },
    get pid() {
      return child.pid;
    },
    get url() {
      const secret = password ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@` : '';
      if (socketPath) return `unix://${secret}${socketPath}`;
      return `${tls ? 'rediss' : 'redis'}://${secret}127.0.0.1:${port}/0`;
    },
    /* What redis-cli prints, without the last line break. */
    async cli(...args) {
      const where = socketPath ? ['-s', socketPath] : ['-h', '127.0.0.1', '-p', `${port}`];
      const options = [...(user ? ['--user', user] : []), ...(tls ? ['--tls', '--cacert', certificates.caFile, '--sni', 'localhost'] : [])];
      const env = { ...process.env, ...(password ? { REDISCLI_AUTH: password } : {}) };
      const { stdout } = await runProcess('redis-cli', ['--no-auth-warning', ...where, ...options, ...args], { env });
      return stdout.replace(/\n$/, '');
    },
    /* Ends the server and starts it again on the same port; clients stay. With `wipe` it comes back empty. `whileDown` runs in between. */
    async restart({ signal = 'SIGTERM', wipe = false, whileDown = async () => {} } = {}) {
      await end(signal);
      if (wipe) rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true });
      await whileDown();
      if (!(await start())) throw new Error(`Redis did not start again: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
    },
    pause: () => process.kill(child.pid, 'SIGSTOP'),
    resume: () => process.kill(child.pid, 'SIGCONT'),
    /* Everything but connection(), client(), cli() and `url` is the whole server's. */
    database(number) {
      const view = Object.create(server, { url: { get: () => (socketPath ? `${server.url}?db=${number}` : server.url.replace(/0$/, `${number}`)) } });
      return Object.assign(view, {
        connection: (more = {}) => connection({ db: number, ...more }),
        client: (more = {}) => client({ db: number, ...more }),
        cli: (...args) => server.cli('-n', `${number}`, ...args),
      });
    },
    async stop(signal = 'SIGTERM') {
      for (const one of clients) one.disconnect();
      clients.clear();
      await end(signal);
    },
  };
  return server;
}
