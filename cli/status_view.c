#include "cli/status_view.h"

#include <inttypes.h>
#include <string.h>

#include "cli/screen.h"
#include "cli/table.h"

static const json_t *
get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(get(object, key));
}

static int64_t
number_of(const json_t *object, const char *key)
{
    return json_integer_value(get(object, key));
}

static void
add(struct text *out, const char *string)
{
    (void)screen_add_line(out, string == NULL ? "-" : string, SCREEN_ENDLESS);
}

void
status_view_add_time(struct text *out, const json_t *time)
{
    const char *iso = json_string_value(time);
    size_t date = iso == NULL ? 0 : strcspn(iso, "T");
    size_t end = iso == NULL ? 0 : strcspn(iso, ".");

    if (iso != NULL && end > date)
        text_format(out, "%.*s %.*sZ", (int)date, iso, (int)(end - date - 1), iso + date + 1);
}

/* --- One line each --- */

static void
add_label(struct text *out, const char *label)
{
    struct text padded = TEXT_EMPTY;

    text_format(&padded, "%-11s", label);
    screen_add_styled(out, SCREEN_BOLD, text_string(&padded));
    text_clear(&padded);
}

/* A server that answers has not gone away, whatever it says. `about` begins the error, and is the label's already. */
static void
add_server(struct text *out, const char *label, const json_t *server, const char *about)
{
    const char *error = text_of(server, "error");
    const char *code = text_of(server, "code");
    size_t skipped = error != NULL && strncmp(error, about, strlen(about)) == 0 ? strlen(about) : 0;
    bool is_away = code == NULL || strcmp(code, "lost") == 0 || strcmp(code, "timeout") == 0;

    add_label(out, label);
    if (!json_is_object(server))
        screen_add_styled(out, SCREEN_BAD, "not asked");
    else if (error == NULL)
        add(out, text_of(server, "server"));
    else {
        screen_add_styled(out, SCREEN_BAD, is_away ? "away" : "refuses");
        text_add(out, ": ");
        add(out, error + skipped);
    }
    text_add(out, "\n");
}

static void
add_servers(const json_t *status, struct text *out)
{
    add_server(out, "Redis", get(status, "redis"), "Redis at ");
    add_server(out, "Postgres", get(status, "postgres"), "postgres: ");
}

/* How many jobs there are of each state; of most, only if there are any. */
static void
add_counts(const json_t *counts, struct text *out)
{
    static const struct {
        const char *key;
        const char *label;
        bool always;
    } states[] = { { "active", "active", true }, { "waiting", "waiting", true },
        { "prioritized", "prioritized", false }, { "delayed", "delayed", false },
        { "waitingChildren", "waiting for children", false }, { "completed", "completed", false },
        { "failed", "failed", false } };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        int64_t count = number_of(counts, states[i].key);

        if (count > 0 || states[i].always)
            text_format(out, "%s%" PRId64 " %s", i == 0 ? "" : ", ", count, states[i].label);
    }
}

static void
add_queue(const json_t *status, struct text *out)
{
    const json_t *queue = get(status, "queue");

    if (!json_is_object(queue))
        return;
    add_label(out, "Queue");
    if (json_is_true(get(queue, "paused"))) {
        screen_add_styled(out, SCREEN_WARN, "paused");
        text_add(out, ", ");
    }
    add_counts(get(queue, "counts"), out);
    text_add(out, "\n");
}

static void
add_workers(const json_t *status, struct text *out)
{
    const json_t *workers = get(status, "workers");
    const json_t *worker;
    size_t i;

    if (!json_is_array(workers))
        return;
    add_label(out, "Workers");
    if (json_array_size(workers) == 0)
        screen_add_styled(out, SCREEN_BAD, "none is connected");
    json_array_foreach(workers, i, worker)
    {
        const char *name = text_of(worker, "name");

        text_add(out, i == 0 ? "" : ", ");
        if (name != NULL) {
            add(out, name);
            text_add(out, " at ");
        }
        add(out, text_of(worker, "address"));
        text_add(out, " for ");
        screen_add_duration(out, number_of(worker, "connectedMs"));
    }
    text_add(out, "\n");
}

static void
add_lock(const json_t *status, struct text *out)
{
    const json_t *lock = get(status, "lock");

    if (!json_is_true(get(get(status, "postgres"), "reachable")))
        return;
    add_label(out, "Lock");
    if (json_is_object(lock)) {
        text_add(out, "held by ");
        add(out, text_of(lock, "application"));
        text_format(out, ", Postgres process %" PRId64 ", for ", number_of(lock, "pid"));
        screen_add_duration(out, number_of(lock, "ageMs"));
    } else
        text_add(out, "free");
    text_add(out, "\n");
}

static void
add_directory(const json_t *status, struct text *out)
{
    const json_t *directory = get(status, "directory");
    const char *error = text_of(directory, "error");

    if (!json_is_object(directory))
        return;
    add_label(out, "Directory");
    add(out, text_of(directory, "path"));
    if (json_is_integer(get(directory, "dumps"))) {
        int64_t dumps = number_of(directory, "dumps");

        text_format(out, ": %" PRId64 " dump%s, ", dumps, dumps == 1 ? "" : "s");
        text_add_size(out, number_of(directory, "dumpBytes"));
    }
    if (json_is_integer(get(directory, "freeBytes"))) {
        text_add(out, "; ");
        text_add_size(out, number_of(directory, "freeBytes"));
        text_add(out, " free");
    }
    if (error != NULL) {
        text_add(out, ": ");
        screen_add_styled(out, SCREEN_BAD, error);
    }
    text_add(out, "\n");
}

/* --- Tables --- */

static void
add_table(struct table *table, struct text *out)
{
    if (table->count > 0) {
        text_add(out, "\n");
        table_format(table, screen_width(), screen_has_colours(), out);
    }
    table_clear(table);
}

static void
add_cell(struct table *table, struct text *cell)
{
    table_add(table, SCREEN_PLAIN, text_string(cell));
    text_reset(cell);
}

/* {"phase":"dump","bytes":1200000,"percent":40} as "dump, 1.14 MiB, 40 %"; one with "waitsFor":"..." as "dump, waits for ..." */
static void
add_progress(const json_t *progress, struct text *out)
{
    const char *phase = text_of(progress, "phase");
    const char *waits_for = text_of(progress, "waitsFor");

    if (phase == NULL)
        return;
    text_add(out, phase);
    if (waits_for != NULL) {
        text_format(out, ", waits for %s", waits_for);
        return;
    }
    if (json_is_integer(get(progress, "bytes"))) {
        text_add(out, ", ");
        text_add_size(out, number_of(progress, "bytes"));
    }
    if (json_is_integer(get(progress, "percent")))
        text_format(out, ", %" PRId64 " %%", number_of(progress, "percent"));
}

static void
add_active(const json_t *status, struct text *out)
{
    static const struct table_column columns[] = { { .title = "ACTIVE JOB" }, { .title = "DOES" },
        { .title = "SCHEDULE", .cut = true }, { .title = "SINCE" }, { .title = "PROGRESS", .cut = true },
        { .title = "WORKER" } };
    struct table table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    struct text cell = TEXT_EMPTY;
    const json_t *job;
    size_t i;

    json_array_foreach(get(status, "active"), i, job)
    {
        const char *schedule = text_of(job, "schedule");

        table_add(&table, SCREEN_PLAIN, text_of(job, "id"));
        table_add(&table, SCREEN_PLAIN, text_of(job, "name"));
        table_add(&table, SCREEN_PLAIN, schedule == NULL ? text_of(job, "scheduleId") : schedule);
        status_view_add_time(&cell, get(job, "startedAt"));
        add_cell(&table, &cell);
        add_progress(get(job, "progress"), &cell);
        add_cell(&table, &cell);
        if (json_is_null(get(job, "lockMs")))
            table_add(&table, SCREEN_WARN, "none: its lock has expired");
        else
            table_add(&table, SCREEN_PLAIN, json_is_null(get(job, "worker")) ? "unnamed" : text_of(job, "worker"));
    }
    add_table(&table, out);
    text_clear(&cell);
}

/* As `list` has it: when it began, or when it was asked for if it never did. */
static void
add_beginning(struct text *out, const json_t *run)
{
    const json_t *started = get(run, "startedAt");

    status_view_add_time(out, json_is_string(started) ? started : get(run, "createdAt"));
}

static void
add_schedule_state(const json_t *schedule, bool sees_queue, struct table *table)
{
    struct text cell = TEXT_EMPTY;

    if (!json_is_true(get(schedule, "enabled")))
        table_add(table, SCREEN_DIM, "disabled");
    else if (json_is_string(get(schedule, "problem")))
        table_add(table, SCREEN_BAD, "unusable"); /* why, is among the problems; so it is for a failure */
    else if (json_is_string(get(schedule, "overdueSince"))) {
        text_add(&cell, "overdue since ");
        status_view_add_time(&cell, get(schedule, "overdueSince"));
        table_add(table, SCREEN_BAD, text_string(&cell));
    } else if (sees_queue && json_is_null(get(schedule, "nextInQueue")))
        table_add(table, SCREEN_BAD, "missing in the queue");
    else if (json_is_true(get(schedule, "failedLast"))) {
        text_add(&cell, "failed last, ");
        add_beginning(&cell, get(schedule, "lastFailure"));
        table_add(table, SCREEN_BAD, text_string(&cell));
    } else if (!sees_queue)
        table_add(table, SCREEN_DIM, "not known");
    else
        table_add(table, SCREEN_GOOD, "scheduled");
    text_clear(&cell);
}

static void
add_schedules(const json_t *status, struct text *out)
{
    static const struct table_column columns[] = { { .title = "SCHEDULE", .cut = true }, { .title = "NEXT DUE" },
        { .title = "LAST SUCCESS" }, { .title = "SIZE", .right = true }, { .title = "STATE" } };
    struct table table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    struct text cell = TEXT_EMPTY;
    const json_t *schedule;
    size_t i;

    if (!json_is_array(get(status, "schedules")))
        text_add(out, "\nThe schedules are not shown: they are in Postgres.\n");
    json_array_foreach(get(status, "schedules"), i, schedule)
    {
        const json_t *success = get(schedule, "lastSuccess");

        table_add(&table, SCREEN_PLAIN, text_of(schedule, "name"));
        status_view_add_time(&cell, get(schedule, "nextDue"));
        add_cell(&table, &cell);
        add_beginning(&cell, success);
        add_cell(&table, &cell);
        if (json_is_integer(get(success, "sizeBytes")))
            text_add_size(&cell, number_of(success, "sizeBytes"));
        add_cell(&table, &cell);
        add_schedule_state(schedule, json_is_object(get(status, "queue")), &table);
    }
    add_table(&table, out);
    text_clear(&cell);
}

/* What is wrong with Postgres or the directory stands beside their names. */
static bool
has_a_line(const json_t *status, const json_t *problem)
{
    const char *about = text_of(problem, "about");
    const char *of_directory = text_of(get(status, "directory"), "error");

    return (about != NULL && strcmp(about, "postgres") == 0) ||
           (of_directory != NULL && strcmp(of_directory, text_of(problem, "text")) == 0);
}

static void
add_problems(const json_t *status, struct text *out)
{
    const char *separator = "\n";
    const json_t *problem;
    size_t i;

    json_array_foreach(get(status, "problems"), i, problem)
    {
        if (has_a_line(status, problem))
            continue;
        text_add(out, separator);
        separator = "";
        screen_add_styled(out, SCREEN_BAD, "problem");
        text_add(out, ": ");
        add(out, text_of(problem, "text"));
        text_add(out, "\n");
    }
}

void
status_view(const json_t *status, struct text *out)
{
    add_servers(status, out);
    add_queue(status, out);
    add_workers(status, out);
    add_lock(status, out);
    add_directory(status, out);
    add_active(status, out);
    add_schedules(status, out);
    add_problems(status, out);
}
