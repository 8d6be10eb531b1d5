/*
 * published: the dump that an attempt put in place before it died without writing its row.
 *
 * A dump under its final name was proven and has its manifest (jobs/store), and the manifest names the run. So a row that is still `running` knows
 * less than the directory does; after a restore of a dump that holds its own run as well.
 */
#ifndef JOBS_PUBLISHED_H
#define JOBS_PUBLISHED_H

#include "common/text.h"
#include "jobs/store.h"
#include "jobs/store_draft.h"

#define PUBLISHED_READ_MAX ((int64_t)512 * 1024 * 1024) /* a greater dump would keep others from the lock */

struct published {
    struct store_names names;
    char *manifest;     /* JSON text; NULL: there is none that names this run */
    int64_t size_bytes; /* -1: there is no dump beside it: the attempt died between the two */
};

/*
 * Looks for the dump of the run that began at `started`. It counts if its size is that of the manifest, and, up to PUBLISHED_READ_MAX bytes, its SHA-256
 * too; one that does not fit, or cannot be read, is told in the log, and is none. False: stopped. The caller clears `out`.
 */
bool published_find(const struct store *store, const char *run_id, struct wall started, struct published *out,
    bool *found, struct error *err) MUST_CHECK;
void published_clear(struct published *published);

/* Adds "id,id", the runs that a manifest without a dump names; PUBLISHED_LONELY_MAX at most. False: the directory cannot be read. */
#define PUBLISHED_LONELY_MAX 1000
bool published_add_lonely(const struct store *store, struct text *ids, struct error *err) MUST_CHECK;

#endif
