#include "cli/list.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "jobs/config_find.h"
#include "jobs/history.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MOST 100000

static const char details[] =
    "The newest run comes first. BEGAN is when, in UTC, or when it was asked for if it has not begun. TOOK is how\n"
    "long it has been running, if it still is.\n"
    "VERIFIED is how far the dump was proven when it was made: toc, full or restore. Where a run failed, its\n"
    "reason stands in place of the file, on a terminal as much of it as fits. A dump that was pruned is (pruned).\n"
    "\n"
    "With --json: runs, a list of objects with runId, configId and configName (null if the schedule was deleted),\n"
    "kind (SCHEDULED, MANUAL), status (queued, running, success, failed), createdAt, startedAt, finishedAt,\n"
    "durationMs, sizeBytes, dumpPath (null also if it was pruned), verified (the level), error. What there is not\n"
    "is null.\n"
    "\n"
    "Environment: DATABASE_URL.\n"
    "\n"
    "Exit status: 0 printed, 64 wrong usage, 66 no such schedule, 69 Postgres is away, 74 the answer cannot be\n"
    "written, 77 Postgres does not let us in, 78 wrong settings, or no such database or tables.\n"
    "\n"
    "Examples:\n"
    "  weavestream-backup list --failed --limit 5\n"
    "  weavestream-backup list --config Nightly --json | jq '.runs[0].status'";

struct arguments {
    const char *config; /* NULL: of all */
    int64_t limit;
    bool only_failed;
    bool json;
};

/* As history_list_runs() has them. */
enum {
    COLUMN_ID,
    COLUMN_CONFIG_ID,
    COLUMN_CONFIG,
    COLUMN_KIND,
    COLUMN_STATUS,
    COLUMN_CREATED,
    COLUMN_STARTED,
    COLUMN_FINISHED,
    COLUMN_SIZE,
    COLUMN_DUMP,
    COLUMN_VERIFIED,
    COLUMN_ERROR
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'c', "config", "NAME|ID", "only runs of this schedule", .text = &out->config },
        { 'n', "limit", "N", "so many runs at most, 1 to 100000 (default: 20)", .number = &out->limit, .least = 1,
            .most = LIMIT_MOST },
        { 'f', "failed", NULL, "only failed ones", .flag = &out->only_failed },
        { 'j', "json", NULL, "print them as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { "list", "[OPTION]...", "Print the history of runs.", options, details, 0, 0 };

    *out = (struct arguments){ .limit = LIMIT_DEFAULT };
    return command_read(&command, argc, argv, status);
}

static bool
is_known(const struct database_rows *rows, size_t row, int column)
{
    return database_rows_value(rows, row, column) != NULL;
}

static json_t *
time_of(const struct database_rows *rows, size_t row, int column)
{
    return answer_time(is_known(rows, row, column), (struct wall){ .ms = database_rows_number(rows, row, column) });
}

/* Null: it is not over, or has never begun, or a clock was set back. */
static bool
find_duration(const struct database_rows *rows, size_t row, int64_t *ms)
{
    *ms = database_rows_number(rows, row, COLUMN_FINISHED) - database_rows_number(rows, row, COLUMN_STARTED);
    return is_known(rows, row, COLUMN_FINISHED) && is_known(rows, row, COLUMN_STARTED) && *ms >= 0;
}

static json_t *
run_object(const struct database_rows *rows, size_t row)
{
    int64_t duration_ms;
    bool has_duration = find_duration(rows, row, &duration_ms);
    json_t *run = json_object();

    (void)json_object_set_new(run, "runId", answer_text(database_rows_value(rows, row, COLUMN_ID)));
    (void)json_object_set_new(run, "configId", answer_text(database_rows_value(rows, row, COLUMN_CONFIG_ID)));
    (void)json_object_set_new(run, "configName", answer_text(database_rows_value(rows, row, COLUMN_CONFIG)));
    (void)json_object_set_new(run, "kind", answer_text(database_rows_value(rows, row, COLUMN_KIND)));
    (void)json_object_set_new(run, "status", answer_text(database_rows_value(rows, row, COLUMN_STATUS)));
    (void)json_object_set_new(run, "createdAt", time_of(rows, row, COLUMN_CREATED));
    (void)json_object_set_new(run, "startedAt", time_of(rows, row, COLUMN_STARTED));
    (void)json_object_set_new(run, "finishedAt", time_of(rows, row, COLUMN_FINISHED));
    (void)json_object_set_new(run, "durationMs", answer_number(has_duration, duration_ms));
    (void)json_object_set_new(run, "sizeBytes",
        answer_number(is_known(rows, row, COLUMN_SIZE), database_rows_number(rows, row, COLUMN_SIZE)));
    (void)json_object_set_new(run, "dumpPath", answer_text(database_rows_value(rows, row, COLUMN_DUMP)));
    (void)json_object_set_new(run, "verified", answer_text(database_rows_value(rows, row, COLUMN_VERIFIED)));
    (void)json_object_set_new(run, "error", answer_text(database_rows_value(rows, row, COLUMN_ERROR)));
    return run;
}

static void
print_json(const struct database_rows *rows)
{
    json_t *runs = json_array();

    for (size_t row = 0; row < database_rows_count(rows); row++)
        (void)json_array_append_new(runs, run_object(rows, row));
    answer_print(json_pack("{s:o}", "runs", runs));
}

static enum screen_style
style_of(enum history_status status)
{
    static const enum screen_style styles[] = { [HISTORY_QUEUED] = SCREEN_DIM,
        [HISTORY_RUNNING] = SCREEN_WARN,
        [HISTORY_SUCCESS] = SCREEN_GOOD,
        [HISTORY_FAILED] = SCREEN_BAD };

    return styles[status];
}

static void
add_file_or_reason(const struct database_rows *rows, size_t row, enum history_status status, struct table *table)
{
    const char *path = database_rows_value(rows, row, COLUMN_DUMP);
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *error = database_rows_value(rows, row, COLUMN_ERROR);

    if (status == HISTORY_FAILED && error != NULL && strcmp(error, HISTORY_CONCURRENT) == 0)
        table_add(table, SCREEN_PLAIN, HISTORY_CONCURRENT_WORDS);
    else if (status == HISTORY_FAILED)
        table_add(table, SCREEN_PLAIN, error);
    else if (status == HISTORY_SUCCESS && path == NULL)
        table_add(table, SCREEN_DIM, "(pruned)");
    else
        table_add(table, SCREEN_PLAIN, slash == NULL ? path : slash + 1);
}

static void
add_duration_so_far(int64_t started_ms, struct table *table)
{
    int64_t so_far_ms = wall_now().ms - started_ms;
    struct text cell = TEXT_EMPTY;

    screen_add_duration(&cell, so_far_ms < 0 ? 0 : so_far_ms);
    text_add(&cell, " so far");
    table_add(table, SCREEN_WARN, text_string(&cell));
    text_clear(&cell);
}

static void
add_run(const struct database_rows *rows, size_t row, struct table *table)
{
    enum history_status status = history_status_of(database_rows_value(rows, row, COLUMN_STATUS));
    const char *config = database_rows_value(rows, row, COLUMN_CONFIG);
    int when = is_known(rows, row, COLUMN_STARTED) ? COLUMN_STARTED : COLUMN_CREATED;
    int64_t duration_ms;

    if (is_known(rows, row, when))
        table_add_time(table, (struct wall){ .ms = database_rows_number(rows, row, when) });
    else
        table_add(table, SCREEN_PLAIN, NULL);
    table_add(table, config == NULL ? SCREEN_DIM : SCREEN_PLAIN, config == NULL ? "(deleted)" : config);
    table_add(table, style_of(status), database_rows_value(rows, row, COLUMN_STATUS));
    if (is_known(rows, row, COLUMN_SIZE))
        table_add_size(table, database_rows_number(rows, row, COLUMN_SIZE));
    else
        table_add(table, SCREEN_PLAIN, NULL);
    if (status == HISTORY_RUNNING && is_known(rows, row, COLUMN_STARTED))
        add_duration_so_far(database_rows_number(rows, row, COLUMN_STARTED), table);
    else if (find_duration(rows, row, &duration_ms))
        table_add_duration(table, duration_ms);
    else
        table_add(table, SCREEN_PLAIN, NULL);
    table_add(table, SCREEN_PLAIN, database_rows_value(rows, row, COLUMN_VERIFIED));
    add_file_or_reason(rows, row, status, table);
}

static void
print_table(const struct database_rows *rows)
{
    static const struct table_column columns[] = { { .title = "BEGAN" }, { .title = "SCHEDULE", .cut = true },
        { .title = "OUTCOME" }, { .title = "SIZE", .right = true }, { .title = "TOOK", .right = true },
        { .title = "VERIFIED" }, { .title = "FILE OR REASON", .cut = true } };
    struct table table = table_new(columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t row = 0; row < database_rows_count(rows); row++)
        add_run(rows, row, &table);
    if (table.count == 0)
        (void)puts("No runs.");
    table_print(&table);
    table_clear(&table);
}

static int
list(const struct arguments *arguments, const struct session *session)
{
    struct config_found config = CONFIG_FOUND_EMPTY;
    struct database_rows *rows = NULL;
    struct error err;
    int status = EX_OK;

    if ((arguments->config != NULL && !config_find(session->database, arguments->config, &config, &err)) ||
        !history_list_runs(session->database, arguments->config == NULL ? NULL : config.id, arguments->only_failed,
            arguments->limit, &rows, &err))
        status = session_fail(session, &err);
    else if (arguments->json)
        print_json(rows);
    else
        print_table(rows);
    database_rows_free(rows);
    config_found_clear(&config);
    return status;
}

int
cli_list(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    if (session_open(&session, "list", &status))
        status = list(&arguments, &session);
    session_close(&session);
    return status == EX_OK ? command_finish("list") : status;
}
