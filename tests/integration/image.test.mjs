/* The image and the compose file, as far as they can be judged without Docker. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { schemaErrors } from './support/json_schema.mjs';
import { runProcess, temporaryFolder } from './support/run_folder.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path) => readFileSync(join(root, path), 'utf8');

/* { name, options, rest } of each instruction. */
const instructions = text('docker/Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name, options, rest] = /^([A-Z]+)((?: +--[a-z-]+=\S+)*) +(.*)$/.exec(line);
    return { name, options: Object.fromEntries(options.trim().split(/ +/).filter(Boolean).map((one) => one.slice(2).split('='))), rest };
  });
const named = (name) => instructions.filter((one) => one.name === name);
const packagesOf = ({ rest }) => (/apk add --no-cache ([^&|;]*)/.exec(rest)?.[1] ?? '').trim().split(/ +/).filter(Boolean);

/* What each library that CMakeLists.txt asks for is called in Alpine, to build with and to run with. */
const alpine = {
  libevent_core: ['libevent-dev', 'libevent'],
  libevent_extra: ['libevent-dev', 'libevent'],
  libevent_openssl: ['libevent-dev', 'libevent'],
  hiredis: ['hiredis-dev', 'hiredis'],
  jansson: ['jansson-dev', 'jansson'],
  libpq: ['libpq-dev', 'libpq'],
  libcurl: ['curl-dev', 'libcurl'],
  'msgpack-c': ['msgpack-c-dev'], // what we use of it is in its headers
  OpenSSL: ['openssl-dev', 'libssl3', 'libcrypto3'],
};
const otherPackages = ['gcc', 'musl-dev', 'linux-headers', 'cmake', 'samurai', 'pkgconf', 'postgresql${POSTGRES_MAJOR}-client', 'su-exec', 'ca-certificates', 'tzdata'];

describe('the Dockerfile', () => {
  const stages = named('FROM').map(({ rest }) => / AS (\S+)$/.exec(rest)?.[1]);

  test('copies what is there, from stages that are there', () => {
    assert.ok(named('COPY').length >= 4);
    for (const { options, rest } of named('COPY')) {
      if (options.from) assert.ok(stages.includes(options.from), options.from);
      else assert.ok(existsSync(join(root, rest.split(' ')[0])), rest);
    }
  });

  test('copies to where the entrypoint is started from', () => {
    const [entrypoint] = JSON.parse(named('ENTRYPOINT')[0].rest);
    assert.ok(named('COPY').some(({ rest }) => rest === `docker/entrypoint.sh /usr/local/bin/${entrypoint}`));
  });

  test('starts programs without a shell, which would keep signals from them', () => {
    for (const [name, prefix] of [['ENTRYPOINT', ''], ['CMD', ''], ['HEALTHCHECK', 'CMD ']]) {
      const [{ rest }, ...others] = named(name);
      assert.deepEqual(others, []);
      assert.ok(rest.startsWith(prefix));
      assert.ok(JSON.parse(rest.slice(prefix.length)).every((word) => typeof word === 'string'));
    }
  });

  test('uses only arguments that its stage knows', () => {
    const global = new Set(); // before the first FROM: for FROM lines only
    let known = global;
    for (const { name, rest } of instructions) {
      if (name === 'ARG') known.add(rest.split('=')[0]);
      const scope = name === 'FROM' ? global : known;
      for (const [, argument] of rest.matchAll(/\$\{(\w+)\}/g)) assert.ok(scope.has(argument), `${argument} in ${name} ${rest}`);
      if (name === 'FROM') known = new Set();
    }
    assert.ok(global.size >= 3);
  });

  test('installs each library that the build asks for, under its name in Alpine', () => {
    const [build, run] = named('RUN').filter((one) => packagesOf(one).length > 0).map(packagesOf);
    const asked = [...text('CMakeLists.txt').matchAll(/^pkg_(?:check_modules|search_module)\(\w+ REQUIRED IMPORTED_TARGET ([^)]*)\)/gm)]
      .flatMap(([line, modules]) => (line.startsWith('pkg_search') ? modules.split(' ').slice(0, 1) : modules.split(' ')))
      .map((module) => module.split('>')[0]);
    assert.ok(asked.length >= 8, asked.join());
    for (const module of [...asked, 'OpenSSL']) {
      const [toBuild, ...toRun] = alpine[module] ?? assert.fail(`${module}: how is it called in Alpine?`);
      assert.ok(build.includes(toBuild), toBuild);
      for (const one of toRun) assert.ok(run.includes(one), one);
    }
    const known = [...Object.values(alpine).flat(), ...otherPackages];
    assert.deepEqual([...build, ...run].filter((one) => !known.includes(one)), []);
  });

  test('leaves out of its context what it does not build from', () => {
    assert.deepEqual(text('docker/Dockerfile.dockerignore').trim().split('\n'), ['.git', 'build', 'tests']);
  });
});

describe('the entrypoint', () => {
  const folder = temporaryFolder('entrypoint');
  const bin = join(folder, 'bin');
  const directory = join(folder, 'mounted', 'backup');
  mkdirSync(bin);
  const program = (name, script) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('su-exec', 'ids=$1; shift; exec setpriv --reuid="${ids%:*}" --regid="${ids#*:}" --keep-groups "$@"');
  program('weavestream-backup', 'echo "$(id -u):$(id -g) $*"; touch "$BACKUP_STORAGE_DIR/written"');

  /* Who is not root is it in a user namespace, where there is no other user to become. */
  const isRoot = process.getuid() === 0;
  const ids = isRoot ? { uid: 1234, gid: 2345 } : { uid: 0, gid: 0 };
  const owner = isRoot ? ids : { uid: process.getuid(), gid: process.getgid() };
  const enter = (command, options = {}) =>
    runProcess(command[0], [...command.slice(1), '/bin/sh', join(root, 'docker/entrypoint.sh'), 'worker', '--name', 'a b'], {
      env: { PATH: `${bin}:${process.env.PATH}`, BACKUP_STORAGE_DIR: directory, BACKUP_UID: `${ids.uid}`, BACKUP_GID: `${ids.gid}` },
      ...options,
    });

  test('gives the directory to the user whose ids are set, and becomes that user', async () => {
    const { stdout } = await enter(isRoot ? ['env'] : ['unshare', '--map-root-user']);
    assert.equal(stdout, `${ids.uid}:${ids.gid} worker --name a b\n`);
    for (const path of [directory, join(directory, 'written')]) {
      const { uid, gid } = statSync(path);
      assert.deepEqual({ uid, gid }, owner);
    }
  });

  test('goes on where the directory cannot be given away, as on a network mount, and says so', async () => {
    const mounted = join(folder, 'network');
    mkdirSync(mounted);
    chmodSync(mounted, 0o777);
    const refusing = join(folder, 'refusing');
    mkdirSync(refusing);
    writeFileSync(join(refusing, 'chown'), '#!/bin/sh\necho "chown: Operation not permitted" >&2\nexit 1\n', { mode: 0o755 });
    const env = { PATH: `${refusing}:${bin}:${process.env.PATH}`, BACKUP_STORAGE_DIR: mounted, BACKUP_UID: `${ids.uid}`, BACKUP_GID: `${ids.gid}` };
    const { stdout, stderr } = await enter(isRoot ? ['env'] : ['unshare', '--map-root-user'], { env });
    assert.equal(stdout, `${ids.uid}:${ids.gid} worker --name a b\n`);
    assert.match(stderr, new RegExp(`^chown: .*\nweavestream-backup-entrypoint: going on without: .* user ${ids.uid} may write there\n$`));
  });

  test('takes only numbers for ids', async () => {
    for (const [uid, gid] of [['app', '101'], ['100', ''], ['-1', '1'], ['1:2', '3']]) {
      const env = { PATH: `${bin}:${process.env.PATH}`, BACKUP_STORAGE_DIR: directory, BACKUP_UID: uid, BACKUP_GID: gid };
      const { code, stdout, stderr } = await enter(isRoot ? ['env'] : ['unshare', '--map-root-user'], { env, check: false });
      assert.deepEqual([code, stdout, stderr], [78, '', `weavestream-backup-entrypoint: BACKUP_UID and BACKUP_GID must be numbers, not '${uid}' and '${gid}'\n`]);
    }
  });

  test('goes on as the user that the container was given', async () => {
    const { stdout } = await enter(['env'], owner);
    assert.equal(stdout, `${owner.uid}:${owner.gid} worker --name a b\n`);
  });
});

describe('the compose file', () => {
  const source = text('docker/compose.weavestream.yml');
  const service = parse(source).services['backup-worker'];

  test('is one by its schema, locked down and bounded', () => {
    assert.deepEqual(schemaErrors('compose', parse(source)), []);
    assert.notDeepEqual(schemaErrors('compose', { services: { 'backup-worker': { ...service, cap_drop: [] } } }), []);
  });

  test('explains each variable that it takes', () => {
    const explained = source.slice(0, source.indexOf('\nservices:'));
    const taken = [...source.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    assert.ok(taken.length > 8);
    for (const name of taken) assert.match(explained, new RegExp(`\\b${name}\\b`));
  });

  test('checks health as the image does, and waits longer for the end than the worker needs', () => {
    const [{ rest, options }] = named('HEALTHCHECK');
    assert.deepEqual(service.healthcheck.test, ['CMD', ...JSON.parse(rest.slice('CMD '.length))]);
    assert.equal(service.healthcheck.timeout, options.timeout);
    assert.ok(parseInt(service.stop_grace_period) > 5);
  });

  test('hands the build only arguments that the Dockerfile has', () => {
    const known = named('ARG').map(({ rest }) => rest.split('=')[0]);
    for (const name of Object.keys(service.build.args)) assert.ok(known.includes(name), name);
    assert.ok(existsSync(join(root, service.build.dockerfile)));
  });
});
