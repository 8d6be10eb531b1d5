#include "cli/follow.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/progress.h"
#include "common/memory.h"

#define LOOK_EVERY_MS 200

struct look {
    struct progress *progress;
    struct follow_end *end;
    bool is_over;
};

enum { NAME, FINISHED, VALUE, REASON, PROCESSED, PROGRESS, FIELDS };

static char *
copy_field(const redisReply *field)
{
    return field->type == REDIS_REPLY_STRING ? memory_copy(field->str, (size_t)field->len) : NULL;
}

static void
finish(struct look *look, enum follow_outcome outcome, const redisReply *value)
{
    look->end->outcome = outcome;
    look->end->value = copy_field(value);
    look->is_over = true;
}

static bool
is_missing(const redisReply *fields, size_t at)
{
    return fields->element[at]->type == REDIS_REPLY_NIL;
}

static bool
read_fields(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    struct look *look = context;
    char *progress;

    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != FIELDS)
        return error_set(err, ERROR_INPUT, "Redis answered HMGET with something that is no list of fields");
    if (is_missing(reply, NAME))
        finish(look, FOLLOW_GONE, reply->element[NAME]);
    else if (!is_missing(reply, FINISHED) && !is_missing(reply, VALUE))
        finish(look, FOLLOW_COMPLETED, reply->element[VALUE]);
    else if (!is_missing(reply, FINISHED))
        finish(look, FOLLOW_FAILED, reply->element[REASON]);
    else if (is_missing(reply, PROCESSED))
        progress_tell(look->progress, "waiting for a worker", PROGRESS_NONE, 0);
    else {
        look->end->has_begun = true;
        progress = copy_field(reply->element[PROGRESS]);
        progress_tell_report(look->progress, progress);
        free(progress);
    }
    return true;
}

static bool
is_in_time(struct moment began, int64_t limit_ms, struct error *err)
{
    return limit_ms == 0 || !moment_is_past(moment_add_ms(began, limit_ms)) ||
           error_set(err, ERROR_TIMEOUT, "it has not ended within %" PRId64 " s", limit_ms / 1000);
}

bool
follow_job(struct queue *queue, const char *job_id, int64_t limit_ms, struct follow_end *out, struct error *err)
{
    struct progress progress = { .drawn = false };
    struct moment began = moment_now();
    struct look look = { .progress = &progress, .end = out };
    struct moment last_seen = moment_now();
    struct text key = TEXT_EMPTY;
    const char *words[] = { "HMGET", NULL, "name", "finishedOn", "returnvalue", "failedReason", "processedOn",
        "progress" };
    bool ok = true;

    text_format(&key, "%s%s", queue_keys(queue)->base, job_id);
    words[1] = text_string(&key);
    *out = (struct follow_end){ .value = NULL };
    while (ok && !look.is_over) {
        if (queue_call(queue, sizeof(words) / sizeof(words[0]), words, read_fields, &look, err))
            last_seen = moment_now();
        else if (err->code == ERROR_LOST && !moment_is_past(moment_add_ms(last_seen, FOLLOW_PATIENCE_MS)))
            progress_tell(&progress, "waiting for Redis", PROGRESS_NONE, 0);
        else
            ok = false;
        ok = ok && (look.is_over || (is_in_time(began, limit_ms, err) && queue_rest(queue, LOOK_EVERY_MS, err)));
    }
    progress_erase(&progress);
    text_clear(&key);
    return ok;
}
