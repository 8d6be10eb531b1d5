/*
 * compare: what is different between two descriptions of a database (describe.mjs): [{ key, sign: '-' or '+', line }, ...], '-' for what only
 * the first one has.
 */
const tolerance = { '~': 2500, '±': 500 }; // milliseconds
const measured = /([~±])(-?\d+)/g;

function isSame(one, other) {
  if (one === other) return true;
  if (one.replace(measured, '$1') !== other.replace(measured, '$1')) return false;
  const others = [...other.matchAll(measured)];
  return [...one.matchAll(measured)].every(([, sign, number], index) => Math.abs(number - others[index][2]) <= tolerance[sign]);
}

/* The longest common subsequence, from the end: lengths[i][j] is that of one[i..] and other[j..]. */
function commonLengths(one, other) {
  if (one.length * other.length > 1_000_000) return null; // too much to be read anyway
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      lengths[i][j] = isSame(one[i], other[j]) ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

function differingLines(one, other) {
  let start = 0;
  while (start < one.length && start < other.length && isSame(one[start], other[start])) start++;
  let end = 0;
  while (end < one.length - start && end < other.length - start && isSame(one.at(-1 - end), other.at(-1 - end))) end++;
  const left = one.slice(start, one.length - end);
  const right = other.slice(start, other.length - end);
  const lengths = commonLengths(left, right);
  const found = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (lengths && i < left.length && j < right.length && isSame(left[i], right[j])) {
      i++;
      j++;
    } else if (j === right.length || (i < left.length && (!lengths || lengths[i + 1][j] >= lengths[i][j + 1]))) {
      found.push({ sign: '-', line: left[i++] });
    } else {
      found.push({ sign: '+', line: right[j++] });
    }
  }
  return found;
}

export function compare(one, other) {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return keys.flatMap((key) => differingLines(one[key] ?? [], other[key] ?? []).map((difference) => ({ key, ...difference })));
}

/* For people. */
export function printed(differences, { most = 60 } = {}) {
  const lines = [];
  let last = null;
  for (const { key, sign, line } of differences.slice(0, most)) {
    if (key !== last) lines.push(key);
    lines.push(`  ${sign} ${line}`);
    last = key;
  }
  if (differences.length > most) lines.push(`... and ${differences.length - most} more`);
  return lines.join('\n');
}
