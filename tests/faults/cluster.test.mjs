/* A worker whose REDIS_URL names a node of a Redis Cluster that has not its keys. All keys of a queue are in one slot, by the prefix's hash tag. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeAll, openQueue, untilState } from '../integration/support/bullmq.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { freePort } from '../integration/support/run_folder.mjs';
import { shell } from '../integration/support/scene.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { startWorker } from '../integration/support/worker.mjs';
import { completed, newest, untilUnavailable } from './support/scene.mjs';

const prefix = '{bull}';

const startNode = async () => startRedis({ extraArgs: ['cluster-enabled yes', `cluster-port ${await freePort()}`, 'cluster-node-timeout 1000', 'cluster-require-full-coverage no'] });

/* Two nodes, of which the first has no slot but one of its own, so that it counts as a master, and the second all others. */
async function startCluster(t) {
  const [wrong, right] = [await startNode(), await startNode()];
  t.after(() => Promise.all([wrong.stop(), right.stop()]));
  const slot = Number(await wrong.cli('CLUSTER', 'KEYSLOT', prefix));
  const other = slot === 0 ? 1 : 0;
  await wrong.cli('CLUSTER', 'ADDSLOTS', `${other}`);
  await right.cli('CLUSTER', 'ADDSLOTS', `${slot}`);
  await wrong.cli('CLUSTER', 'MEET', '127.0.0.1', `${right.port}`, (await right.cli('CONFIG', 'GET', 'cluster-port')).split('\n')[1]);
  for (const node of [wrong, right]) {
    await eventually(async () => /cluster_state:ok[\s\S]*cluster_known_nodes:2[\s\S]*cluster_size:2/.test(await node.cli('CLUSTER', 'INFO')), { what: 'the two nodes to know each other' });
  }
  return { wrong, right, slot };
}

async function startAt(t, node) {
  const worker = await startWorker({
    args: ['--prefix', prefix, '--', ...shell(completed('here'))],
    env: { REDIS_URL: node.url, BACKUP_LOCK_SECONDS: '5', BACKUP_STALLED_SECONDS: '1' },
  });
  t.after(() => worker.stop());
  return worker;
}

/* A job that bullmq adds at that node is done. */
async function completes(node, jobId) {
  const queue = openQueue(newest, node, { prefix });
  try {
    const job = await untilState(queue, await queue.add('work', {}, { jobId }), 'completed');
    assert.equal(job.returnvalue, 'here');
    assert.equal(job.attemptsMade, 1);
  } finally {
    await closeAll(queue);
  }
}

describe('cluster', { concurrency: true }, () => {
  test('the worker follows to the node that has the keys, with both connections', async (t) => {
    const { wrong, right } = await startCluster(t);
    const worker = await startAt(t, wrong);
    await untilUnavailable(worker, new RegExp(`^Redis cannot serve us now: MOVED \\d+ 127\\.0\\.0\\.1:${right.port}$`), { role: 'command' });
    await worker.waitForEvent('worker ready');
    await completes(right, 'followed');
    await eventually(async () => / flags=b .* cmd=bzpopmin /.test(await right.cli('CLIENT', 'LIST')), { what: 'the worker to wait at the right node' });
  });

  test('a node that does not say its own name is taken to be on the same host', async (t) => {
    const { wrong, right } = await startCluster(t);
    await wrong.cli('CONFIG', 'SET', 'cluster-preferred-endpoint-type', 'unknown-endpoint');
    const worker = await startAt(t, wrong);
    await untilUnavailable(worker, new RegExp(` :${right.port}$`));
    await completes(right, 'nameless');
  });

  test('a cluster that does not serve the keys is asked with growing pauses, told of once, and served as soon as it does', async (t) => {
    const node = await startNode();
    t.after(() => node.stop());
    const worker = await startAt(t, node);
    await eventually(async () => /cmdstat_eval:.*rejected_calls=([8-9]|\d\d)/.test(await node.cli('INFO', 'commandstats')), { what: 'eight calls that were refused', interval: 100 });
    for (const name of ['redis unavailable', 'redis available']) assert.ok(worker.named(name).length <= 2, worker.stderr());
    assert.match(worker.named('redis unavailable')[0].error, /^Redis cannot serve us now: CLUSTERDOWN /);
    assert.ok(worker.lines.length <= 5, worker.stderr());
    await node.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => (await node.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'), { what: 'the cluster to be up' });
    await completes(node, 'served');
  });

  test('when the node that it was sent to dies, the worker asks at its own address again, and works where the keys are then', async (t) => {
    const { wrong, right, slot } = await startCluster(t);
    const worker = await startAt(t, wrong);
    await completes(right, 'before');
    const from = worker.events.length;
    await right.stop('SIGKILL');
    const event = await untilUnavailable(worker, /refused/, { from });
    assert.equal(event.port, right.port);
    await wrong.cli('CLUSTER', 'SETSLOT', `${slot}`, 'NODE', await wrong.cli('CLUSTER', 'MYID'));
    await completes(wrong, 'after');
  });
});
