/*
 * slot: room for one active job, from taking it until Redis has its outcome.
 *
 *     FREE --job--> RUNNING --run over---> FINISHING --answer: next job--> RUNNING
 *                      |                        \------answer: none-------> FREE
 *                      \--lock lost--> ABANDONED --run over--> FREE         (nothing is written)
 *
 * FINISHING waits for Redis as long as it takes: an outcome is kept until it is written or the lock is somebody else's.
 */
#ifndef CONSUMER_SLOT_H
#define CONSUMER_SLOT_H

#include "consumer/consumer.h"

struct slot;

/*
 * The slot has become free. `next`: what the finish said about further jobs, without one; NULL if it was not asked. May start the slot again.
 */
typedef void slot_free_fn(struct slot *slot, const struct commands_fetched *next, void *owner);

struct slot *slot_new(const struct consumer *consumer, slot_free_fn *on_free, void *owner);
bool slot_is_free(const struct slot *slot);
void slot_start(
    struct slot *slot, struct job *job, const char *token);         /* takes the job's members over; copies the token */
bool slot_hold(const struct slot *slot, struct commands_hold *out); /* false: no job whose lock is to be kept */
/* The active job, for people; all of it stays the slot's. False: there is none. */
struct slot_view {
    const struct job *job;
    struct wall began;
    const char *progress; /* JSON text; NULL: none, or nobody watches */
};
bool slot_show(const struct slot *slot, struct slot_view *out);

void slot_connected(struct slot *slot); /* Redis is there again: writes what waits */
void slot_lose(struct slot *slot);      /* its lock is somebody else's */

/* Stops a running job: SIGTERM, SIGKILL after grace_ms; then it goes back to the queue, unless it ended by itself. */
void slot_stop(struct slot *slot, int64_t grace_ms);
void slot_free(struct slot *slot); /* takes NULL; a run that is still there stays with its runner */

#endif
