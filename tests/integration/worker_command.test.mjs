/* `weavestream-backup worker` before it is a worker: its command line and its settings. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';
import { run, startWorker, workerProgram } from './support/worker.mjs';

const oddPassword = 'p@ss:w/ord%\'\\ "1"#?&é';

describe('command line', () => {
  const good = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgresql://user:secret@db/app' };

  for (const [args, line] of [
    [['bogus'], "weavestream-backup: 'bogus' is no command; try 'weavestream-backup help'\n"],
    [['worker', 'extra'], "weavestream-backup worker: 'extra' is no option; a job program is given after '--'\n"],
    [['worker', 'extra', '--', 'true'], "weavestream-backup worker: 'extra' is no option; a job program is given after '--'\n"],
    [['worker', '--queue', '--', 'true'], "weavestream-backup worker: '--queue' needs a value: --queue=NAME\n"],
    [['worker', '--concurrency', '0'], "weavestream-backup worker: --concurrency='0' is not a number from 1 to 1000\n"],
    [['worker', '-c', 'many'], "weavestream-backup worker: --concurrency='many' is not a number from 1 to 1000\n"],
    [['worker', '--lock-duration', '99'], "weavestream-backup worker: --lock-duration='99' is not a number from 100 to 86400000\n"],
    [['worker', '--skip-lock-renewal=yes'], "weavestream-backup worker: '--skip-lock-renewal' takes no value; try --help\n"],
    [['worker', '--stalled-interval', '0'], "weavestream-backup worker: --stalled-interval='0' is not a number from 100 to 86400000\n"],
    [['worker', '--skip-stalled-check=no'], "weavestream-backup worker: '--skip-stalled-check' takes no value; try --help\n"],
    [['worker', '--max-stalled-count', '-1'], "weavestream-backup worker: --max-stalled-count='-1' is not a number from 0 to 2147483647\n"],
    [['worker', '--max-started-attempts', '0'], "weavestream-backup worker: --max-started-attempts='0' is not a number from 1 to 2147483647\n"],
    [['worker', '--limiter', '10'], "weavestream-backup worker: --limiter='10' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--limiter', '0/1000'], "weavestream-backup worker: --limiter='0/1000' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--limiter', '10/1s'], "weavestream-backup worker: --limiter='10/1s' is not JOBS/MILLISECONDS, as 10/1000 for ten jobs a second\n"],
    [['worker', '--maximum-rate-limit-delay', '0'], "weavestream-backup worker: --maximum-rate-limit-delay='0' is not a number from 1 to 86400000\n"],
    [['worker', '--drain-delay', '0.5'], "weavestream-backup worker: --drain-delay='0.5' is not a number from 1 to 3600\n"],
    [['worker', '--metrics', '0'], "weavestream-backup worker: --metrics='0' is not a number from 1 to 2147483647\n"],
    [['worker', '--remove-on-complete', '100'], "weavestream-backup worker: --remove-on-complete: '100' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"\n"],
    [['worker', '--remove-on-fail', '{"age":-1}'], "weavestream-backup worker: --remove-on-fail: '{\"age\":-1}' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"\n"],
    [['worker', '--bogus'], "weavestream-backup worker: '--bogus' is no option; try --help\n"],
    [['worker', '--queue'], "weavestream-backup worker: '--queue' needs a value: --queue=NAME\n"],
    [['worker', '--queue', 'a:b'], /^weavestream-backup worker: .*':'.*\n$/],
    [[], /^Usage: weavestream-backup COMMAND/],
  ]) {
    test(`wrong usage is told, with status 64: ${['weavestream-backup', ...args].join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args, { env: good });
      assert.equal(code, 64);
      assert.equal(stdout, '');
      if (typeof line === 'string') assert.equal(stderr, line);
      else assert.match(stderr, line);
    });
  }

  for (const args of [['--help'], ['help'], ['worker', '--help'], ['--version'], ['version']]) {
    test(`is answered on standard output: ${['weavestream-backup', ...args].join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, args[0].includes('version') ? /^weavestream-backup \d+\.\d+\.\d+\n$/ : /^Usage: weavestream-backup /);
    });
  }

  test('wrong settings are told in one line each, with status 78, and no secret is repeated', async () => {
    const { code, stdout, stderr } = await run(['worker'], {
      env: {
        REDIS_URL: 'redis://:top/secret@redis:6379', BACKUP_LOCK_SECONDS: '4', BACKUP_STALLED_SECONDS: 'often', BACKUP_SHUTDOWN_SECONDS: '1.5',
        BACKUP_JOB_LOCK_MINUTES: '1441', SMTP_SECRET_KEY: 'dG9vIHNob3J0', SMTP_PREVIOUS_KEYS: 'a:short', LOG_LEVEL: 'loud',
      },
    });
    assert.equal(code, 78);
    assert.equal(stdout, '');
    assert.equal(stderr, `weavestream-backup worker: REDIS_URL: the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %3A, %2F and %40)
weavestream-backup worker: BACKUP_LOCK_SECONDS='4': not a whole number from 5 to 3600
weavestream-backup worker: BACKUP_STALLED_SECONDS='often': not a whole number from 1 to 3600
weavestream-backup worker: BACKUP_SHUTDOWN_SECONDS='1.5': not a whole number from 1 to 3600
weavestream-backup worker: DATABASE_URL is not set: it must be postgresql://, as in postgresql://user:password@postgres:5432/database
weavestream-backup worker: BACKUP_JOB_LOCK_MINUTES='1441': not a whole number from 5 to 1440
weavestream-backup worker: SMTP_SECRET_KEY: not base64 of 32 bytes
weavestream-backup worker: SMTP_PREVIOUS_KEYS: not 'kid:key,kid:key', each key base64 of 32 bytes
weavestream-backup worker: LOG_LEVEL='loud': not one of trace, debug, info, warn, error, fatal
`);
  });

  test('nothing set at all is two lines', async () => {
    const { code, stderr } = await run(['worker'], { env: { REDIS_URL: '' } });
    assert.equal(code, 78);
    assert.equal(stderr, `weavestream-backup worker: REDIS_URL is not set: it must be redis://, rediss:// or unix://, as in redis://:password@redis:6379/0
weavestream-backup worker: DATABASE_URL is not set: it must be postgresql://, as in postgresql://user:password@postgres:5432/database
`);
  });

  test('another job program needs no database', async () => {
    const { code, stdout } = await run(['worker', '--check', '--', 'true'], { env: { REDIS_URL: good.REDIS_URL } });
    assert.equal(code, 0);
    assert.ok(!stdout.includes('DATABASE_URL'));
  });

  test('a pooler in DATABASE_URL is refused with advice', async () => {
    const { code, stderr } = await run(['worker', '--check'], { env: { ...good, DATABASE_URL: `${good.DATABASE_URL}?pgbouncer=true` } });
    assert.equal(code, 78);
    assert.equal(stderr, "weavestream-backup worker: DATABASE_URL: it has 'pgbouncer=true': session locks do not work through a pooler; give the server's own address\n");
  });

  const misspelt = { ...good, BACKUP_VERFY: 'hunter2', BACKUP_LOCK_SECOND: 'hunter2' };

  test('--check asks whether a setting was meant by a variable that is none, without its value, and its status stays', async () => {
    const { code, stdout, stderr } = await run(['worker', '--check'], { env: misspelt });
    assert.equal(code, 0);
    assert.deepEqual(stderr.split('\n').sort(), ['', 'weavestream-backup worker: BACKUP_LOCK_SECOND is no setting; did you mean BACKUP_LOCK_SECONDS?',
      'weavestream-backup worker: BACKUP_VERFY is no setting; did you mean BACKUP_VERIFY?']);
    assert.ok(!stdout.includes('hunter2'));
    const queue = await run(['worker', '--check', '--', 'true'], { env: { ...misspelt, BACKUP_LOCK_SECOND: '' } });
    assert.deepEqual([queue.code, queue.stderr], [0, ''], 'an empty one is not set, and one of backups is nothing to a program of your own');
  });

  test('a variable that is like no setting is left alone', async () => {
    const names = ['MEMORY', 'DATABASE_URL', 'REDIS_URL', 'FILE', 'DIR', 'DIRECTORY', 'URL', 'ID', 'RUN_ID', 'CONFIG_ID', 'MANIFEST', 'SHA256', 'SIZE_BYTES', 'HOST', 'USER', 'RETENTION'];
    const { code, stderr } = await run(['worker', '--check'], { env: { ...good, ...Object.fromEntries(names.map((name) => [`BACKUP_${name}`, 'x'])) } });
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('a worker warns at its start of variables that were meant for settings', async () => {
    const worker = await startWorker({ env: misspelt });
    for (const [variable, meant] of [['BACKUP_LOCK_SECOND', 'BACKUP_LOCK_SECONDS'], ['BACKUP_VERFY', 'BACKUP_VERIFY']])
      await worker.waitForEvent('misspelt setting', (event) => event.variable === variable && event.meant === meant && event.level === 'warn');
    await worker.stop('SIGTERM');
    assert.ok(!worker.stderr().includes('hunter2'));
  });

  test('--check shows what would be used, with secrets masked', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const { code, stdout, stderr } = await run(['worker', '--check'], {
      env: {
        REDIS_URL: `rediss://worker:${encodeURIComponent(oddPassword)}@redis.example:6380/2`, REDIS_TLS_CA: '/etc/ca.crt',
        DATABASE_URL: `postgresql://weave:${encodeURIComponent(oddPassword)}@db:5433/app?schema=public&connection_limit=5`,
        BACKUP_STORAGE_DIR: '/backups', SMTP_SECRET_KEY: key, SMTP_PREVIOUS_KEYS: `old:${key}`, BACKUP_LOCK_SECONDS: '60', LOG_LEVEL: '',
      },
    });
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.equal(stdout, `REDIS_URL=rediss://worker:***@redis.example:6380/2
REDIS_TLS_CA=/etc/ca.crt
NODE_EXTRA_CA_CERTS=  (default)
BACKUP_LOCK_SECONDS=60
BACKUP_STALLED_SECONDS=10  (default)
BACKUP_SHUTDOWN_SECONDS=5  (default)
BACKUP_HTTP_LISTEN=  (default)
BACKUP_FACTS_SECONDS=60  (default)
DATABASE_URL=postgresql://weave:***@db:5433/app?schema=public
BACKUP_STORAGE_DIR=/backups
BACKUP_UID=100  (default)
BACKUP_GID=101  (default)
BACKUP_JOB_LOCK_MINUTES=360  (default)
BACKUP_VERIFY=full  (default)
BACKUP_DRILL_URL=  (default)
BACKUP_KEEP_REJECTED=0  (default)
BACKUP_COMPRESSION=  (default)
BACKUP_MIN_FREE_MB=256  (default)
BACKUP_STALL_MINUTES=15  (default)
BACKUP_PRUNE_ORPHANS=0  (default)
BACKUP_PING_URL=  (default)
BACKUP_WEBHOOK_URL=  (default)
BACKUP_WEBHOOK_SECRET=  (default)
BACKUP_AFTER_SUCCESS=  (default)
BACKUP_SCHEDULE_REPAIR=missing  (default)
BACKUP_CATCH_UP=1  (default)
BACKUP_MISSED_GRACE_MINUTES=30  (default)
WEAVESTREAM_VERSION=dev  (default)
PASSWORD_ENCRYPTION_KEY_KID=1  (default)
SMTP_SECRET_KEY=***
SMTP_SECRET_KEY_KID=1  (default)
SMTP_PREVIOUS_KEYS=***
LOG_LEVEL=info  (default)
`);
    for (const secret of [oddPassword, encodeURIComponent(oddPassword), key]) assert.ok(!stdout.includes(secret));
  });

  test('without its job program it does not start, with status 69', async () => {
    const folder = temporaryFolder('lonely');
    const binary = join(folder, 'weavestream-backup');
    copyFileSync(workerProgram, binary);
    const { code, stderr } = await run(['worker'], { binary, env: good });
    assert.equal(code, 69);
    assert.match(stderr, /^weavestream-backup worker: weavestream-backup-job is not there: it belongs beside this program, or to '\/\S+\/weavestream-backup-job'\n$/);
  });

  test('links neither libpq nor libcurl', async () => {
    const { stdout } = await runProcess('ldd', [workerProgram]);
    assert.match(stdout, /libevent/);
    assert.match(stdout, /libhiredis/);
    assert.doesNotMatch(stdout, /libpq|libcurl/);
  });
});
