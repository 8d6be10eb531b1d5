/* What a stranger sees first: the demo, from the servers to the end. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { runProcess } from './support/run_folder.mjs';

const demo = fileURLToPath(new URL('../../scripts/demo/demo.mjs', import.meta.url));

test('the demo shows a backup, its restore, and a schedule that survives a wiped Redis', async () => {
  const { stdout } = await runProcess(process.execPath, [demo, '--megabytes', '2']);
  for (const sign of [/^  completed  weavestream-postgres-\S+\.dump, /m, /^  the same  size and sha256sum of the file$/m, /: proven: \d+ tables with \d+ rows, .*, as in the manifest$/m, /^  the same  \d+ tables, /m, /weavestream-backup restore .*\n(.*\n)*?.*\[x\]/, /weavestream-backup status\n(.*\n)*?.*Nightly/,
    /^  back  after \d+\.\d s; the next run is due at \S+, as before$/m, /^  the worker ended with exit code 0, /m]) assert.match(stdout, sign);
});
