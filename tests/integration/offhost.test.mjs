/* scripts/offhost-sync.sh with the real rsync and the real restic. The other host is a stand-in for ssh that runs its command here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { untilGone } from './support/processes.mjs';
import { runProcess, startProcess, temporaryFolder } from './support/run_folder.mjs';
import { programs } from './support/scene.mjs';
import { eventually } from './support/wait.mjs';
import { startWeb } from './support/web.mjs';

const script = fileURLToPath(new URL('../../scripts/offhost-sync.sh', import.meta.url));
const sync = (args, env = {}) =>
  runProcess(script, args, { check: false, env: { PATH: process.env.PATH, HOME: temporaryFolder('home'), ...env } });

const dumpName = (day) => `weavestream-postgres-2026-11-${day}T03-00-00Z.dump`;
const manifestName = (dump) => dump.replace(/\.dump$/, '.manifest.json');

/* A dump, and a manifest as the worker and the app write them. */
function addDump(data, day, { bytes = `dump of day ${day}`, claims = bytes } = {}) {
  const filename = dumpName(day);
  const manifest = { weavestreamVersion: '1.8.14', generatedAt: `2026-11-${day}T03:00:00.000Z`, filename, sizeBytes: bytes.length,
    sha256: createHash('sha256').update(claims).digest('hex'), tables: { users: 3 } };
  writeFileSync(join(data, 'backup', filename), bytes, { mode: 0o600 });
  writeFileSync(join(data, 'backup', manifestName(filename)), JSON.stringify(manifest, null, 2), { mode: 0o600 });
  return filename;
}

/* A DATA_DIR with two whole dumps and much that is none. */
function makeData() {
  const data = join(temporaryFolder("it's data"), 'data');
  mkdirSync(join(data, 'backup'), { recursive: true });
  mkdirSync(join(data, 'files', 'a company'), { recursive: true });
  writeFileSync(join(data, 'files', 'a company', 'logo.png'), 'logo');
  writeFileSync(join(data, 'files', 'report.pdf'), 'report');
  addDump(data, 20);
  addDump(data, 21);
  writeFileSync(join(data, 'backup', '.weavestream-postgres-2026-11-22T03-00-00Z.dump.tmp'), 'half a dump');
  writeFileSync(join(data, 'backup', dumpName(18)), 'no manifest');
  writeFileSync(join(data, 'backup', 'weavestream-postgres-of mine.dump'), 'no name of ours');
  return data;
}

const whole = [20, 21].flatMap((day) => [dumpName(day), manifestName(dumpName(day))]);
const snapshots = (target) => readdirSync(join(target, 'files')).sort();

/* When the slow program, in its cases, is under way. */
async function assertEndsAtOnce(t, signal, status, slow, cases, args, env = {}) {
  const web = await startWeb(t);
  const folder = temporaryFolder('slow');
  const { PATH } = programs({ [slow]: `if ${cases}; then echo $$ > '${folder}/pid'; exec sleep 60; fi; ${slow} "$@"` });
  const child = await startProcess(script, args, { stdio: 'ignore', env: { ...process.env, ...env, PATH, OFFHOST_PING_URL: web.url } });
  const pid = await eventually(() => existsSync(join(folder, 'pid')) && Number(readFileSync(join(folder, 'pid'), 'utf8')), { what: `${slow} to be started` });
  const ended = new Promise((done) => child.once('exit', done));
  process.kill(child.pid, signal);
  assert.equal(await ended, status);
  await untilGone([pid]);
  assert.equal(web.requests.at(-1).body, `exit status ${status}`);
}

describe('with rsync', () => {
  test('whole dumps and the files are copied and proven, anything else is left out', async () => {
    const data = makeData();
    const target = join(temporaryFolder('target'), 'copies');
    const { code, stdout, stderr } = await sync([data, target]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readdirSync(join(target, 'backup')).sort(), whole);
    assert.equal(statSync(join(target, 'backup', dumpName(20))).mode & 0o777, 0o600);
    assert.match(stdout, /^proven: 2 of 2 dumps$/m);
    assert.match(stderr, new RegExp(`'${dumpName(18)}' is left out: it has no manifest`));
    assert.match(stderr, /'weavestream-postgres-of mine.dump' is left out: no worker has named it so/);
    const [snapshot, ...others] = snapshots(target);
    assert.deepEqual(others, []);
    assert.match(snapshot, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/);
    assert.equal(readFileSync(join(target, 'files', snapshot, 'a company', 'logo.png'), 'utf8'), 'logo');
  });

  test('the next run copies what is new, and what was pruned stays there', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    assert.equal((await sync([data, target])).code, 0);
    for (const name of whole.slice(0, 2)) rmSync(join(data, 'backup', name));
    addDump(data, 22);
    const { code, stdout } = await sync([data, target]);
    assert.equal(code, 0);
    assert.match(stdout, /^proven: 1 of 2 dumps$/m);
    assert.deepEqual(stdout.match(/^copied: .*\.dump$/gm), [`copied: ${dumpName(22)}`]);
    assert.equal(readdirSync(join(target, 'backup')).length, 6);
  });

  test('snapshots of the files share what did not change, and only the last ones are kept', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    for (const text of ['one', 'another', 'the third']) {
      writeFileSync(join(data, 'files', 'report.pdf'), text);
      assert.equal((await sync(['--keep', '2', data, target])).code, 0);
    }
    const kept = snapshots(target);
    assert.deepEqual(kept.map((one) => readFileSync(join(target, 'files', one, 'report.pdf'), 'utf8')), ['another', 'the third']);
    assert.equal(new Set(kept.map((one) => statSync(join(target, 'files', one, 'a company', 'logo.png')).ino)).size, 1);
  });

  test('a snapshot that was cut off is gone on with, and never counts as one', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    mkdirSync(join(target, 'files', '.unfinished'), { recursive: true });
    writeFileSync(join(target, 'files', '.unfinished', 'gone meanwhile'), 'x');
    assert.equal((await sync([data, target])).code, 0);
    const [snapshot, ...others] = snapshots(target);
    assert.deepEqual(others, []);
    assert.deepEqual(readdirSync(join(target, 'files', snapshot)).sort(), ['a company', 'report.pdf']);
  });

  test('a dump that is not as large as its manifest says is not copied, and told when the others are', async () => {
    const data = makeData();
    appendFileSync(join(data, 'backup', addDump(data, 19)), ' and more');
    const target = temporaryFolder('target');
    const { code, stdout, stderr } = await sync([data, target]);
    assert.equal(code, 1);
    assert.deepEqual(readdirSync(join(target, 'backup')).sort(), whole);
    assert.match(stdout, /^proven: 2 of 2 dumps$/m);
    assert.match(stderr, new RegExp(`'${dumpName(19)}' is left out: its size is not what its manifest says`));
    assert.match(stderr, new RegExp(`not what their manifests say, and not copied: ${dumpName(19)}; 'weavestream-backup verify'`));
    assert.equal(snapshots(target).length, 1);
  });

  test('a copy that is not what its manifest says is told by its name, by each run until it is', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    addDump(data, 22, { bytes: 'damaged on the way', claims: 'what was written..' });
    for (const options of [[], ['--dumps-only'], []]) {
      const { code, stderr } = await sync([...options, data, target]);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`copies are not what their manifests say: ${dumpName(22)}; remove them there`));
    }
    rmSync(join(target, 'backup', dumpName(22)));
    addDump(data, 22, { bytes: 'whole' });
    const { code, stdout } = await sync([data, target]);
    assert.equal(code, 0);
    assert.match(stdout, /^proven: 1 of 3 dumps$/m);
  });

  test('what a run that was cut off has copied is proven by the next', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    const cut = programs({ sha256sum: 'kill -KILL $(ps -o ppid= $PPID)' });
    assert.notEqual((await sync([data, target], cut)).code, 0);
    assert.deepEqual(readdirSync(join(target, 'backup')).sort(), whole);
    const { code, stdout } = await sync([data, target]);
    assert.equal(code, 0);
    assert.match(stdout, /^proven: 2 of 2 dumps$/m);
  });

  test('a file that the app removes while the files are copied is no failure; one that cannot be read is', async () => {
    for (const [status, expected] of [[24, 0], [23, 69]]) {
      const data = makeData();
      const target = temporaryFolder('target');
      const { code, stderr } = await sync([data, target], programs({ rsync: `rsync "$@" || exit; case "$*" in */files/*) exit ${status} ;; esac` }));
      assert.equal(code, expected, stderr);
      assert.equal(snapshots(target).filter((name) => name !== '.unfinished').length, expected === 0 ? 1 : 0);
    }
  });

  test('with a clock that is behind the newest snapshot no snapshot is made, and none removed', async () => {
    const target = temporaryFolder('target');
    mkdirSync(join(target, 'files', '2199-01-01T00-00-00Z'), { recursive: true });
    const { code, stderr } = await sync(['--keep', '1', makeData(), target]);
    assert.equal(code, 1);
    assert.match(stderr, /their newest snapshot is of 2199-01-01T00-00-00Z, and it is 2\d{3}-.*: set the clock right, or remove that snapshot/);
    assert.deepEqual(snapshots(target), ['2199-01-01T00-00-00Z']);
  });

  test('later damage is found with --verify-all, and mended as the words say', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    assert.equal((await sync([data, target])).code, 0);
    const copy = join(target, 'backup', dumpName(20));
    const { mtimeMs, size } = statSync(copy);
    writeFileSync(copy, 'x'.repeat(size));
    utimesSync(copy, mtimeMs / 1000, mtimeMs / 1000); // nothing to see from outside
    assert.equal((await sync([data, target])).code, 0);
    const found = await sync(['--verify-all', data, target]);
    assert.equal(found.code, 1);
    assert.match(found.stderr, new RegExp(`say: ${dumpName(20)};`));
    rmSync(copy);
    const { code, stdout } = await sync(['--verify-all', data, target]);
    assert.equal(code, 0);
    assert.match(stdout, /^proven: 2 of 2 dumps$/m);
  });

  /* A stand-in for ssh whose home folder is `home`. */
  function standIn(home) {
    const ssh = join(temporaryFolder('ssh'), 'ssh');
    writeFileSync(ssh, `#!/bin/sh\nif [ "$1" = -l ]; then shift 2; fi\necho "$1" >> '${ssh}.hosts'\nshift\ncd '${home}' && exec sh -c "$*"\n`);
    chmodSync(ssh, 0o755);
    return { RSYNC_RSH: ssh, hosts: () => new Set(readFileSync(`${ssh}.hosts`, 'utf8').trim().split('\n').map((name) => name.replace(/^me@/, ''))) };
  }

  test('another host is reached as rsync is told to, whatever stands in the path', async () => {
    const home = temporaryFolder('home of ssh');
    const absolute = join(temporaryFolder('target'), "it's over there");
    for (const [target, folder, host] of [
      [`me@elsewhere:${absolute}`, absolute, 'elsewhere'],
      ['elsewhere:my copies/', join(home, 'my copies'), 'elsewhere'],
      ['me@elsewhere:~/of mine', join(home, 'of mine'), 'elsewhere'],
      ['elsewhere:', home, 'elsewhere'],
      ['me@[::1]:of six', join(home, 'of six'), '::1'],
    ]) {
      const { RSYNC_RSH, hosts } = standIn(home);
      const { code, stdout, stderr } = await sync([makeData(), target], { RSYNC_RSH });
      assert.equal(code, 0, `${target}: ${stderr}`);
      assert.match(stdout, /^proven: 2 of 2 dumps$/m);
      assert.deepEqual(readdirSync(join(folder, 'backup')).sort(), whole);
      assert.equal(snapshots(folder).length, 1);
      assert.deepEqual([...hosts()], [host]);
    }
  });

  test('--dry-run says what would be copied, and copies nothing', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    const { code, stdout, stderr } = await sync(['--dry-run', data, target]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.match(/^would be copied: .*$/gm), whole.map((name) => `would be copied: ${name}`));
    assert.deepEqual(readdirSync(target), []);
  });

  for (const [signal, status, slow] of [['SIGTERM', 143, 'rsync'], ['SIGINT', 130, 'rsync'], ['SIGTERM', 143, 'sha256sum']])
    test(`${signal} ends it, and the ${slow} that it has started, at once`, (t) => assertEndsAtOnce(t, signal, status, slow, 'true', [makeData(), temporaryFolder('target')]));

  test('what outlives a run does not hold up the next', async () => {
    const data = makeData();
    const target = temporaryFolder('target');
    assert.equal((await sync([data, target], programs({ rsync: 'sleep 3 >/dev/null 2>&1 & rsync "$@"' }))).code, 0);
    assert.equal((await sync([data, target])).code, 0);
  });

  test('two at once are one too many', async () => {
    const data = makeData();
    const holder = await startProcess('flock', [join(data, 'backup'), 'sh', '-c', 'echo held; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((held) => holder.stdout.once('data', held));
    const { code, stderr } = await sync([data, temporaryFolder('target')]);
    process.kill(-holder.pid, 'SIGKILL');
    assert.equal(code, 75);
    assert.match(stderr, /another run for '.*' is not over yet/);
  });
});

describe('with restic', () => {
  test('whole dumps and files are kept, proven by reading back, and old snapshots are forgotten; damage is told', async () => {
    const data = makeData();
    const folder = temporaryFolder('restic');
    const env = { RESTIC_REPOSITORY: join(folder, 'repository'), RESTIC_PASSWORD: 'secret', RESTIC_CACHE_DIR: join(folder, 'cache') };
    const restic = async (...args) => (await runProcess('restic', args, { env: { ...process.env, ...env } })).stdout;
    await restic('init');
    const other = makeData(); // of another Weavestream, in the same repository: its snapshot is not forgotten
    assert.equal((await sync([other], env)).code, 0);
    for (const [day, ...options] of [[22], [23, '--verify-all']]) {
      addDump(data, day);
      const { code, stdout, stderr } = await sync(['--keep', '1', ...options, data], env);
      assert.equal(code, 0, stderr);
      assert.match(stdout, day === 22 ? /^proven: 1 of 3 dumps$/m : /^proven: 4 of 4 dumps$/m);
    }
    assert.deepEqual(JSON.parse(await restic('snapshots', '--json')).map(({ tags }) => tags), [other, data].map((one) => ['weavestream', join(one, 'backup')]));
    const back = temporaryFolder('restored');
    await restic('restore', 'latest', '--target', back);
    const names = [20, 21, 22, 23].flatMap((day) => [dumpName(day), manifestName(dumpName(day))]);
    assert.deepEqual(readdirSync(join(back, data, 'backup')).sort(), names);
    assert.equal(readFileSync(join(back, data, 'files', 'a company', 'logo.png'), 'utf8'), 'logo');

    addDump(data, 24, { bytes: 'damaged', claims: 'as made' });
    const { code, stderr } = await sync([data], env);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`say: ${dumpName(24)};`));
  });

  test('a repository that was not made is told', async () => {
    const { code, stderr } = await sync([makeData()], { RESTIC_REPOSITORY: temporaryFolder('empty'), RESTIC_PASSWORD: 'secret' });
    assert.equal(code, 69);
    assert.match(stderr, /was its repository made, by 'restic init'\?/);
  });
});

test('SIGTERM ends what restic reads back at once', async (t) => {
  const folder = temporaryFolder('restic');
  const env = { RESTIC_REPOSITORY: join(folder, 'repository'), RESTIC_PASSWORD: 'secret', RESTIC_CACHE_DIR: join(folder, 'cache') };
  await runProcess('restic', ['init'], { env: { ...process.env, ...env } });
  await assertEndsAtOnce(t, 'SIGTERM', 143, 'restic', '[ "$2" = dump ]', [makeData()], env);
});

describe('pings', () => {
  test('start, success and failure are told, the last with its reason', async (t) => {
    const web = await startWeb(t);
    const data = makeData();
    const target = temporaryFolder('target');
    const env = { OFFHOST_PING_URL: `${web.url}/uuid?rid=1` };
    assert.equal((await sync(['--dumps-only', data, target], env)).code, 0);
    assert.ok(!existsSync(join(target, 'files', '.unfinished')));
    assert.deepEqual(web.requests.map(({ path }) => path), ['/uuid/start?rid=1', '/uuid?rid=1']);
    addDump(data, 22, { bytes: 'damaged', claims: 'as made' });
    assert.equal((await sync(['--dumps-only', data, target], env)).code, 1);
    assert.deepEqual(web.requests.slice(2).map(({ path }) => path), ['/uuid/start?rid=1', '/uuid/fail?rid=1']);
    assert.match(web.requests.at(-1).body, new RegExp(`^copies are not what their manifests say: ${dumpName(22)}`));
    assert.equal((await sync(['/not mounted', target], env)).code, 66);
    assert.equal(web.requests.at(-1).path, '/uuid/fail?rid=1');
    assert.match(web.requests.at(-1).body, /^'\/not mounted\/backup' is not there/);
  });

  test('one that cannot be sent changes nothing', async () => {
    const { code, stderr } = await sync([makeData(), temporaryFolder('target')], { OFFHOST_PING_URL: 'http://127.0.0.1:1/secret' });
    assert.equal(code, 0);
    assert.match(stderr, /the ping could not be sent/);
    assert.doesNotMatch(stderr, /secret/);
  });
});

describe('what cannot be', () => {
  const empty = () => {
    const data = join(temporaryFolder('empty'), 'data');
    mkdirSync(join(data, 'backup'), { recursive: true });
    mkdirSync(join(data, 'files'));
    return data;
  };
  const wrong = {
    'no arguments': [() => [], 64, /DATA_DIR is missing/],
    'no target': [() => [empty()], 64, /TARGET is missing/],
    'an unknown option': [() => ['--bogus', 'a', 'b'], 64, /there is no option --bogus/],
    'a number that is none': [() => ['--keep', 'all', 'a', 'b'], 64, /--keep takes a number/],
    'a daemon of rsync': [() => [empty(), 'host::module'], 64, /where rsync is a daemon, copies cannot be proven/],
    'the same as a URL': [() => [empty(), 'rsync://host/module'], 64, /where rsync is a daemon/],
    'a target within': [() => { const data = empty(); return [data, join(data, 'files', 'copies')]; }, 64, /TARGET is in DATA_DIR/],
    'a folder that is not there': [() => ['/nowhere', '/tmp'], 66, /'\/nowhere\/backup' is not there/],
    'no dump': [() => [empty(), temporaryFolder('target')], 1, /there is no whole dump/],
    'a target that cannot be written': [() => [makeData(), '/proc/copies'], 69, /'\/proc\/copies' cannot be reached or written/],
  };
  for (const [name, [args, status, words]] of Object.entries(wrong)) {
    test(`${name} is told, with status ${status}`, async () => {
      const { code, stderr } = await sync(args());
      assert.equal(code, status, stderr);
      assert.match(stderr, words);
    });
  }
});
