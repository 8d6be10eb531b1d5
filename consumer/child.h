/*
 * child: a job process, from its start until it is known what became of it.
 *
 * It is started with the job on its standard input and a pipe for its report (common/report). It has a process group of its own and gets
 * SIGTERM if the worker dies. It is over when its report has ended and it is reaped, in whichever order; then on_done is called once, with
 * the verdict (report_judge). Reports come through on_report, in order, verdicts excepted.
 *
 * What is wanted and what is are two things: child_stop() asks, with SIGTERM, and SIGKILL after the grace time; on_done still comes later. Whoever
 * dies of that without a verdict has not failed: its verdict is `interrupted`. child_limit() asks when the time is over.
 * After the exit, a grandchild that holds the pipe open gets a second, then its group is killed and the report ends there.
 */
#ifndef CONSUMER_CHILD_H
#define CONSUMER_CHILD_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "consumer/runner.h"

/* All children of this process. Owns the handling of SIGCHLD, and reaps orphans that are left to it as process 1. */
struct children;

struct children *children_new(struct event_base *base);
void children_free(struct children *children); /* those still running get SIGTERM, with all their group; takes NULL */

struct child;

/*
 * `argv`: the program, searched in PATH if it has no slash, and its arguments. `job`: what goes to its standard input; copied. A program that
 * cannot be executed is a child that fails: on_done tells. False: not even a process could be made.
 */
bool child_start(struct children *children, char *const *argv, const char *job, size_t job_length,
    const struct runner_events *events, struct child **out, struct error *err) MUST_CHECK;
pid_t child_pid(const struct child *child);
void child_limit(struct child *child, int64_t limit_ms);   /* it is stopped then, with five seconds of grace */
void child_stop(struct child *child, int64_t grace_ms);    /* 0: SIGKILL now. Asking again can only shorten it. */
void child_set_reading(struct child *child, bool reading); /* back-pressure: its report waits in the pipe */

#endif
