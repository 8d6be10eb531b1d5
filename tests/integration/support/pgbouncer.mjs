/*
 * pgbouncer: a real PgBouncer in front of a test's Postgres.
 *
 *     const pooler = await startPgbouncer(t, postgres, { database: 'app', pool_mode: 'transaction' });
 *     pooler.url                         for DATABASE_URL
 */
import { chownSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, startProcess, temporaryFolder } from './run_folder.mjs';
import { serverUser } from './postgres.mjs';
import { eventually } from './wait.mjs';

export async function startPgbouncer(t, postgres, { database, pool_mode }) {
  const folder = temporaryFolder('pgbouncer');
  const file = join(folder, 'pgbouncer.ini');
  const logFile = join(folder, 'pgbouncer.log');
  const port = await freePort();
  const { uid, gid } = serverUser(); // it does not run as root either
  const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
  writeFileSync(file, `[databases]
${database} = host=127.0.0.1 port=${postgres.port} dbname=${database} user=${postgres.role} password=${quoted(postgres.password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${pool_mode}
`);
  if (uid !== undefined) for (const path of [folder, file]) chownSync(path, uid, gid);
  const log = openSync(logFile, 'a');
  const child = await startProcess('pgbouncer', [file], { uid, gid, cwd: folder, stdio: ['ignore', log, log], lastSignal: 'SIGTERM' });
  closeSync(log);
  t.after(async () => {
    child.kill('SIGTERM');
    await child.ended;
  });
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${readFileSync(logFile, 'utf8')}`);
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'anybody', database });
      client.on('error', () => {});
      try {
        await client.connect();
        return true;
      } catch {
        return false;
      } finally {
        await client.end();
      }
    },
    { what: 'PgBouncer to let somebody in' },
  );
  return { port, url: `postgresql://anybody@127.0.0.1:${port}/${database}` };
}
