#include "protocol/counts.h"

#include <string.h>

static const char *const names[COUNTS_STATES] = { "waiting", "active", "delayed", "prioritized", "waiting-children",
    "completed", "failed" };

const char *
counts_state_name(int state)
{
    return names[state];
}

void
counts_read(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner)
{
    const char *const words[] = { keys->base };
    const size_t lengths[] = { keys->base_length };

    redis_eval(redis, &script_counts, 1, words, lengths, on_reply, owner);
}

bool
counts_take(const redisReply *reply, const struct error *lost, struct counts *out, struct error *err)
{
    struct counts result;

    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != COUNTS_STATES + 1)
        return error_set(err, ERROR_INPUT, "redis: the reply has no counts");
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return error_set(err, ERROR_INPUT, "redis: a count is no number");
    for (size_t i = 0; i < COUNTS_STATES; i++)
        result.jobs[i] = reply->element[i]->integer;
    result.paused = reply->element[COUNTS_STATES]->integer == 1;
    *out = result;
    return true;
}
