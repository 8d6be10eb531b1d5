#include "jobs/facts_rows.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/sql.h"

#define ERROR_BYTES_MAX 500 /* many runs must fit into one line of the child protocol */

/* Only of the rows that were chosen: a manifest may be large. */
#define RUNS_OF(chosen)                                                                                                \
    "SELECT r.id, r.config_id, r.kind, r.status, " SQL_MS("r.created_at") ", " SQL_MS("r.started_at") ", " SQL_MS(     \
        "r.finished_at") ", r.size_bytes, r.manifest ->> 'durationMs', r.manifest #>> '{verified,durationMs}', "       \
                         "r.manifest #>> '{verified,level}', r.dump_path, r.error "                                    \
                         "FROM backup_run r JOIN (" chosen ") AS chosen USING (id) "                                   \
                         "ORDER BY r.created_at DESC, r.id"

enum column {
    COLUMN_ID,
    COLUMN_SCHEDULE,
    COLUMN_KIND,
    COLUMN_STATUS,
    COLUMN_CREATED,
    COLUMN_STARTED,
    COLUMN_FINISHED,
    COLUMN_SIZE,
    COLUMN_DUMP_AND_PROOF_MS,
    COLUMN_PROOF_MS,
    COLUMN_LEVEL,
    COLUMN_PATH,
    COLUMN_ERROR,
};

/* A whole number that is not negative; -1: there is none, or it is something else. */
static int64_t
number_of(const struct database_rows *rows, size_t row, enum column column)
{
    const char *text = database_rows_value(rows, row, (int)column);
    int64_t number;

    if (text == NULL || !text_parse_integer(text, strlen(text), 0, INT64_MAX, &number))
        return -1;
    return number;
}

static json_t *
number_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *
time_or_null(int64_t ms)
{
    char text[WALL_ISO_SIZE];

    if (ms < 0)
        return json_null();
    wall_format_iso((struct wall){ .ms = ms }, text);
    return json_string(text);
}

json_t *
facts_text(const char *string)
{
    struct text text = TEXT_EMPTY;
    json_t *out;

    if (string == NULL)
        return json_null();
    text_add_utf8(&text, string, strlen(string));
    out = json_string(text_string(&text));
    text_clear(&text);
    return out;
}

json_t *
facts_time(struct wall wall)
{
    char text[WALL_ISO_SIZE];

    wall_format_iso(wall, text);
    return json_string(text);
}

static json_t *
beginning_of(const char *string)
{
    char beginning[ERROR_BYTES_MAX];

    if (string != NULL)
        (void)snprintf(beginning, sizeof(beginning), "%s", string);
    return facts_text(string == NULL ? NULL : beginning);
}

static const char *
name_in(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static json_t *
run_of(const struct database_rows *rows, size_t row)
{
    int64_t started_ms = number_of(rows, row, COLUMN_STARTED);
    int64_t finished_ms = number_of(rows, row, COLUMN_FINISHED);
    int64_t both_ms = number_of(rows, row, COLUMN_DUMP_AND_PROOF_MS);
    int64_t proof_ms = number_of(rows, row, COLUMN_PROOF_MS);
    bool is_over = started_ms >= 0 && finished_ms >= started_ms;
    bool is_split = both_ms >= 0 && proof_ms >= 0 && both_ms >= proof_ms;

    return json_pack("{s:s, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:s?, s:o}", "id",
        database_rows_value(rows, row, COLUMN_ID), "scheduleId", database_rows_value(rows, row, COLUMN_SCHEDULE),
        "kind", database_rows_value(rows, row, COLUMN_KIND), "status", database_rows_value(rows, row, COLUMN_STATUS),
        "createdAt", time_or_null(number_of(rows, row, COLUMN_CREATED)), "startedAt", time_or_null(started_ms),
        "finishedAt", time_or_null(finished_ms), "durationMs", number_or_null(is_over ? finished_ms - started_ms : -1),
        "dumpMs", number_or_null(is_split ? both_ms - proof_ms : both_ms), "verifyMs", number_or_null(proof_ms),
        "sizeBytes", number_or_null(number_of(rows, row, COLUMN_SIZE)), "verified",
        database_rows_value(rows, row, COLUMN_LEVEL), "file", name_in(database_rows_value(rows, row, COLUMN_PATH)),
        "error", beginning_of(database_rows_value(rows, row, COLUMN_ERROR)));
}

json_t *
facts_rows_runs(struct database *database, int limit, struct error *err)
{
    char number[SQL_NUMBER_SIZE];
    const char *values[] = { sql_number(limit, number) };
    struct database_rows *rows = NULL;
    json_t *out;

    if (!database_query(database, RUNS_OF("SELECT id FROM backup_run ORDER BY created_at DESC, id LIMIT $1::integer"),
            SQL_COUNT(values), values, &rows, err)) {
        (void)error_add(err, "read the newest runs");
        return NULL;
    }
    out = json_array();
    for (size_t i = 0; i < database_rows_count(rows); i++)
        (void)json_array_append_new(out, run_of(rows, i));
    database_rows_free(rows);
    return out;
}

json_t *
facts_rows_no_runs(void)
{
    return json_pack("{s:n, s:n, s:b, s:{s:i, s:i, s:i, s:i}}", "lastSuccess", "lastFailure", "failedLast", 0, "runs",
        "queued", 0, "running", 0, "success", 0, "failed", 0);
}

static json_t *
schedule_in(json_t *by_schedule, const char *id)
{
    json_t *schedule = json_object_get(by_schedule, id);

    if (schedule == NULL) {
        schedule = facts_rows_no_runs();
        (void)json_object_set_new(by_schedule, id, schedule);
    }
    return schedule;
}

/* Times in ISO 8601 are in order as texts. */
static bool
failed_last(const json_t *schedule)
{
    const char *failed = json_string_value(json_object_get(json_object_get(schedule, "lastFailure"), "createdAt"));
    const char *succeeded = json_string_value(json_object_get(json_object_get(schedule, "lastSuccess"), "createdAt"));

    return failed != NULL && (succeeded == NULL || strcmp(failed, succeeded) > 0);
}

/* A run that was refused because another was under way has broken nothing. */
static bool
add_last_runs(struct database *database, json_t *by_schedule, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database,
            RUNS_OF("SELECT DISTINCT ON (config_id, status) id FROM backup_run WHERE config_id IS NOT NULL AND status "
                    "IN (" SQL_STATUS("success") ", " SQL_STATUS(
                        "failed") ") AND error IS DISTINCT FROM '" HISTORY_CONCURRENT "' ORDER BY config_id, status, "
                                  "coalesce(finished_at, created_at) DESC, id"),
            0, NULL, &rows, err))
        return error_add(err, "read the last runs of each schedule");
    for (size_t i = 0; i < database_rows_count(rows); i++) {
        json_t *schedule = schedule_in(by_schedule, database_rows_value(rows, i, COLUMN_SCHEDULE));
        bool succeeded = strcmp(database_rows_value(rows, i, COLUMN_STATUS), "success") == 0;

        (void)json_object_set_new(schedule, succeeded ? "lastSuccess" : "lastFailure", run_of(rows, i));
        (void)json_object_set_new(schedule, "failedLast", json_boolean(failed_last(schedule)));
    }
    database_rows_free(rows);
    return true;
}

static bool
add_counts(struct database *database, json_t *by_schedule, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database,
            "SELECT config_id, status, count(*) FROM backup_run WHERE config_id IS NOT NULL GROUP BY 1, 2", 0, NULL,
            &rows, err))
        return error_add(err, "count the runs of each schedule");
    for (size_t i = 0; i < database_rows_count(rows); i++) {
        json_t *schedule = schedule_in(by_schedule, database_rows_value(rows, i, 0));

        (void)json_object_set_new(json_object_get(schedule, "runs"), database_rows_value(rows, i, 1),
            json_integer(database_rows_number(rows, i, 2)));
    }
    database_rows_free(rows);
    return true;
}

json_t *
facts_rows_by_schedule(struct database *database, struct error *err)
{
    json_t *out = json_object();

    if (add_last_runs(database, out, err) && add_counts(database, out, err))
        return out;
    json_decref(out);
    return NULL;
}
