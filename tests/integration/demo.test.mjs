/* What a stranger sees first: the demo, from the servers to the end. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { runProcess, startProcess } from './support/run_folder.mjs';
import { eventually } from './support/wait.mjs';

const demo = fileURLToPath(new URL('../../scripts/demo/demo.mjs', import.meta.url));

/* What it prints to be pasted into another terminal, between its heading and the word about Ctrl-C. */
const linesToPaste = (stdout) => /To look around, from another terminal:\n([\s\S]*?)\n\s*Ctrl-C/.exec(stdout)?.[1].replace(/^ {2}/gm, '');

test('the demo shows a backup, its restore, and a schedule that survives a wiped Redis; kept up, it can be looked at', async () => {
  const child = await startProcess(process.execPath, [demo, '--megabytes', '2', '--keep'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (bytes) => (stdout += bytes));
  const lines = await eventually(() => linesToPaste(stdout), { timeout: 120_000, what: 'the demo to stay up' });
  const exported = lines.split('\n').filter((line) => /^(export|alias) /.test(line)).join('\n');
  assert.match((await runProcess('sh', ['-c', `${exported}\nweavestream-backup list\nweavestream-backup status`], { env: { PATH: process.env.PATH } })).stdout, /Nightly +success(.*\n)+Redis +\d/);
  for (const line of lines.split('\n').filter((one) => /redis-cli|psql/.test(one)))
    assert.match((await runProcess('sh', ['-c', `${line} ${line.includes('psql') ? '-c "select 42"' : 'ping'}`])).stdout, /PONG|42/);
  child.kill('SIGINT');
  assert.equal((await child.ended).code, 0);
  for (const sign of [/^  completed  weavestream-postgres-\S+\.dump, /m, /^  the same  size and sha256sum of the file$/m, /: proven: \d+ tables with \d+ rows, .*, as in the manifest$/m, /^  the same  in both databases, .*: \d+ tables with /m, /weavestream-backup restore .*\n(.*\n)*?.*\[x\]/, /weavestream-backup status\n(.*\n)*?.*Nightly/,
    /^  back  after \d+\.\d s; the next run is due at \S+, as before$/m, /^  the worker ended with exit code 0, /m]) assert.match(stdout, sign);
});
