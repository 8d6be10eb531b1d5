/* dump: pg_dump, writing into a file that we made. */
#ifndef JOBS_DUMP_H
#define JOBS_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"
#include "jobs/database.h"
#include "jobs/snapshot.h"

/* About ten times a second; `bytes` are written so far. False: stop the dump, for this reason. */
typedef bool dump_tick_fn(int64_t bytes, void *owner, struct error *err);

struct dump_order {
    const struct database *database; /* open: what to dump */
    const char *compression;         /* as pg_dump takes it; NULL: its default */
    const char *path;                /* an empty file, */
    int fd;                          /* and open on it */
    const struct snapshot *snapshot; /* which state of the database; NULL: that of the moment */
    dump_tick_fn *on_tick;
    void *owner;
};

/* `warnings` gets what pg_dump said although it succeeded. ERROR_LOST: the connection or pg_dump itself was killed; try again. */
bool dump_write(const struct dump_order *order, struct text *warnings, struct error *err) MUST_CHECK;

bool dump_find_version(struct text *version, struct error *err) MUST_CHECK; /* of pg_dump: "15.18 (Debian ...)" */

/* Before version 16, pg_dump takes but a level for `compression`. ERROR_CONFIG: it is more than that. */
bool dump_check_compression(const char *compression, const char *version, struct error *err) MUST_CHECK;

#endif
