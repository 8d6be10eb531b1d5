#include "consumer/locks.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"

struct locks {
    const struct consumer *consumer;
    struct slot *const *slots;
    size_t count;
    struct commands_hold *holds; /* room for `count` */
    struct moment due;           /* of the next renewal */
    struct moment sent;          /* the last one */
    struct event *timer;
};

/*
 * Only where both are the same: by now another slot may have this job, taken anew with a token of its own, and this slot another job, taken with
 * the same token as it finished the last one.
 */
static void
locks_tell_lost(struct locks *locks, const char *id, const char *token)
{
    struct commands_hold hold;

    for (size_t i = 0; i < locks->count; i++)
        if (slot_hold(locks->slots[i], &hold) && strcmp(hold.id, id) == 0 && strcmp(hold.token, token) == 0)
            slot_lose(locks->slots[i]);
}

static void
on_renewed(const redisReply *reply, const struct error *lost, void *owner)
{
    struct locks *locks = owner;
    struct error err;

    if (reply == NULL)
        return; /* the link tells, and it is done anew over the next connection */
    locks->consumer->counters->renewal_answer_ms = moment_ms_between(locks->sent, moment_now());
    if (!commands_read_list(reply, lost, &err)) {
        locks->consumer->counters->renewal_failures++;
        log_warn(LOG_EVENT("locks not renewed"), LOG_ERROR(&err));
        return;
    }
    locks->consumer->counters->renewals++;
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        locks_tell_lost(locks, reply->element[i]->str, reply->element[i + 1]->str);
}

/* The last renewal was sent at `sent`, the next one will be half a lock's life later. */
static void
locks_note_time(struct locks *locks)
{
    int64_t half_ms = locks->consumer->taking.lock_ms / 2;
    int64_t late_ms = moment_ms_between(locks->due, moment_now());

    locks->consumer->counters->renewal_late_ms = late_ms < 0 ? 0 : late_ms;
    locks->sent = moment_now();
    locks->due = moment_add_ms(locks->sent, half_ms);
    consumer_set_timer(locks->timer, half_ms);
}

void
locks_renew(struct locks *locks)
{
    struct redis *redis = link_redis(locks->consumer->command);
    size_t held = 0;

    locks_note_time(locks);
    (void)log_flush(); /* lines that standard error did not take when they were written */
    for (size_t i = 0; i < locks->count; i++)
        if (slot_hold(locks->slots[i], &locks->holds[held]))
            held++;
    if (redis != NULL && held > 0 && !locks->consumer->limits->skip_lock_renewal)
        commands_extend_locks(
            redis, locks->consumer->keys, locks->consumer->taking.lock_ms, held, locks->holds, on_renewed, locks);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    locks_renew(argument);
}

struct locks *
locks_new(const struct consumer *consumer, struct slot *const *slots, size_t count)
{
    struct locks *locks = memory_new(sizeof(*locks));

    *locks = (struct locks){ .consumer = consumer, .slots = slots, .count = count, .due = moment_now() };
    locks->holds = memory_new(count * sizeof(*locks->holds));
    locks->timer = event_new(consumer->base, -1, 0, on_timer, locks);
    if (locks->timer == NULL)
        abort(); /* out of memory */
    locks_renew(locks);
    return locks;
}

void
locks_free(struct locks *locks)
{
    struct redis *redis;

    if (locks == NULL)
        return;
    redis = link_redis(locks->consumer->command);
    if (redis != NULL)
        redis_forget(redis, locks);
    event_free(locks->timer);
    free(locks->holds);
    free(locks);
}
