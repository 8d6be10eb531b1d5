import assert from 'node:assert/strict';
import { child, parent } from '../support/flow.mjs';

const everyKind = [
  'active', 'added', 'cleaned', 'completed', 'deduplicated', 'delayed', 'drained', 'duplicated', 'failed', 'paused', 'progress', 'removed', 'resumed',
  'retries-exhausted', 'stalled', 'waiting', 'waiting-children',
];

export default {
  title: 'events of every kind',
  async run({ queue, flow, startWorker, abandonJob, client, idle, held, release }) {
    await queue.add('stalls', {});
    await abandonJob();
    await queue.pause();
    await queue.resume();
    for (const attempts of [2, 2]) await queue.add('fails', {}, { attempts, jobId: 'fails' });
    for (const id of ['one', 'one']) await queue.add('deduplicated', {}, { deduplication: { id } });
    await flow.add(parent([child('a')]));
    await queue.add('delayed', {}, { delay: 1000, timestamp: 1_700_000_000_000 });
    await startWorker();
    await held();
    await queue.clean(0, 10, 'completed');
    release();
    await idle();
    await (await queue.getJob('parent')).remove();
    const kinds = new Set((await client.xrange(queue.toKey('events'), '-', '+')).map(([, fields]) => fields[1]));
    assert.deepEqual(everyKind.filter((kind) => !kinds.has(kind)), []);
  },
  async work({ name }, { hold, progress }) {
    await progress(name);
    if (name === 'parent') await hold();
    if (name === 'fails') throw new Error('it fails');
  },
};
