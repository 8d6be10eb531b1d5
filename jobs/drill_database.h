/*
 * drill_database: a throw-away database, made empty, dropped at the end.
 *
 *     weavestream_drill_<8 hex digits>
 *
 * It is made like the database that the URL names: same encoding, same locale. Whoever makes one keeps a session open in the URL's database,
 * its keeper, which is named after it: "weavestream-backup drill <8 hex digits>". Such a database without its keeper is left over from a
 * drill that was killed, and is dropped by the next one, or by recovery. The keeper is there before the database and ends after it, so a
 * drill that is alive is never taken for a dead one.
 */
#ifndef JOBS_DRILL_DATABASE_H
#define JOBS_DRILL_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/postgres_url.h"
#include "jobs/database.h"

struct drill_database;

/* What has become of one. */
enum drill_database_fate {
    DRILL_DATABASE_NEVER_MADE = 0,
    DRILL_DATABASE_DROPPED,
    DRILL_DATABASE_LEFT, /* or it may be */
};

/* Leftovers of dead drills are dropped first. `url` must outlive it. NULL: failed, and *fate says what there was of it. */
struct drill_database *drill_database_create(
    const struct postgres_url *url, enum drill_database_fate *fate, struct error *err) MUST_CHECK;
const char *drill_database_name(const struct drill_database *drill);
struct database *drill_database_keeper(const struct drill_database *drill);

/* Ends the sessions that are still in it, too. False: it is there still; drill_database_abandon() is next. */
bool drill_database_drop(struct drill_database *drill, struct error *err) MUST_CHECK;
/* The same on the way out of a failure, for which the job is shielded (jobs/stop): what is not dropped in time is logged, and left over. */
enum drill_database_fate drill_database_abandon(struct drill_database *drill);
void drill_database_free(struct drill_database *drill); /* the keeper; NULL is fine */

/* Drops what dead drills left behind on the server of `session`. One that cannot be dropped is logged, and let be. */
bool drill_database_remove_leftovers(struct database *session, size_t *removed, struct error *err) MUST_CHECK;

/* ERROR_REFUSED, with what to do about it: the user of `session` may not create databases. */
bool drill_database_check_right(struct database *session, struct error *err) MUST_CHECK;

#endif
