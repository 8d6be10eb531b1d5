/*
 * repeat: the next job of a schedule, made from the one at hand by whoever takes it (BullMQ 5.76: before it is run).
 *
 * Such a job names its schedule in `rjk` and says in `opts.repeat` when to repeat: `pattern` with `tz`, or `every` so many ms; with `startDate`,
 * `endDate`, `limit` and `count`. The next job has its options, data and name. There are two kinds of schedules:
 * - a job scheduler (and what BullMQ 4 and 5 made of `opts.repeat`, which lives like one): a script makes the next job, once, unless the
 *   scheduler stands elsewhere by now. Of one with `every` the script finds the instant too.
 * - a legacy repeatable, of BullMQ 3 and before, or named by an `opts.repeat.key` of five words: known by a key that says all of it, as in
 *   "name:id:end:tz:pattern", and its jobs by an MD5 sum of that.
 *
 * Pure, but for zone files (protocol/timezone): the time is an argument.
 */
#ifndef PROTOCOL_REPEAT_H
#define PROTOCOL_REPEAT_H

#include "common/clock.h"
#include "common/error.h"
#include "protocol/job.h"
#include "protocol/repeat_legacy.h"
#include "protocol/timezone.h"

enum repeat_kind { REPEAT_ENDS, REPEAT_BY_SCHEDULER, REPEAT_LEGACY };

struct repeat {
    enum repeat_kind kind; /* ENDS: no job follows, and nothing else here is set */
    struct wall now;
    int64_t next_ms;   /* Unix ms; 0, of a scheduler only: `every` decides */
    int64_t every_ms;  /* of the job, for a scheduler that does not say; 0: none */
    int64_t offset_ms; /* the same; of a legacy one, what it is later than next_ms */
    char *options; /* the next job's, but for what its id and time decide: an object without its end, as `{"a":1,` */
    struct repeat_key keys[REPEAT_LEGACY_KEYS]; /* of a legacy one */
};

/* ERROR_CONFIG: the schedule cannot be understood, or has no next instant; the text says which schedule. `out` is the caller's to clear. */
bool repeat_next(
    const struct job *job, struct timezones *zones, struct wall now, struct repeat *out, struct error *err) MUST_CHECK;
void repeat_clear(struct repeat *repeat);

#endif
