/*
 * stop: why a job ends before it is done, and the one way to wait.
 *
 * Two reasons: a signal (SIGTERM from the worker, SIGINT or SIGHUP from a terminal), or the deadline of the whole job. Everything that waits in a job
 * process, be it on Postgres, on pg_dump or on the clock, waits here, so that straight-line code can be stopped at each of its waits. Long
 * computations, and a library that waits by itself (jobs/smtp), look in with stop_check().
 *
 * The signals are blocked and read from a descriptor: no handler runs, no call is interrupted. SIGCHLD is among them, and only wakes a wait.
 *
 * stop_shield() opens the last phase, cleaning up or writing down what is done: from then on a signal no longer ends anything at once, and
 * there is a new deadline; one that allows STOP_CLEAN_UP_MS at most after a signal, because soon after it the worker kills. What comes after
 * that phase, and may be given up at any moment, is behind stop_unshield(). One per process; nothing here is to be released.
 */
#ifndef JOBS_STOP_H
#define JOBS_STOP_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/error.h"

#define STOP_CLEAN_UP_MS 1000

/*
 * So long after its deadline a job that hangs where nothing can be waited for (a dead network mount, a stopped process) is killed by a timer
 * of the kernel's: the worker renews its lock as long as it lives. Enough for writing down what is done.
 */
#define STOP_KILL_AFTER_MS 360000

#define STOP_NEVER_NS (INT64_MAX / 2) /* far enough for "never", near enough for arithmetic on it */

bool stop_start(struct moment deadline, struct error *err) MUST_CHECK;

/* What is said past that deadline, if it is another one than that of BACKUP_JOB_LOCK_MINUTES. `words` must outlive the last wait. */
void stop_name_deadline(const char *words);

/* False when the job has to end: ERROR_STOPPED, or ERROR_TIMEOUT past the deadline. */
bool stop_check(struct error *err) MUST_CHECK;
/* The same for loops over many small things: no system call, but for one in a millisecond. */
bool stop_glance(struct error *err) MUST_CHECK;

/*
 * Waits for `events` (as poll has them) on `fd`, or without one if it is -1, up to `until`. True: something may have happened: the
 * descriptor is ready, a child changed, or `until` passed; the caller looks. False: as stop_check().
 */
bool stop_wait(int fd, short events, struct moment until, struct error *err) MUST_CHECK;

void stop_shield(struct moment deadline);
void stop_unshield(void);      /* a signal, and the deadline of stop_start(), end things again */
bool stop_was_requested(void); /* a signal has come, shielded or not */
int stop_signal(void);         /* the first one that has come; 0: none */
bool stop_is_overdue(void);    /* the deadline of stop_start() has passed */

#endif
