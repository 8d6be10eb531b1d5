/*
 * stage: what a cell is played on: a scene with a backup directory that can be filled and forbidden, with gates between worker and servers, a mail
 * server, and a first worker whose run will wait at the step.
 *
 *     const stage = await openStage(t, { step: steps.verify, servers });
 *     await stage.gate.reached();
 *     stage.run(), stage.dump()        the first worker's job process, its pg_dump
 *     await stage.secondWorker()       the same one, however often it is asked for
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { descendants } from '../../integration/support/processes.mjs';
import { executable, openScene } from '../../integration/support/scene.mjs';
import { insertConfig, rowCounts } from '../../integration/support/schema.mjs';
import { startSmtp } from '../../integration/support/smtp.mjs';
import { openableGate } from '../support/gate.mjs';
import { startPostgresProxy } from '../support/postgres_proxy.mjs';
import { startProxy } from '../support/proxy.mjs';
import { newest } from '../support/scene.mjs';
import { startVolume } from '../support/volume.mjs';

export const cron = '0 0 29 2 *'; // far away

/* Redis, whose answer to some command can be made to wait. */
async function startRedisGates(t, redis) {
  const proxy = await startProxy(redis);
  t.after(() => proxy.stop());
  return {
    url: proxy.url(redis.connection().db),
    hold(name, matches) {
      const gate = openableGate(name);
      proxy.meddle(({ words }) => matches(words), ({ reply }) => gate.pass().then(() => reply));
      return gate;
    },
  };
}

/* A mail server that can be made to wait before it takes a mail. */
async function startMail(t, sql) {
  let gate = null;
  const server = await startSmtp(t, { onRcptTo: (address, session, done) => Promise.resolve(gate?.pass()).then(() => done()) });
  await server.settings(sql);
  return { mails: server.mails, hold: (name) => (gate = openableGate(name)) };
}

/* A pg_dump that fails as long as the file is not there. */
function failingDump(until) {
  const file = executable(`#!/bin/sh
PATH='${process.env.PATH}'
[ "$1" = --version ] || [ -e '${until}' ] || { echo 'not today' >&2; exit 1; }
exec pg_dump "$@"
`, 'pg_dump');
  return { PATH: `${dirname(file)}:${process.env.PATH}` };
}

const nothing = { hold: () => ({}) };

/* Without a step, its runs wait for nothing. */
export async function openStage(t, { step = nothing, servers }) {
  const scene = await openScene(t, { ...servers, bullmq: newest });
  t.after(() => servers.postgres.dropDatabase(scene.database));
  const { sql, database } = scene;
  const configId = await insertConfig(sql, { cron, notify_emails: ['ops@example.org'], notify_on_success: step.notifies ?? false });
  const volume = await startVolume(t, scene.storage);
  const redis = await startRedisGates(t, scene.redis);
  const postgres = await startPostgresProxy(servers.postgres);
  t.after(() => postgres.stop());
  const mail = await startMail(t, sql);
  const before = await rowCounts(sql);
  const mended = join(scene.folder, 'mended');
  const { gate, env } = step.hold({ volume, redis, postgres, mail });

  const workers = [];
  const start = async (more) => {
    const worker = await scene.start({
      wrapper: volume.wrapper, ledger: true,
      env: {
        WEAVESTREAM_TEST_FOLDER: scene.folder, // to know its processes by
        REDIS_URL: redis.url, DATABASE_URL: postgres.through(scene.environment.DATABASE_URL),
        BACKUP_MIN_FREE_MB: '0', ...step.settings, ...(step.fails ? failingDump(mended) : {}), ...more,
      },
    });
    workers.push(worker);
    await worker.waitForEvent('worker ready');
    return worker;
  };
  const worker = await start(env);
  const child = (what, matches) => {
    const found = descendants(worker.pid).find(matches);
    if (!found) throw new Error(`${what} is not there`);
    return found;
  };
  let second = null;
  return {
    servers, scene, configId, before, volume, mails: mail.mails, notifies: step.notifies ?? false, workers, worker, gate,
    secondWorker: () => (second ??= start({})),
    goOn: () => gate.open(),
    mend: () => writeFileSync(mended, ''),
    run: () => child('the job process', ({ cmdline }) => cmdline.endsWith('weavestream-backup-job')),
    dump: () => child('pg_dump', ({ name }) => name === 'pg_dump'),
    /* A client of this very moment: a restart ends older ones. */
    async ask(query, values = []) {
      const client = await servers.postgres.client(database);
      try {
        return (await client.query(query, values)).rows;
      } finally {
        await client.end();
      }
    },
  };
}
