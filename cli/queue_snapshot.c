#include "cli/queue_snapshot.h"

#include "common/clock.h"
#include "protocol/snapshot.h"

struct described {
    const struct keys *keys;
    struct text *out;
};

static void
send_snapshot(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context)
{
    (void)context;
    snapshot_read(redis, keys, on_reply, owner);
}

static bool
describe_snapshot(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    const struct described *described = context;

    return snapshot_describe(reply, lost, described->keys, wall_now(), described->out, err);
}

bool
queue_snapshot_take(struct queue *queue, struct text *out, struct error *err)
{
    struct described described = { .keys = queue_keys(queue), .out = out };
    bool ok;

    text_reset(out);
    ok = queue_ask(queue, send_snapshot, describe_snapshot, &described, err);
    if (!ok)
        text_reset(out);
    return ok;
}
