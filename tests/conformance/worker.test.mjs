/* Our worker leaves in Redis what bullmq's own Worker leaves there, in every scenario. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { versions } from '../integration/support/bullmq.mjs';
import { allowed } from './allowed.mjs';
import { openStages, startServer } from './support/stage.mjs';
import { check, loadScenarios, playedBy } from './support/suite.mjs';

const scenarios = await loadScenarios();
const used = new Set(); // entries of `allowed`
const outcomes = new Map(scenarios.map(({ title }) => [title, {}]));
let redis;
let stages;
before(async () => {
  redis = await startServer();
  stages = openStages(redis);
});
after(async () => {
  await redis.stop();
  printTable();
});

function printTable() {
  const width = Math.max(...scenarios.map(({ title }) => title.length));
  const row = (title, cells) => console.log([title.padEnd(width), ...cells.map((cell) => cell.padEnd(9))].join('  ').trimEnd());
  row('', Object.keys(versions));
  for (const [title, outcome] of outcomes) row(title, Object.keys(versions).map((version) => outcome[version] ?? '-'));
}

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version}`, { concurrency: 8 }, () => {
    for (const scenario of playedBy(version, scenarios)) {
      test(scenario.title, async () => {
        const outcome = outcomes.get(scenario.title);
        outcome[version] = 'DIFFERENT';
        outcome[version] = await check(stages, scenario, [{ bullmq, kind: 'bullmq' }, { bullmq, kind: 'ours' }], { allowed, used });
      });
    }
  });
}

test('every difference that is allowed is there', () => {
  assert.deepEqual(allowed.filter((entry) => !used.has(entry)), []);
});
