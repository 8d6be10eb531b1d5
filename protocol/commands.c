#include "protocol/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "protocol/pack.h"

#define MAX_WORDS (9 + COMMANDS_FINISH_MAX * 12) /* of a finish, the longest */
/* What a blocked read may take beyond its own time before the connection counts as lost. */
#define WAIT_PATIENCE_MS 2000

/*
 * The words of one script call: the queue's key first, then the arguments. Numbers keep their text here. There is one, for the call that is being
 * put together: between start_words() and send_words() nothing else happens.
 */
static struct words {
    size_t count;
    const char *words[MAX_WORDS];
    size_t lengths[MAX_WORDS];
    char numbers[MAX_WORDS][TEXT_INTEGER_SIZE];
} the_words;

static void
add_bytes(struct words *words, const char *bytes, size_t length)
{
    words->words[words->count] = bytes;
    words->lengths[words->count] = length;
    words->count++;
}

static void
add_string(struct words *words, const char *string)
{
    add_bytes(words, string == NULL ? "" : string, string == NULL ? 0 : strlen(string));
}

static void
add_number(struct words *words, int64_t number)
{
    char *text = words->numbers[words->count];

    add_bytes(words, text, text_put_integer(text, number));
}

static void
add_number_or_nothing(struct words *words, int64_t number, bool is_set)
{
    if (is_set)
        add_number(words, number);
    else
        add_string(words, "");
}

static void
add_flag(struct words *words, bool flag)
{
    add_string(words, flag ? "1" : "");
}

static struct words *
start_words(const struct keys *keys)
{
    the_words.count = 0;
    add_bytes(&the_words, keys->base, keys->base_length);
    return &the_words;
}

static void
add_hold(struct words *words, const struct commands_hold *hold)
{
    add_string(words, hold->id);
    add_string(words, hold->token);
    add_string(words, hold->attempt);
}

static void
send_words(
    struct redis *redis, const struct script *script, const struct words *words, redis_reply_fn *on_reply, void *owner)
{
    redis_eval(redis, script, words->count, words->words, words->lengths, on_reply, owner);
}

/* Arguments at the end that may be left out are left out if they are empty: Redis pays for each. */
static void
leave_out_empty(struct words *words)
{
    while (words->lengths[words->count - 1] == 0)
        words->count--;
}

/* What the script part `take` is given besides a lock's life; it can do without. */
static void
add_taking(struct words *words, const struct commands_taking *taking)
{
    add_string(words, taking->worker_name);
    add_number_or_nothing(words, taking->limiter_max, taking->limiter_max > 0);
    add_number_or_nothing(words, taking->limiter_ms, taking->limiter_max > 0);
}

void
commands_fetch(struct redis *redis, const struct keys *keys, const struct commands_taking *taking, const char *token,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_number(words, wall_now().ms);
    add_string(words, token);
    add_number(words, taking->lock_ms);
    add_taking(words, taking);
    leave_out_empty(words);
    send_words(redis, &script_fetch, words, on_reply, owner);
}

static void
add_finish(struct words *words, const struct commands_finish *finish)
{
    add_hold(words, &finish->hold);
    add_string(words, finish->failed ? "failed" : "completed");
    add_string(words, finish->outcome);
    add_number(words, finish->attempts_made);
    add_number(words, finish->attempts);
    add_number(words, finish->keep.count);
    add_number_or_nothing(words, finish->keep.age_seconds, finish->keep.age_seconds >= 0);
    add_number_or_nothing(words, finish->keep.limit, finish->keep.age_seconds >= 0);
    add_string(words, finish->stacktrace);
    add_string(words, finish->deduplication_id);
}

void
commands_finish(struct redis *redis, const struct keys *keys, const struct commands_taking *taking, bool fetch,
    int64_t metrics_points, size_t count, const struct commands_finish *const *finishes, redis_reply_fn *on_reply,
    void *owner)
{
    struct words *words = start_words(keys);

    add_number(words, wall_now().ms);
    add_flag(words, fetch);
    add_number(words, taking->lock_ms);
    add_number(words, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        add_finish(words, finishes[i]);
    add_taking(words, taking);
    add_number_or_nothing(words, metrics_points, metrics_points > 0);
    leave_out_empty(words);
    send_words(redis, &script_finish, words, on_reply, owner);
}

void
commands_release(struct redis *redis, const struct keys *keys, const struct commands_hold *hold, int64_t limit_ms,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_hold(words, hold);
    if (limit_ms > 0)
        add_number(words, limit_ms);
    send_words(redis, &script_release, words, on_reply, owner);
}

/* The first words of the script `delay`. */
static struct words *
start_delay(const struct keys *keys, const struct commands_hold *hold, int64_t now_ms, int64_t delay_ms)
{
    struct words *words = start_words(keys);

    add_number(words, now_ms);
    add_hold(words, hold);
    add_number(words, delay_ms);
    add_number(words, now_ms + delay_ms);
    return words;
}

void
commands_retry(struct redis *redis, const struct keys *keys, const struct commands_taking *taking,
    const struct commands_hold *hold, const struct commands_retry *retry, redis_reply_fn *on_reply, void *owner)
{
    struct words *words;

    if (retry->delay_ms > 0) {
        words = start_delay(keys, hold, wall_now().ms, retry->delay_ms);
        add_string(words, retry->reason);
        add_string(words, retry->stacktrace);
        add_number(words, retry->attempts_made);
        add_flag(words, retry->fetch);
        add_number(words, taking->lock_ms);
        add_taking(words, taking);
        leave_out_empty(words);
        send_words(redis, &script_delay, words, on_reply, owner);
        return;
    }
    words = start_words(keys);
    add_number(words, wall_now().ms);
    add_hold(words, hold);
    add_string(words, retry->reason);
    add_string(words, retry->stacktrace);
    add_number(words, retry->attempts_made);
    add_flag(words, retry->lifo);
    send_words(redis, &script_retry, words, on_reply, owner);
}

void
commands_delay(struct redis *redis, const struct keys *keys, const struct commands_hold *hold, struct wall until,
    redis_reply_fn *on_reply, void *owner)
{
    int64_t now_ms = wall_now().ms;
    struct words *words = start_delay(keys, hold, now_ms, until.ms > now_ms ? until.ms - now_ms : 0);

    send_words(redis, &script_delay, words, on_reply, owner);
}

void
commands_extend_locks(struct redis *redis, const struct keys *keys, int64_t lock_ms, size_t count,
    const struct commands_hold *holds, redis_reply_fn *on_reply, void *owner)
{
    struct words *words;
    struct pack pack;

    pack_init(&pack);
    pack_array(&pack, count * 3);
    for (size_t i = 0; i < count; i++) {
        pack_string(&pack, holds[i].id);
        pack_string(&pack, holds[i].token);
        pack_string(&pack, holds[i].attempt);
    }
    words = start_words(keys);
    add_number(words, lock_ms);
    add_bytes(words, pack.buffer.data, pack.buffer.size);
    send_words(redis, &script_extend_locks, words, on_reply, owner);
    pack_clear(&pack);
}

void
commands_recover_stalled(struct redis *redis, const struct keys *keys, int64_t interval_ms, int64_t max_stalled,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_number(words, wall_now().ms);
    add_number(words, interval_ms);
    add_number(words, max_stalled);
    send_words(redis, &script_stalled, words, on_reply, owner);
}

void
commands_progress(struct redis *redis, const struct keys *keys, const char *id, const char *progress,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_string(words, id);
    add_string(words, progress);
    send_words(redis, &script_progress, words, on_reply, owner);
}

void
commands_log(struct redis *redis, const struct keys *keys, const char *id, const char *row, int64_t keep_logs,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_string(words, id);
    add_string(words, row);
    if (keep_logs > 0) /* BullMQ 5.76: 0 counts as not set */
        add_number(words, keep_logs);
    send_words(redis, &script_log, words, on_reply, owner);
}

void
commands_data(struct redis *redis, const struct keys *keys, const char *id, const char *data, redis_reply_fn *on_reply,
    void *owner)
{
    struct words *words = start_words(keys);

    add_string(words, id);
    add_string(words, data);
    send_words(redis, &script_data, words, on_reply, owner);
}

void
commands_add(struct redis *redis, const struct keys *keys, const char *name, const char *data, const char *options_text,
    const struct options *options, redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_string(words, options->job_id);
    add_string(words, name);
    add_string(words, data);
    add_string(words, options_text);
    add_number(words, options->timestamp_ms > 0 ? options->timestamp_ms : wall_now().ms);
    add_number(words, options->delay_ms);
    add_number(words, options->priority);
    add_flag(words, options->lifo);
    add_string(words, options->deduplication_id);
    add_number_or_nothing(words, options->deduplication_ms, options->deduplication_ms > 0);
    leave_out_empty(words);
    send_words(redis, &script_add, words, on_reply, owner);
}

static void
renew_scheduler(struct redis *redis, const struct keys *keys, const struct job *job, const struct repeat *repeat,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);

    add_number(words, repeat->now.ms);
    add_string(words, job->id);
    add_string(words, job->repeat_key);
    add_number_or_nothing(words, repeat->next_ms, repeat->next_ms > 0);
    add_number_or_nothing(words, repeat->every_ms, repeat->every_ms > 0);
    add_number(words, repeat->offset_ms);
    add_bytes(words, job->name, job->name_length);
    add_bytes(words, job->data, job->data_length);
    add_string(words, repeat->options);
    add_number(words, job->options.priority);
    add_flag(words, job->options.lifo);
    add_string(words, job->options.deduplication_id);
    leave_out_empty(words);
    send_words(redis, &script_renew, words, on_reply, owner);
}

static void
renew_legacy(struct redis *redis, const struct keys *keys, const struct job *job, const struct repeat *repeat,
    redis_reply_fn *on_reply, void *owner)
{
    struct words *words = start_words(keys);
    int64_t delay_ms = repeat->next_ms + repeat->offset_ms - repeat->now.ms;

    add_number(words, repeat->now.ms);
    add_flag(words, job->repeat_key != NULL);
    for (size_t i = 0; i < REPEAT_LEGACY_KEYS; i++) {
        add_string(words, repeat->keys[i].key);
        add_string(words, repeat->keys[i].id);
    }
    add_number(words, repeat->next_ms);
    add_bytes(words, job->name, job->name_length);
    add_bytes(words, job->data, job->data_length);
    add_string(words, repeat->options);
    add_number(words, delay_ms > 0 ? delay_ms : 0);
    add_number(words, job->options.priority);
    add_flag(words, job->options.lifo);
    add_string(words, job->options.deduplication_id);
    add_number_or_nothing(words, job->options.deduplication_ms, job->options.deduplication_ms > 0);
    leave_out_empty(words);
    send_words(redis, &script_renew_legacy, words, on_reply, owner);
}

void
commands_renew(struct redis *redis, const struct keys *keys, const struct job *job, const struct repeat *repeat,
    redis_reply_fn *on_reply, void *owner)
{
    if (repeat->kind == REPEAT_LEGACY)
        renew_legacy(redis, keys, job, repeat, on_reply, owner);
    else
        renew_scheduler(redis, keys, job, repeat, on_reply, owner);
}

void
commands_wait(struct redis *redis, const struct keys *keys, int64_t wait_ms, redis_reply_fn *on_reply, void *owner)
{
    char seconds[32];
    const char *words[] = { "BZPOPMIN", keys->marker, seconds };
    size_t lengths[] = { 8, strlen(keys->marker), 0 };

    if (wait_ms % 1000 == 0) /* Redis before 6.0 takes whole seconds only */
        lengths[2] = (size_t)snprintf(seconds, sizeof(seconds), "%" PRId64, wait_ms / 1000);
    else
        lengths[2] =
            (size_t)snprintf(seconds, sizeof(seconds), "%" PRId64 ".%03d", wait_ms / 1000, (int)(wait_ms % 1000));
    redis_call(redis, 3, words, lengths, wait_ms + WAIT_PATIENCE_MS, on_reply, owner);
}

bool
commands_read_marker(const redisReply *reply, const struct error *lost, int64_t *due_ms, struct error *err)
{
    char *end;
    double score;

    *due_ms = 0;
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type == REDIS_REPLY_NIL)
        return true;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || reply->element[2]->type != REDIS_REPLY_STRING)
        return error_set(err, ERROR_INPUT, "BZPOPMIN answered with something that is no marker");
    /* BullMQ 5.76: the score is the due time, and may be fractional, or infinite: nobody checks how long a job is delayed */
    score = strtod(reply->element[2]->str, &end);
    if (end == reply->element[2]->str || *end != '\0' || isnan(score))
        return error_set(err, ERROR_INPUT, "a marker's score is no time");
    *due_ms = (int64_t)fmin(fmax(score, 0), 9007199254740991.0);
    return true;
}

bool
commands_read_code(const redisReply *reply, const struct error *lost, int64_t *code, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_INTEGER && reply->type != REDIS_REPLY_STRING)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no code");
    *code = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    return true;
}

static bool
check_ids(size_t count, redisReply *const *ids, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i]->type != REDIS_REPLY_STRING)
            return error_set(err, ERROR_INPUT, "a script answered with a list that is not of ids");
    return true;
}

bool
commands_read_list(const redisReply *reply, const struct error *lost, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no list");
    return check_ids(reply->elements, reply->element, err);
}

bool
commands_read_recovered(
    const redisReply *reply, const struct error *lost, struct commands_recovered *out, struct error *err)
{
    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || reply->element[0]->type != REDIS_REPLY_INTEGER)
        return error_set(err, ERROR_INPUT, "a script answered with something that is no look for stalled jobs");
    *out = (struct commands_recovered){
        .schedulers = reply->element[0]->integer, .count = reply->elements - 1, .ids = reply->element + 1
    };
    return check_ids(out->count, out->ids, err);
}

bool
commands_read_fetched(
    const redisReply *reply, const struct error *lost, struct commands_fetched *out, struct error *err)
{
    const redisReply *id;

    if (!redis_check_reply(reply, lost, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 || reply->element[2]->type != REDIS_REPLY_INTEGER ||
        reply->element[3]->type != REDIS_REPLY_INTEGER || reply->element[2]->integer < 0 ||
        reply->element[3]->integer < 0)
        return error_set(err, ERROR_INPUT, "a fetch answered with something that is no job");
    *out = (struct commands_fetched){ .limited_ms = reply->element[2]->integer,
        .next_delayed_ms = reply->element[3]->integer };
    if (reply->element[0]->type != REDIS_REPLY_ARRAY)
        return true;
    id = reply->element[1];
    if (id->type != REDIS_REPLY_STRING)
        return error_set(err, ERROR_INPUT, "a fetch answered with a job that has no id");
    out->has_job = job_read(id->str, (size_t)id->len, reply->element[0], &out->job, err);
    out->job.scheduler_version = reply->element[3]->integer;
    out->next_delayed_ms = 0;
    return out->has_job;
}
