/*
 * volume: a small file system of its own, which can be filled and made read-only. It is mounted where only those see it that enter.
 *
 *     const volume = await startVolume(t, folder);
 *     volume.folder                   where it is mounted, for those inside
 *     volume.path                     the same, from here
 *     scene.start({ wrapper: volume.wrapper, env: { BACKUP_STORAGE_DIR: volume.folder } })
 *     volume.fill(), volume.empty(), volume.forbid(), volume.allow()
 *
 * Whoever enters has no right to write where permissions forbid it, root or not.
 */
import { chmodSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../../integration/support/run_folder.mjs';
import { within } from '../../integration/support/wait.mjs';

const isRoot = process.getuid() === 0;
const powers = '-dac_override,-dac_read_search';

export async function startVolume(t, folder, { megabytes = 8 } = {}) {
  const script = `mount -t tmpfs -o size=${megabytes}m,mode=755 tmpfs '${folder}' && echo mounted && exec sleep infinity`;
  const holder = await startProcess('unshare', ['--mount', ...(isRoot ? [] : ['--user', '--map-root-user']), 'sh', '-c', script],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await within(new Promise((done, refuse) => {
    holder.stdout.once('data', done).once('end', () => refuse(new Error('no volume could be mounted')));
  }), 10_000, 'the volume to be mounted');

  const path = `/proc/${holder.pid}/root${folder}`;
  const ballast = join(path, 'ballast');
  return {
    folder,
    path,
    wrapper: ['nsenter', `--target=${holder.pid}`, '--mount', ...(isRoot ? [] : ['--user', '--preserve-credentials']), '--',
      'setpriv', `--bounding-set=${powers}`, `--inh-caps=${powers}`, '--'],
    /* To the last byte. */
    fill() {
      const file = openSync(ballast, 'w');
      try {
        for (let size = 65536; size > 0; size >>= 1) {
          try {
            for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
          } catch (error) {
            if (error.code !== 'ENOSPC') throw error;
          }
        }
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(ballast),
    forbid: () => chmodSync(path, 0o555),
    allow: () => chmodSync(path, 0o755),
  };
}
