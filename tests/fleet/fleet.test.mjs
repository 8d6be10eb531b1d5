/* A short run of the mixed fleet; fleet.mjs is the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFleet } from './run.mjs';

test('a thousand jobs of a mixed fleet in trouble end as planned, and none runs twice without a reason', async () => {
  const { problems, summary } = await runFleet({ seed: 1, jobs: 1000 });
  console.log(summary);
  assert.deepEqual(problems, []);
});
