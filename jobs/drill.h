/*
 * drill: the last proof of a dump: it is restored, into a database that nobody uses, and everything is there.
 *
 * pg_restore restores it into a throw-away database (jobs/drill_database) on the server that the URL names, in parallel, and stops at the
 * first thing that does not work. Then the rows of every table are counted, and compared with those that the archive has. Owners,
 * privileges, tablespaces, publications and subscriptions are left out: they are of no use there, and some reach beyond the database.
 */
#ifndef JOBS_DRILL_H
#define JOBS_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"
#include "jobs/archive_contents.h"
#include "jobs/database.h"
#include "jobs/drill_database.h"

typedef void drill_progress_fn(int64_t bytes, void *owner); /* size of the database so far; every few seconds */

struct drill_times {
    int64_t restore_ms; /* with making the database */
    int64_t count_ms;
};

struct drill_order {
    const struct postgres_url *url;          /* where; drill_url() */
    const char *path;                        /* of the archive */
    const struct archive_contents *contents; /* what was found in it */
    int64_t size_bytes;                      /* how much room a restore needs at least */
    int64_t min_free_bytes;                  /* and how much is to be left */
    drill_progress_fn *on_progress;
    void *owner;
    struct drill_times *times;      /* NULL: nobody wants to know */
    enum drill_database_fate *fate; /* the same */
};

/* ERROR_INPUT: it does not restore, or not all of it is there afterwards; ERROR_REFUSED: no drill could be made. */
bool drill_restore(const struct drill_order *order, struct error *err) MUST_CHECK;
const struct postgres_url *drill_url(const struct settings *settings);

/*
 * For a run; without BACKUP_VERIFY=restore, neither does anything. The check comes before hours are spent on a dump: whether the user may, and
 * whether there is room. `source` is a session on the database that is dumped; *size_bytes, how much room a restore needs, is for the proof.
 */
bool drill_check(
    const struct settings *settings, struct database *source, int64_t *size_bytes, struct error *err) MUST_CHECK;
bool drill_prove(const struct settings *settings, int64_t size_bytes, const char *path,
    const struct archive_contents *contents, struct error *err) MUST_CHECK;

/* Drops what dead drills left behind. `session` is on DATABASE_URL's server. */
bool drill_remove_leftovers(
    const struct settings *settings, struct database *session, size_t *removed, struct error *err) MUST_CHECK;

#endif
