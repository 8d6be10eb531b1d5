/*
 * The next instant of a schedule: ours, and that of the cron-parser in each BullMQ, for random schedules; and the command that prints it.
 *
 * CRON_TRIPLES (default: 4000) says how many schedules, CRON_SEED (default: 1) which ones.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parsers, randomOf, schedule } from './support/cron.mjs';
import { workerProgram } from './support/worker.mjs';

const triples = Number(process.env.CRON_TRIPLES || 4000);
const seed = Number(process.env.CRON_SEED || 1);
const batch = 1000;

function cron(args, input = '') {
  const { status, stdout, stderr } = spawnSync(workerProgram, ['cron', ...args], { input, encoding: 'utf8', maxBuffer: 2 ** 28, env: { TZ: 'Asia/Tokyo' } });
  return { status, stderr, lines: stdout.split('\n').slice(0, -1) };
}

function ours(questions) {
  const { status, stderr, lines } = cron(['--jsonl'], questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(lines.length, questions.length);
  return lines.map((line) => JSON.parse(line));
}

const wordsOf = ({ pattern }) => pattern.trim().split(/\s+/);

/* What we refuse and a cron-parser does not, on purpose, with an example of each. */
const refused = [
  {
    what: 'a number behind # that is written in other than decimal digits',
    dialects: [4, 5],
    is: (question) => /#.*\D/.test(wordsOf(question).at(-1)),
    example: { pattern: '0 0 * * 5#0x2', tz: 'UTC' },
  },
  {
    what: 'a letter that is foreign to the field beside an H with a range or a step',
    dialects: [5],
    is: (question) => wordsOf(question).some((word) => /H[(/]/.test(word) && /[^\d*?,/()H-]/.test(word)),
    example: { pattern: '0 0 * * H(1-5)x', tz: 'UTC' },
  },
  {
    what: 'the three-letter zones that only ICU knows',
    dialects: [4, 5],
    is: ({ tz }) => /^[A-Z]{3}$/.test(tz),
    example: { pattern: '0 0 * * *', tz: 'PST' },
  },
];

function isSame(theirs, answer, question) {
  if (theirs.error !== undefined) return answer.error !== undefined;
  if (answer.error === undefined) return theirs.next_ms === answer.next_ms;
  return refused.some(({ dialects, is }) => dialects.includes(question.dialect) && is(question));
}

const told = ({ next_ms, error }) => error ?? new Date(next_ms).toISOString();

for (const dialect of [4, 5]) {
  describe(`cron-parser ${dialect}`, () => {
    for (let first = 0; first < triples; first += batch) {
      const count = Math.min(batch, triples - first);
      test(`finds the same next instants, and refuses the same, in random schedules ${first + 1} to ${first + count}`, async () => {
        await setImmediate(); // else nothing is told before all are done
        const random = randomOf(seed * 1_000_003 + first);
        const questions = Array.from({ length: count }, () => ({ ...schedule(random), dialect }));
        const answers = ours(questions);
        const theirs = questions.map(parsers[dialect]);
        const differences = questions
          .map((question, i) => ({ ...question, theirs: told(theirs[i]), ours: told(answers[i]), same: isSame(theirs[i], answers[i], question) }))
          .filter(({ same }) => !same);
        assert.deepEqual(differences, []);
        const found = theirs.filter(({ error }) => error === undefined).length;
        assert.ok(found > count / 2 && found < count, `${found} of ${count} have a next instant`);
      });
    }
  });
}

for (const { what, dialects, example } of refused) {
  test(`refused on purpose: ${what}`, () => {
    for (const dialect of dialects) {
      const question = { from_ms: 0, hashSeed: 'seed', ...example, dialect };
      assert.ok(parsers[dialect](question).next_ms > 0);
      assert.match(ours([question])[0].error, /^cron pattern '|^time zone '/);
    }
  });
}

test('the command prints instants by the clocks of the zone', () => {
  const { status, lines } = cron(['--tz', 'europe/berlin', '--from', '2026-03-28', '--count', '3', '30 2 * * *']);
  assert.equal(status, 0);
  assert.deepEqual(lines, ['2026-03-28T02:30:00+01:00 Saturday', '2026-03-29T03:30:00+02:00 Sunday', '2026-03-30T02:30:00+02:00 Monday']);
});

test('the command takes the dialect, the time in every form and the zone of the machine', () => {
  const first = (...args) => cron([...args, '-n1']).lines;
  assert.deepEqual(first('-z', 'America/Havana', '-f', '2026-10-31T12:00', '-d4', '0 0 * * *'), ['2026-11-01T00:00:00-04:00 Sunday']);
  assert.deepEqual(first('-z', 'America/Havana', '-f', '2026-10-31T12:00', '-d5', '0 0 * * *'), ['2026-11-01T00:00:00-05:00 Sunday']);
  for (const from of ['2026-01-01T00:30:00Z', '2026-01-01T09:30', '2026-01-01T01:30:00+01:00', '2025-12-31T21:00:00-03:30'])
    assert.deepEqual(first('-f', from, '0 10 * * *'), ['2026-01-01T10:00:00+09:00 Thursday'], from);
  assert.equal(cron(['@hourly']).lines.length, 10);
});

test('the command says what is wrong, with an exit status for it', () => {
  const wrong = (args, status, text) => {
    const answer = cron(args);
    assert.equal(answer.status, status, answer.stderr);
    assert.match(answer.stderr, text);
    assert.deepEqual(answer.lines, []);
  };
  wrong([], 64, /one PATTERN is wanted, in quotes\n$/);
  wrong(['*', '*', '*', '*', '*'], 64, /one PATTERN is wanted/);
  wrong(['--jsonl', '* * * * *'], 64, /--jsonl takes no pattern\n$/);
  wrong(['--count', '0', '* * * * *'], 64, /^weavestream-backup cron: --count='0' is not a number from 1 to 100000\n$/);
  wrong(['--dialect', '6', '* * * * *'], 64, /^weavestream-backup cron: --dialect='6' is not a number from 4 to 5\n$/);
  wrong(['--nonsense'], 64, /^weavestream-backup cron: '--nonsense' is no option; try --help\n$/);
  wrong(['--from', '2026-02-29', '* * * * *'], 65, /'2026-02-29' is no time such as/);
  wrong(['--from', '2026-02-28T10:00x', '* * * * *'], 65, /'2026-02-28T10:00x' is a time with 'x' behind it\n$/);
  wrong(['99 * * * *'], 78, /cron pattern '99 \* \* \* \*': minute '99': 99 is not within 0-59\n$/);
  wrong(['xyz'], 78, /cron pattern 'xyz': 1 field where 5 or 6 are usual: day of week 'xyz': xyz is no name\n$/);
  wrong(['0 99 * *'], 78, /cron pattern '0 99 \* \*': 4 fields where 5 or 6 are usual: /);
  wrong(['0 0 31 4,6 *'], 78, /cron pattern '0 0 31 4,6 \*': the pattern has no next time within 9999 steps/);
  wrong(['--tz', 'Nowhere', '* * * * *'], 78, /time zone 'Nowhere' does not exist\n$/);
});

test('fewer than five fields are read as BullMQ reads them, and that is noted', () => {
  const from = ['--from', '2026-11-24T12:00', '-n1'];
  const noted = (pattern, count, whole) => {
    const { status, lines, stderr } = cron([...from, pattern]);
    assert.equal(status, 0);
    assert.deepEqual(lines, cron([...from, whole]).lines);
    assert.match(stderr, new RegExp(`^weavestream-backup cron: note: '.*' has ${count} of the fields .* takes it for '(.*)'\n$`));
    assert.equal(/takes it for '(.*)'/.exec(stderr)[1], whole);
  };
  noted('0 3 * *', 4, '* 0 3 * *');
  noted('0', 1, '* * * * 0');
  for (const pattern of ['0 3 * * *', '0 0 3 * * *', '@daily']) assert.equal(cron([...from, pattern]).stderr, '');
});

test('each line of --jsonl is answered, also one that asks nothing', () => {
  const lines = ['{"pattern":"* * * * *","tz":"UTC","from_ms":0}', 'nonsense', '{"pattern":"* * * * *"}', '{"pattern":"x","from_ms":0,"dialect":6}', '[]',
    '{"pattern":"0 12 * * *","from_ms":0}'];
  const { status, lines: answers } = cron(['--jsonl'], `${lines.join('\n')}\n`);
  assert.equal(status, 0);
  assert.deepEqual(answers.map((line) => Object.keys(JSON.parse(line))), [['next_ms'], ['error'], ['error'], ['error'], ['error'], ['next_ms']]);
  assert.deepEqual(JSON.parse(answers[0]), { next_ms: 60_000 });
  assert.deepEqual(JSON.parse(answers[5]), { next_ms: 3 * 3_600_000 }, 'noon in Tokyo');
});
