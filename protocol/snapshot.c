#include "protocol/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define NUMBER(number) #number
#define NUMBER_TEXT(number) NUMBER(number)
#define ALL_BYTES "4194304" /* of all names, data and reasons together: locks are renewed behind it */

void
snapshot_read(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner)
{
    const char *const words[] = { keys->base, NUMBER_TEXT(SNAPSHOT_MOST), NUMBER_TEXT(SNAPSHOT_DATA_MAX), ALL_BYTES };
    size_t lengths[4];

    for (size_t i = 0; i < 4; i++)
        lengths[i] = strlen(words[i]);
    redis_eval(redis, &script_snapshot, 4, words, lengths, on_reply, owner);
}

/* An element of a list: a string; NULL if it is nil or anything else. */
static const redisReply *
string_at(const redisReply *list, size_t at)
{
    return at < list->elements && list->element[at]->type == REDIS_REPLY_STRING ? list->element[at] : NULL;
}

static const redisReply *
list_at(const redisReply *list, size_t at)
{
    return at < list->elements && list->element[at]->type == REDIS_REPLY_ARRAY ? list->element[at] : NULL;
}

static bool
flag_at(const redisReply *list, size_t at)
{
    return list->element[at]->type == REDIS_REPLY_INTEGER && list->element[at]->integer == 1;
}

static void
add_string(struct text *out, const redisReply *string)
{
    if (string == NULL)
        text_add(out, "null");
    else
        text_add_json(out, string->str, (size_t)string->len);
}

/* JSON as it is; null if it is none. */
static void
add_value(struct text *out, const redisReply *json)
{
    struct error err;

    if (json != NULL && json_check(json->str, (size_t)json->len, &err))
        text_add_bytes(out, json->str, (size_t)json->len);
    else
        text_add(out, "null");
}

/* Milliseconds as somebody else wrote them; null if they are none. */
static void
add_ms(struct text *out, const redisReply *string)
{
    int64_t ms;

    if (string != NULL && text_parse_integer(string->str, (size_t)string->len, 0, INT64_MAX, &ms))
        text_format(out, "%" PRId64, ms);
    else
        text_add(out, "null");
}

static void
add_fields(struct text *out, const redisReply *fields)
{
    const char *separator = "";

    text_add(out, ",\"fields\":{");
    for (size_t i = 0; fields != NULL && i + 1 < fields->elements; i += 2) {
        if (string_at(fields, i) == NULL)
            continue; /* no name of a field */
        text_add(out, separator);
        separator = ",";
        add_string(out, string_at(fields, i));
        text_add(out, ":");
        add_string(out, string_at(fields, i + 1));
    }
    text_add(out, "}");
}

static void
add_pending_job(struct text *out, const redisReply *job)
{
    if (job == NULL) {
        text_add(out, ",\"job\":null}");
        return;
    }
    text_add(out, ",\"job\":{\"id\":");
    add_string(out, string_at(job, 0));
    text_add(out, ",\"state\":");
    add_string(out, string_at(job, 1));
    text_add(out, ",\"data\":");
    add_value(out, string_at(job, 2));
    text_add(out, "}}");
}

static void
add_scheduler(struct text *out, const redisReply *scheduler)
{
    text_add(out, "{\"id\":");
    add_string(out, string_at(scheduler, 0));
    text_add(out, ",\"next\":");
    add_ms(out, string_at(scheduler, 1));
    add_fields(out, list_at(scheduler, 2));
    add_pending_job(out, list_at(scheduler, 3));
}

static void
add_job(struct text *out, const redisReply *job)
{
    const redisReply *reason = string_at(job, 5);

    text_add(out, "{\"id\":");
    add_string(out, string_at(job, 0));
    text_add(out, ",\"name\":");
    add_string(out, string_at(job, 1));
    text_add(out, ",\"state\":");
    add_string(out, string_at(job, 2));
    text_add(out, ",\"data\":");
    add_value(out, string_at(job, 3));
    text_add(out, ",\"timestamp\":");
    add_ms(out, string_at(job, 4));
    if (reason != NULL) {
        text_add(out, ",\"failedReason\":");
        add_string(out, reason);
    }
    text_add(out, "}");
}

static void
add_list(struct text *out, const char *name, const redisReply *list, void (*add)(struct text *, const redisReply *))
{
    text_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < list->elements; i++) {
        text_add(out, i == 0 ? "" : ",");
        add(out, list->element[i]);
    }
    text_add(out, "]");
}

bool
snapshot_describe(const redisReply *reply, const struct error *lost, const struct keys *keys, struct wall now,
    struct text *out, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5 || list_at(reply, 3) == NULL ||
        list_at(reply, 4) == NULL)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no snapshot");
    text_add(out, "{\"queue\":");
    text_add_json(out, keys->queue, strlen(keys->queue));
    text_add(out, ",\"prefix\":");
    text_add_json(out, keys->prefix, strlen(keys->prefix));
    text_add(out, ",\"version\":");
    add_string(out, string_at(reply, 0));
    text_format(out, ",\"now\":%" PRId64 ",\"paused\":%s,\"complete\":%s", now.ms, flag_at(reply, 1) ? "true" : "false",
        flag_at(reply, 2) ? "true" : "false");
    add_list(out, "schedulers", reply->element[3], add_scheduler);
    add_list(out, "jobs", reply->element[4], add_job);
    text_add(out, "}\n");
    return true;
}

int64_t
snapshot_schedulers(const redisReply *reply)
{
    return (int64_t)reply->element[3]->elements;
}
