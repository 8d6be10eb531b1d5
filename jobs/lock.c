#include "jobs/lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "jobs/stop.h"

#define NAME "weavestream:backup"
#define POLL_MS 500

/* Of a holder that is not known, because it went between two statements: try again. */
#define UNKNOWN ((struct lock_holder){ .pid = 0 })

static bool
try_named_lock(struct database *database, const char *name, bool *taken, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database, "SELECT pg_try_advisory_lock(hashtext($1))", 1, &name, &rows, err))
        return false;
    *taken = strcmp(database_rows_value(rows, 0, 0), "t") == 0;
    database_rows_free(rows);
    return true;
}

bool
lock_try(struct database *database, bool *taken, struct error *err)
{
    return try_named_lock(database, NAME, taken, err);
}

bool
lock_try_for_ledger(struct database *database, bool *taken, struct error *err)
{
    return try_named_lock(database, NAME ":ledger", taken, err) || error_add(err, "take the ledger's lock");
}

bool
lock_try_to_tell(struct database *database, const char *run_id, bool *taken, struct error *err)
{
    struct text name = TEXT_EMPTY;
    bool ok;

    text_format(&name, NAME ":tell:%s", run_id);
    ok = try_named_lock(database, text_string(&name), taken, err) || error_add(err, "take the lock of whoever tells");
    text_clear(&name);
    return ok;
}

/* pg_locks has a 64-bit key in two halves, the high one in classid; a negative hash fills that with ones. */
#define IS_HELD                                                                                                        \
    "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "                                                        \
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "                               \
    "AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtext('" NAME "')::bigint"

bool
lock_find_holder(struct database *database, struct lock_holder *holder, struct error *err)
{
    struct database_rows *rows = NULL;

    *holder = UNKNOWN;
    if (!database_query(database,
            "SELECT a.pid, coalesce(a.application_name, ''), "
            "coalesce(extract(epoch FROM clock_timestamp() - a.backend_start), 0)::bigint, "
            "CASE WHEN a.state LIKE 'idle%' THEN extract(epoch FROM clock_timestamp() - a.state_change)::bigint END "
            "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE " IS_HELD " LIMIT 1",
            0, NULL, &rows, err))
        return false;
    if (database_rows_count(rows) > 0) {
        holder->pid = database_rows_number(rows, 0, 0);
        (void)snprintf(holder->application, sizeof(holder->application), "%s", database_rows_value(rows, 0, 1));
        holder->age_seconds = database_rows_number(rows, 0, 2);
        holder->idle_seconds = database_rows_number(rows, 0, 3);
    }
    database_rows_free(rows);
    return true;
}

static bool
is_ours(const struct lock_holder *holder)
{
    return strncmp(holder->application, DATABASE_APPLICATION " ", strlen(DATABASE_APPLICATION) + 1) == 0;
}

bool
lock_holder_is_run(const struct lock_holder *holder)
{
    return strcmp(holder->application, DATABASE_APPLICATION " run") == 0;
}

/* A job of ours, but no run: it makes no dump in our place. */
static bool
is_our_housekeeping(const struct lock_holder *holder)
{
    return is_ours(holder) && !lock_holder_is_run(holder);
}

void
lock_add_advice(const struct lock_holder *holder, int64_t limit_minutes, struct text *out)
{
    bool is_unknown = holder->application[0] != '\0' && !is_ours(holder); /* Node's workers have no name */
    bool is_forgotten = holder->idle_seconds > limit_minutes * 60;

    if (holder->pid == 0 || (!is_unknown && !is_forgotten))
        return;
    text_format(out,
        "%s, so a connection pool may have kept the lock: SELECT pg_terminate_backend(%" PRId64 ") gives it back",
        is_forgotten ? "that session has done nothing for longer than a backup may run"
                     : "that application is not known to make backups",
        holder->pid);
}

static bool
set_conflict(const struct lock_holder *holder, struct error *err)
{
    return error_set(err, ERROR_CONFLICT,
        "the backup lock is held by Postgres process %" PRId64 " ('%s', connected for %" PRId64 " s)", holder->pid,
        holder->application, holder->age_seconds);
}

/* Waits `patience_ms` for a holder that dumps, and `patience_with_ours_ms` for one that does not. */
static bool
take(struct database *database, int64_t patience_ms, int64_t patience_with_ours_ms, struct lock_holder *holder,
    struct error *err)
{
    struct moment start = moment_now();
    int64_t told_pid = 0;
    bool taken = false;

    for (;;) {
        bool ours;
        int64_t patience;

        if (!lock_try(database, &taken, err))
            return false;
        if (taken)
            return true;
        if (!lock_find_holder(database, holder, err))
            return false;
        ours = holder->pid == 0 || is_our_housekeeping(holder);
        patience = ours ? patience_with_ours_ms : patience_ms;
        if (moment_ms_between(start, moment_now()) >= patience)
            return set_conflict(holder, err);
        if (holder->pid != told_pid)
            log_info(LOG_EVENT("waiting for the backup lock"), LOG_NUMBER("holder", holder->pid),
                LOG_TEXT("application", holder->application), LOG_NUMBER("ageSeconds", holder->age_seconds),
                LOG_NUMBER("patienceMs", patience));
        told_pid = holder->pid;
        if (!stop_wait(-1, 0, moment_add_ms(moment_now(), POLL_MS), err))
            return false;
    }
}

bool
lock_take_for_run(struct database *database, bool taken_before, struct lock_holder *holder, struct error *err)
{
    return take(database, taken_before ? LOCK_PATIENT_MS : LOCK_LIVE_MS, LOCK_HOUSEKEEPING_MS, holder, err);
}

bool
lock_take(struct database *database, int64_t patience_ms, struct lock_holder *holder, struct error *err)
{
    return take(database, patience_ms, patience_ms, holder, err);
}

/* As often as it was taken: again, say, after a query that had timed out. */
bool
lock_release(struct database *database, struct error *err)
{
    size_t held;

    do {
        struct database_rows *rows = NULL;

        if (!database_query(database,
                "SELECT pg_advisory_unlock(hashtext('" NAME
                "')) FROM pg_locks l WHERE l.pid = pg_backend_pid() AND " IS_HELD,
                0, NULL, &rows, err))
            return error_add(err, "release the backup lock");
        held = database_rows_count(rows);
        database_rows_free(rows);
    } while (held > 0);
    return true;
}
