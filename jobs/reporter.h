/*
 * reporter: our end of the child protocol (common/report.h): what a job has to say to whoever started it.
 *
 * Lines are written whole, and wait until they are taken. If nobody is left to take them, they are dropped: a job goes on to its end, or is
 * stopped by the signal that comes with its worker's death.
 */
#ifndef JOBS_REPORTER_H
#define JOBS_REPORTER_H

#include <stdint.h>

#include "common/compiler.h"
#include "common/report.h"

/* Before this, lines are dropped. SIGPIPE is ignored from here on. */
void reporter_start(int fd);

/* Instead of a descriptor: whoever runs the job in this very process. It, too, goes on when nobody reads what it prints. */
typedef void reporter_listener_fn(const struct report *report, void *owner);
void reporter_listen(reporter_listener_fn *on_report, void *owner);

#define REPORTER_NO_PERCENT (-1)
/* {"phase":"dump","bytes":N,"percent":P}; without the percentage if there is none */
void reporter_progress(const char *phase, int64_t bytes, int percent);

/* {"phase":"dump","bytes":N,"waitsFor":"..."}: it stands still, and for what */
void reporter_wait(const char *phase, int64_t bytes, const char *waits_for);

/* A row of the job's log, for people. */
void reporter_log(const char *format, ...) PRINTF_LIKE(1, 2);

/* A job for the same queue; `data` and `options` are JSON text. */
void reporter_add(const char *name, const char *data, const char *options);
/* A job scheduler of the same queue, made (anew) for jobs named `run`; and the end of one. */
void reporter_schedule(const char *id, const char *pattern, const char *zone, const char *data, const char *options);
void reporter_unschedule(const char *id);
void reporter_verdict(const struct report *verdict);

#endif
