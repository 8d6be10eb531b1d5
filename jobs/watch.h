/*
 * watch: what is looked at before and while a dump is written: room on the volume (jobs/space), and progress (jobs/stall).
 *
 * It reports the progress, too, and tells in the job's log, once, what the dump waits for. Its session with the server is the one with the
 * backup lock: pg_dump has its own.
 */
#ifndef JOBS_WATCH_H
#define JOBS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/settings.h"
#include "jobs/database.h"
#include "jobs/stall.h"

struct watch {
    /* the caller's */
    const struct settings *settings;
    struct database *database;
    const char *directory;  /* of the backup */
    int64_t previous_bytes; /* of the last good dump of its schedule; 0: none */

    struct stall stall;
    bool wait_is_told;
    struct moment next_report; /* of the progress */
};

/* Before the dump. ERROR_REFUSED: there is no room for it. */
bool watch_start(struct watch *watch, struct error *err) MUST_CHECK;

/* While it is written, ten times a second, so that no fast disk gets far in between; `owner` is the watch. False: it has to be stopped. */
bool watch_tick(int64_t bytes, void *owner, struct error *err) MUST_CHECK;

#endif
