/*
 * watch: what is looked at before and while a dump is written: room on the volume (jobs/space), and progress (jobs/stall).
 *
 * It reports the progress, too, with what the dump waits for, if it waits for a lock; that is told in the job's log as well, once. Its session with the server is the one with the
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
    struct text waits_for; /* as last seen; empty: nothing */
    bool wait_is_told;
    struct moment next_report; /* of the progress */
};

/* Before the dump. ERROR_REFUSED: there is no room for it. */
bool watch_start(struct watch *watch, struct error *err) MUST_CHECK;

/* While it is written, ten times a second, so that no fast disk gets far in between; `owner` is the watch. False: it has to be stopped. */
bool watch_tick(int64_t bytes, void *owner, struct error *err) MUST_CHECK;

/* After it. */
void watch_end(struct watch *watch);

#endif
