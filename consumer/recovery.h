/*
 * recovery: starts the recovery program after an attempt that ended badly, so that what it left behind does not wait for the next job.
 *
 * It is a child (consumer/child); on its standard input it gets the job, and what is known of the failure (common/report). It may say `log`, which goes
 * to our own log. Its verdict: `completed`, it is done; anything else, it is started again, as long as the attempt has not been over for
 * give_up_ms: what it needs may be back by then.
 *
 * One at a time; the others wait, RECOVERY_MOST at most. One that fails goes behind the others, and the next start waits for first_ms, which doubles
 * with each further failure up to most_ms. Nothing here needs Redis, and no job's outcome waits for it.
 *
 * All functions but the first take NULL, for a worker without a recovery program.
 */
#ifndef CONSUMER_RECOVERY_H
#define CONSUMER_RECOVERY_H

#include "consumer/child.h"
#include "consumer/consumer.h"

struct recovery;

#define RECOVERY_MOST 1000

struct recovery_options {
    struct children *children;
    char *const *argv; /* as child_start() takes it; stays the caller's */
    int64_t limit_ms;  /* how long it may take */
    int64_t first_ms;
    int64_t most_ms;
    int64_t give_up_ms;
    void (*on_stopped)(void *owner); /* after recovery_stop(), but not from inside it */
    void *owner;
};

#define RECOVERY_OPTIONS                                                                                               \
    ((struct recovery_options){ .limit_ms = 900000, .first_ms = 5000, .most_ms = 60000, .give_up_ms = 3600000 })

struct recovery *recovery_new(const struct consumer *consumer, const struct recovery_options *options);
void recovery_ask(struct recovery *recovery, const struct job *job, const struct report_failure *failure);
void recovery_stop(struct recovery *recovery, int64_t grace_ms); /* for good; what waits is dropped */
bool recovery_is_stopped(const struct recovery *recovery);
void recovery_free(struct recovery *recovery); /* a child that is still there stays with the children */

#endif
