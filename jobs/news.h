/*
 * news: how a run went, and telling it to everybody who wants to know: a webhook, a ping URL, the people of the schedule.
 *
 * One after the other, in that order. Each has a time of its own, is given up when the worker stops the job, and must hold up nobody: whoever
 * tells gave the advisory lock back before. Somebody who cannot be told is a warning in the log and in the job's log, and changes nothing. Who
 * took too long once is not asked again by this process: so a dead server costs its time once, however many runs there are to tell of, and
 * takes no time from the others.
 */
#ifndef JOBS_NEWS_H
#define JOBS_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/settings.h"
#include "jobs/database.h"

#define NEWS_MS 75000 /* at most, for all of it */

enum news_kind {
    NEWS_COMPLETED,
    NEWS_FAILED,
    NEWS_MISSED, /* there was no run when one was due */
};

struct news {
    enum news_kind kind;
    const char *config_id;
    const char *config_name; /* NULL: not known */
    const char *run_id;      /* NULL: there is none */
    const char *error;       /* NULL exactly if completed */
    const char *explanation; /* what else people should know of the error; NULL: nothing */
    bool only_people;        /* everybody else knows already */
    /* completed only */
    const char *filename;
    int64_t size_bytes;
    const char *sha256;
    const char *verified; /* the level, as BACKUP_VERIFY has it */
    int64_t duration_ms;
    const char *after_success; /* why what BACKUP_AFTER_SUCCESS says went wrong; NULL: it did not */
};

/*
 * `database` may be NULL: there is no session, so that nobody can be found to send a mail to. False: it was given up, because the worker stopped
 * the job, or the job's time was over.
 */
bool news_tell(struct database *database, const struct settings *settings, const struct news *news);
bool news_are_held_up(void); /* somebody is not asked again */

#endif
