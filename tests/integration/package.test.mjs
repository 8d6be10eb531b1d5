/*
 * The Debian package, made and installed: by dpkg, over a copy of this system that nobody else sees and that is gone afterwards (an overlay in a
 * mount namespace of its own).
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startPostgres } from './support/postgres.mjs';
import { runFolder, runProcess, temporaryFolder } from './support/run_folder.mjs';
import { createSchema, insertConfig, sampleData } from './support/schema.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder('package');
const unit = '/usr/lib/systemd/system/weavestream-backup.service';
let postgres;
let deb;

/* Runs a shell script as root of the copy, in which the package is installed. Who is not root needs sudo, as for scripts/setup.sh. */
async function installed(script, { env = {} } = {}) {
  const copy = temporaryFolder('copy');
  const enter = `
    set -e
    mount -t tmpfs tmpfs "$COPY"
    mkdir "$COPY/changes" "$COPY/work" "$COPY/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$COPY/changes,workdir=$COPY/work" "$COPY/root"
    for one in /proc /dev "$RUN_FOLDER"; do mkdir -p "$COPY/root$one"; mount --rbind "$one" "$COPY/root$one"; done
    exec chroot "$COPY/root" sh -ec 'dpkg --install "$DEB" >/dev/null; '"$SCRIPT"
  `;
  const asRoot = process.getuid() === 0 ? ['env'] : ['sudo', '--non-interactive', '--preserve-env'];
  const { stdout } = await runProcess(asRoot[0], [...asRoot.slice(1), 'unshare', '--mount', 'sh', '-c', enter], {
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', COPY: copy, RUN_FOLDER: runFolder(), DEB: deb, SCRIPT: script, ...env },
  });
  return stdout;
}

before(async () => {
  [postgres] = await Promise.all([
    startPostgres(),
    (async () => {
      const build = join(folder, 'build');
      await runProcess('cmake', ['-S', root, '--preset', 'package', '-B', build]);
      await runProcess('cmake', ['--build', build]);
      await runProcess('cpack', ['--config', join(build, 'CPackConfig.cmake'), '-B', folder]);
      deb = join(folder, readdirSync(folder).find((name) => name.endsWith('.deb')));
    })(),
  ]);
});
after(() => postgres.stop());

describe('the package', { concurrency: 2 }, () => {
  test('depends on the libraries that its programs are linked with, and on the Postgres client', async () => {
    const { stdout } = await runProcess('dpkg-deb', ['--field', deb, 'Depends']);
    for (const name of ['libevent-core', 'libhiredis', 'libjansson', 'libpq5', 'libcurl4', 'libssl3', 'postgresql-client']) assert.match(stdout, new RegExp(`\\b${name}`));
  });

  test('holds programs, unit, documents and examples, all owned by root and writable by nobody else', async () => {
    const { stdout } = await runProcess('dpkg-deb', ['--contents', deb]);
    const entries = stdout.trim().split('\n').map((line) => /^(\S+) (\S+) .* \.(\/\S*)$/.exec(line).slice(1));
    for (const [mode, owner, path] of entries) assert.match(`${mode} ${owner}`, /^[d-]rw[x-]r-[x-]r-[x-] root\/root$/, path);
    const paths = entries.map(([, , path]) => path);
    const documents = '/usr/share/doc/weavestream-backup';
    for (const path of ['/usr/bin/weavestream-backup', '/usr/libexec/weavestream-backup/weavestream-backup-job', unit, 
      '/usr/share/man/man1/weavestream-backup.1.gz', '/usr/share/bash-completion/completions/weavestream-backup', `${documents}/README.md`, `${documents}/copyright`, `${documents}/changelog.gz`, '/usr/lib/sysusers.d/weavestream-backup.conf',
      `${documents}/examples/weavestream-backup.env`, `${documents}/examples/compose.weavestream.yml`, `${documents}/examples/offhost-sync.sh`])
      assert.ok(paths.includes(path), path);
  });

  test('installed, it makes its user, and a backup as that user, proven', async () => {
    const sql = await postgres.client();
    await createSchema(sql);
    await sampleData(sql, 0.2);
    await insertConfig(sql, { name: 'Nightly' });
    const stdout = await installed(
      `cd /
      weavestream-backup version
      install -d -o weavestream-backup -g weavestream-backup -m 750 "$BACKUP_STORAGE_DIR"
      as_service() { setpriv --reuid weavestream-backup --regid weavestream-backup --clear-groups "$@"; }
      as_service weavestream-backup run --config Nightly
      as_service weavestream-backup verify "$BACKUP_STORAGE_DIR"/*.dump
      stat -c %U "$BACKUP_STORAGE_DIR"/*.dump`,
      { env: { DATABASE_URL: postgres.url, BACKUP_STORAGE_DIR: '/var/lib/weavestream-backup' } },
    );
    assert.match(stdout, /^weavestream-backup \d+\.\d+\.\d+$/m);
    assert.match(stdout, /: proven: \d+ tables with \d+ rows/);
    assert.match(stdout, /^weavestream-backup$/m);
  });

  test('an upgrade restarts a worker that runs; a purge stops it, and leaves dumps, settings and the user', async () => {
    const stdout = await installed(
      `mount -t tmpfs tmpfs /run
      mkdir -p /run/systemd/system /var/lib/weavestream-backup
      printf '#!/bin/sh\\necho "$*"\\n' >/usr/bin/systemctl
      touch /var/lib/weavestream-backup/kept.dump /etc/weavestream-backup.env
      echo upgrade; dpkg --install "$DEB" >/run/said; grep weavestream-backup.service /run/said
      echo purge; dpkg --purge weavestream-backup >/run/said; grep -e weavestream-backup.service -e daemon-reload /run/said
      ls /var/lib/weavestream-backup /etc/weavestream-backup.env; getent passwd weavestream-backup | cut -d: -f1`,
    );
    assert.equal(stdout, `upgrade\ntry-restart weavestream-backup.service\npurge\ndisable --now weavestream-backup.service\ndaemon-reload\n/etc/weavestream-backup.env\n\n/var/lib/weavestream-backup:\nkept.dump\nweavestream-backup\n`);
  });

  test('its unit is understood by systemd, which rates it as well locked up', async () => {
    const stdout = await installed(`systemd-analyze verify --man=no ${unit} 2>&1; systemd-analyze security --offline=true --threshold=20 ${unit}`);
    assert.doesNotMatch(stdout, /weavestream-backup\.service:\d+: /);
    assert.match(stdout, /Overall exposure level for weavestream-backup\.service: (0|1)\.\d OK/);
  });
});
