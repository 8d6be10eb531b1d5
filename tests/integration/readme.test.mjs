/* What README tells an administrator to type into a shell is typed here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { untilState, versions } from './support/bullmq.mjs';
import { startRedis } from './support/redis.mjs';
import { runProcess } from './support/run_folder.mjs';
import { openScene, shell } from './support/scene.mjs';

let redis;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/* The comment behind each line, and what the line prints. */
async function followCookbook(scene, id) {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, block] = /<!-- example: cookbook -->\n```sh\n([\s\S]*?)```/.exec(readme);
  const { port, db } = scene.redis.connection();
  const answers = {};
  for (const line of block.trim().split('\n')) {
    const [, command, comment] = /^(.*?) +# (.*)$/.exec(line);
    const { stdout } = await runProcess('sh', ['-c', command.replace('redis-cli', `redis-cli -p ${port} -n ${db}`)], { env: { PATH: process.env.PATH, ID: id } });
    answers[comment.split(/[:;]/)[0]] = stdout.trim();
  }
  return answers;
}

test("README's cookbook tells where a job is, why it failed, and what runs", async (t) => {
  const scene = await openScene(t, { redis, bullmq: versions['6.7.0'] });
  await scene.queue.upsertJobScheduler('nightly', { pattern: '0 0 29 2 *' }, { name: 'later' });
  await scene.start({ program: shell(`case $job in
    *'"fails"'*) say '{"type":"log","text":"it begins"}'; say '{"type":"failed","reason":"the disk is gone","retry":false}' ;;
    *) say '{"type":"progress","value":{"percent":40}}'; await go; say '{"type":"completed","returnvalue":null}' ;;
  esac`) });
  const failed = await untilState(scene.queue, await scene.queue.add('fails', {}), 'failed');
  const running = await scene.queue.add('runs', {});
  await untilState(scene.queue, running, 'active');
  const waiting = await scene.queue.add('waits', {});

  const { 'what failed last': last, why, 'its log': log, 'what happened last': events, ...seen } = await followCookbook(scene, failed.id);
  assert.equal(last, failed.id);
  assert.equal(why, 'the disk is gone');
  assert.match(log, /it begins/);
  assert.match(events, /waiting/);
  assert.equal(seen['what runs'], running.id);
  assert.equal(seen['what waits'], waiting.id);
  assert.match(seen['what is to come'], /^repeat:nightly:\d+$/);
  assert.equal(seen.schedules, 'nightly');
  assert.equal(seen['for how many milliseconds it is locked'], '-2');
  assert.equal(seen['workers of this queue'].split('\n').length, 1);

  const now = await followCookbook(scene, running.id);
  assert.ok(Number(now['for how many milliseconds it is locked']) > 0);
  assert.match(now['how far it is'], /40/);
  scene.release('go');
  await untilState(scene.queue, waiting, 'completed');
});
