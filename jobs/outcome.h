/*
 * outcome: what follows a run: which ends others are told of (jobs/news), and when.
 *
 *     verdict                                            after-success   webhook, ping   mail
 *     completed, with a dump that this attempt made      yes             yes             if the schedule wants to hear of successes
 *     completed: found done                              no              ping only       no
 *     completed: skipped                                 no              no              no
 *     failed                                             no              yes             yes
 *     failed, and the queue tries again                  no              no: the last attempt has it
 *     any other: the job goes back to the queue          no              no              no
 *
 * A failure is told by whoever closed its row, and by jobs/untold if that is marked: so it is told once, whoever dies meanwhile. If the row could not
 * be written, only those are told who can be without Postgres; the others are when it is (jobs/recover).
 *
 * Nothing of this changes the outcome: what goes wrong is a warning in both logs, and what BACKUP_AFTER_SUCCESS does wrong is told to all.
 */
#ifndef JOBS_OUTCOME_H
#define JOBS_OUTCOME_H

#include "common/clock.h"
#include "common/report.h"
#include "common/settings.h"
#include "jobs/backup.h"
#include "jobs/database.h"
#include "jobs/run_row.h"

struct outcome {
    const struct payload *payload;
    const struct report *verdict;
    const char *config_name; /* NULL: not known */
    const struct run_row *row;
    const char *explanation; /* of a failure; NULL: none */
    struct moment began;
    const struct backup *backup; /* with names if this attempt published it */
    bool was_done_before;
};

/* When a run begins: a ping. */
void outcome_tell_start(const struct settings *settings);

/* At the very end of a run: gives the advisory lock back first. `database` may be NULL: there was no session, so nobody can be told. */
void outcome_tell(struct database *database, const struct settings *settings, const struct outcome *outcome);

#endif
