#include "cli/queue_look.h"

#include "common/clock.h"
#include "protocol/snapshot.h"

static void
send_overview(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context)
{
    (void)context;
    overview_ask(redis, keys, on_reply, owner);
}

static bool
read_overview(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    return overview_read(reply, lost, context, err);
}

bool
queue_look_overview(struct queue *queue, struct overview *out, struct error *err)
{
    return queue_ask(queue, send_overview, read_overview, out, err);
}

struct look {
    const struct queue *queue;
    void *out;
};

static bool
read_workers(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    const struct look *look = context;

    return overview_read_workers(reply, lost, queue_keys(look->queue), queue_database(look->queue), look->out, err);
}

bool
queue_look_workers(struct queue *queue, struct overview_workers *out, struct error *err)
{
    const char *const words[] = { "CLIENT", "LIST" };
    struct look look = { .queue = queue, .out = out };

    return queue_call(queue, 2, words, read_workers, &look, err);
}

static void
send_snapshot(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context)
{
    (void)context;
    snapshot_read(redis, keys, on_reply, owner);
}

static bool
read_snapshot(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    const struct look *look = context;

    return snapshot_describe(reply, lost, queue_keys(look->queue), wall_now(), look->out, err);
}

bool
queue_look_snapshot(struct queue *queue, struct text *out, struct error *err)
{
    struct look look = { .queue = queue, .out = out };

    text_reset(out);
    if (queue_ask(queue, send_snapshot, read_snapshot, &look, err))
        return true;
    text_reset(out);
    return false;
}
