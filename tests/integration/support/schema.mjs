/*
 * schema: the app's tables in a database, and rows in them.
 *
 *     await createSchema(client);
 *     const configId = await insertConfig(client, { name: 'Nightly' });
 *     const backupRunId = await insertRun(client, { config_id: configId });
 *     await sampleData(client, 5);                       about 5 MB to be dumped
 *     const before = await rowCounts(client);            for comparison after a restore
 *
 * Fields are named as the columns are; what is left out has the default given here.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';

const sqlFile = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/* In `schema`, which is made if need be; the client's search path then points to it. */
export async function createSchema(client, { schema = 'public' } = {}) {
  const name = pg.escapeIdentifier(schema);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}`);
  await client.query(`SET search_path TO ${name}`);
  await client.query(sqlFile('schema.sql'));
}

async function insert(client, table, row) {
  const columns = Object.keys(row).map((name) => pg.escapeIdentifier(name));
  const places = columns.map((_, index) => `$${index + 1}`);
  const result = await client.query(`INSERT INTO ${table} (${columns}) VALUES (${places}) RETURNING id`, Object.values(row));
  return result.rows[0].id;
}

export const defaultRetention = { keepLast: 3, daily: 7, weekly: 4, monthly: 12 };

/* A timestamp as Prisma sends it: UTC, without a zone. */
const utc = (date) => (date instanceof Date ? date.toISOString().replace('Z', '') : date);
const withTimes = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, utc(value)]));

/* Both hand back the row's id. */
export function insertConfig(client, row = {}) {
  const { retention = defaultRetention, ...rest } = row;
  return insert(client, 'backup_config', withTimes({
    name: 'Nightly', cron: '0 3 * * *', timezone: 'Europe/Berlin', updated_at: new Date(), created_at: new Date(), ...rest,
    retention: JSON.stringify(retention), // pg would make arrays into SQL arrays
  }));
}

/* By default what the API inserts for "Run now". */
export function insertRun(client, row = {}) {
  return insert(client, 'backup_run', withTimes({ kind: 'MANUAL', status: 'queued', created_at: new Date(), ...row }));
}

export async function readRun(client, id) {
  return (await client.query('SELECT * FROM backup_run WHERE id = $1', [id])).rows[0];
}

export async function readConfig(client, id) {
  return (await client.query('SELECT * FROM backup_config WHERE id = $1', [id])).rows[0];
}

export async function readAudit(client, entityId) {
  return (await client.query('SELECT * FROM audit_log WHERE entity_id = $1 ORDER BY created_at, id', [entityId])).rows;
}

/* Tables beside the app's own, with about so many megabytes in them, half of it compressible; some 30 MB a second. Ends with ANALYZE. */
export async function sampleData(client, megabytes = 5) {
  const bytesPerDocument = 8192 + 64;
  const documents = Math.max(1, Math.round((megabytes * 1024 * 1024) / bytesPerDocument));
  await client.query(sqlFile('sample.sql'));
  await client.query(`INSERT INTO companies (name, settings)
    SELECT 'Company ' || i || ' "Sons" \\ Ltd.' || E'\\t', jsonb_build_object('number', i, 'tags', jsonb_build_array('a', 'ü', NULL))
    FROM generate_series(1, 20) i`);
  await client.query(`INSERT INTO assets (company_id, "Serial No.", state, "select")
    SELECT (SELECT id FROM companies OFFSET i % 20 LIMIT 1), nullif(i % 7, 0) || '-' || md5(i::text),
           (ARRAY['in use', 'spare', 'it''s gone']::"AssetState"[])[1 + i % 3], i / 100.0
    FROM generate_series(1, 500) i`);
  // Digits of md5 are text that halves when compressed; as bytes they do not compress at all.
  await client.query(
    `INSERT INTO documents (company_id, title, body, attachment, properties)
     SELECT (SELECT id FROM companies LIMIT 1), 'Document ' || d,
            (SELECT string_agg(md5(d || ':' || j), E'\\n') FROM generate_series(1, 186) j),
            decode((SELECT string_agg(md5(d || '/' || j), '') FROM generate_series(1, 128) j), 'hex'),
            jsonb_build_object('number', d)
     FROM generate_series(1, $1::int) d`,
    [documents],
  );
  await client.query(`INSERT INTO "Odd ""Table"", with; a -- name" VALUES (1, E'\\\\.', 'line\nbreak'), (2, NULL, ''), (3, E'\\r\\n\\\\N', 'ü')`);
  await client.query(`INSERT INTO events SELECT timestamptz '2025-06-01' + i * interval '5 days', 'event ' || i FROM generate_series(1, 100) i`);
  await client.query(`SELECT nextval('"ticket numbers"'), lo_from_bytea(0, convert_to(repeat('large object ', 1000), 'UTF8')), lo_from_bytea(0, '')`);
  await client.query('REFRESH MATERIALIZED VIEW "document sizes"');
  await client.query('ANALYZE');
}

/* { 'schema.table': rows, ..., 'large objects': n, 'sequence x': last value }: what must be the same after a restore. */
export async function rowCounts(client) {
  const tables = await client.query(`SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1`);
  const counts = {};
  for (const { name } of tables.rows) {
    counts[name] = (await client.query(`SELECT count(*) AS n FROM ${name}`)).rows[0].n;
  }
  counts['large objects'] = (await client.query('SELECT count(*) AS n FROM pg_largeobject_metadata')).rows[0].n;
  const sequences = await client.query('SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2');
  for (const one of sequences.rows) counts[`sequence ${one.schemaname}.${one.sequencename}`] = one.last_value;
  return counts;
}
