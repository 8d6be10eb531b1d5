/*
 * json_schema: the answers that commands give with --json, against their schemas in tests/schemas/.
 *
 *     const answer = assertAnswer('list', stdout);     exactly one JSON object in one line, as tests/schemas/list.json has it
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const folder = new URL('../../schemas/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
for (const shared of ['common', 'health', 'verify']) ajv.addSchema(read(shared), `${shared}.json`);

export const hasSchema = (name) => existsSync(new URL(`${name}.json`, folder));

/* The reasons why a value is not as the schema has it; none: it is. */
export function schemaErrors(name, value) {
  const check = ajv.getSchema(`${name}.json`) ?? ajv.addSchema(read(name), `${name}.json`).getSchema(`${name}.json`);
  return check(value) ? [] : check.errors.map(({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`);
}

export function assertAnswer(name, stdout) {
  assert.match(stdout, /^\{.*\}\n$/, 'one JSON object in one line');
  const answer = JSON.parse(stdout);
  assert.deepEqual(schemaErrors(name, answer), [], stdout);
  return answer;
}
