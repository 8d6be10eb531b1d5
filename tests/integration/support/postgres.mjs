/*
 * postgres: a real Postgres server for one test, on a port and in a folder of its own.
 *
 *     const postgres = await startPostgres();
 *     after(() => postgres.stop());
 *     postgres.url                         for DATABASE_URL, as Prisma writes it (parameters that libpq refuses, an escaped password)
 *     const client = await postgres.client()          a connected pg client of database `weavestream`, closed by stop()
 *     await postgres.createDatabase('other'); postgres.urlOf('other'); await postgres.client('other')
 *     await postgres.restore(file, 'fresh')           pg_restore as the user guide tells it, into a database that it makes
 *     await postgres.restart('immediate')             same port, same data; as after a crash
 *
 * The role `weavestream` owns everything, as POSTGRES_USER does in the app's compose file. The server's time zone is far from UTC on purpose:
 * whoever writes local time into Prisma's timestamp columns is found out. The pg clients here speak UTC.
 */
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, runFolder, runProcess, startProcess, temporaryFolder } from './run_folder.mjs';
import { makeCertificates } from './tls.mjs';
import { eventually } from './wait.mjs';

export const role = 'weavestream';
export const password = 'p@ss:w/ord%\'\\ "2"#?&é';

// Prisma keeps `timestamp(3)` in UTC, without a zone; pg would take it for local time. Sizes fit in a double.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`));
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/* The newest server that is installed; Debian keeps them beside each other. WEAVESTREAM_POSTGRES_BIN names another. */
function serverPrograms() {
  if (process.env.WEAVESTREAM_POSTGRES_BIN) return process.env.WEAVESTREAM_POSTGRES_BIN;
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => b - a) : [];
  const version = versions.find((one) => existsSync(join(root, one, 'bin', 'initdb')));
  return version ? join(root, version, 'bin') : '';
}

const program = (name) => join(serverPrograms(), name);

/* Postgres refuses to run as root: then it runs as the user `postgres` that Debian's package made. */
export function serverUser() {
  if (process.getuid() !== 0) return {};
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (!entry) throw new Error('Postgres does not run as root, and there is no user "postgres" to run it as');
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

function ownedFolder(path) {
  mkdirSync(path, { mode: 0o700 });
  const { uid, gid } = serverUser();
  if (uid !== undefined) chownSync(path, uid, gid);
  return path;
}

const environment = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };
const asServer = (folder) => ({ ...serverUser(), cwd: folder, env: { ...environment, WEAVESTREAM_TEST_FOLDER: runFolder() } });

/*
 * initdb takes a second or more, a copy of its result a tenth. The copy's source is made once per run; WEAVESTREAM_TEST_CACHE names a folder
 * to share it with the other test files.
 */
let templateMade = null;

async function makeTemplate() {
  const home = process.env.WEAVESTREAM_TEST_CACHE || runFolder();
  const finished = join(home, 'postgres-template');
  if (existsSync(finished)) return finished;

  const scratch = temporaryFolder('initdb');
  const data = ownedFolder(join(scratch, 'data'));
  const passwordFile = join(scratch, 'password');
  writeFileSync(passwordFile, `${password}\n`);
  await runProcess(program('initdb'), ['-D', data, '-U', role, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8',
    '--locale=C.UTF-8', '--no-sync', '--no-instructions'], asServer(scratch));
  await runProcess(program('postgres'), ['--single', '-F', '-D', data, 'postgres'],
    { ...asServer(scratch), input: `CREATE DATABASE ${role};\n` });
  try {
    await runProcess('cp', ['-a', '--reflink=auto', data, `${finished}.${process.pid}`]);
    renameSync(`${finished}.${process.pid}`, finished);
  } catch (error) {
    if (!existsSync(finished)) throw error; // else another test file was quicker
    rmSync(`${finished}.${process.pid}`, { recursive: true, force: true });
  }
  rmSync(scratch, { recursive: true, force: true });
  return finished;
}

const serverConfiguration = (folder, certificates) => [
  "listen_addresses = '127.0.0.1'",
  `unix_socket_directories = '${folder}'`,
  'fsync = off',
  'full_page_writes = off',
  'shared_buffers = 64MB',
  'max_wal_size = 2GB',
  'max_connections = 60',
  "timezone = 'Asia/Kathmandu'",
  "log_timezone = 'UTC'",
  "log_line_prefix = '%m [%p] %a '",
  ...(certificates ? ['ssl = on', `ssl_cert_file = '${certificates.certFile}'`, `ssl_key_file = '${certificates.keyFile}'`] : []),
];

/* `extraConf`: more lines for postgresql.conf, as ['max_connections = 5']. `tls`: the server offers TLS; its CA is in `caFile`. */
export async function startPostgres({ extraConf = [], tls = false } = {}) {
  templateMade ??= makeTemplate();
  const template = await templateMade;
  const folder = temporaryFolder('postgres');
  const data = join(folder, 'data');
  const logFile = join(folder, 'postgres.log');
  const certificates = tls ? await makeCertificates(folder) : null;
  const { uid, gid } = serverUser();
  if (uid !== undefined) {
    chownSync(folder, uid, gid);
    if (certificates) chownSync(certificates.keyFile, uid, gid);
  }
  await runProcess('cp', ['-a', '--reflink=auto', template, data]);
  writeFileSync(join(data, 'postgresql.conf'), [...serverConfiguration(folder, certificates), ...extraConf, ''].join('\n'));

  const clients = new Set();
  let child = null;
  let port = 0;
  const log = () => readFileSync(logFile, 'utf8');
  const ended = () => child.exitCode !== null || child.signalCode !== null;

  const connect = async (database = role, options = {}) => {
    const one = new pg.Client({ host: '127.0.0.1', port, user: role, password, database, options: '-c timezone=UTC', ...options });
    one.on('error', () => {}); // the server may be restarted under it; what a test asks of it fails
    await one.connect();
    clients.add(one);
    return one;
  };

  const start = async () => {
    const output = openSync(logFile, 'a');
    try {
      child = await startProcess(program('postgres'), ['-D', data, '-p', `${port}`],
        { ...asServer(folder), stdio: ['ignore', output, output], lastSignal: 'SIGQUIT' });
    } finally {
      closeSync(output);
    }
    const state = () => (existsSync(join(data, 'postmaster.pid')) ? readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n') : []);
    await eventually(() => ended() || (state()[0] === `${child.pid}` && /ready/.test(state()[7] ?? '')), { timeout: 30_000, what: 'Postgres to be ready' });
    return !ended();
  };

  const startSomewhere = async () => {
    for (let tries = 0; tries < 5; tries++) {
      port = await freePort();
      if (await start()) return;
      if (!/address already in use/i.test(log())) break;
    }
    throw new Error(`Postgres did not start: ${log().slice(-2000)}`);
  };

  const end = async (mode) => {
    if (ended()) return;
    process.kill(child.pid, 'SIGCONT');
    process.kill(child.pid, { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' }[mode]);
    await child.ended;
  };

  const urlOf = (database = role, parameters = 'schema=public&connection_limit=5') =>
    `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}${parameters ? `?${parameters}` : ''}`;

  const clientEnvironment = () => ({ ...process.env, PGHOST: '127.0.0.1', PGPORT: `${port}`, PGUSER: role, PGPASSWORD: password });

  await startSomewhere();
  const administrator = () => connect('postgres');

  return {
    folder,
    logFile,
    log,
    role,
    password,
    caFile: certificates?.caFile,
    urlOf,
    client: connect,
    get port() {
      return port;
    },
    get pid() {
      return child.pid;
    },
    get url() {
      return urlOf();
    },
    /* PGHOST and so on, for psql, pg_dump and pg_restore. */
    get environment() {
      return clientEnvironment();
    },
    /* `template`: a database to copy, to which nobody is connected. */
    async createDatabase(name, { template = 'template1' } = {}) {
      const admin = await administrator();
      await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(template)}`);
      await admin.end();
    },
    async dropDatabase(name) {
      const admin = await administrator();
      await admin.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
      await admin.end();
    },
    /* What psql prints, unaligned and without headers. */
    async psql(sql, database = role) {
      const { stdout } = await runProcess('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], { env: clientEnvironment(), input: sql });
      return stdout.trim();
    },
    /* As the user guide restores, the dump on standard input; `database` is made if it does not exist. Hands back a client of it. */
    async restore(file, database) {
      const admin = await administrator();
      const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
      await admin.end();
      const input = openSync(file, 'r');
      try {
        const child = await startProcess('pg_restore', ['--clean', '--if-exists', '--no-owner', '--no-acl', '--exit-on-error', '-d', database],
          { env: clientEnvironment(), stdio: [input, 'ignore', 'pipe'] });
        let words = '';
        child.stderr.on('data', (bytes) => (words += bytes));
        const { code } = await child.ended;
        if (code !== 0) throw new Error(`pg_restore ended with ${code}: ${words}`);
      } finally {
        closeSync(input);
      }
      return connect(database);
    },
    /* Modes: smart, fast, immediate (as a crash), kill (SIGKILL to the postmaster). `whileDown` runs in between. */
    async restart(mode = 'fast', { whileDown = async () => {} } = {}) {
      await end(mode);
      await whileDown();
      if (!(await start())) throw new Error(`Postgres did not start again: ${log().slice(-2000)}`);
    },
    pause: () => process.kill(child.pid, 'SIGSTOP'),
    resume: () => process.kill(child.pid, 'SIGCONT'),
    async stop(mode = 'fast') {
      await Promise.allSettled([...clients].map((one) => one.end()));
      clients.clear();
      await end(mode);
    },
  };
}
