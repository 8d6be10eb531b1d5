/*
 * mutations: a good dump, damaged in every way that can be thought of, and what `weavestream-backup verify` says of it.
 *
 *     const dump = await makeDump(scene, '6');                          at that BACKUP_COMPRESSION
 *     const damages = [...truncations(dump, 200, random), ...flips(dump, 200, random), await withoutTable(scene, dump, postgres)];
 *     await judge(dump, damages, tell)                                  tell(damage, problem): null, or what is wrong with the verdict
 *
 * Beside its manifest each must be refused. Without one, each must be refused in which pg_restore can see the damage: what is cut short, and
 * what is flipped inside gzip's data. Of all others it may also be said that they could not be proven.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilState } from '../../integration/support/bullmq.mjs';
import { runProcess, temporaryFolder } from '../../integration/support/run_folder.mjs';
import { run } from '../../integration/support/worker.mjs';
import { dataOf } from './archive_data.mjs';

export const compressions = ['0', '1', '6'];

/* A dump by our worker, with its manifest: { file, manifest, bytes, compression, data }. */
export async function makeDump(scene, compression) {
  const worker = await scene.start({ env: { BACKUP_COMPRESSION: compression } });
  const { job } = await scene.runNow();
  const { returnvalue } = await untilState(scene.queue, job, 'completed');
  await worker.stop();
  const file = join(temporaryFolder('good'), 'good.dump');
  const manifest = file.replace(/dump$/, 'manifest.json');
  copyFileSync(join(scene.storage, returnvalue.filename), file);
  copyFileSync(join(scene.storage, returnvalue.filename.replace(/dump$/, 'manifest.json')), manifest);
  const bytes = readFileSync(file);
  return { file, manifest, bytes, compression, data: dataOf(bytes) };
}

/* Places from the first byte to the last, one at random in each of `count` equal parts. */
const places = ({ bytes }, count, random) =>
  Array.from({ length: count }, (_, part) => random.between(Math.floor((part * bytes.length) / count), Math.floor(((part + 1) * bytes.length) / count) - 1));

export const truncations = (dump, count, random) =>
  places(dump, count, random).map((place) => ({ title: `cut off at ${place}`, bytes: dump.bytes.subarray(0, place), mustBeSeen: true }));

export const flips = (dump, count, random) =>
  places(dump, count, random).map((place) => {
    const bit = random.between(0, 7);
    const bytes = Buffer.from(dump.bytes);
    bytes[place] ^= 1 << bit;
    return { title: `bit ${bit} of byte ${place} flipped`, bytes, mustBeSeen: dump.compression !== '0' && dump.data.holds(place) };
  });

/* A dump that is whole, but was made without a table; its manifest is the good one's, but for size and SHA-256, which are right. */
export async function withoutTable(scene, dump, postgres, table = 'documents') {
  const file = join(temporaryFolder('less'), 'less.dump');
  await runProcess('pg_dump', ['--format=custom', `--compress=${dump.compression}`, `--exclude-table=${table}`, `--file=${file}`, scene.database],
    { env: postgres.environment });
  const bytes = readFileSync(file);
  const manifest = { ...JSON.parse(readFileSync(dump.manifest, 'utf8')), sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  return { title: `table ${table} left out`, bytes, manifest: JSON.stringify(manifest), mustBeSeen: false };
}

const refused = /: not proven: /;
const unsure = /: could not be proven|, but could not be proven/;

async function judgeOne(folder, dump, { bytes, manifest, mustBeSeen }) {
  const file = join(folder, 'damaged.dump');
  const manifestFile = join(folder, 'manifest.json');
  mkdirSync(folder);
  writeFileSync(file, bytes);
  writeFileSync(manifestFile, manifest ?? readFileSync(dump.manifest));
  const beside = await run(['verify', '--manifest', manifestFile, file]);
  const alone = await run(['verify', file]);
  rmSync(folder, { recursive: true });
  if (beside.code !== 1 || !refused.test(beside.stderr)) return `with its manifest: exit status ${beside.code}: ${beside.stderr}${beside.stdout}`;
  if (alone.code === 1 && (refused.test(alone.stderr) || (!mustBeSeen && unsure.test(alone.stderr)))) return null;
  return `without a manifest: exit status ${alone.code}: ${alone.stderr}${alone.stdout}`;
}

/* First of all, the good dump itself is proven; without its manifest, it could not be. */
export async function judge(dump, damages, tell) {
  const good = await run(['verify', dump.file]);
  assert.equal(good.code, 0, good.stderr);
  const folder = temporaryFolder('damaged');
  const left = damages.map((damage, number) => ({ damage, number }));
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      tell(next.damage, await judgeOne(join(folder, `${next.number}`), dump, next.damage));
  };
  await Promise.all([work(), work(), work()]);
}
