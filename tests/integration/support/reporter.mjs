/*
 * reporter: what node:test has to say, one JSON object a line on descriptor 3, as soon as it is said. run.mjs reads it.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

function reason(error) {
  const cause = error?.cause ?? error;
  return cause instanceof Error && cause.stack ? inspect(cause, { depth: 4 }) : String(cause);
}

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    const line = { type, name: data.name, nesting: data.nesting, suite: data.details?.type === 'suite' };
    if (type === 'test:pass' || type === 'test:fail') {
      line.milliseconds = data.details.duration_ms;
      line.leftOut = typeof data.skip === 'string' && data.skip.includes('name does not match pattern'); // by run.mjs --only
      line.skipped = data.skip !== undefined || data.todo !== undefined;
      line.failureType = data.details.error?.failureType;
      line.reason = type === 'test:fail' ? reason(data.details.error) : undefined;
    }
    writeSync(3, `${JSON.stringify(line)}\n`);
  }
  yield '';
}
