/* bullmq's own Worker leaves the same twice, in every scenario: what the comparison then finds is a difference between workers. */
import { after, before, describe, test } from 'node:test';
import { versions } from '../integration/support/bullmq.mjs';
import { check, loadScenarios, playedBy } from './support/suite.mjs';
import { openStages, startServer } from './support/stage.mjs';

const scenarios = await loadScenarios();
let redis;
let stages;
before(async () => {
  redis = await startServer();
  stages = openStages(redis);
});
after(() => redis.stop());

for (const [version, bullmq] of Object.entries(versions)) {
  describe(`bullmq ${version} twice`, { concurrency: 8 }, () => {
    const worker = { bullmq, kind: 'bullmq' };
    for (const scenario of playedBy(version, scenarios)) test(scenario.title, () => check(stages, scenario, [worker, worker]));
  });
}
