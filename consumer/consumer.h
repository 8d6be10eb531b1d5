/* consumer: what the rooms of the loop share: the queue, the connection for commands, and the worker's parameters. */
#ifndef CONSUMER_CONSUMER_H
#define CONSUMER_CONSUMER_H

#include <event2/event.h>

#include "consumer/child.h"
#include "protocol/commands.h"
#include "protocol/keys.h"
#include "protocol/link.h"

struct consumer {
    struct event_base *base;
    const struct keys *keys;
    struct link *command; /* link_redis(command) is NULL while Redis is away */
    struct children *children;
    struct commands_taking taking;
    char *const *program; /* argv of the job program, NULL at its end */
    int64_t stalled_ms;   /* between two looks for stalled jobs */
    bool is_closing;      /* no new job is taken */
};

/* Starts a timer of the loop, or starts it anew. */
static inline void
consumer_set_timer(struct event *timer, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

    (void)event_add(timer, &wait); /* fails only without memory */
}

#endif
