/*
 * runner: what runs a job. There are two: a process for each job (consumer/program), and a function of this process (consumer/function).
 *
 * A run is over when on_done is called, once, with its verdict. That may be before start() returns; then the run is NULL.
 */
#ifndef CONSUMER_RUNNER_H
#define CONSUMER_RUNNER_H

#include "common/report.h"
#include "protocol/job.h"

struct runner_events {
    void (*on_report)(struct report *report, void *owner); /* anything but a verdict; may take members out of it */
    void (*on_done)(struct report *verdict, void *owner);  /* the same; the run is gone when it returns */
    void *owner;
};

struct run; /* each runner's own */

struct runner {
    /* The job stays the caller's until on_done. False: it cannot be run now, and on_done is not called. */
    bool (*start)(struct runner *runner, const struct job *job, const struct runner_events *events, struct run **out,
        struct error *err);
    /* Asks it to end, and makes it end after the grace time (0: now); on_done still comes later. Asking again can only shorten it. */
    void (*stop)(struct run *run, int64_t grace_ms);
    /* False: no more reports for now, but they must not be lost. */
    void (*set_reading)(struct run *run, bool reading);
};

#endif
