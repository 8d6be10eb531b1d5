/* What becomes of jobs when nobody reads what the worker logs. */
import assert from 'node:assert/strict';
import { constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRedis } from '../integration/support/redis.mjs';
import { runProcess } from '../integration/support/run_folder.mjs';
import { executable, openScene } from '../integration/support/scene.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { newest } from './support/scene.mjs';

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/* Calls until the pipe is full, or empty. */
function untilItWouldBlock(call) {
  try {
    for (;;) call();
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
}

test('standard error that nobody reads: jobs are done all the same, and the lines that were lost are counted', async (t) => {
  const scene = await openScene(t, { redis, bullmq: newest });
  const pipe = join(scene.folder, 'stderr');
  await runProcess('mkfifo', [pipe]);
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  untilItWouldBlock(() => writeSync(fd, '\n'.repeat(4096)));
  untilItWouldBlock(() => writeSync(fd, '\n'));

  const addJobs = (count) => scene.queue.addBulk(Array.from({ length: count }, () => ({ name: 'work', data: {}, opts: { removeOnComplete: false } })));
  const untilDone = (count) => eventually(async () => (await scene.queue.getCompletedCount()) === count, { timeout: 40_000, what: `${count} completed jobs` });
  await scene.start({
    wrapper: ['sh', '-c', 'exec "$0" "$@" 2>"$SCENE/stderr"'],
    args: ['--concurrency', '4'],
    program: [executable('#!/bin/sh\necho \'{"type":"completed"}\' >&3\n')],
  });
  await addJobs(300);
  await untilDone(300);

  const bytes = Buffer.alloc(65536);
  let text = '';
  const read = () => untilItWouldBlock(() => (text += bytes.toString('utf8', 0, readSync(fd, bytes))));
  read();
  await addJobs(1);
  await untilDone(301);
  const told = await eventually(() => {
    read();
    const lines = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
    return lines.some(({ event, job }) => event === 'job completed' && job === '301') && lines;
  }, { what: 'the last line' });
  const named = (...names) => told.filter(({ event }) => names.includes(event));
  const lost = named('log lines lost').reduce((sum, { lines }) => sum + lines, 0);
  assert.ok(lost > 0);
  assert.equal(named('job started', 'job completed').length + lost, 2 * 301, 'each line was written or counted');
});
