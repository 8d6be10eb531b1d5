#include "jobs/snapshot.h"

#include <stdio.h>

#include "jobs/catalog.h"

static bool export(struct snapshot *snapshot, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(snapshot->database,
            "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.set_config('client_encoding', "
            "pg_catalog.getdatabaseencoding(), false)",
            0, NULL, &rows, err))
        return false;
    (void)snprintf(snapshot->id, sizeof(snapshot->id), "%s", database_rows_value(rows, 0, 0));
    (void)snprintf(
        snapshot->contents.encoding, sizeof(snapshot->contents.encoding), "%s", database_rows_value(rows, 0, 1));
    database_rows_free(rows);
    return true;
}

bool
snapshot_open(const struct postgres_url *url, struct snapshot *out, struct error *err)
{
    out->database = database_open(url, DATABASE_APPLICATION " snapshot", err);
    return (out->database != NULL &&
               database_query(out->database, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL, NULL, err) &&
               export(out, err) && catalog_read(out->database, &out->contents, err)) ||
           error_add(err, "take a snapshot of the database");
}

void
snapshot_end(struct snapshot *snapshot)
{
    database_close(snapshot->database);
    snapshot->database = NULL;
}

void
snapshot_clear(struct snapshot *snapshot)
{
    snapshot_end(snapshot);
    archive_contents_clear(&snapshot->contents);
    *snapshot = SNAPSHOT_EMPTY;
}
