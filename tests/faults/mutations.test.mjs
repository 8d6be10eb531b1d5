/* A sample of what mutations.mjs does: damaged dumps are refused. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { randomOf } from '../fleet/random.mjs';
import { versions } from '../integration/support/bullmq.mjs';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { openScene } from '../integration/support/scene.mjs';
import { compressions, flips, judge, makeDump, truncations, withoutTable } from './support/mutations.mjs';

const places = 8;

let redis;
let postgres;
before(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
after(() => Promise.all([redis.stop(), postgres.stop()]));

describe('a damaged dump is refused', () => {
  for (const compression of compressions)
    test(`at compression ${compression}`, async (t) => {
      const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
      const random = randomOf(`sample ${compression}`);
      const dump = await makeDump(scene, compression);
      const damages = [...truncations(dump, places, random), ...flips(dump, places, random), await withoutTable(scene, dump, postgres)];
      const problems = [];
      await judge(dump, damages, ({ title }, problem) => problem !== null && problems.push(`${title}: ${problem}`));
      assert.deepEqual(problems, []);
    });
});
