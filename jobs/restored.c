#include "jobs/restored.h"

#include <inttypes.h>
#include <string.h>

#include "common/text.h"

#define COUNT_MS INT64_C(86400000) /* a table may be large; the job's own deadline comes first */

/* One of the dump's names for SQL. */
static void
add_identifier(const struct archive_contents *dumped, const char *name, struct text *out)
{
    struct text raw = TEXT_EMPTY;

    archive_contents_add_raw(dumped, name, &raw);
    text_add(out, "\"");
    for (const char *c = text_string(&raw); *c != '\0'; c++) {
        if (*c == '"')
            text_add(out, "\"");
        text_add_bytes(out, c, 1);
    }
    text_add(out, "\"");
    text_clear(&raw);
}

/*
 * The rows of one table. Those that inherit from it are counted by themselves; a partitioned one has no rows but theirs. A table that an
 * extension brought with it may have held rows before those of the archive came: then there may be more.
 */
static bool
count_table(struct database *session, const struct archive_contents *dumped, const struct archive_table *table,
    struct archive_contents *found, struct error *err)
{
    struct database_rows *rows = NULL;
    struct text name = TEXT_EMPTY;
    struct text shown = TEXT_EMPTY;
    struct text sql = TEXT_EMPTY;
    const char *value;
    int64_t count;
    bool ok;

    add_identifier(dumped, table->schema, &name);
    text_add(&name, ".");
    add_identifier(dumped, table->name, &name);
    value = text_string(&name);
    text_format(&sql,
        "SELECT count(*), (SELECT count(*) FROM pg_catalog.pg_depend WHERE deptype = 'e' "
        "AND classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objid = $1::pg_catalog.regclass) FROM %s "
        "WHERE tableoid = $1::pg_catalog.regclass "
        "OR (SELECT relkind FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.regclass) = 'p'",
        value);
    ok = database_query(session, text_string(&sql), 1, &value, &rows, err);
    if (ok) {
        count = database_rows_number(rows, 0, 0);
        if (database_rows_number(rows, 0, 1) > 0 && count > table->rows)
            count = table->rows;
        archive_contents_add(found, table->schema, strlen(table->schema), table->name, strlen(table->name), count);
        database_rows_free(rows);
    } else {
        if (err->code == ERROR_CONFIG || err->code == ERROR_DENIED)
            err->code = ERROR_INPUT; /* the table is not there, or a policy hides its rows: so the dump made it */
        archive_table_add_name(table, &shown);
        (void)error_add(err, "count the rows of %s in the restored database", text_string(&shown));
    }
    text_clear(&sql);
    text_clear(&shown);
    text_clear(&name);
    return ok;
}

static bool
count_others(struct database *session, struct archive_contents *found, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(session,
            "SELECT (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata), "
            "(SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'S')",
            0, NULL, &rows, err))
        return error_add(err, "count the large objects of the restored database");
    found->large_objects = database_rows_number(rows, 0, 0);
    found->sequences = database_rows_number(rows, 0, 1);
    database_rows_free(rows);
    return true;
}

bool
restored_has_tables(struct database *session, const struct archive_contents *dumped, struct error *err)
{
    const char *encoding = dumped->encoding;
    struct archive_contents found = ARCHIVE_CONTENTS_EMPTY;
    bool ok;

    database_set_query_limit(session, COUNT_MS);
    /* Rows that a policy hides are to be an error, not to be missing. */
    ok = database_query(session, "SET row_security = off", 0, NULL, NULL, err) &&
         (*encoding == '\0' ||
             database_query(session, "SELECT set_config('client_encoding', $1, false)", 1, &encoding, NULL, err));
    for (size_t i = 0; ok && i < dumped->count; i++)
        ok = count_table(session, dumped, &dumped->tables[i], &found, err);
    archive_contents_sort(&found);
    ok = ok && archive_contents_agree(dumped, "the dump", &found, "the restored database", err);
    archive_contents_clear(&found);
    return ok;
}

bool
restored_has_others(struct database *session, const struct archive_contents *dumped, bool was_empty, struct error *err)
{
    struct archive_contents found = ARCHIVE_CONTENTS_EMPTY;

    if (!count_others(session, &found, err))
        return false;
    if (was_empty ? found.large_objects != dumped->large_objects : found.large_objects < dumped->large_objects)
        return error_set(err, ERROR_INPUT, "the dump has %" PRId64 " large objects, the restored database %" PRId64,
            dumped->large_objects, found.large_objects);
    if (found.sequences < dumped->sequences) /* an extension may bring some of its own */
        return error_set(err, ERROR_INPUT, "the dump has %" PRId64 " sequences, the restored database %" PRId64,
            dumped->sequences, found.sequences);
    return true;
}
