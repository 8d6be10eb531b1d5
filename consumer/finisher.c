#include "consumer/finisher.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"

/* Outcomes that go together. */
struct batch {
    struct batch *next; /* of those on their way */
    struct finisher *finisher;
    size_t count;
    struct finisher_item *items[COMMANDS_FINISH_MAX]; /* NULL: forgotten */
};

struct finisher {
    const struct consumer *consumer;
    size_t busy;
    struct batch *waiting; /* for the end of the turn; never full */
    struct batch *sent;
    struct batch *spare; /* the last one that was done with; NULL: none */
    struct event *turn;
};

static struct batch *
batch_new(struct finisher *finisher)
{
    struct batch *batch = finisher->spare == NULL ? memory_new(sizeof(*batch)) : finisher->spare;

    finisher->spare = NULL;
    batch->finisher = finisher;
    batch->count = 0;
    return batch;
}

static void
batch_free(struct batch *batch)
{
    free(batch->finisher->spare);
    batch->finisher->spare = batch;
}

static void
batch_unlink(struct batch *batch)
{
    struct batch **at = &batch->finisher->sent;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
}

static void finisher_send(struct finisher *finisher, struct batch *batch);

static void
send_alone(struct finisher *finisher, struct finisher_item *item)
{
    struct batch *batch = batch_new(finisher);

    item->is_repeated = true;
    batch->items[batch->count++] = item;
    finisher_send(finisher, batch);
}

static void
log_refusal(const redisReply *reply, size_t count)
{
    struct error err;

    if (redis_check_reply(reply, NULL, &err))
        (void)error_set(&err, ERROR_INPUT, "a script answered with something that is no list of their answers");
    log_warn(LOG_EVENT("outcomes refused together"), LOG_NUMBER("jobs", count), LOG_ERROR(&err));
}

static void
on_answers(const redisReply *reply, const struct error *lost, void *owner)
{
    struct batch *batch = owner;
    bool has_each = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == batch->count;
    bool is_refused = reply != NULL && !has_each && batch->count > 1;

    if (is_refused)
        log_refusal(reply, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        struct finisher_item *item = batch->items[i];

        if (item == NULL)
            continue; /* maybe only since another one of them was answered */
        if (is_refused)
            send_alone(batch->finisher, item);
        else
            item->on_reply(has_each ? reply->element[i] : reply, lost, item->owner);
    }
    batch_unlink(batch);
    batch_free(batch);
}

/* Takes the batch over. What was forgotten meanwhile is left out. */
static void
finisher_send(struct finisher *finisher, struct batch *batch)
{
    const struct consumer *consumer = finisher->consumer;
    struct redis *redis = link_redis(consumer->command);
    const struct commands_finish *finishes[COMMANDS_FINISH_MAX];
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i] != NULL) {
            batch->items[count] = batch->items[i];
            finishes[count++] = &batch->items[i]->finish;
        }
    batch->count = count;
    if (redis == NULL || count == 0) {
        /* The connection went while they waited: their owners send them again over the next one. */
        for (size_t i = 0; i < count; i++)
            batch->items[i]->on_reply(NULL, NULL, batch->items[i]->owner);
        batch_free(batch);
        return;
    }
    batch->next = finisher->sent;
    finisher->sent = batch;
    commands_finish(redis, consumer->keys, &consumer->taking, !consumer->is_closing, consumer->limits->metrics_points,
        count, finishes, on_answers, batch);
}

static void
finisher_send_waiting(struct finisher *finisher)
{
    struct batch *batch = finisher->waiting;

    (void)event_del(finisher->turn);
    finisher->waiting = NULL;
    if (batch != NULL)
        finisher_send(finisher, batch);
}

static void
on_turn(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    finisher_send_waiting(argument);
}

void
finisher_put(struct finisher *finisher, struct finisher_item *item)
{
    size_t count;

    item->is_repeated = false;
    if (finisher->waiting == NULL)
        finisher->waiting = batch_new(finisher);
    finisher->waiting->items[finisher->waiting->count] = item;
    count = ++finisher->waiting->count;
    if (count == COMMANDS_FINISH_MAX || count >= (finisher->busy + 1) / 2)
        finisher_send_waiting(finisher);
    else if (count == 1)
        event_active(finisher->turn, EV_TIMEOUT, 0);
}

void
finisher_add_busy(struct finisher *finisher, int change)
{
    finisher->busy = change > 0 ? finisher->busy + 1 : finisher->busy - 1;
}

static void
batch_forget(struct batch *batch, const void *owner)
{
    for (size_t i = 0; batch != NULL && i < batch->count; i++)
        if (batch->items[i] != NULL && batch->items[i]->owner == owner)
            batch->items[i] = NULL;
}

void
finisher_forget(struct finisher *finisher, const void *owner)
{
    batch_forget(finisher->waiting, owner);
    for (struct batch *batch = finisher->sent; batch != NULL; batch = batch->next)
        batch_forget(batch, owner);
}

struct finisher *
finisher_new(const struct consumer *consumer)
{
    struct finisher *finisher = memory_new(sizeof(*finisher));

    finisher->consumer = consumer;
    finisher->turn = event_new(consumer->base, -1, 0, on_turn, finisher);
    if (finisher->turn == NULL)
        abort(); /* out of memory */
    return finisher;
}

void
finisher_free(struct finisher *finisher)
{
    struct redis *redis;

    if (finisher == NULL)
        return;
    redis = link_redis(finisher->consumer->command);
    while (finisher->sent != NULL) {
        struct batch *batch = finisher->sent;
        finisher->sent = batch->next;
        if (redis != NULL)
            redis_forget(redis, batch);
        free(batch);
    }
    free(finisher->waiting);
    free(finisher->spare);
    event_free(finisher->turn);
    free(finisher);
}
