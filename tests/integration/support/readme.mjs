/*
 * readme: what README promises that a person will see.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/* Numbers, sizes and what stands in quotes are examples. */
const pattern = (text) => text.replace(/(?<=[\s(])'[^'\n]*'/g, "'…'").replace(/\d+(\.\d+)?( ([KMGT]i?)?B\b)?/g, '0');

/* README has this text, with other examples. */
export function assertInReadme(text) {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  assert.ok(pattern(readme).includes(pattern(text)), `README lacks: ${text}`);
}
