/*
 * schedules: which job follows one that is taken, and a word in the log if none can.
 *
 * A schedule that cannot be understood is told once for each scheduler, pattern and zone. Its job runs all the same.
 */
#ifndef CONSUMER_SCHEDULES_H
#define CONSUMER_SCHEDULES_H

#include "protocol/repeat.h"

struct schedules;

struct schedules *schedules_new(struct timezones *zones); /* which must outlive it */
/* REPEAT_ENDS: none follows. `out` is the caller's to clear. */
void schedules_next(struct schedules *schedules, const struct job *job, struct repeat *out);
void schedules_free(struct schedules *schedules); /* takes NULL */

#endif
