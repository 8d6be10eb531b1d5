/*
 * aftermath: the SQL of what dead attempts leave in backup_run: rows that nobody works on any more, and failures that nobody was told of.
 *
 * A failure is marked in its row, manifest '{"untold":true}', from the statement that sets it to `failed` until it was told. Who
 * tells it holds a session lock of the row's (jobs/lock); so a mark whose lock is free is one whose teller has died, or has not begun. A row that is
 * started again keeps its mark: somebody may just be telling of it.
 */
#ifndef JOBS_AFTERMATH_H
#define JOBS_AFTERMATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/error.h"
#include "jobs/database.h"
#include "jobs/history.h"

#define AFTERMATH_UNTOLD "{\"untold\":true}"

struct aftermath_row {
    const char *id;
    const char *config_id; /* NULL: the config is deleted */
    bool is_scheduled;
    enum history_status status;
    struct wall started;  /* 0: never */
    struct wall finished; /* 0: not yet */
    int64_t age_ms;       /* since it was made, by Postgres' clock */
    bool is_untold;       /* marked */
    bool is_made_good;    /* scheduled, and another run of the config that began later has succeeded */
    const char *error;
    const char *dump_path;
    int64_t size_bytes;
    const char *manifest; /* JSON text */
};

struct aftermath {
    struct database_rows *result; /* whose the strings are */
    struct aftermath_row *rows;
    size_t count;
};

/* The newest first, 1000 at most. The caller clears `out`, in either case. `ids` is a Postgres array literal. */
bool aftermath_find(struct database *database, const char *ids, struct aftermath *out, struct error *err) MUST_CHECK;
bool aftermath_find_running(struct database *database, struct aftermath *out, struct error *err) MUST_CHECK;
/* Failed ones. */
bool aftermath_find_untold(struct database *database, struct aftermath *out, struct error *err) MUST_CHECK;
void aftermath_clear(struct aftermath *aftermath);

/* To `failed`, and untold, from the very state in which the row was found; *changed tells whether it was still in it. */
bool aftermath_fail(struct database *database, const struct aftermath_row *row, const char *reason, bool *changed,
    struct error *err) MUST_CHECK;

/* A SCHEDULED row for an attempt that did not come to make its own: failed, and untold. Not if it, or no config, is there. */
bool aftermath_insert(struct database *database, const char *id, const char *config_id, const char *reason,
    bool *changed, struct error *err) MUST_CHECK;

/* These rows were told of, or need not be. */
bool aftermath_unmark(struct database *database, const char *ids, struct error *err) MUST_CHECK;

#endif
