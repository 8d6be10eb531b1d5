/*
 * fetch: decides when to take the next job, and when to wait for one.
 *
 *     OFFLINE --connected--> IDLE --slot free--> MOVING --none--> WAITING --woken--> MOVING; a job: back to IDLE, its slot starts
 *     MOVING --rate limit, or Redis refuses--> RESTING --rested--> IDLE
 *     Shutdown while MOVING: DRAINING waits for the answer, because a job that still comes is ours and has to be given back.
 *
 * MOVING is a fetch on the command connection; WAITING blocks on the queue's marker on a connection of its own. While WAITING, jobs that
 * finish still take their successors on the command connection (slot).
 */
#ifndef CONSUMER_FETCH_H
#define CONSUMER_FETCH_H

#include "consumer/consumer.h"

struct fetch_events {
    bool (*has_free_slot)(void *owner);
    void (*on_job)(struct job *job, const char *token, void *owner); /* takes the job over, into a free slot */
    void (*on_stopped)(void *owner);                                 /* after fetch_stop(): no job comes any more */
    void *owner;
};

struct fetch;

/* `blocking` is the connection to wait on; both stay the caller's, who may free it from fetch_stop() on. `uuid` is this worker's: lock tokens are "<uuid>:<n>". */
struct fetch *fetch_new(
    const struct consumer *consumer, struct link *blocking, const char *uuid, const struct fetch_events *events);
void fetch_connected(struct fetch *fetch);          /* the command connection is up */
void fetch_lost(struct fetch *fetch);               /* and down */
void fetch_blocking_connected(struct fetch *fetch); /* the blocking one is up */
void fetch_slot_free(struct fetch *fetch);          /* a slot became free, and there may be jobs */
void fetch_slot_empty(
    struct fetch *fetch, const struct commands_fetched *none); /* a slot became free, and this said why no job came */
void fetch_stop(struct fetch *fetch);
bool fetch_is_stopped(const struct fetch *fetch);
const char *fetch_problem(const struct fetch *fetch); /* why no job can come now, for people; NULL: one can */
void fetch_free(struct fetch *fetch);                 /* takes NULL */

/* The table, for its test. */
enum fetch_state {
    FETCH_UNTHOUGHT,
    FETCH_OFFLINE,
    FETCH_IDLE,
    FETCH_MOVING,
    FETCH_WAITING,
    FETCH_RESTING,
    FETCH_DRAINING,
    FETCH_STOPPED
};
enum fetch_event {
    FETCH_CONNECTED,
    FETCH_LOST,
    FETCH_SLOT_FREE,
    FETCH_SLOT_EMPTY,
    FETCH_GOT_JOB,
    FETCH_GOT_NONE,
    FETCH_GOT_REST,
    FETCH_REST,
    FETCH_BLOCK,
    FETCH_WOKEN,
    FETCH_RESTED,
    FETCH_SHUTDOWN,
};
#define FETCH_STATES (FETCH_STOPPED + 1)
#define FETCH_EVENTS (FETCH_SHUTDOWN + 1)
enum fetch_state fetch_next_state(enum fetch_state state, enum fetch_event event); /* FETCH_UNTHOUGHT: a hole */

#endif
