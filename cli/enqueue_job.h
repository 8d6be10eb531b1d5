/*
 * enqueue_job: adds the job of a run to the queue, and knows afterwards whether it is there.
 *
 * A connection that is cut before the answer leaves that open: the queue may have the job. Then it is looked for, by the run that it is about,
 * in a queue that is connected to anew, for ENQUEUE_JOB_PATIENCE_MS at most.
 */
#ifndef CLI_ENQUEUE_JOB_H
#define CLI_ENQUEUE_JOB_H

#include "cli/queue.h"

#define ENQUEUE_JOB_PATIENCE_MS 30000

enum enqueue_job {
    ENQUEUE_JOB_ADDED,
    ENQUEUE_JOB_REFUSED, /* it never was in the queue */
    ENQUEUE_JOB_ABSENT,  /* it is not there: it never was, or a worker is done with it already; then its row tells */
    ENQUEUE_JOB_UNKNOWN, /* nobody can say */
};

/* ADDED: `job_id` is the job's, and the caller's to free. Anything else: `err` says why. */
enum enqueue_job enqueue_job_add(
    struct queue *queue, const char *config_id, const char *run_id, char **job_id, struct error *err) MUST_CHECK;

#endif
