/* counts: how many jobs a queue has of each state, by one script that writes nothing. */
#ifndef PROTOCOL_COUNTS_H
#define PROTOCOL_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/keys.h"
#include "protocol/redis.h"

#define COUNTS_STATES 7

struct counts {
    int64_t jobs[COUNTS_STATES]; /* of the state with this number */
    bool paused;                 /* the queue is; its jobs count as waiting */
};

/* As BullMQ calls it: waiting, active, delayed, prioritized, waiting-children, completed, failed. */
const char *counts_state_name(int state);

void counts_read(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner);

/* ERROR_REFUSED, ERROR_LOST: there is no reply. ERROR_INPUT: it has no counts. */
bool counts_take(const redisReply *reply, const struct error *lost, struct counts *out, struct error *err) MUST_CHECK;

#endif
