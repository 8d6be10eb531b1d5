/*
 * history: the SQL of runs: the rows of backup_config, backup_run and audit_log.
 *
 * The tables are the app's, kept by Prisma: timestamps are without time zone, in UTC, to the millisecond, and updated_at is ours to set.
 *
 *     queued --start--> running --succeed--> success
 *       ^  \               |  \
 *       |   `--fail--.     |   `--fail--> failed --start--> running (the job was tried again)
 *       |            v     |
 *       `---requeue (stopped; a row that somebody is waiting for)
 *
 * Only the holder of the lock starts a row, so a `running` row that is not the holder's belongs to nobody (jobs/aftermath). What is
 * written without the lock says in its WHERE which states it may leave; *changed tells whether the row was in one.
 */
#ifndef JOBS_HISTORY_H
#define JOBS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "jobs/database.h"
#include "jobs/uuid.h"

struct history_config {
    char *name;
    bool enabled;
    char *retention; /* JSON text */
};

/* The error of a run that was refused because another was under way, as rows have it; and for people. */
#define HISTORY_CONCURRENT "concurrent"
#define HISTORY_CONCURRENT_WORDS HISTORY_CONCURRENT ": somebody else held the backup lock"

enum history_status { HISTORY_QUEUED, HISTORY_RUNNING, HISTORY_SUCCESS, HISTORY_FAILED };
enum history_status history_status_of(const char *name); /* as Postgres has it */

/* `found` false: no such row; nothing to clear then. */
bool history_find_config(
    struct database *database, const char *id, struct history_config *out, bool *found, struct error *err) MUST_CHECK;
void history_config_clear(struct history_config *config);

/* A new SCHEDULED row, queued, under an id that the caller made; not if there is one of that id. */
bool history_insert_run(
    struct database *database, const char *id, const char *config_id, bool *inserted, struct error *err) MUST_CHECK;

/* The same, MANUAL, as the app makes it for "Run now"; under an id that is nobody else's. */
bool history_insert_manual_run(
    struct database *database, const char *id, const char *config_id, struct error *err) MUST_CHECK;

/* Under the lock. False also if the row has vanished. */
bool history_start_run(struct database *database, const char *id, struct wall started, struct error *err) MUST_CHECK;

/* Whether the row is `running` since `started`: still the run that history_start_run() began. */
bool history_is_ours(
    struct database *database, const char *id, struct wall started, bool *ours, struct error *err) MUST_CHECK;

struct history_success {
    struct wall started;
    struct wall finished;
    int64_t size_bytes;
    const char *dump_path;
    const char *manifest_path;
    const char *manifest; /* JSON text */
};
bool history_succeed(struct database *database, const char *id, const struct history_success *success, bool *changed,
    struct error *err) MUST_CHECK;

/*
 * To `failed`. With `started`: the row as history_start_run() left it, and no other; NULL: a row that was not started, queued or failed
 * before. `untold`: it is marked as such (jobs/aftermath).
 */
bool history_fail(struct database *database, const char *id, const struct wall *started, const char *reason,
    bool untold, bool *changed, struct error *err) MUST_CHECK;
/* The row as history_start_run() left it goes back to `queued`. */
bool history_requeue(
    struct database *database, const char *id, struct wall started, bool *changed, struct error *err) MUST_CHECK;

bool history_touch_config(
    struct database *database, const char *id, struct wall last_run, struct error *err) MUST_CHECK;

/* size_bytes of the config's last successful run; 0: none. */
bool history_last_size(
    struct database *database, const char *config_id, int64_t *size_bytes, struct error *err) MUST_CHECK;

/*
 * What the ledger looks at. Ages are in milliseconds, by Postgres' clock; null: there is none. Of every config, by name: id, enabled ("t" or
 * "f"), cron, timezone, the age of its last SCHEDULED row, since when its last successful or running run has been going on, and its name.
 */
bool history_list_schedules(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;
/* Of every queued row: id, config_id (may be null), whether it is SCHEDULED ("t" or "f"), its age. */
bool history_list_queued(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;
/* To `failed`, if it is still queued. `untold` as above. */
bool history_close_queued(struct database *database, const char *id, const char *reason, bool untold, bool *changed,
    struct error *err) MUST_CHECK;

/* backup.run.completed and backup.run.failed. */
bool history_audit_completed(struct database *database, const char *id, const char *config_id, int64_t size_bytes,
    const char *filename, struct error *err) MUST_CHECK;
bool history_audit_failed(
    struct database *database, const char *id, const char *config_id, const char *reason, struct error *err) MUST_CHECK;

/* The columns of history_list_dumps(). */
enum {
    HISTORY_DUMP_ID,
    HISTORY_DUMP_TIME, /* started_at, UTC milliseconds; may be null */
    HISTORY_DUMP_PATH,
    HISTORY_DUMP_MANIFEST, /* its path; may be null */
    HISTORY_DUMP_CONFIG,   /* null: it was deleted */
    HISTORY_DUMP_SIZE,
    HISTORY_DUMP_LEVEL, /* to which it was proven; may be null */
};

/* Successful rows that name a dump, newest first. */
bool history_list_dumps(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;
/* The same in two steps, for who has something else to do meanwhile. */
bool history_send_list_dumps(struct database *database, struct error *err) MUST_CHECK;
bool history_await_list_dumps(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;

/*
 * Runs, the newest first, `limit` at most; of one config or, with NULL, of all. Columns: id, config_id, the config's name (both null: it was deleted), kind,
 * status, created_at, started_at, finished_at (UTC milliseconds, may be null), size_bytes, dump_path, the level to which it was proven, error.
 */
bool history_list_runs(struct database *database, const char *config_id, bool only_failed, int64_t limit,
    struct database_rows **rows, struct error *err) MUST_CHECK;

/* One run, if there is one. Columns: status, error, dump_path, size_bytes, the dump's SHA-256, how long it took in ms. */
bool history_read_run(
    struct database *database, const char *id, struct database_rows **rows, struct error *err) MUST_CHECK;

/* Every config's id and name, in the order of names; or one config's. */
bool history_list_configs(
    struct database *database, const char *id, struct database_rows **rows, struct error *err) MUST_CHECK;

/* Takes both paths off these rows; done when the second returns true. `ids` is a Postgres array literal, "{id,id}". */
bool history_send_forget_paths(struct database *database, const char *ids, struct error *err) MUST_CHECK;
bool history_await_forget_paths(struct database *database, struct error *err) MUST_CHECK;

#endif
