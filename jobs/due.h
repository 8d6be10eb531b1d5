/*
 * due: the instants at which a schedule is due.
 *
 * Pure, over protocol/cron. Where clocks go back, what comes next depends on where one begins: an hour that occurs twice counts once from
 * before it, and again from within it. Due is only what every beginning finds, so that nobody is blamed for the other.
 */
#ifndef JOBS_DUE_H
#define JOBS_DUE_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/error.h"
#include "protocol/cron.h"

#define DUE_ZONE "Etc/UTC" /* of a schedule that names none, as the app has it */

struct due {
    struct cron_pattern pattern;
    const struct time_zone *zone;
};

/* `zone` may be NULL. ERROR_CONFIG: what is wrong with the pattern or the zone. */
bool due_parse(struct due *due, struct timezones *zones, enum cron_dialect dialect, const char *pattern,
    const char *zone, struct error *err) MUST_CHECK;

/* The first instant after `after`. ERROR_CONFIG: there is none. */
bool due_next(const struct due *due, struct wall after, struct wall *next, struct error *err) MUST_CHECK;

/* The last instant after `after` and not after `until`, however far apart those are. False: there is none. */
bool due_latest(const struct due *due, struct wall after, struct wall until, struct wall *latest);

#endif
