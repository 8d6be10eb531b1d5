/*
 * contents: databases of every kind that is hard to dump, as SQL that is added to the usual one, by a title; and what a manifest must say
 * of any database.
 *
 * Each is { sql, restores, but }. Those that `restores` leaves true may stand in one database, which can be restored. `but` says what is special
 * about what a dump holds: the data of `hidden` tables (and of a number of `hiddenSequences`) is not in it; rows of partitions count as those of
 * their root if that is `rooted`.
 */
import pg from 'pg';

const manyTables = Array.from({ length: 300 }, (_, number) => `CREATE TABLE "many ${number}" AS SELECT generate_series(1, ${number % 5}) AS n`).join(';\n');
const manyColumns = Array.from({ length: 1000 }, (_, number) => `"column number ${number} of a wide table" int`).join(', ');

export const contents = {
  'the usual': { sql: 'SELECT 1' },
  'no table beside the app’s own': {
    sql: 'DROP SCHEMA "other Schema" CASCADE; DROP TABLE "Odd ""Table"", with; a -- name", events, documents, assets, companies CASCADE; SELECT lo_unlink(oid) FROM pg_largeobject_metadata',
    restores: false,
  },
  'large objects: empty, small, and of several pages': {
    sql: `SELECT lo_from_bytea(0, ''), lo_from_bytea(0, '\\x5c2e0a'), lo_from_bytea(0, convert_to(repeat(E'COPY public.x FROM stdin;\\n\\\\.\\n', 20000), 'UTF8'));
          COMMENT ON TABLE companies IS E'\\\\.\\nCOPY'`,
  },
  'partitions of partitions, with one attached from elsewhere': {
    sql: `CREATE TABLE p (a int, b text) PARTITION BY LIST (a);
          CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY HASH (b);
          CREATE TABLE p1a PARTITION OF p1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
          CREATE TABLE p1b PARTITION OF p1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
          CREATE TABLE "other Schema".p2 (b text, a int); ALTER TABLE p ATTACH PARTITION "other Schema".p2 DEFAULT;
          INSERT INTO p SELECT i % 3, 'row ' || i FROM generate_series(1, 100) i`,
  },
  'partitions by the hash of an enum, which are loaded through their root': {
    sql: `CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd'); CREATE TABLE moods (m mood, x int) PARTITION BY HASH (m);
          CREATE TABLE moods_0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY LIST (x);
          CREATE TABLE moods_00 PARTITION OF moods_0 FOR VALUES IN (1); CREATE TABLE moods_0d PARTITION OF moods_0 DEFAULT;
          CREATE TABLE moods_1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1);
          INSERT INTO moods SELECT (ARRAY['a', 'b', 'c', 'd']::mood[])[1 + i % 4], i % 3 FROM generate_series(1, 50) i`,
    but: { hidden: ['public.moods_00', 'public.moods_0d', 'public.moods_1'], rooted: ['public.moods'] },
  },
  'inheritance': {
    sql: 'CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3), (4, 5)',
  },
  'foreign tables': {
    sql: `CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
          CREATE FOREIGN TABLE far (a int) SERVER elsewhere;
          CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '/etc/passwd');
          CREATE TABLE q (a int) PARTITION BY LIST (a); CREATE FOREIGN TABLE q1 PARTITION OF q FOR VALUES IN (1) SERVER elsewhere`,
  },
  'an extension’s own tables, of which one is configuration': {
    sql: `CREATE EXTENSION hstore; CREATE TABLE inner_data (a serial); INSERT INTO inner_data DEFAULT VALUES; CREATE TABLE configuration (a int); INSERT INTO configuration VALUES (1), (2);
          ALTER EXTENSION hstore ADD TABLE inner_data; ALTER EXTENSION hstore ADD SEQUENCE inner_data_a_seq; ALTER EXTENSION hstore ADD TABLE configuration;
          UPDATE pg_extension SET extconfig = ARRAY['configuration'::regclass::oid], extcondition = ARRAY[''] WHERE extname = 'hstore'`,
    but: { hidden: ['public.inner_data'], hiddenSequences: 1 },
    restores: false,
  },
  'functions, rules and comments that look like a dump': {
    sql: `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN /* COPY public.a (b) FROM stdin;
1
\\.
*/ RETURN new; END $f$;
          CREATE PROCEDURE pr() LANGUAGE sql AS E'SELECT ''COPY x FROM stdin;\\n\\\\.''';
          CREATE RULE r AS ON UPDATE TO assets WHERE new.id < 0 DO INSTEAD NOTHING;
          CREATE TRIGGER t BEFORE INSERT ON assets FOR EACH ROW EXECUTE FUNCTION f();
          COMMENT ON FUNCTION f IS E'\\nCOPY public.a (b) FROM stdin;\\n1\\n\\\\.\\n'`,
  },
  'names with quotes, dots, blanks and line breaks': {
    sql: `CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."c.d" AS SELECT 1 AS "x.y";
          CREATE SCHEMA "new
line"; CREATE TABLE "new
line"."COPY public.companies (id) FROM stdin;
\\." ("FROM stdin;
" text, "\\." text); INSERT INTO "new
line"."COPY public.companies (id) FROM stdin;
\\." VALUES (E'\\\\.', E'\\n\\\\.\\n'), (NULL, '');
          CREATE TABLE """" AS SELECT 1; CREATE TABLE "'" AS SELECT 2; CREATE TABLE " " AS SELECT 3; CREATE TABLE "--" AS SELECT 4; CREATE TABLE "$$" AS SELECT 5; CREATE TABLE "\\" AS SELECT 6;
          CREATE SEQUENCE "it's
COPY a.b FROM stdin;
"`,
  },
  'names that SQL keeps for itself, long ones, and of other alphabets': {
    sql: `CREATE SCHEMA "select"; CREATE TABLE "select"."table" AS SELECT 1 AS "from"; CREATE TABLE "user" AS SELECT 1; CREATE TABLE "Ünïcödé 表 🐘" AS SELECT 1;
          CREATE TABLE "${'x'.repeat(63)}" AS SELECT 1; CREATE TABLE "${'"'.repeat(126)}" AS SELECT 1; CREATE TABLE "UPPER" AS SELECT 1; CREATE TABLE upper AS SELECT 1; CREATE TABLE "1st" AS SELECT 1`,
  },
  'tables without columns and without rows': {
    sql: 'CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES; CREATE TABLE nobody (a int); CREATE TABLE gone (a int); ALTER TABLE gone DROP COLUMN a; INSERT INTO gone DEFAULT VALUES',
  },
  'generated and identity columns, and sequences of each kind': {
    sql: `CREATE TABLE g (a int GENERATED ALWAYS AS IDENTITY, b int GENERATED BY DEFAULT AS IDENTITY, c serial, d int GENERATED ALWAYS AS (c * 2) STORED);
          INSERT INTO g DEFAULT VALUES; CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE small AS smallint CYCLE; SELECT nextval('down');
          CREATE TABLE only_generated (a int GENERATED ALWAYS AS (1) STORED); INSERT INTO only_generated DEFAULT VALUES`,
  },
  'materialized views, with and without data, and views upon them': {
    sql: `CREATE MATERIALIZED VIEW m AS SELECT * FROM companies; CREATE MATERIALIZED VIEW m2 AS SELECT count(*) FROM m WITH NO DATA;
          CREATE VIEW v AS SELECT * FROM m; CREATE VIEW "COPY v FROM stdin;" AS TABLE v`,
  },
  'unlogged and temporary tables': {
    sql: 'CREATE UNLOGGED TABLE u AS SELECT generate_series(1, 10) AS a; CREATE TEMPORARY TABLE temporary AS SELECT 1; CREATE TEMPORARY SEQUENCE passing',
  },
  'rows with everything that COPY escapes': {
    sql: `CREATE TABLE e (t text, b bytea, j jsonb, a text[]);
          INSERT INTO e SELECT E'\\\\.\\n\\t\\r\\b\\f\\v\\\\N' || chr(i), decode(repeat(lpad(to_hex(i), 2, '0'), 100), 'hex'), jsonb_build_object('k', E'\\\\.\\n'), ARRAY[E'\\\\.', NULL, E'{"}']
          FROM generate_series(1, 255) i; INSERT INTO e VALUES (E'\\\\.', '', 'null', '{}'), ('', NULL, '""', NULL), (NULL, NULL, NULL, NULL), ('.', '\\x5c2e', '1', '{""}')`,
  },
  'long rows, and rows of one byte': {
    sql: `CREATE TABLE l AS SELECT repeat(md5(i::text), 100000) AS t FROM generate_series(1, 3) i; CREATE TABLE s AS SELECT ''::text AS t FROM generate_series(1, 50000)`,
  },
  'hundreds of tables': { sql: manyTables },
  'a thousand columns': { sql: `CREATE TABLE wide (${manyColumns}); INSERT INTO wide DEFAULT VALUES` },
  'other owners, domains, arrays of composites, exclusion constraints': {
    sql: `CREATE DOMAIN d AS text CHECK (VALUE <> E'\\\\.'); CREATE TYPE c AS (a int, b d); CREATE TABLE t (x c[], r int4range, EXCLUDE USING gist (r WITH &&));
          INSERT INTO t VALUES (ARRAY[(1, 'a')::c, (2, E'"\\n')::c], '[1,5)'), (NULL, '[7,)'); CREATE COLLATION o (provider = icu, locale = 'de'); CREATE TABLE k (a text COLLATE o)`,
  },
  'row security, publications, event triggers': {
    sql: `ALTER TABLE companies ENABLE ROW LEVEL SECURITY; CREATE POLICY nobody ON companies USING (false); ALTER TABLE companies FORCE ROW LEVEL SECURITY;
          CREATE PUBLICATION p FOR TABLE companies; CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()`,
  },
};

const quoted = (name) => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/* Its members `tables`, `rows`, `largeObjects` and `sequences`. */
export async function expectedContents(client, { hidden = [], hiddenSequences = 0, rooted = [] } = {}) {
  const { rows } = await client.query(`SELECT nspname, relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname COLLATE "C", relname COLLATE "C"`);
  const tables = {};
  for (const { nspname, relname, relkind } of rows) {
    const name = `${quoted(nspname)}.${quoted(relname)}`;
    if (relkind === 'p' ? !rooted.includes(name) : hidden.includes(name)) continue;
    const source = `${pg.escapeIdentifier(nspname)}.${pg.escapeIdentifier(relname)}`;
    tables[name] = (await client.query(`SELECT count(*) AS n FROM ${relkind === 'p' ? '' : 'ONLY'} ${source}`)).rows[0].n;
  }
  const numbers = (await client.query(`SELECT (SELECT count(*) FROM pg_largeobject_metadata) AS "largeObjects",
    (SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relpersistence <> 't') AS sequences`)).rows[0];
  return {
    tables,
    rows: Object.values(tables).reduce((sum, one) => sum + one, 0),
    largeObjects: numbers.largeObjects,
    sequences: numbers.sequences - hiddenSequences,
  };
}
