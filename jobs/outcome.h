/*
 * outcome: which ends of a run people are told of, and when.
 *
 *     verdict                                            mail
 *     completed, with a dump that this attempt made      if the schedule wants to hear of successes
 *     completed: skipped, or found done                  none
 *     failed                                             yes
 *     failed, and the queue tries again                  none: the last attempt has it
 *     any other: the job goes back to the queue          none
 *
 * One mail for one outcome, and nothing that happens to it changes the outcome: a failure is a warning in both logs.
 */
#ifndef JOBS_OUTCOME_H
#define JOBS_OUTCOME_H

#include "common/report.h"
#include "common/settings.h"
#include "jobs/database.h"
#include "jobs/payload.h"

struct outcome {
    const struct payload *payload;
    const struct report *verdict;
    const char *filename; /* of the dump that this attempt published; "": none */
    int64_t size_bytes;
};

/* At the very end of a job: gives the advisory lock back first. `database` may be NULL: there was no session, so nobody can be told. */
void outcome_tell(struct database *database, const struct settings *settings, const struct outcome *outcome);

#endif
