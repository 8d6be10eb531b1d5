/*
 * suite: all scenarios, and the comparison of two kinds of runs of each.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, printed } from './compare.mjs';

const folder = fileURLToPath(new URL('../scenarios/', import.meta.url));

/* In the order of their files' names. Titles are unique: the table and allowed.mjs go by them. */
export async function loadScenarios() {
  const files = readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort();
  const modules = await Promise.all(files.map((file) => import(`${folder}${file}`)));
  const scenarios = modules.flatMap((module, index) => [module.default].flat().map((scenario) => ({ ...scenario, file: files[index] })));
  const titles = scenarios.map(({ title }) => title);
  assert.deepEqual(titles.filter((title, index) => titles.indexOf(title) !== index), [], 'each title is there once');
  return scenarios;
}

/* Those that one version of bullmq can play. */
export const playedBy = (version, scenarios) => scenarios.filter(({ only }) => only === undefined || only === version);

const isAllowedBy = (entry, { title }, { key, sign, line }) =>
  entry.scenario.test(title) && entry.key.test(key) && (entry[sign === '-' ? 'bullmq' : 'ours']?.test(line) ?? false);

/* Leaves out what is allowed, and adds to `used` by which entry it is. */
export function withoutAllowed(differences, scenario, { allowed, used }) {
  return differences.filter((difference) => {
    const entry = allowed.find((one) => isAllowedBy(one, scenario, difference));
    if (entry) used.add(entry);
    return !entry;
  });
}

/* Plays the scenario twice, at once: [expected, got] are { bullmq, kind }. Returns 'equal' or 'allowed', or throws the differences. */
export async function check(stages, scenario, [expected, got], allowance = { allowed: [], used: new Set() }) {
  const played = await Promise.allSettled([stages.play(scenario, expected), stages.play(scenario, got)]);
  const failed = played.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  const [one, other] = played.map(({ value }) => value);
  const differences = compare(one, other);
  const refused = withoutAllowed(differences, scenario, allowance);
  if (refused.length > 0) {
    const text = `${scenario.file}: '-' is what ${expected.kind} leaves, '+' what ${got.kind} leaves\n${printed(refused)}`;
    throw Object.assign(new Error(text), { stack: text });
  }
  return differences.length > 0 ? 'allowed' : 'equal';
}
