/*
 * cron: random schedules, and what the real cron-parser of each BullMQ says of them. The same seed gives the same ones.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

function parserOf(version, url) {
  const require = createRequire(url);
  const file = require.resolve('cron-parser');
  const found = JSON.parse(readFileSync(file.replace(/(\/cron-parser\/).*$/, '$1package.json'), 'utf8')).version;
  if (found !== version) throw new Error(`cron-parser ${version} is wanted, ${found} is in ${fileURLToPath(url)}`);
  return require('cron-parser');
}

const parser4 = parserOf('4.9.0', new URL('../../node_modules/bullmq5/dist/cjs/index.js', import.meta.url));
const parser5 = parserOf('5.10.3', new URL('../../node_modules/bullmq6/dist/cjs/index.js', import.meta.url));

/* The next instant, or the error's text. */
const ask = (parse) => ({ pattern, tz, from_ms, hashSeed, strict }) => {
  try {
    return { next_ms: parse(pattern, { tz, hashSeed, strict, currentDate: new Date(from_ms) }).next().getTime() };
  } catch (error) {
    return { error: error.message };
  }
};

export const parsers = {
  4: ask((pattern, options) => parser4.parseExpression(pattern, options)),
  5: ask((pattern, options) => parser5.CronExpressionParser.parse(pattern, options)),
};

/* Zones with changes of every kind: at midnight, by half an hour, by two hours, in the southern half, negative ones, none, abandoned ones. */
const zones = [
  'Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'America/New_York', 'America/Los_Angeles', 'America/St_Johns', 'America/Havana', 'America/Asuncion',
  'America/Santiago', 'America/Sao_Paulo', 'America/Nuuk', 'America/Caracas', 'Atlantic/Azores', 'Australia/Lord_Howe', 'Australia/Sydney', 'Asia/Beirut',
  'Asia/Gaza', 'Asia/Jerusalem', 'Asia/Amman', 'Asia/Tehran', 'Asia/Kolkata', 'Asia/Kathmandu', 'Asia/Pyongyang', 'Africa/Cairo', 'Africa/Casablanca',
  'Antarctica/Troll', 'Antarctica/Macquarie', 'Pacific/Apia', 'Pacific/Chatham', 'Pacific/Auckland', 'Pacific/Fiji', 'Pacific/Norfolk', 'Europe/Moscow',
  'Europe/Istanbul', 'Etc/GMT+7', 'Etc/UTC', 'UTC', 'GMT', 'UTC+3', 'utc-3:30', 'EST5EDT', 'Asia/Tokyo',
];
const everyZone = Intl.supportedValuesOf('timeZone');
const wrongZones = ['Nowhere/Atlantis', '+05:30', '', 'Europe', 'UTC+123', 'UTC+1:5', '../../etc/passwd', 'posix/UTC', 'Factory', 'Europe/Berlin '];

/* mulberry32, with what is made of its draws. */
export function randomOf(seed) {
  let state = seed >>> 0;
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least, most) => least + Math.floor(draw() * (most - least + 1));
  return { whole, chance: (share) => draw() < share, one: (list) => list[whole(0, list.length - 1)] };
}

const hourMs = 3_600_000;
const firstMs = Date.UTC(2000, 0, 1);
const lastMs = Date.UTC(2045, 0, 1);

/* The instants at which the zone's offset changes. */
const changes = new Map();
function changesOf(zone) {
  if (changes.has(zone)) return changes.get(zone);
  const found = [];
  if (zone.includes('/')) {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
    const offset = (ms) => format.format(ms).split(', ').at(-1);
    for (let ms = firstMs; ms < lastMs; ms += 7 * 24 * hourMs) {
      let [low, high] = [ms, ms + 7 * 24 * hourMs];
      if (offset(low) === offset(high)) continue;
      while (high - low > 1000) {
        const middle = Math.floor((low + high) / 2000) * 1000;
        if (offset(middle) === offset(low)) low = middle;
        else high = middle;
      }
      found.push(high);
    }
  }
  changes.set(zone, found);
  return found;
}

function instant(random, zone) {
  const near = changesOf(zone);
  const kind = random.whole(1, 10);
  let ms = random.whole(firstMs / 1000, lastMs / 1000) * 1000;
  if (near.length > 0 && kind <= 6) ms = random.one(near) + random.whole(-26 * 3600, 4 * 3600) * 1000;
  else if (kind === 7) ms = Date.UTC(random.one([2016, 2020, 2023, 2024, 2028]), 1, 28, random.whole(0, 47), random.whole(0, 59));
  else if (kind === 8) ms = Date.UTC(random.whole(2001, 2040), 11, 31, random.whole(0, 40));
  if (random.chance(0.3)) ms = Math.floor(ms / (hourMs / 2)) * (hourMs / 2);
  return random.chance(0.3) ? ms + random.whole(1, 999) : ms;
}

const units = [
  { least: 0, most: 59 }, { least: 0, most: 59 }, { least: 0, most: 23, near: [0, 1, 2, 3, 23] }, { least: 1, most: 31, near: [28, 29, 30, 31] },
  { least: 1, most: 12, names: ['jan', 'FEB', 'Mar', 'apr', 'oct', 'nov', 'dec'] }, { least: 0, most: 7, names: ['sun', 'MON', 'Tue', 'wed', 'fri', 'sat'] },
];

function value(random, unit) {
  if (unit.names && random.chance(0.3)) return random.one(unit.names);
  return String(unit.near && random.chance(0.6) ? random.one(unit.near) : random.whole(unit.least, unit.most));
}

function item(random, unit, index) {
  const [a, b] = [random.whole(unit.least, unit.most), random.whole(unit.least, unit.most)].sort((x, y) => x - y);
  const step = random.chance(0.05) ? random.whole(0, 99) : random.whole(1, Math.max(2, Math.floor(unit.most / 2)));
  const kinds = [`${a}-${b}`, `*/${step}`, `${a}-${b}/${step}`, `${a}/${step}`, value(random, unit), value(random, unit), value(random, unit)];
  if (index === 3) kinds.push('L', '?');
  if (index === 5) kinds.push(`${a}L`, '?');
  if (random.chance(0.03)) return random.one(['H', `H/${step}`, `H(${a}-${b})`, `H(${a}-${b})/${step}`]);
  return random.one(kinds);
}

function field(random, index) {
  const unit = units[index];
  if (index === 5 && random.chance(0.15)) return `${value(random, unit)}#${random.whole(0, 6)}`;
  return Array.from({ length: random.chance(0.25) ? random.whole(2, 4) : 1 }, () => item(random, unit, index)).join(',');
}

const shares = [0.85, 0.9, 0.75, 0.3, 0.2, 0.3]; // how often a field is restricted: seldom so much that nothing fits
const aliases = ['yearly', 'monthly', 'weekly', 'daily', 'hourly', 'annually', 'minutely', 'secondly', 'weekdays', 'weekends', 'midnight', 'reboot'];
const letters = [...'0123456789**//--,,LL##??WH@ aJz()+.', 'jan', 'mon', '\u00a0', '\t'];

function pattern(random) {
  if (random.chance(0.03)) return `@${random.one(aliases)}`;
  const count = random.chance(0.5) ? 6 : random.chance(0.9) ? 5 : random.whole(0, 7);
  const fields = Array.from({ length: count }, (_, i) => {
    const index = Math.min(Math.max(6 - count + i, 0), 5);
    return random.chance(shares[index]) ? field(random, index) : random.chance(0.05) ? '?' : '*';
  });
  return fields.join(random.chance(0.05) ? '  ' : ' ');
}

/* A letter more, less or another one. */
function spoil(random, text) {
  const at = random.whole(0, text.length);
  return text.slice(0, at) + (random.chance(0.8) ? random.one(letters) : '') + text.slice(at + random.whole(0, 1));
}

export function schedule(random) {
  const zone = random.one(random.chance(0.8) ? zones : everyZone);
  const written = pattern(random);
  return {
    pattern: random.chance(0.15) ? spoil(random, written) : written,
    tz: random.chance(0.02) ? random.one(wrongZones) : random.chance(0.1) ? random.one([zone.toLowerCase(), zone.toUpperCase()]) : zone,
    from_ms: instant(random, zone),
    hashSeed: `seed-${random.whole(1, 1000)}-ä€😀`,
    strict: random.chance(0.03),
  };
}
