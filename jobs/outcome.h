/*
 * outcome: what follows a run: which ends others are told of (jobs/news), and when.
 *
 *     verdict                                            after-success   webhook, ping   mail
 *     completed, with a dump                             yes             yes             if the schedule wants to hear of successes
 *     completed: found done by another job               no              ping only       no
 *     completed: skipped                                 no              no              no
 *     failed                                             no              yes             yes
 *     failed, and the queue tries again                  no              no: the last attempt has it
 *     any other: the job goes back to the queue          no              no              no
 *
 * A success whose command or telling is broken off, because the worker is stopped, is `interrupted`: the job goes back to the queue. The next attempt
 * finds the run done and does again what follows it, all of it: after a death, or a stop, some may hear of a success twice, rather than not at all. A
 * run that is alone, without a queue, stays `completed`, since there is no next attempt.
 *
 * A failure is told by whoever closed its row, and by jobs/untold if that is marked: so it is told once, whoever dies meanwhile. If the row could not
 * be written, those are told who can be without Postgres, and the verdict says so; people are when it is back (jobs/recover). If a dump is
 * published and its row could not be written, nobody is told of a failure: the recovery makes it a success, and tells that.
 *
 * What else goes wrong does not change the outcome: it is a warning in both logs, and what BACKUP_AFTER_SUCCESS does wrong is told to all.
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
    struct report *verdict;  /* may become `interrupted`; a failure that was told may be marked so */
    const char *config_name; /* NULL: not known */
    const struct run_row *row;
    const char *explanation; /* of a failure; NULL: none */
    struct moment began;
    const struct backup *backup; /* with names if this attempt published it, or takes over from the one that did */
    const char *verified;        /* the level; NULL: not known */
    bool was_done_before;
};

/* When a run begins: a ping. */
void outcome_tell_start(const struct settings *settings);

/* At the very end of a run: gives the advisory lock back first. `database` may be NULL: there was no session, so nobody can be told. */
void outcome_tell(struct database *database, const struct settings *settings, const struct outcome *outcome);

#endif
