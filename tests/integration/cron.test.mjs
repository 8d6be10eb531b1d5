/*
 * The next instant of a schedule: ours and that of the cron-parser in each BullMQ, for random schedules.
 *
 * CRON_TRIPLES (default: 4000) says how many, CRON_SEED (default: 1) which ones.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { parsers, randomOf, schedule } from './support/cron.mjs';
import { workerProgram } from './support/worker.mjs';

const triples = Number(process.env.CRON_TRIPLES ?? 4000);
const seed = Number(process.env.CRON_SEED ?? 1);
const batch = 1000;

/* What we refuse and a cron-parser does not, on purpose. */
const refused = [
  { why: 'a number behind # that is written in no decimal digits', is: ({ pattern }) => /#\S*[^\d\s]/.test(pattern) },
  { why: 'letters that are foreign to the field beside an H', dialect: 5, is: ({ pattern }) => pattern.split(/\s+/).some((field) => /H[(/]/.test(field) && /[^\d*?,/()HLa-z-]|L/i.test(field)) },
];

function ours(questions) {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(workerProgram, ['cron', '--jsonl'], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  assert.equal(status, 0, stderr);
  const answers = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(answers.length, questions.length);
  return answers;
}

function isSame(theirs, answer, question, dialect) {
  if (theirs.next_ms !== undefined && theirs.next_ms === answer.next_ms) return true;
  if (theirs.error !== undefined && answer.error !== undefined) return true;
  return answer.error !== undefined && refused.some((difference) => (difference.dialect ?? dialect) === dialect && difference.is(question));
}

const told = (ms) => (ms === undefined ? undefined : new Date(ms).toISOString());

for (const dialect of [4, 5]) {
  describe(`cron-parser ${dialect}`, () => {
    for (let first = 0; first < triples; first += batch) {
      const count = Math.min(batch, triples - first);
      test(`finds the same next instants, and refuses the same, in random schedules ${first + 1} to ${first + count}`, () => {
        const random = randomOf(seed * 1_000_003 + first);
        const questions = Array.from({ length: count }, () => ({ ...schedule(random), dialect }));
        const answers = ours(questions);
        const differences = [];
        let found = 0;
        questions.forEach((question, i) => {
          const theirs = parsers[dialect](question);
          found += theirs.next_ms !== undefined;
          if (!isSame(theirs, answers[i], question, dialect))
            differences.push({ ...question, theirs: told(theirs.next_ms) ?? theirs.error, ours: told(answers[i].next_ms) ?? answers[i].error });
        });
        assert.deepEqual(differences, []);
        assert.ok(found > count / 2 && found < count, `${found} of ${count} have a next instant`);
      });
    }
  });
}
