/*
 * retention: which dumps stay. Pure arithmetic, in UTC: no clock, no database, no files.
 *
 * Kept is the union of: the newest row; the newest that was proven; the `keep_last` newest; the newest row of each of the newest `daily` days,
 * `weekly` ISO weeks and `monthly` months that have rows. A row without a time falls in no bucket, sorts last, and is always kept: nobody knows what it is.
 */
#ifndef JOBS_RETENTION_H
#define JOBS_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#define RETENTION_DEFAULT ((struct retention){ 3, 7, 4, 12 })

struct retention {
    int keep_last; /* 3; 0 to 100 */
    int daily;     /* 7; 0 to 365 */
    int weekly;    /* 4; 0 to 104 */
    int monthly;   /* 12; 0 to 120 */
};

/*
 * From the JSON of backup_config.retention: an object with keepLast, daily, weekly, monthly. A missing member takes its default, a number is
 * floored and clamped. Anything else is ERROR_INPUT: what nobody understands must not delete anything.
 */
bool retention_parse(const char *json, size_t length, struct retention *out, struct error *err) MUST_CHECK;

enum retention_reason {
    RETENTION_NEWEST = 1,
    RETENTION_LAST = 2,
    RETENTION_DAILY = 4,
    RETENTION_WEEKLY = 8,
    RETENTION_MONTHLY = 16,
    RETENTION_NO_TIME = 32,
    RETENTION_PROVEN = 64,
};

struct retention_row {
    struct wall time;
    size_t rank;      /* out: 1 for the newest */
    unsigned reasons; /* out: to keep it; 0: it goes */
    bool has_time;
    bool is_proven; /* all of it was read back once, or restored */
};

/* Fills in the reasons. The order of the rows is the caller's, and decides between rows of the same time: the first is the newest. */
void retention_apply(const struct retention *retention, struct retention_row *rows, size_t count);

/* "newest, newest proven, last 3, daily 2026-07-01, weekly 2026-W27, monthly 2026-07" */
void retention_add_reasons(const struct retention *retention, const struct retention_row *row, struct text *out);
/* Beyond which a row goes: "last 3, daily 7, weekly 4, monthly 12" */
void retention_add_limits(const struct retention *retention, struct text *out);

#endif
