/*
 * follow: a job of the queue, watched to its end, with its progress on the terminal.
 *
 * Redis may go away meanwhile and come back; after FOLLOW_PATIENCE_MS without it, following ends with ERROR_LOST. ERROR_STOPPED: a signal ended
 * it (cli/queue); ERROR_TIMEOUT: `limit_ms` are over. The job goes on, or waits on.
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
    bool has_begun; /* a worker has taken it; set in any case */
    char *value;    /* COMPLETED: its return value, JSON text; FAILED: the reason. The caller frees it. */
};

/* `limit_ms` 0: as long as it takes. */
bool follow_job(
    struct queue *queue, const char *job_id, int64_t limit_ms, struct follow_end *out, struct error *err) MUST_CHECK;

#endif
