#include "consumer/stalled.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/ledger.h"

struct stalled {
    const struct consumer *consumer;
    struct locks *locks;
    bool was_connected; /* before */
    bool is_late;       /* the next look was put off since the last one */
    struct event *timer;
};

static void
on_looked(const redisReply *reply, const struct error *lost, void *owner)
{
    struct stalled *stalled = owner;
    struct commands_recovered found;
    struct error err;

    if (reply == NULL)
        return; /* the link tells, and it is done anew over the next connection */
    if (!commands_read_recovered(reply, lost, &found, &err)) {
        log_warn(LOG_EVENT("no look for stalled jobs"), LOG_ERROR(&err));
        return;
    }
    for (size_t i = 0; i < found.count; i++)
        log_warn(LOG_EVENT("stalled job put back"), LOG_TEXT("job", found.ids[i]->str));
    ledger_saw(stalled->consumer->ledger, found.schedulers);
}

/* A little later than the throttle of the last look ends, or every other look would be in vain. */
static void
stalled_set_timer(struct stalled *stalled)
{
    consumer_set_timer(stalled->timer, stalled->consumer->limits->stalled_ms * 21 / 20);
}

static void
stalled_look(struct stalled *stalled)
{
    struct redis *redis = link_redis(stalled->consumer->command);
    const struct consumer_limits *limits = stalled->consumer->limits;

    stalled->is_late = false;
    locks_renew(stalled->locks);
    stalled_set_timer(stalled);
    if (redis != NULL)
        commands_recover_stalled(
            redis, stalled->consumer->keys, limits->stalled_ms, limits->max_stalled, on_looked, stalled);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    stalled_look(argument);
}

void
stalled_connected(struct stalled *stalled)
{
    bool is_first = !stalled->was_connected;

    stalled->was_connected = true;
    if (stalled->consumer->limits->stalled_ms == 0 || !is_first)
        locks_renew(stalled->locks);
    if (stalled->consumer->limits->stalled_ms == 0)
        return;
    if (is_first)
        stalled_look(stalled);
    else if (stalled->is_late) /* and not again and again with a connection that never lasts for an interval */
        return;
    else {
        stalled->is_late = true;
        stalled_set_timer(stalled);
    }
}

struct stalled *
stalled_new(const struct consumer *consumer, struct locks *locks)
{
    struct stalled *stalled = memory_new(sizeof(*stalled));

    stalled->consumer = consumer;
    stalled->locks = locks;
    stalled->timer = event_new(consumer->base, -1, 0, on_timer, stalled);
    if (stalled->timer == NULL)
        abort(); /* out of memory */
    return stalled;
}

void
stalled_free(struct stalled *stalled)
{
    struct redis *redis;

    if (stalled == NULL)
        return;
    redis = link_redis(stalled->consumer->command);
    if (redis != NULL)
        redis_forget(redis, stalled);
    event_free(stalled->timer);
    free(stalled);
}
