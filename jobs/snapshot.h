/*
 * snapshot: one state of the database, held for a dump: pg_dump dumps exactly it, and what must be in the dump was read in it.
 *
 * It lives in a session of its own, named "weavestream-backup snapshot", and as long as that: what fails there does not touch the session
 * with the lock. It is wanted until pg_dump has ended; once pg_dump has begun, its loss does no harm.
 */
#ifndef JOBS_SNAPSHOT_H
#define JOBS_SNAPSHOT_H

#include <stdbool.h>

#include "common/error.h"
#include "common/postgres_url.h"
#include "jobs/archive_contents.h"
#include "jobs/database.h"

struct snapshot {
    struct database *database;
    char id[64];       /* for pg_dump's --snapshot */
    char encoding[64]; /* the database's own: names are read in it, and the dump is to be written in it */
    struct archive_contents contents; /* what must be in the dump; in the database's encoding, as the dump is to be */
};

#define SNAPSHOT_EMPTY ((struct snapshot){ .database = NULL })

/* `url` must outlive it. `out` is empty before; the caller closes it in either case. */
bool snapshot_open(const struct postgres_url *url, struct snapshot *out, struct error *err) MUST_CHECK;
void snapshot_end(struct snapshot *snapshot); /* its session; id and contents stay */
void snapshot_clear(struct snapshot *snapshot);

#endif
