/* health: how a worker tells how it is: over HTTP to probes and Prometheus, and by the command `health`. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync, existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startVolume } from '../faults/support/volume.mjs';
import { untilState, versions } from './support/bullmq.mjs';
import { assertAnswer } from './support/json_schema.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { freePort, runProcess, temporaryFolder } from './support/run_folder.mjs';
import { openScene, shell } from './support/scene.mjs';
import { insertConfig, insertRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';
import { inTerminal } from './support/terminal.mjs';
import { startWeb } from './support/web.mjs';
import { run } from './support/worker.mjs';

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 40'] }), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

const open = (t, options = {}) => openScene(t, { redis, postgres, bullmq: versions['6.7.0'], ...options });

/* One request, by TCP or over a socket: { status, headers, body }. */
const ask = (address, path, { method = 'GET', headers = {} } = {}) => new Promise((done, refuse) => {
  const colon = address.lastIndexOf(':');
  const where = address.startsWith('unix:') ? { socketPath: address.slice(5) } : { host: address.slice(0, colon).replace(/[[\]]/g, ''), port: address.slice(colon + 1) };
  request({ ...where, path, method, headers, timeout: 5000, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => done({ status: response.statusCode, headers: response.headers, body }));
  }).on('error', refuse).on('timeout', function () { this.destroy(new Error('no answer')); }).end();
});

/* What a metric, with its labels, is in an answer; null: it has no value. */
const metricsIn = (body) => (name) => {
  const line = body.split('\n').find((one) => one.startsWith(`weavestream_backup_${name} `));
  return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1));
};

/* A worker that listens, looks at its facts every second, and is asked by these. */
async function startListening(t, scene, { address = null, env = {}, ...options } = {}) {
  const listen = address ?? `127.0.0.1:${await freePort()}`;
  const settings = { BACKUP_HTTP_LISTEN: listen, BACKUP_FACTS_SECONDS: '1' };
  const worker = await scene.start({ env: { ...settings, ...env }, ...options });
  await worker.waitForEvent('listening');
  return {
    worker,
    listen,
    get: (path, asked) => ask(listen, path, asked),
    ready: async () => (await ask(listen, '/readyz')).status === 200,
    health: (...args) => run(['health', ...args], { env: settings }),
    metric: async (name) => metricsIn((await ask(listen, '/metrics')).body)(name),
  };
}

/*
 * Waits until a problem of this kind is there, or gone; of one answer, since each is of one moment. Within a period means: the look at the facts
 * that was under way may have missed what happened, but the next one has not. The connection to Redis is not looked at, it tells by itself.
 */
async function untilProblem(one, about, isThere) {
  const look = async () => {
    const metric = metricsIn((await one.get('/metrics')).body);
    return { ready: metric('ready'), problems: metric(`problems{about="${about}"}`), looks: metric('facts_looks_total') };
  };
  const hasFlipped = ({ ready, problems }) => (isThere ? ready === 0 && problems === 1 : ready === 1 && problems === 0);
  const { looks } = await look();
  const isOver = (seen) => hasFlipped(seen) || (about !== 'redis' && seen.looks >= looks + 2);
  const seen = await eventually(async () => [await look()].find(isOver), { timeout: 60_000, what: `a problem about ${about} to ${isThere ? 'come' : 'go'}` });
  assert.ok(hasFlipped(seen), `${JSON.stringify(seen)} two looks after ${looks}`);
}

/* Not ready, by each way of asking, for a reason of this kind; and ready again once it is healed. */
async function assertFlips(one, { about, reason, strike, heal }) {
  await eventually(one.ready, { what: 'the worker to be ready' });
  assert.equal((await one.health()).code, 0);
  const end = await strike();
  try {
    await untilProblem(one, about, true);
    const answer = await one.get('/readyz', { headers: { accept: 'application/json' } });
    assert.deepEqual([answer.status, answer.headers['content-type']], [503, 'application/json']);
    const { ready, problems } = assertAnswer('health', answer.body);
    assert.equal(ready, false);
    const { text } = problems.find((problem) => problem.about === about);
    assert.match(text, reason);
    const asked = await one.health();
    assert.equal(asked.code, 1);
    assert.ok(asked.stdout.split('\n').includes(`${about}: ${text}`), asked.stdout);
    assert.equal((await one.health('--live')).code, 0, 'the loop turns all the while');
  } finally {
    await heal(end);
  }
  await untilProblem(one, about, false);
  const { code, stdout } = await one.health();
  assert.deepEqual([code, stdout], [0, 'ready\n']);
}

/* For servers: what strikes is the time for which they are away. */
function away(restart) {
  let release;
  let restarted;
  return {
    strike: () => new Promise((down) => {
      restarted = restart(() => { down(); return new Promise((up) => (release = up)); });
    }),
    heal: () => { release(); return restarted; },
  };
}

describe('the worker is ready, and is not', () => {
  test('while Redis is away', async (t) => {
    const own = await startRedis();
    t.after(() => own.stop());
    const one = await startListening(t, await open(t), { env: { REDIS_URL: own.url } });
    await assertFlips(one, { about: 'redis', reason: /^no connection to Redis/, ...away((whileDown) => own.restart({ whileDown })) });
    assert.ok((await one.metric('redis_connects_total{connection="command"}')) >= 2);
  });

  test('while Redis hangs', async (t) => {
    const own = await startRedis();
    t.after(() => own.stop());
    const one = await startListening(t, await open(t), { env: { REDIS_URL: own.url } });
    await assertFlips(one, { about: 'redis', reason: /^no connection to Redis/, strike: () => own.pause(), heal: () => own.resume() });
  });

  test('while Postgres is away', async (t) => {
    const own = await startPostgres();
    const scene = await open(t, { postgres: own });
    t.after(() => own.stop()); // when the scene's clients are gone
    const one = await startListening(t, scene);
    await assertFlips(one, { about: 'postgres', reason: /Connection refused/, ...away((whileDown) => own.restart('fast', { whileDown })) });
    assert.equal(await one.metric('postgres_up'), 1);
  });

  test('while Postgres hangs', async (t) => {
    const own = await startPostgres();
    const scene = await open(t, { postgres: own });
    t.after(() => own.stop());
    const one = await startListening(t, scene);
    await assertFlips(one, { about: 'postgres', reason: /no connection to the server within its time|no answer/, strike: () => own.pause(), heal: () => own.resume() });
  });

  test('while the backup directory cannot be written to', async (t) => {
    const scene = await open(t);
    const volume = await startVolume(t, temporaryFolder('volume'));
    const one = await startListening(t, scene, { wrapper: volume.wrapper, env: { BACKUP_STORAGE_DIR: volume.folder, BACKUP_MIN_FREE_MB: '1' } });
    await assertFlips(one, { about: 'directory', reason: /Permission denied; user \d+ must be allowed to write in/, strike: () => volume.forbid(), heal: () => volume.allow() });
    await assertFlips(one, { about: 'space', reason: /^no room for a dump: /, strike: () => volume.fill(), heal: () => volume.empty() });
  });

  test('while a schedule is overdue', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene, { env: { BACKUP_MISSED_GRACE_MINUTES: '1' } });
    const cron = '*/10 * * * *';
    const seen = Date.now() - 3_600_000;
    await assertFlips(one, { about: 'schedule', reason: /^'Often' is overdue: no run has begun since it was due at /,
      strike: async () => {
        const id = await insertConfig(scene.sql, { name: 'Often', cron, timezone: 'Etc/UTC' });
        writeFileSync(join(scene.storage, '.weavestream-backup-ledger.json'),
          JSON.stringify({ looked: seen, configs: [{ id, cron, timezone: 'Etc/UTC', seen, settled: seen, owed: 0, unusable: false }], complaints: [] }));
        return id;
      },
      heal: async (id) => insertRun(scene.sql, { config_id: id, status: 'success', started_at: new Date(), finished_at: new Date() }) });
  });

  test('but not for a queue that somebody has paused, which is told', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene);
    await eventually(async () => (await one.ready()) && (await one.metric('queue_paused')) === 0);
    await scene.queue.pause();
    await eventually(async () => (await one.metric('queue_paused')) === 1);
    assert.ok(await one.ready());
    assert.match((await one.get('/')).body, /Queue paused/);
  });

  test('while nobody can look at Postgres and the directory', async (t) => {
    const scene = await open(t);
    const facts = `[ ! -e "$SCENE/broken" ] || exit 3; echo '{"type":"completed","returnvalue":{"problems":[]}}' >&3`;
    const one = await startListening(t, scene, { program: shell(`say '{"type":"completed"}'`), args: ['--facts', facts] });
    await assertFlips(one, { about: 'facts', reason: /the job process ended with exit code 3 and without a verdict|status 3/,
      strike: () => scene.release('broken'), heal: () => runProcess('rm', [join(scene.folder, 'broken')]) });
  });

  test('while its loop does not turn, which nobody but the asking one can tell', async (t) => {
    const one = await startListening(t, await open(t));
    await eventually(one.ready);
    one.worker.signal('SIGSTOP');
    for (const args of [['--timeout', '1'], ['--timeout', '1', '--live']]) {
      const { code, stdout, stderr } = await one.health(...args);
      assert.deepEqual([code, stdout], [69, '']);
      assert.equal(stderr, `weavestream-backup health: the worker at '${one.listen}' does not answer: no answer in time: its loop does not turn\n`);
    }
    one.worker.signal('SIGCONT');
    await eventually(async () => (await one.health('--live')).code === 0 && (await one.health()).code === 0);
    await eventually(async () => (await one.metric('loop_lag_seconds')) !== null);
  });

  test('while its loop does not turn and all who may wait at its socket do', async (t) => {
    const scene = await open(t);
    const path = join(scene.folder, 'health.sock');
    const one = await startListening(t, scene, { address: `unix:${path}`, program: shell(`say '{"type":"completed"}'`), args: ['--facts='] });
    one.worker.signal('SIGSTOP');
    await new Promise((full) => {
      const wait = () => {
        const socket = connect(path, wait).on('error', ({ code }) => code === 'EAGAIN' && full());
        t.after(() => socket.destroy());
      };
      wait();
    });
    const { code, stderr } = await one.health();
    assert.equal(code, 69);
    assert.equal(stderr, `weavestream-backup health: the worker at 'unix:${path}' does not answer: too many wait for an answer already: its loop does not turn\n`);
    one.worker.signal('SIGCONT');
    await eventually(async () => (await one.health()).code === 0, { what: 'the queue to be worked off' });
  });
});

describe('metrics', () => {
  test('are valid, and follow a run from its first byte to its success', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene);
    const release = await scene.holdDumps();
    const { configId, job } = await scene.runNow({ name: 'Nightly "\\ü' });
    await eventually(async () => /^weavestream_backup_active_job_bytes\{id="\d+",phase="dump"\} \d+$/m.test((await one.get('/metrics')).body), { what: 'the bytes of the dump' });
    assert.equal(await one.metric('active_jobs'), 1);
    await eventually(async () => (await one.metric('lock_held')) === 1, { what: 'the lock to be seen' });
    await eventually(async () => (await one.metric('lock_renewals_total')) >= 1, { what: 'a lock to be renewed' });
    await release();
    await untilState(scene.queue, job, 'completed');
    const schedule = `schedule="Nightly \\"\\\\ü",id="${configId}"`;
    await eventually(async () => (await one.metric(`schedule_runs{${schedule},status="success"}`)) === 1, { what: 'the success to be seen' });

    const row = (await scene.rows())[0];
    assert.equal(await one.metric(`schedule_last_success_timestamp_seconds{${schedule}}`), row.finished_at.getTime() / 1000);
    assert.equal(await one.metric(`schedule_last_success_size_bytes{${schedule}}`), Number(row.size_bytes));
    for (const phase of ['all', 'dump', 'verify']) assert.ok((await one.metric(`schedule_last_success_duration_seconds{${schedule},phase="${phase}"}`)) >= 0);
    assert.ok((await one.metric(`schedule_next_due_timestamp_seconds{${schedule}}`)) > Date.now() / 1000);
    assert.equal(await one.metric(`schedule_overdue{${schedule}}`), 0);
    await eventually(async () => (await one.metric('dumps')) === 1, { what: 'the dump to be seen: the directory is looked at before the rows' });
    assert.equal(await one.metric('dump_bytes'), Number(row.size_bytes));
    await eventually(async () => (await one.metric('attempts_total{outcome="completed"}')) === 2, { what: 'the prune job to be done' });

    const counts = await scene.queue.getJobCounts();
    await eventually(async () => (await one.metric('queue_jobs{state="completed"}')) === counts.completed && (await one.metric('queue_jobs{state="delayed"}')) === counts.delayed, { what: 'the counts of the queue' });

    const { headers, body } = await one.get('/metrics');
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    const checked = await runProcess('promtool', ['check', 'metrics'], { input: body, check: false });
    assert.deepEqual([checked.code, checked.stdout + checked.stderr], [0, '']);
  });

  test('are those that the dashboard and the alerts ask for', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene);
    const { job } = await scene.runNow();
    await untilState(scene.queue, job, 'completed');
    await eventually(async () => (await one.metric('dumps')) === 1);
    const known = new Set([...(await one.get('/metrics')).body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    for (const file of ['grafana-dashboard.json', 'alerts.yml']) {
      const text = readFileSync(new URL(`../../docker/${file}`, import.meta.url), 'utf8');
      const named = new Set([...text.matchAll(/weavestream_backup_\w+/g)].map(([name]) => name));
      assert.ok(named.size >= 8, `${file} asks for ${[...named]}`);
      assert.deepEqual([...named].filter((name) => !known.has(name)), [], file);
    }
    const { panels } = JSON.parse(readFileSync(new URL('../../docker/grafana-dashboard.json', import.meta.url), 'utf8'));
    for (const { title, targets } of panels)
      for (const { expr, legendFormat } of targets)
        assert.ok(/\b(max|min|sum)\b/.test(expr) || /\{\{instance\}\}/.test(legendFormat), `'${title}' shows what two workers tell alike twice: ${expr}`);
    const checked = await runProcess('promtool', ['check', 'rules', new URL('../../docker/alerts.yml', import.meta.url).pathname], { check: false });
    assert.equal(checked.code, 0, checked.stderr);
    const tested = await runProcess('promtool', ['test', 'rules', new URL('./alerts.yml', import.meta.url).pathname], { check: false });
    assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  });
});

/* The sockets of a process on which it listens, by TCP or locally. */
function listeningSockets(pid) {
  const held = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
    } catch {
      return undefined; // closed meanwhile
    }
  }));
  const lines = (name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trim().split('\n').slice(1).map((line) => line.trim().split(/\s+/));
  const tcp = ['tcp', 'tcp6'].flatMap(lines).filter((columns) => columns[3] === '0A').map((columns) => columns[9]);
  const local = lines('unix').filter((columns) => columns[3] === '00010000').map((columns) => columns[6]);
  return [...tcp, ...local].filter((inode) => held.has(inode));
}

describe('listening', () => {
  test('is done only if it is asked for, and then nobody looks for facts either', async (t) => {
    const scene = await open(t);
    const silent = await scene.start();
    const one = await startListening(t, scene);
    await silent.waitForEvent('worker ready');
    await eventually(one.ready);
    assert.deepEqual(listeningSockets(silent.pid), []);
    assert.equal(listeningSockets(one.worker.pid).length, 1);
    const { rows } = await scene.sql.query(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'weavestream-backup facts' AND datname = current_database()`);
    assert.ok(rows[0].n <= 1);
    assert.deepEqual(silent.named('facts not known'), []);
  });

  test('on a socket: a dead one is replaced, a living one is not, and it is gone with its worker', async (t) => {
    const scene = await open(t);
    const path = join(scene.folder, 'health.sock');
    const address = `unix:${path}`;
    const first = await startListening(t, scene, { address });
    await eventually(first.ready);
    assert.equal((await first.health()).code, 0);

    const second = await scene.start({ env: { BACKUP_HTTP_LISTEN: address } });
    const { error } = await second.waitForEvent('worker cannot listen');
    assert.equal(error, `BACKUP_HTTP_LISTEN: listen on '${address}': Address already in use`);
    assert.equal((await second.ended).code, 69);
    assert.equal((await first.health('--live')).code, 0, 'the first one still has it');

    await first.worker.kill();
    assert.ok(existsSync(path));
    const { code, stderr } = await first.health();
    assert.equal(code, 69);
    assert.match(stderr, /does not answer: connect: Connection refused\n$/);
    const third = await startListening(t, scene, { address });
    await eventually(third.ready);
    await third.worker.stop();
    assert.ok(!existsSync(path));
  });

  test('by IPv6, and on all interfaces, where `health` takes the loopback one', async (t) => {
    const scene = await open(t);
    for (const host of ['[::1]', '0.0.0.0']) {
      const one = await startListening(t, scene, { address: `${host}:${await freePort()}` });
      await eventually(async () => (await one.health()).code === 0);
    }
  });

  test('answers what it knows, and nothing else', async (t) => {
    const one = await startListening(t, await open(t));
    const alive = await one.get('/healthz');
    assert.deepEqual([alive.status, alive.body, alive.headers['content-type'], alive.headers['cache-control']], [200, 'alive\n', 'text/plain; charset=utf-8', 'no-store']);
    assert.equal((await one.get('/healthz?x=1')).status, 200);
    const head = await one.get('/metrics', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.ok(Number(head.headers['content-length']) > 1000);
    for (const path of ['/healthz/', '/../etc/passwd', '/index.html', '/%2e%2e/']) assert.equal((await one.get(path)).status, 404, path);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.equal((await one.get('/', { method })).status, 405, method);
    assert.equal((await one.get('/', { headers: { x: 'x'.repeat(12_000) } })).status, 431);
    assert.equal((await one.get('/healthz')).status, 200);
  });

  test('answers for a queue whose name is no UTF-8, too', async (t) => {
    const named = ['sh', '-c', 'worker=$1; shift 2; exec "$worker" worker --queue "$(printf "odd\\377")" "$@"', 'sh'];
    const one = await startListening(t, await open(t), { program: shell(`say '{"type":"completed"}'`), args: ['--facts='], wrapper: named });
    await eventually(one.ready);
    assert.equal((await one.get('/readyz')).body, 'ready\n');
    assert.equal(await one.metric(`build_info{version="${(await run(['--version'])).stdout.trim().split(' ').at(-1)}",queue="odd\uFFFD"}`), 1);
  });

  test('costs jobs nothing: hundreds that ask for nothing are bounded in number and in time', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene, { program: shell(`say '{"type":"completed"}'`), args: ['--facts='], wrapper: ['prlimit', '--nofile=100', '--'] });
    const [host, port] = one.listen.split(':');
    const begun = performance.now();
    const crowd = Array.from({ length: 200 }, () => {
      const socket = connect(port, host).on('error', () => {}).resume();
      const dripping = setInterval(() => socket.write('G'), 1000);
      return new Promise((done) => socket.on('close', () => { clearInterval(dripping); done(performance.now() - begun); }));
    });
    const descriptors = () => readdirSync(`/proc/${one.worker.pid}/fd`).length;
    await eventually(() => descriptors() >= 32);
    await eventually(async () => (await one.get('/healthz')).status === 200, { what: 'an answer once the crowd has come in' });
    const job = await scene.queue.add('any', {});
    await untilState(scene.queue, job, 'completed');
    assert.ok(descriptors() < 60, `${descriptors()} descriptors`);
    const last = Math.max(...await Promise.all(crowd));
    assert.ok(last >= 9_500 && last < 60_000, `the last one was closed after ${last} ms`);
  });

  test('goes on while the worker closes, and says so', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene, { program: shell('trap "" TERM; await go'), args: ['--facts', `echo '{"type":"completed","returnvalue":{"problems":[]}}' >&3`] });
    await eventually(one.ready);
    await scene.queue.add('run', {});
    await one.worker.waitForEvent('job started');
    one.worker.signal('SIGTERM');
    await one.worker.waitForEvent('worker closing');
    const { status, body } = await one.get('/readyz');
    assert.deepEqual([status, body], [503, 'redis: the worker is closing\n']);
    scene.release('go');
    await one.worker.ended;
  });
});

describe('the command', () => {
  test('needs to know where the worker listens', async () => {
    const { code, stderr } = await run(['health']);
    assert.equal(code, 78);
    assert.equal(stderr, 'weavestream-backup health: BACKUP_HTTP_LISTEN is not set: the worker listens nowhere; set it for both, as in 127.0.0.1:9466\n');
    const wrong = await run(['health'], { env: { BACKUP_HTTP_LISTEN: 'localhost' } });
    assert.equal(wrong.code, 78);
    assert.match(wrong.stderr, /^weavestream-backup health: BACKUP_HTTP_LISTEN='localhost': not an address and a port/);
  });

  test('says when nobody answers, or somebody else', async (t) => {
    const nobody = await run(['health'], { env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${await freePort()}` } });
    assert.equal(nobody.code, 69);
    assert.match(nobody.stderr, /^weavestream-backup health: the worker at '127\.0\.0\.1:\d+' does not answer: connect: Connection refused\n$/);

    const web = await startWeb(t, { answers: [{ status: 404 }] });
    const other = await run(['health'], { env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${web.port}` } });
    assert.deepEqual([other.code, other.stderr], [69, `weavestream-backup health: what answers at '127.0.0.1:${web.port}' is no worker\n`]);

    const friendly = await startWeb(t, { answers: [{ status: 200, body: 'ready\n' }] });
    const third = await run(['health'], { env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${friendly.port}` } });
    assert.deepEqual([third.code, third.stdout], [69, '']);

    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n\r\n')).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await eventually(() => server.listening);
    const { code, stderr } = await run(['health'], { env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${server.address().port}` } });
    assert.equal(code, 69);
    assert.match(stderr, /is no worker|Connection reset/);
  });

  test('in a terminal: says in a word that all is well, or why not', async (t) => {
    const scene = await open(t);
    const one = await startListening(t, scene);
    const env = { BACKUP_HTTP_LISTEN: one.listen };
    await eventually(one.ready);
    const { screen, code } = await inTerminal(['health'], { env });
    assert.deepEqual([code, screen], [0, 'ready']);
    await insertConfig(scene.sql, { name: 'Odd', cron: 'every night' });
    await eventually(async () => !await one.ready());
    const not = await inTerminal(['health'], { env });
    assert.equal(not.code, 1);
    assert.match(not.screen, /^schedule: 'Odd' cannot be followed: .*$/);
  });

  test('prints one JSON object if it is asked to', async (t) => {
    const one = await startListening(t, await open(t));
    await eventually(one.ready);
    const { code, stdout } = await one.health('--json');
    assert.equal(code, 0);
    assert.deepEqual(assertAnswer('health', stdout), { ready: true, problems: [] });
    assert.equal((await one.health('--live', '--json')).stdout, '{"alive":true}\n');
  });
});
