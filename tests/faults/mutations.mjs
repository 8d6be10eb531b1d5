#!/usr/bin/env node
/*
 * Good dumps, damaged at random places, and whether `weavestream-backup verify` refuses them:
 *
 *     node tests/faults/mutations.mjs [--places 200] [--seed 1]        two minutes
 *
 * For each compression, so many truncations, so many flipped bits, and a dump that lacks a table. A line for each that was not refused as it
 * must be; exit status 1 if there was any.
 */
import { parseArgs } from 'node:util';
import { randomOf } from '../fleet/random.mjs';
import { versions } from '../integration/support/bullmq.mjs';
import { startPostgres } from '../integration/support/postgres.mjs';
import { startRedis } from '../integration/support/redis.mjs';
import { openScene } from '../integration/support/scene.mjs';
import { compressions, flips, judge, makeDump, truncations, withoutTable } from './support/mutations.mjs';

const { values } = parseArgs({ options: { places: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } });
const count = Number(values.places);

const ends = [];
const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
const scene = await openScene({ after: (end) => ends.push(end) }, { redis, postgres, bullmq: versions['6.7.0'] });

let total = 0;
let wrong = 0;
for (const compression of compressions) {
  const random = randomOf(`${values.seed} ${compression}`);
  const dump = await makeDump(scene, compression);
  const damages = [...truncations(dump, count, random), ...flips(dump, count, random), await withoutTable(scene, dump, postgres)];
  const seen = damages.filter(({ mustBeSeen }) => mustBeSeen).length;
  await judge(dump, damages, (damage, problem) => {
    total++;
    if (problem === null) return;
    wrong++;
    console.log(`NOT REFUSED compression ${compression}, ${damage.title}: ${problem}`);
  });
  console.log(`compression ${compression}: ${dump.bytes.length} bytes, ${damages.length} damaged dumps, ${seen} of which must be refused without a manifest too`);
}
console.log(`${total} damaged dumps, ${wrong} not refused as they must be`);

for (const end of ends.reverse()) await end();
await Promise.all([redis.stop(), postgres.stop()]);
process.exit(wrong > 0 || total === 0 ? 1 : 0);
