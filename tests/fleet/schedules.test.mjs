/* Short runs of the mixed fleet's schedules; schedules.mjs is the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSchedules } from './schedules_run.mjs';

for (const [seed, madeBy] of [[1, '5.76.2'], [2, '6.7.0']]) {
  test(`schedules of ${madeBy} neither stop nor double while a mixed fleet is killed`, async () => {
    const { problems, summary } = await runSchedules({ seed, iterations: 12 });
    console.log(summary);
    assert.deepEqual(problems, []);
  });
}
