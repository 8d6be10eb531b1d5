/*
 * scene: a scene of the integration tests, with a proxy between worker and Redis if wanted, and what the tests of faults ask again and again.
 */
import assert from 'node:assert/strict';
import { eventsOf, untilState, versions } from '../../integration/support/bullmq.mjs';
import { startRedis } from '../../integration/support/redis.mjs';
import { openScene } from '../../integration/support/scene.mjs';
import { eventually } from '../../integration/support/wait.mjs';
import { startProxy } from './proxy.mjs';

export const newest = versions['6.7.0'];

/* What a shell program says when it is done. */
export const completed = (value) => `say '{"type":"completed","returnvalue":${JSON.stringify(value)}}'`;

/* A worker started in the scene sees Redis through `scene.proxy` only; bullmq's own clients go straight to it. */
export async function openSceneWithProxy(t, redis) {
  const scene = await openScene(t, { redis, bullmq: newest });
  const proxy = await startProxy(redis);
  t.after(() => proxy.stop());
  scene.environment.REDIS_URL = proxy.url(scene.redis.connection().db);
  return Object.assign(scene, { proxy });
}

/* A Redis that only this test knows, for trouble that all of its clients feel: `scene.server`. */
export async function openSceneWithServer(t, { proxy: wantsProxy = false, ...options } = {}) {
  const server = await startRedis(options);
  const scene = wantsProxy ? await openSceneWithProxy(t, server) : await openScene(t, { redis: server, bullmq: newest });
  t.after(() => server.stop()); // after the scene's queue, which cannot be closed without it
  return Object.assign(scene, { server });
}

/* Until the job programs have written so many notes: by default, until the first job runs. */
export const untilNotes = (scene, count = 1) => eventually(() => scene.notes().length === count, { timeout: 20_000, what: `${count} notes of job programs` });

/* The worker says that a connection, of this role if one is given, is unavailable for a reason that matches. */
export const untilUnavailable = (worker, reason, { role, from = 0 } = {}) =>
  worker.waitForEvent('redis unavailable', ({ connection, error }) => (role ?? connection) === connection && reason.test(error), { from });

/* It was run once and told once, whatever happened in between. */
export async function assertDoneOnce(scene, job, returnvalue, { timeout = 20_000 } = {}) {
  const after = await untilState(scene.queue, job, 'completed', { timeout });
  assert.equal(after.returnvalue, returnvalue);
  assert.equal(after.attemptsMade, 1);
  assert.equal(await scene.client.hget(`bull:backup:${job.id}`, 'ats'), '1', 'it was taken once');
  assert.equal(await scene.client.exists(`bull:backup:${job.id}:lock`), 0, 'no lock is left');
  assert.deepEqual((await eventsOf(scene.client, job)).map(({ event }) => event), ['added', 'waiting', 'active', 'completed']);
}

/* The worker takes jobs and finishes them. */
export async function assertAtWork(scene, options) {
  const job = await scene.queue.add('next', {});
  await untilState(scene.queue, job, 'completed', options);
}

/* Until Redis has a client that waits for jobs of this scene. */
export const untilBlocked = ({ client, redis }) => eventually(async () => {
  const lines = (await client.client('LIST')).split('\n');
  return lines.some((line) => line.includes(` db=${redis.connection().db} `) && line.includes(' flags=b ') && line.includes(' cmd=bzpopmin '));
}, { what: 'a client that is blocked on the queue' });

/* Fails if the lock is ever gone while `condition` is waited for. */
export async function untilHeldAllTheWhile(scene, job, condition, options) {
  let held = true;
  await eventually(async () => {
    held &&= (await scene.client.pttl(`bull:backup:${job.id}:lock`)) > 0;
    return !held || condition();
  }, options);
  assert.ok(held, 'the lock is there all the time');
}
