#include "jobs/stall.h"

#include <inttypes.h>
#include <string.h>

#define MINUTE_MS 60000
#define LOOKS 4 /* within the limit, at least */
#define FIRST_LOOK_MS 5000
#define QUERY_TIMEOUT                                                                                                  \
    "10s" /* the server may wait for the very lock that pg_dump waits for, on a table of the catalog */

/* One row for each session that is in the way, or one without it. */
static const char look_query[] =
    "SELECT dump.pid, dump.state = 'active' AND coalesce(dump.wait_event_type, '') NOT IN ('Lock', 'Client'), "
    "(extract(epoch FROM clock_timestamp() - dump.state_change) * 1000)::bigint, lock.mode, "
    "coalesce(quote_ident(space.nspname) || '.' || quote_ident(class.relname), 'a ' || lock.locktype), blocker.pid, "
    "coalesce(other.application_name, ''), coalesce(other.usename, ''), coalesce(other.state, 'in a state not known'), "
    "extract(epoch FROM clock_timestamp() - coalesce(other.state_change, other.backend_start))::bigint "
    "FROM pg_catalog.pg_stat_activity dump "
    "LEFT JOIN pg_catalog.pg_locks lock ON lock.pid = dump.pid AND NOT lock.granted "
    "LEFT JOIN pg_catalog.pg_class class ON class.oid = lock.relation AND lock.database = dump.datid "
    "LEFT JOIN pg_catalog.pg_namespace space ON space.oid = class.relnamespace "
    "LEFT JOIN LATERAL unnest(pg_catalog.pg_blocking_pids(dump.pid)) AS blocker (pid) ON lock.pid IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity own WHERE own.pid = blocker.pid AND "
    "own.application_name = $1) "
    "LEFT JOIN pg_catalog.pg_stat_activity other ON other.pid = blocker.pid "
    "WHERE dump.datname = current_database() AND dump.application_name = $1 AND dump.backend_type = 'client backend' "
    "ORDER BY blocker.pid IS NULL, dump.backend_start DESC, blocker.pid LIMIT 4";

enum column {
    PID,
    AT_WORK,
    UNCHANGED_MS,
    LOCK_MODE,
    LOCK_OBJECT,
    BLOCKER,
    BLOCKER_APPLICATION,
    BLOCKER_USER,
    BLOCKER_STATE,
    BLOCKER_SECONDS,
};

static void
add_blocker(const struct database_rows *rows, size_t row, struct text *out)
{
    int64_t pid = database_rows_number(rows, row, BLOCKER);

    text_add(out, row == 0 ? ", blocked by " : " and ");
    if (pid == 0)
        text_add(out, "a prepared transaction (see pg_prepared_xacts)");
    else
        text_format(out, "Postgres process %" PRId64 " ('%s', user '%s', %s for %" PRId64 " s)", pid,
            database_rows_value(rows, row, BLOCKER_APPLICATION), database_rows_value(rows, row, BLOCKER_USER),
            database_rows_value(rows, row, BLOCKER_STATE), database_rows_number(rows, row, BLOCKER_SECONDS));
}

static void
read_view(const struct database_rows *rows, struct stall_view *view)
{
    const char *at_work = database_rows_value(rows, 0, AT_WORK);
    const char *mode = database_rows_value(rows, 0, LOCK_MODE);

    view->pid = database_rows_number(rows, 0, PID);
    view->at_work = at_work != NULL && strcmp(at_work, "t") == 0;
    view->unchanged_ms = database_rows_number(rows, 0, UNCHANGED_MS);
    if (mode == NULL)
        return;
    text_format(&view->waits_for, "%s on %s", mode, database_rows_value(rows, 0, LOCK_OBJECT));
    view->is_blocked = database_rows_value(rows, 0, BLOCKER) != NULL;
    view->blocker = database_rows_number(rows, 0, BLOCKER);
    for (size_t i = 0; i < database_rows_count(rows) && database_rows_number(rows, i, PID) == view->pid; i++)
        if (database_rows_value(rows, i, BLOCKER) != NULL)
            add_blocker(rows, i, &view->waits_for);
}

bool
stall_look(struct database *database, const char *application, struct stall_view *view, struct error *err)
{
    struct database_rows *rows = NULL;
    struct error second;
    bool ok;

    if (!database_query(database, "SET statement_timeout = '" QUERY_TIMEOUT "'", 0, NULL, NULL, err))
        return error_add(err, "look at the session of '%s'", application);
    ok = database_query(database, look_query, 1, &application, &rows, err);
    if (!database_query(database, "SET statement_timeout = 0", 0, NULL, NULL, ok ? err : &second))
        ok = false;
    if (ok && database_rows_count(rows) > 0)
        read_view(rows, view);
    database_rows_free(rows);
    return ok || error_add(err, "look at the session of '%s'", application);
}

void
stall_view_clear(struct stall_view *view)
{
    text_clear(&view->waits_for);
    *view = STALL_VIEW_EMPTY;
}

static struct moment
earlier(struct moment one, struct moment other)
{
    return one.ns < other.ns ? one : other;
}

static struct moment
limit_of(const struct stall *stall)
{
    return moment_add_ms(stall->progress, stall->limit_minutes * MINUTE_MS);
}

/* After twice the time that there has been no progress; a lock is told soon, and a long wait is not asked after all the time. */
static void
plan_next_look(struct stall *stall, struct moment now)
{
    int64_t longest_ms = stall->limit_minutes * MINUTE_MS / LOOKS;
    int64_t pause_ms = moment_ms_between(stall->progress, now);

    if (longest_ms > MINUTE_MS)
        longest_ms = MINUTE_MS;
    if (pause_ms > longest_ms)
        pause_ms = longest_ms;
    if (pause_ms < FIRST_LOOK_MS)
        pause_ms = FIRST_LOOK_MS;
    stall->next = earlier(limit_of(stall), moment_add_ms(now, pause_ms));
}

void
stall_start(struct stall *stall, int64_t limit_minutes, struct moment now)
{
    *stall = (struct stall){ .limit_minutes = limit_minutes, .progress = now };
    plan_next_look(stall, now);
}

bool
stall_wants_a_look(struct stall *stall, int64_t bytes, struct moment now)
{
    if (bytes != stall->bytes) {
        stall->bytes = bytes;
        stall->progress = now;
        plan_next_look(stall, now);
    }
    return now.ns >= stall->next.ns;
}

static void
note_progress_on_server(struct stall *stall, const struct stall_view *view, struct moment now)
{
    struct moment last = view->at_work ? now : moment_add_ms(now, -view->unchanged_ms);

    if (view->pid != 0 && last.ns > stall->progress.ns)
        stall->progress = last;
}

static void
set_failure(const struct stall *stall, const struct stall_view *view, struct error *err)
{
    struct text reason = TEXT_EMPTY;

    if (view == NULL)
        text_format(&reason, "the server cannot be asked why: %s", err->text);
    else if (view->pid == 0)
        text_add(&reason, "it has no session on the server");
    else if (view->waits_for.length > 0)
        text_format(&reason, "its session waits for %s", text_string(&view->waits_for));
    else
        text_format(&reason, "its session, Postgres process %" PRId64 ", waits for it to go on", view->pid);
    (void)error_set(err, ERROR_TIMEOUT, "pg_dump made no progress for BACKUP_STALL_MINUTES=%" PRId64 ": %s",
        stall->limit_minutes, text_string(&reason));
    if (view != NULL && view->blocker != 0)
        error_advise(err, "what ends it: SELECT pg_terminate_backend(%" PRId64 ")", view->blocker);
    text_clear(&reason);
}

bool
stall_judge(struct stall *stall, const struct stall_view *view, struct moment now, struct error *err)
{
    if (view != NULL)
        note_progress_on_server(stall, view, now);
    plan_next_look(stall, now);
    if (now.ns < limit_of(stall).ns)
        return true;
    set_failure(stall, view, err);
    return false;
}
