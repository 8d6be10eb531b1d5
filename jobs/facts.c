#include "jobs/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "jobs/database.h"
#include "jobs/directory.h"
#include "jobs/due.h"
#include "jobs/facts_rows.h"
#include "jobs/history.h"
#include "jobs/ledger.h"
#include "jobs/ledger_file.h"
#include "jobs/lock.h"
#include "jobs/missing.h"
#include "jobs/space.h"
#include "jobs/store.h"
#include "jobs/store_name.h"
#include "jobs/verdict.h"

#define QUERY_MS 10000
#define MINUTE_MS ((int64_t)60 * 1000)

struct facts {
    const struct settings *settings;
    struct moment began;
    struct wall now;
    struct database *database;   /* NULL: not reachable */
    char *path;                  /* of the directory; NULL: not even that is known */
    struct store *store;         /* NULL: it cannot be read */
    struct ledger_memory memory; /* when its schedules were first seen */
    json_t *problems;
    json_t *all;
};

static void
add_problem(struct facts *facts, const char *about, const char *text)
{
    (void)json_array_append_new(facts->problems, json_pack("{s:s, s:o}", "about", about, "text", facts_text(text)));
}

/* --- The backup directory --- */

static bool
look_at_directory(struct facts *facts, struct error *err)
{
    if (!directory_find(facts->settings->storage_directory, &facts->path, err))
        return false;
    if (faccessat(AT_FDCWD, facts->path, R_OK | W_OK | X_OK, AT_EACCESS) == -1) {
        (void)error_set_errno(err, errno, "write into the backup directory '%s'", facts->path);
        space_advise(facts->path, err);
        return false;
    }
    return true;
}

struct dumps {
    const struct store *store;
    int64_t count;
    int64_t bytes;
};

static void
on_found(const char *name, void *owner)
{
    struct dumps *dumps = owner;
    int64_t size = 0;
    struct error none; /* what is no regular file is no dump */

    if (!store_name_is_dump(name) || !store_find(dumps->store, name, &size, &none) || size < 0)
        return;
    dumps->count++;
    dumps->bytes += size;
}

static void
add_dumps(struct facts *facts, json_t *directory)
{
    struct dumps dumps = { .count = 0 };
    struct error err;

    facts->store = store_open(facts->settings->storage_directory, &err);
    dumps.store = facts->store;
    if (facts->store == NULL || !store_list(facts->store, on_found, &dumps, &err))
        return;
    (void)json_object_set_new(directory, "dumps", json_integer(dumps.count));
    (void)json_object_set_new(directory, "dumpBytes", json_integer(dumps.bytes));
}

static void
add_space(struct facts *facts, json_t *directory)
{
    struct space space = { .directory = facts->path, .reserved_bytes = facts->settings->min_free_mb * 1024 * 1024 };
    struct text warning = TEXT_EMPTY;
    struct statvfs volume;
    struct error err;

    (void)json_object_set_new(directory, "reservedBytes", json_integer(space.reserved_bytes));
    if (facts->path == NULL || !space_look(facts->path, &space.free_bytes, &err) || statvfs(facts->path, &volume) == -1)
        return;
    (void)json_object_set_new(directory, "freeBytes", json_integer(space.free_bytes));
    (void)json_object_set_new(
        directory, "totalBytes", json_integer((json_int_t)volume.f_blocks * (json_int_t)volume.f_frsize));
    if (!space_allows_dump(&space, 0, 0, &warning, &err))
        add_problem(facts, "space", err.text);
    text_clear(&warning);
}

static void
add_directory(struct facts *facts)
{
    struct error err = ERROR_EMPTY;
    bool writable = look_at_directory(facts, &err);
    json_t *directory = json_pack("{s:o, s:b, s:o, s:n, s:n, s:n, s:n, s:n, s:n}", "path", facts_text(facts->path),
        "writable", writable, "error", facts_text(writable ? NULL : err.text), "freeBytes", "totalBytes",
        "reservedBytes", "dumps", "dumpBytes", "missingDumps");

    if (!writable)
        add_problem(facts, "directory", err.text);
    add_space(facts, directory);
    add_dumps(facts, directory);
    if (facts->store != NULL)
        ledger_file_read(store_directory(facts->store), &facts->memory);
    (void)json_object_set_new(facts->all, "directory", directory);
}

/* --- Schedules --- */

/* A row of history_list_schedules(). */
struct schedule {
    const char *id;
    const char *name;
    const char *cron;
    const char *timezone; /* NULL: DUE_ZONE */
    bool enabled;
    int64_t attempt_ms; /* when its last SCHEDULED row was made, and its last good run began; 0: never */
    int64_t good_ms;
    struct due due;
    bool is_usable;
};

static int64_t
dated(const struct database_rows *rows, size_t row, int column)
{
    if (database_rows_value(rows, row, column) == NULL)
        return 0;
    return wall_now().ms - database_rows_number(rows, row, column);
}

static struct schedule
schedule_of(const struct database_rows *rows, size_t row)
{
    return (struct schedule){ .id = database_rows_value(rows, row, 0),
        .enabled = strcmp(database_rows_value(rows, row, 1), "t") == 0,
        .cron = database_rows_value(rows, row, 2),
        .timezone = database_rows_value(rows, row, 3),
        .attempt_ms = dated(rows, row, 4),
        .good_ms = dated(rows, row, 5),
        .name = database_rows_value(rows, row, 6) };
}

/* Where clocks jump, the two dialects of BullMQ's cron differ by an hour at most, which no fact here hangs on. */
static bool
find_next(struct facts *facts, struct timezones *zones, struct schedule *schedule, struct wall *next, struct error *err)
{
    schedule->is_usable = due_parse(&schedule->due, zones, CRON_PARSER_4, schedule->cron, schedule->timezone, err) &&
                          due_next(&schedule->due, facts->now, next, err);
    return schedule->is_usable;
}

/* Whether a run was due that has not happened. */
static bool
is_overdue(const struct facts *facts, const struct schedule *schedule, struct wall *since)
{
    const struct ledger_config config = { .id = schedule->id,
        .cron = schedule->cron,
        .timezone = schedule->timezone,
        .last_attempt = { .ms = schedule->attempt_ms },
        .last_good = { .ms = schedule->good_ms } };

    return ledger_is_overdue(
        &config, &facts->memory, &schedule->due, facts->now, facts->settings->missed_grace_minutes * MINUTE_MS, since);
}

static void
add_schedule_problem(struct facts *facts, const char *name, const char *what, const char *why)
{
    struct text text = TEXT_EMPTY;

    text_format(&text, "'%s' %s%s", name, what, why);
    add_problem(facts, "schedule", text_string(&text));
    text_clear(&text);
}

static json_t *
describe_schedule(struct facts *facts, struct timezones *zones, struct schedule *schedule, json_t *runs)
{
    json_t *out = json_pack("{s:s, s:s, s:b, s:s, s:s, s:n, s:n, s:n}", "id", schedule->id, "name", schedule->name,
        "enabled", schedule->enabled, "cron", schedule->cron, "timezone",
        schedule->timezone == NULL ? DUE_ZONE : schedule->timezone, "nextDue", "overdueSince", "problem");
    struct error err = ERROR_EMPTY;
    char due[WALL_ISO_SIZE];
    struct wall instant;

    if (!schedule->enabled)
        ; /* it is never due */
    else if (!find_next(facts, zones, schedule, &instant, &err)) {
        (void)json_object_set_new(out, "problem", facts_text(err.text));
        add_schedule_problem(facts, schedule->name, "cannot be followed: ", err.text);
    } else {
        (void)json_object_set_new(out, "nextDue", facts_time(instant));
        if (is_overdue(facts, schedule, &instant)) {
            wall_format_iso(instant, due);
            (void)json_object_set_new(out, "overdueSince", json_string(due));
            add_schedule_problem(facts, schedule->name, "is overdue: no run has begun since it was due at ", due);
        }
    }
    (void)json_object_update(out, runs);
    return out;
}

static bool
add_schedules(struct facts *facts, struct error *err)
{
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ"));
    struct database_rows *rows = NULL;
    json_t *by_schedule = facts_rows_by_schedule(facts->database, err);
    json_t *none = facts_rows_no_runs();
    json_t *schedules = json_array();
    bool ok = by_schedule != NULL && history_list_schedules(facts->database, &rows, err);

    for (size_t i = 0; ok && i < database_rows_count(rows); i++) {
        struct schedule schedule = schedule_of(rows, i);
        json_t *runs = json_object_get(by_schedule, schedule.id);

        (void)json_array_append_new(schedules, describe_schedule(facts, zones, &schedule, runs == NULL ? none : runs));
    }
    if (ok)
        (void)json_object_set(facts->all, "schedules", schedules);
    json_decref(schedules);
    json_decref(none);
    json_decref(by_schedule);
    database_rows_free(rows);
    timezones_free(zones);
    return ok;
}

/* --- Postgres --- */

static bool
add_lock(struct facts *facts, struct error *err)
{
    struct lock_holder holder;

    if (!lock_find_holder(facts->database, &holder, err))
        return error_add(err, "look who holds the lock");
    if (holder.pid != 0)
        (void)json_object_set_new(facts->all, "lock",
            json_pack("{s:o, s:I, s:I}", "application", facts_text(holder.application), "pid", (json_int_t)holder.pid,
                "ageMs", (json_int_t)holder.age_seconds * 1000));
    return true;
}

static bool
add_runs(struct facts *facts, struct error *err)
{
    json_t *runs = facts_rows_runs(facts->database, FACTS_RUNS, err);

    return runs != NULL && json_object_set_new(facts->all, "runs", runs) == 0;
}

/* An old one may have been moved away; without the newest, there is no backup, or this is not where the backups are. */
static void
tell_newest_missing(struct facts *facts, size_t dumps, size_t missing)
{
    struct text text = TEXT_EMPTY;

    text_format(&text,
        "of %zu dump%s that the app lists, %zu %s not in '%s', the newest among them; is the right directory "
        "mounted?",
        dumps, dumps == 1 ? "" : "s", missing, missing == 1 ? "is" : "are", store_directory(facts->store));
    add_problem(facts, "directory", text_string(&text));
    text_clear(&text);
}

static bool
add_missing_dumps(struct facts *facts, struct error *err)
{
    struct database_rows *rows = NULL;
    struct missing missing;

    if (facts->store == NULL)
        return true;
    if (!history_list_dumps(facts->database, &rows, err))
        return false;
    missing = missing_find(rows, facts->store);
    if (missing.has_newest)
        tell_newest_missing(facts, database_rows_count(rows), missing.count);
    database_rows_free(rows);
    (void)json_object_set_new(
        json_object_get(facts->all, "directory"), "missingDumps", json_integer((json_int_t)missing.count));
    missing_clear(&missing);
    return true;
}

static bool
connect_database(struct facts *facts, json_t *postgres, struct error *err)
{
    struct moment began = moment_now();

    facts->database = database_open(&facts->settings->database, DATABASE_APPLICATION " facts", err);
    if (facts->database == NULL)
        return false;
    database_set_query_limit(facts->database, QUERY_MS);
    (void)json_object_set_new(postgres, "reachable", json_true());
    (void)json_object_set_new(postgres, "server", json_string(database_server_version_text(facts->database)));
    (void)json_object_set_new(postgres, "responseMs", json_integer(moment_ms_between(began, moment_now())));
    return true;
}

static void
add_postgres(struct facts *facts)
{
    json_t *postgres = json_pack("{s:b, s:n, s:n, s:n, s:n}", "reachable", 0, "error", "code", "server", "responseMs");
    struct error err = ERROR_EMPTY;

    (void)json_object_set_new(facts->all, "postgres", postgres);
    if (connect_database(facts, postgres, &err) && add_lock(facts, &err) && add_schedules(facts, &err) &&
        add_runs(facts, &err) && add_missing_dumps(facts, &err))
        return;
    (void)json_object_set_new(postgres, "error", facts_text(err.text));
    (void)json_object_set_new(postgres, "code", json_string(error_code_name(err.code)));
    add_problem(facts, "postgres", err.text);
}

/* --- All of it --- */

#define LINE_ROOM 128 /* for what stands around the facts in their line */

/* The facts as text; NULL: they are too long for a line. */
static char *
facts_text_that_fits(const struct facts *facts)
{
    char *text = json_dumps(facts->all, JSON_COMPACT);

    if (text != NULL && strlen(text) + LINE_ROOM > REPORT_LINE_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

static void
shorten_last_runs(const struct facts *facts)
{
    static const char *const lost[] = { "scheduleId", "kind", "status", "startedAt", "verified", "file", "error" };
    const json_t *schedules = json_object_get(facts->all, "schedules");
    const json_t *schedule;
    size_t at;

    json_array_foreach(schedules, at, schedule) for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
    {
        (void)json_object_del(json_object_get(schedule, "lastSuccess"), lost[i]);
        (void)json_object_del(json_object_get(schedule, "lastFailure"), lost[i]);
    }
}

static char *
write_facts(const struct facts *facts)
{
    char *text = facts_text_that_fits(facts);

    if (text == NULL) {
        shorten_last_runs(facts);
        text = facts_text_that_fits(facts);
    }
    if (text == NULL) {
        log_warn(LOG_EVENT("too many schedules to tell of each"),
            LOG_NUMBER("schedules", json_array_size(json_object_get(facts->all, "schedules"))));
        (void)json_object_set_new(facts->all, "schedules", json_null());
        text = facts_text_that_fits(facts);
    }
    return text;
}

void
facts_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct facts facts = { .settings = settings, .began = moment_now(), .now = wall_now(), .problems = json_array() };
    char *text;

    (void)bytes;
    (void)length;
    facts.all = json_pack("{s:o, s:i, s:O, s:n, s:n, s:n, s:n, s:n}", "at", facts_time(facts.now), "tookMs", 0,
        "problems", facts.problems, "postgres", "directory", "lock", "schedules", "runs");
    add_directory(&facts);
    add_postgres(&facts);
    (void)json_object_set_new(facts.all, "tookMs", json_integer(moment_ms_between(facts.began, moment_now())));
    text = write_facts(&facts);
    if (text == NULL)
        verdict_fail(verdict, "the facts are too long for a line, even without the schedules", false);
    else
        verdict_complete(verdict, text);
    free(text);
    json_decref(facts.all);
    json_decref(facts.problems);
    free(facts.path);
    ledger_memory_clear(&facts.memory);
    store_close(facts.store);
    database_close(facts.database);
}
