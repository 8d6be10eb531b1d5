-- A small IT documentation, with what makes dumps hard: names that need quotes, functions whose bodies look like a dump, large objects,
-- partitions, views of both kinds, generated columns, a sequence of its own.

CREATE TYPE "AssetState" AS ENUM ('in use', 'spare', 'it''s gone');

CREATE TABLE "companies" (
    "id" UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "settings" JSONB NOT NULL DEFAULT '{}'
);

CREATE TABLE "assets" (
    "id" BIGSERIAL PRIMARY KEY,
    "company_id" UUID NOT NULL REFERENCES "companies" ("id"),
    "Serial No." TEXT,
    "state" "AssetState" NOT NULL DEFAULT 'in use',
    "select" NUMERIC(12, 2),
    "label" TEXT GENERATED ALWAYS AS ('#' || coalesce("Serial No.", '?')) STORED
);
CREATE INDEX "assets by ""serial""" ON "assets" (lower("Serial No."));

CREATE TABLE "documents" (
    "id" BIGSERIAL PRIMARY KEY,
    "company_id" UUID NOT NULL REFERENCES "companies" ("id"),
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "attachment" BYTEA,
    "properties" JSONB
);
-- Not compressed inside the server: the sample is made faster.
ALTER TABLE "documents" ALTER COLUMN "body" SET STORAGE EXTERNAL, ALTER COLUMN "attachment" SET STORAGE EXTERNAL;

CREATE TABLE "Odd ""Table"", with; a -- name" ("Id" INT PRIMARY KEY, "\." TEXT, "ümlaut $$" TEXT);
CREATE SEQUENCE "ticket numbers" START 4711 INCREMENT 3;

CREATE TABLE "events" ("at" TIMESTAMPTZ NOT NULL, "what" TEXT) PARTITION BY RANGE ("at");
CREATE TABLE "events_2025" PARTITION OF "events" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE "events_2026" PARTITION OF "events" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

CREATE SCHEMA "other Schema";
CREATE TABLE "other Schema"."empty" ("nothing" INT);
CREATE TABLE "other Schema"."columnless" ();

CREATE FUNCTION "looks like a dump"() RETURNS TEXT LANGUAGE sql AS $body$
    SELECT 'COPY public.companies (id) FROM stdin;
1
\.
'
$body$;

CREATE VIEW "assets per company" AS
    SELECT c."name", count(*) FROM "companies" c JOIN "assets" a ON a."company_id" = c."id" GROUP BY c."name";
CREATE MATERIALIZED VIEW "document sizes" AS SELECT "id", length("body") AS "size" FROM "documents" WITH NO DATA;

COMMENT ON TABLE "companies" IS 'Bytes that a dump must carry: tab	, backslash \, ünïcödé, "quotes"';
