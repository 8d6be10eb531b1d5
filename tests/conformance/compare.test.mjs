/* The comparison finds what is wrong in a database, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allowed } from './allowed.mjs';
import { compare } from './support/compare.mjs';
import { describeRun } from './support/describe.mjs';
import { withoutAllowed } from './support/suite.mjs';

const from = 1_800_000_000_000;
const to = from + 10_000;
const token = 'a1b2c3d4-0000-4000-8000-0123456789ab:7';
const id = '0a1b2c3d-0000-4000-8000-0123456789ab';

const hour = 3_600_000;
const night = from + 20 * hour; // the next instant of a pattern: the same for every run
const next = (start) => `bull:work:repeat:hourly:${start + hour}`; // the second job of a schedule that began with the run

/* A database as a run leaves it, begun at `start`. */
const database = (start = from) => ({
  'bull:work:1': {
    type: 'hash', expires: -1,
    value: {
      name: 'work', data: '{"a":1}', opts: '{"attempts":2,"kl":5}', delay: '0', atm: '1',
      timestamp: `${start + 10}`, processedOn: `${start + 20}`, finishedOn: `${start + 30}`,
      stacktrace: '["Error: why\\n    at work (file.js:1:2)\\n    at next (file.js:3:4)"]', failedReason: 'why',
    },
  },
  'bull:work:2': { type: 'hash', expires: -1, value: { name: 'later', data: '{}', opts: '{}', timestamp: `${start + 10}`, delay: '60000' } },
  [`bull:work:${id}`]: { type: 'hash', expires: -1, value: { name: 'parent', timestamp: `${start + 10}` } },
  'bull:work:2:lock': { type: 'string', expires: to + 29_000, value: token },
  'bull:work:failed': { type: 'zset', expires: -1, value: [['1', start + 30]] },
  'bull:work:delayed': { type: 'zset', expires: -1, value: [
    ['2', (start + 60_010) * 4096], [`repeat:hourly:${start + hour}`, (start + hour) * 4096], [`repeat:nightly:${night}`, night * 4096],
  ] },
  'bull:work:marker': { type: 'zset', expires: -1, value: [['1', start + 60_010]] },
  'bull:work:waiting-children': { type: 'zset', expires: -1, value: [[id, start + 10]] },
  'bull:work:repeat': { type: 'zset', expires: -1, value: [['hourly', start + hour], ['nightly', night]] },
  'bull:work:repeat:hourly': { type: 'hash', expires: -1, value: { name: 'run', every: `${hour}`, offset: `${start % hour}`, ic: '2' } },
  'bull:work:repeat:nightly': { type: 'hash', expires: -1, value: { name: 'run', pattern: '0 3 * * *', offset: '0', ic: '1' } },
  [`bull:work:repeat:hourly:${start}`]: { type: 'hash', expires: -1, value: { name: 'run', rjk: 'hourly', nrjid: `repeat:hourly:${start + hour}` } },
  [next(start)]: { type: 'hash', expires: -1, value: {
    name: 'run', rjk: 'hourly', timestamp: `${start + 20}`, delay: `${hour - 20}`,
    opts: `{"repeat":{"every":${hour},"count":2},"delay":${hour - 20},"timestamp":${start + 20},"jobId":"repeat:hourly:${start + hour}"}`,
  } },
  [`bull:work:repeat:nightly:${night}`]: { type: 'hash', expires: -1, value: {
    name: 'run', rjk: 'nightly', timestamp: `${start + 20}`, delay: `${night - start - 20}`,
    opts: `{"repeat":{"pattern":"0 3 * * *","count":1},"prevMillis":${night},"delay":${night - start - 20},"timestamp":${start + 20}}`,
  } },
  'bull:work:prioritized': { type: 'zset', expires: -1, value: [['3', 8_589_934_593]] },
  'bull:work:stalled-check': { type: 'string', expires: to + 25_000, value: `${to - 5000}` },
  'bull:work:limiter': { type: 'string', expires: -1, value: '1' },
  'bull:work:wait': { type: 'list', expires: -1, value: ['5', '4'] },
  'bull:work:stalled': { type: 'set', expires: -1, value: ['1', '2'] },
  'bull:work:metrics:failed': { type: 'hash', expires: -1, value: { count: '1', prevTS: `${start + 30}`, prevCount: '0' } },
  'bull:work:events': {
    type: 'stream', expires: -1,
    value: [
      [`${start + 10}-0`, ['event', 'delayed', 'jobId', '2', 'delay', `${start + 60_010}`]],
      [`${start + 20}-0`, ['event', 'active', 'jobId', '1', 'prev', 'waiting']],
      [`${start + 30}-0`, ['event', 'failed', 'jobId', '1', 'failedReason', 'why', 'prev', 'active']],
    ],
  },
});
const describeIt = (one, outside = {}) => describeRun({ database: one, outside }, { from, to });
const differences = (change) => {
  const changed = database();
  change(changed);
  return compare(describeIt(database()), describeIt(changed));
};

test('two runs at different times are the same', () => {
  assert.deepEqual(compare(describeIt(database()), describeIt(database(from + 3000))), []);
});

test('what does not differ in a way that matters is the same', () => {
  const same = {
    'the order of keys in options': (one) => (one['bull:work:1'].value.opts = '{"kl":5,"attempts":2}'),
    'the frames of a stack': (one) => (one['bull:work:1'].value.stacktrace = '["Error: why"]'),
    'what is left of a lock': (one) => (one['bull:work:2:lock'].expires = to + 28_000),
    'who has the lock': (one) => (one['bull:work:2:lock'].value = token.replace('a1', 'b2').replace(':7', ':8')),
    'the order of members of a set': (one) => one['bull:work:stalled'].value.reverse(),
  };
  for (const [what, change] of Object.entries(same)) assert.deepEqual(differences(change), [], what);
});

describe('it is a difference', () => {
  const hash = (field, value) => (one) => (one['bull:work:1'].value[field] = value);
  const event = (index, change) => (one) => change(one['bull:work:events'].value[index], one['bull:work:events'].value);
  const wrong = {
    'that a key is missing': (one) => delete one['bull:work:limiter'],
    'that there is one key more': (one) => (one['bull:work:pc'] = { type: 'string', expires: -1, value: '1' }),
    'that a key has another type': (one) => (one['bull:work:wait'] = { type: 'set', expires: -1, value: ['4', '5'] }),
    'that a key lives for ever': (one) => (one['bull:work:2:lock'].expires = -1),
    'that a key does not live for ever': (one) => (one['bull:work:limiter'].expires = to + 1000),
    'that a lock lives much longer': (one) => (one['bull:work:2:lock'].expires = to + 60_000),
    'that the throttle of stalled jobs lives shorter': (one) => (one['bull:work:stalled-check'].expires = to + 23_500),
    'that a lock has no token of the usual form': (one) => (one['bull:work:2:lock'].value = '7'),
    'that a list has another order': (one) => one['bull:work:wait'].value.reverse(),
    'that a field is missing': (one) => delete one['bull:work:1'].value.atm,
    'that there is one field more': hash('ats', '1'),
    'that a time is not of this run': hash('finishedOn', `${from - 1}`),
    'that a time is in seconds': hash('processedOn', `${from / 1000}`),
    'that a job was finished at another time than its score says': (one) => (one['bull:work:failed'].value[0][1] += 1),
    'that data is the same value in other words': hash('data', '{ "a": 1 }'),
    'that options have another value': hash('opts', '{"attempts":3,"kl":5}'),
    'that options are no JSON': hash('opts', '{'),
    'that a delay is another one': hash('delay', '700'),
    'that a stack begins with other words': hash('stacktrace', '["why"]'),
    'that there is one stack more': hash('stacktrace', '["Error: why","Error: why"]'),
    'that a delayed job is due at another time': (one) => (one['bull:work:delayed'].value[0][1] += 120_000 * 4096),
    'that the score of a delayed job is not that of its time': (one) => (one['bull:work:delayed'].value[0][1] += 5),
    'that the marker is not for the first delayed job': (one) => (one['bull:work:marker'].value[0][1] += 1),
    'that a job waits for its children since another time': (one) => (one['bull:work:waiting-children'].value[0][1] = 0),
    'that a job has another place among the priorities': (one) => (one['bull:work:prioritized'].value[0][1] += 1),
    'that a schedule stands at another instant': (one) => (one['bull:work:repeat'].value[0][1] += 1),
    'that the schedule of a pattern stands at another instant': (one) => (one['bull:work:repeat'].value[1][1] += hour),
    'that a job of a schedule is due at another time than its id says': (one) => (one['bull:work:delayed'].value[1][1] += 4096),
    'that a job of a schedule is delayed until another time than its id says': (one) => (one[next(from)].value.delay = `${2 * hour}`),
    'that a job of a schedule has the id of another instant': (one) => {
      one[next(from + 1)] = one[next(from)];
      delete one[next(from)];
    },
    'that a schedule of every hour has another offset': (one) => (one['bull:work:repeat:hourly'].value.offset = '1'),
    'that a job goes on from another instant of a pattern': (one) => {
      const { value } = one[`bull:work:repeat:nightly:${night}`];
      value.opts = value.opts.replace(night, night + hour);
    },
    'that a job of a schedule has another count': (one) => (one[next(from)].value.opts = one[next(from)].value.opts.replace('"count":2', '"count":1')),
    'that metrics were counted at another time': (one) => (one['bull:work:metrics:failed'].value.prevTS = '0'),
    'that an event is missing': event(1, (entry, all) => all.splice(1, 1)),
    'that events have another order': event(1, (entry, all) => all.push(all.shift())),
    'that an event has other fields': event(2, (entry) => entry[1].push('more', '1')),
    'that the fields of an event have another order': event(1, (entry) => (entry[1] = ['event', 'active', 'prev', 'waiting', 'jobId', '1'])),
    'that an event tells of another delay': event(0, (entry) => (entry[1][5] = `${from + 90_000}`)),
    'that an event is of another time': event(1, (entry) => (entry[0] = '1-0')),
    'that another job has the name of a made-up id': (one) => (one[`bull:work:${id}`].value.name = 'child'),
  };
  for (const [what, change] of Object.entries(wrong)) test(what, () => assert.notDeepEqual(differences(change), []));

  test('that the work saw another job', () => {
    const saw = (...seen) => describeIt({}, { seen });
    const expected = [{ key: 'seen', sign: '-', line: 'b' }, { key: 'seen', sign: '+', line: 'c' }];
    assert.deepEqual(compare(saw('b', 'a'), saw('a', 'c')), expected);
  });
});

test('only what is wrong is told, even in a long list', () => {
  const events = Array.from({ length: 3000 }, (_, index) => `event=added jobId=${index}`);
  const changed = [...events.slice(0, 1000), ...events.slice(1001, 1006), 'event=drained', ...events.slice(1006)];
  assert.deepEqual(compare({ events }, { events: changed }), [
    { key: 'events', sign: '-', line: 'event=added jobId=1000' },
    { key: 'events', sign: '+', line: 'event=drained' },
  ]);
});

test('an allowed difference is allowed where it is, and nowhere else', () => {
  const entry = { scenario: /^this one$/, key: /:wait$/, ours: /^"1"$/, reason: 'an example' };
  const difference = { key: 'bull:work:wait', sign: '+', line: '"1"' };
  const used = new Set();
  const left = (title, change) => withoutAllowed([{ ...difference, ...change }], { title }, { allowed: [entry], used }).length;
  assert.equal(left('another one', {}), 1);
  for (const change of [{ key: 'bull:work:active' }, { sign: '-' }, { line: '"2"' }]) assert.equal(left('this one', change), 1);
  assert.equal(used.size, 0);
  assert.equal(left('this one', {}), 0);
  assert.deepEqual([...used], [entry]);
});

test('what is allowed is little, and each entry gives its reason', () => {
  assert.ok(allowed.length > 0 && allowed.length <= 10);
  for (const { scenario, key, bullmq, ours, reason } of allowed) {
    assert.ok(scenario instanceof RegExp && key instanceof RegExp && (bullmq ?? ours) instanceof RegExp);
    assert.match(reason, /\.$/);
  }
});
