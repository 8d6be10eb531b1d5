/*
 * follow: a job of the queue, watched to its end, with its progress on the terminal.
 *
 * Redis may go away meanwhile and come back; after
 * FOLLOW_PATIENCE_MS without it, following ends with ERROR_LOST. ERROR_STOPPED: a signal ended it (cli/queue), and the job goes on.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/queue.h"

#define FOLLOW_PATIENCE_MS 300000

enum follow_outcome {
    FOLLOW_COMPLETED,
    FOLLOW_FAILED,
    FOLLOW_GONE, /* the job is not in the queue any more */
};

struct follow_end {
    enum follow_outcome outcome;
    char *value; /* COMPLETED: its return value, JSON text; FAILED: the reason. The caller frees it. */
};

bool follow_job(struct queue *queue, const char *job_id, struct follow_end *out, struct error *err) MUST_CHECK;

#endif
