#include "jobs/drill.h"

#include <inttypes.h>
#include <sched.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "jobs/client.h"
#include "jobs/drill_database.h"
#include "jobs/reporter.h"
#include "jobs/restored.h"
#include "jobs/server_space.h"
#include "jobs/space.h"

#define MOST_PARALLEL 4
#define PROGRESS_MS 3000
#define MB (INT64_C(1024) * 1024)

struct drill {
    const struct drill_order *order;
    struct drill_database *database;
    enum drill_database_fate fate;
    struct text directory; /* of the server's data, if it can be seen from here; else empty */
    struct moment next_progress;
};

const struct postgres_url *
drill_url(const struct settings *settings)
{
    return settings->drill.count > 0 ? &settings->drill : &settings->database;
}

static bool
set_no_room(const struct drill_order *order, const char *directory, int64_t free_bytes, struct error *err)
{
    struct text text = TEXT_EMPTY;

    text_add_size(&text, free_bytes);
    text_format(
        &text, " are free in '%s', where the server keeps its data, of which BACKUP_MIN_FREE_MB reserves ", directory);
    text_add_size(&text, order->min_free_bytes);
    text_add(&text, ", and it takes ");
    text_add_size(&text, order->size_bytes);
    (void)error_set(err, ERROR_REFUSED,
        "no room for a restore: %s: make room there, or set BACKUP_DRILL_URL to another server", text_string(&text));
    text_clear(&text);
    return false;
}

/* Whether there is room for a restore. Where that cannot be seen, `directory` stays empty. */
static bool
check_space(struct database *session, const struct drill_order *order, struct text *directory, struct error *err)
{
    int64_t free_bytes;

    if (!server_space_look(session, directory, &free_bytes)) {
        reporter_log("How much room the server has for a restore cannot be seen from here");
        return true;
    }
    return free_bytes >= order->size_bytes + order->min_free_bytes ||
           set_no_room(order, directory->data, free_bytes, err);
}

static bool
room_is_left(const struct drill *drill, struct error *err)
{
    struct error ignored;
    int64_t free_bytes;

    return drill->directory.length == 0 || !space_look(drill->directory.data, &free_bytes, &ignored) ||
           free_bytes >= drill->order->min_free_bytes ||
           set_no_room(drill->order, drill->directory.data, free_bytes, err);
}

static bool
on_tick(void *owner, struct error *err)
{
    struct drill *drill = owner;
    const char *name = drill_database_name(drill->database);
    struct database_rows *rows = NULL;
    struct error ignored; /* if the server is in trouble, pg_restore is the one to say so */

    if (!room_is_left(drill, err))
        return false;
    if (!moment_is_past(drill->next_progress))
        return true;
    drill->next_progress = moment_add_ms(moment_now(), PROGRESS_MS);
    if (database_query(drill_database_keeper(drill->database), "SELECT pg_catalog.pg_database_size($1::name)", 1, &name,
            &rows, &ignored)) {
        drill->order->on_progress(database_rows_number(rows, 0, 0), drill->order->owner);
        database_rows_free(rows);
    }
    return true;
}

static int
parallel_jobs(void)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

    return count < MOST_PARALLEL ? count : MOST_PARALLEL;
}

static bool
restore(struct drill *drill, struct error *err)
{
    struct text jobs = TEXT_EMPTY;
    struct text words = TEXT_EMPTY;
    bool ok;

    text_format(&jobs, "--jobs=%d", parallel_jobs());
    {
        const char *const argv[] = { "pg_restore", "--exit-on-error", "--no-owner", "--no-acl", "--no-tablespaces",
            "--no-publications", "--no-subscriptions", text_string(&jobs), drill->order->path, NULL };
        struct client_command command = { .argv = argv,
            .application = DATABASE_APPLICATION " restore",
            .database = drill_database_keeper(drill->database),
            .dbname = drill_database_name(drill->database),
            .on_tick = on_tick,
            .owner = drill };
        ok = client_run(&command, &words, err);
    }
    if (!ok && err->code == ERROR_REFUSED)
        err->code = ERROR_INPUT; /* of all that may be behind it, a dump that does not restore is the worst */
    if (!ok)
        (void)error_add(err, "the dump could not be restored");
    if (words.length > 0)
        reporter_log("pg_restore said: %s", text_string(&words));
    text_clear(&words);
    text_clear(&jobs);
    return ok;
}

static bool
compare(struct drill *drill, struct error *err)
{
    struct database *session = database_open_named(
        drill->order->url, drill_database_name(drill->database), DATABASE_APPLICATION " restore", err);
    bool ok = session != NULL && restored_has_tables(session, drill->order->contents, err) &&
              restored_has_others(session, drill->order->contents, true, err);

    database_close(session);
    return ok;
}

/* That it could not be dropped says nothing against the dump. */
static bool
drop(struct drill *drill, struct error *err)
{
    bool ok = drill_database_drop(drill->database, err);

    drill->fate = ok ? DRILL_DATABASE_DROPPED : DRILL_DATABASE_LEFT;
    if (ok)
        return true;
    if (err->code == ERROR_STOPPED || err->code == ERROR_TIMEOUT)
        return false;
    log_warn(
        LOG_EVENT("drill database left"), LOG_TEXT("database", drill_database_name(drill->database)), LOG_ERROR(err));
    reporter_log("%s", err->text);
    return true;
}

static bool
perform(struct drill *drill, struct error *err)
{
    const struct drill_order *order = drill->order;
    struct moment start = moment_now();
    struct moment restored;
    struct drill_times times;
    bool ok;

    drill->database = drill_database_create(order->url, &drill->fate, err);
    if (drill->database == NULL)
        return false;
    ok = check_space(drill_database_keeper(drill->database), order, &drill->directory, err) && restore(drill, err);
    restored = moment_now();
    ok = ok && compare(drill, err);
    times = (struct drill_times){ moment_ms_between(start, restored), moment_ms_between(restored, moment_now()) };
    if (ok)
        reporter_log("Restored into '%s' in %.1f s, rows counted in %.1f s: all %zu tables have their rows",
            drill_database_name(drill->database), (double)times.restore_ms / 1000, (double)times.count_ms / 1000,
            order->contents->count);
    if (order->times != NULL)
        *order->times = times;
    if (ok && drop(drill, err))
        return true;
    drill->fate = drill_database_abandon(drill->database);
    return false;
}

bool
drill_restore(const struct drill_order *order, struct error *err)
{
    struct drill drill = { .order = order, .next_progress = moment_now() };
    bool ok = perform(&drill, err) || error_add(err, "restore drill");

    if (order->fate != NULL)
        *order->fate = drill.fate;
    drill_database_free(drill.database);
    text_clear(&drill.directory);
    return ok;
}

/* What a run orders: the database is as large after a restore as it is now, unless it has shrunk. */
static bool
find_size(struct database *source, int64_t *size_bytes, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(
            source, "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())", 0, NULL, &rows, err))
        return error_add(err, "ask for the size of the database");
    *size_bytes = database_rows_number(rows, 0, 0);
    database_rows_free(rows);
    return true;
}

bool
drill_check(const struct settings *settings, struct database *source, int64_t *size_bytes, struct error *err)
{
    struct drill_order order = { .url = drill_url(settings), .min_free_bytes = settings->min_free_mb * MB };
    struct text directory = TEXT_EMPTY;
    struct database *session;
    bool ok;

    if (settings->verify != SETTINGS_VERIFY_RESTORE)
        return true;
    if (!find_size(source, size_bytes, err))
        return false;
    order.size_bytes = *size_bytes;
    session = database_open(order.url, DATABASE_APPLICATION " drill", err);
    ok = session != NULL && drill_database_check_right(session, err) && check_space(session, &order, &directory, err);
    text_clear(&directory);
    database_close(session);
    return ok || error_add(err, "restore drill");
}

static void
report_progress(int64_t bytes, void *owner)
{
    const int64_t *whole = owner;

    reporter_progress("restore", bytes, *whole > bytes ? (int)(bytes * 100 / *whole) : 99);
}

bool
drill_prove(const struct settings *settings, int64_t size_bytes, const char *path,
    const struct archive_contents *contents, struct error *err)
{
    struct drill_order order = { .url = drill_url(settings),
        .path = path,
        .contents = contents,
        .size_bytes = size_bytes,
        .min_free_bytes = settings->min_free_mb * MB,
        .on_progress = report_progress };

    order.owner = &order.size_bytes;
    return settings->verify != SETTINGS_VERIFY_RESTORE || drill_restore(&order, err);
}

bool
drill_remove_leftovers(const struct settings *settings, struct database *session, size_t *removed, struct error *err)
{
    struct database *own = NULL;
    bool ok;

    *removed = 0;
    if (settings->drill.count > 0) {
        own = database_open(&settings->drill, DATABASE_APPLICATION " drill", err);
        if (own == NULL)
            return false;
        session = own;
    }
    ok = drill_database_remove_leftovers(session, removed, err);
    database_close(own);
    return ok;
}
