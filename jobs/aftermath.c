#include "jobs/aftermath.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "jobs/sql.h"

#define IS_UNTOLD "coalesce(manifest = '" AFTERMATH_UNTOLD "'::jsonb, false)"

enum column {
    COLUMN_ID,
    COLUMN_CONFIG,
    COLUMN_SCHEDULED,
    COLUMN_STATUS,
    COLUMN_STARTED,
    COLUMN_FINISHED,
    COLUMN_AGE,
    COLUMN_UNTOLD,
    COLUMN_ERROR,
    COLUMN_DUMP,
    COLUMN_SIZE,
    COLUMN_MANIFEST,
    COLUMN_MADE_GOOD,
};

/* clang-format off */
#define IS_MADE_GOOD                                                                                                   \
    "kind = 'SCHEDULED' AND EXISTS (SELECT FROM backup_run g WHERE g.config_id = backup_run.config_id "                \
    "AND g.id <> backup_run.id AND g.status = " SQL_STATUS("success") " "                                              \
    "AND isfinite(coalesce(g.started_at, g.created_at)) "                                                              \
    "AND coalesce(g.started_at, g.created_at) >= backup_run.created_at)"
#define FIND(where)                                                                                                    \
    "SELECT id, config_id, kind = 'SCHEDULED', status, " SQL_MS("started_at") ", " SQL_MS("finished_at") ", "          \
    SQL_AGE("created_at") ", " IS_UNTOLD ", error, dump_path, size_bytes, manifest, " IS_MADE_GOOD " "                  \
    "FROM backup_run WHERE " where " ORDER BY created_at DESC, id LIMIT 1000"
/* clang-format on */

static bool
is_true(const char *value)
{
    return strcmp(value, "t") == 0;
}

static void
take_row(const struct database_rows *result, size_t at, struct aftermath_row *row)
{
    *row = (struct aftermath_row){ .id = database_rows_value(result, at, COLUMN_ID),
        .config_id = database_rows_value(result, at, COLUMN_CONFIG),
        .is_scheduled = is_true(database_rows_value(result, at, COLUMN_SCHEDULED)),
        .status = history_status_of(database_rows_value(result, at, COLUMN_STATUS)),
        .started = { .ms = database_rows_number(result, at, COLUMN_STARTED) },
        .finished = { .ms = database_rows_number(result, at, COLUMN_FINISHED) },
        .age_ms = database_rows_number(result, at, COLUMN_AGE),
        .is_untold = is_true(database_rows_value(result, at, COLUMN_UNTOLD)),
        .error = database_rows_value(result, at, COLUMN_ERROR),
        .dump_path = database_rows_value(result, at, COLUMN_DUMP),
        .size_bytes = database_rows_number(result, at, COLUMN_SIZE),
        .manifest = database_rows_value(result, at, COLUMN_MANIFEST),
        .is_made_good = is_true(database_rows_value(result, at, COLUMN_MADE_GOOD)) };
}

static bool
find(struct database *database, const char *sql, size_t count, const char *const *values, struct aftermath *out,
    struct error *err)
{
    *out = (struct aftermath){ .count = 0 };
    if (!database_query(database, sql, count, values, &out->result, err))
        return error_add(err, "read the rows of runs");
    out->count = database_rows_count(out->result);
    out->rows = memory_new((out->count + 1) * sizeof(*out->rows));
    for (size_t i = 0; i < out->count; i++)
        take_row(out->result, i, &out->rows[i]);
    return true;
}

bool
aftermath_find(struct database *database, const char *ids, struct aftermath *out, struct error *err)
{
    return find(database, FIND("id = ANY ($1::uuid[])"), 1, &ids, out, err);
}

bool
aftermath_find_running(struct database *database, struct aftermath *out, struct error *err)
{
    return find(database, FIND("status = " SQL_STATUS("running")), 0, NULL, out, err);
}

bool
aftermath_find_untold(struct database *database, struct aftermath *out, struct error *err)
{
    return find(database, FIND("status = " SQL_STATUS("failed") " AND " IS_UNTOLD), 0, NULL, out, err);
}

void
aftermath_clear(struct aftermath *aftermath)
{
    database_rows_free(aftermath->result);
    free(aftermath->rows);
    *aftermath = (struct aftermath){ .count = 0 };
}

bool
aftermath_fail(
    struct database *database, const struct aftermath_row *row, const char *reason, bool *changed, struct error *err)
{
    struct text clean = TEXT_EMPTY;
    char now[SQL_NUMBER_SIZE];
    char started[SQL_NUMBER_SIZE];
    const char *values[] = { row->id, sql_number(wall_now().ms, now), NULL, AFTERMATH_UNTOLD,
        row->status == HISTORY_RUNNING ? "running" : "queued",
        row->started.ms == 0 ? NULL : sql_number(row->started.ms, started) };
    bool ok;

    sql_add_text(database, reason, &clean);
    values[2] = text_string(&clean);
    ok = sql_change(database,
             "UPDATE backup_run SET status = " SQL_STATUS("failed") ", finished_at = " SQL_AT(
                 "$2") ", error = $3, manifest = $4::jsonb WHERE id = $1::uuid AND status = $5::\"BackupRunStatus\" "
                       "AND started_at IS NOT DISTINCT FROM " SQL_AT("$6"),
             SQL_COUNT(values), values, changed, err) ||
         error_add(err, "close the row of a dead run");
    text_clear(&clean);
    return ok;
}

bool
aftermath_insert(struct database *database, const char *id, const char *config_id, const char *reason, bool *changed,
    struct error *err)
{
    struct text clean = TEXT_EMPTY;
    char now[SQL_NUMBER_SIZE];
    const char *values[] = { id, config_id, sql_number(wall_now().ms, now), NULL, AFTERMATH_UNTOLD };
    bool ok;

    sql_add_text(database, reason, &clean);
    values[3] = text_string(&clean);
    ok = sql_change(database,
             "INSERT INTO backup_run (id, config_id, kind, status, finished_at, error, manifest) "
             "SELECT $1::uuid, id, 'SCHEDULED'::\"BackupRunKind\", " SQL_STATUS("failed") ", " SQL_AT(
                 "$3") ", $4, $5::jsonb FROM backup_config WHERE id = $2::uuid ON CONFLICT DO NOTHING",
             SQL_COUNT(values), values, changed, err) ||
         error_add(err, "insert the row of a run that did not begin");
    text_clear(&clean);
    return ok;
}

bool
aftermath_unmark(struct database *database, const char *ids, struct error *err)
{
    return database_query(database, "UPDATE backup_run SET manifest = NULL WHERE id = ANY ($1::uuid[]) AND " IS_UNTOLD,
               1, &ids, NULL, err) ||
           error_add(err, "note that failures were told");
}
