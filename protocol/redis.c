#include "protocol/redis.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "protocol/tls.h"

/* After a reply of this size the memory it took is given back to the system. */
#define BIG_REPLY_BYTES ((size_t)256 * 1024)

/* A script call keeps its words until it is answered: Redis may have to be told the script first. */
struct script_call {
    const struct script *script;
    int count;
    size_t *lengths;
    char *bytes; /* all words, one after the other */
};

/* A command on its way, in the order of sending. */
struct outstanding {
    struct outstanding *next;
    struct moment deadline;
    redis_reply_fn *on_reply;
    void *owner;
    struct script_call *script_call; /* NULL: a plain command */
};

struct redis {
    struct bufferevent *stream;
    redisReader *reader;
    int64_t patience_ms;
    struct event *watchdog; /* pending while something is outstanding */
    struct moment alarm;    /* when it goes off */
    struct outstanding *first;
    struct outstanding **last;
    redis_lost_fn *on_lost;
    void *owner;
    size_t answered;
    char *moved_to;
    int callbacks; /* how many of our callbacks are on the stack; freed by the outermost */
    bool is_lost;
    bool is_freed;
};

static void
script_call_free(struct script_call *call)
{
    if (call == NULL)
        return;
    free(call->lengths);
    free(call->bytes);
    free(call);
}

static void
redis_release(struct redis *redis)
{
    while (redis->first != NULL) {
        struct outstanding *entry = redis->first;
        redis->first = entry->next;
        script_call_free(entry->script_call);
        free(entry);
    }
    if (redis->stream != NULL)
        bufferevent_free(redis->stream);
    event_free(redis->watchdog);
    redisReaderFree(redis->reader);
    free(redis->moved_to);
    free(redis);
}

static void
redis_enter(struct redis *redis)
{
    redis->callbacks++;
}

static void
redis_leave(struct redis *redis)
{
    if (--redis->callbacks == 0 && redis->is_freed)
        redis_release(redis);
}

/* Takes the first one off and answers it. */
static void
redis_answer_first(struct redis *redis, const redisReply *reply, const struct error *err)
{
    struct outstanding *entry = redis->first;

    redis->first = entry->next;
    if (redis->first == NULL)
        redis->last = &redis->first;
    if (entry->on_reply != NULL && !redis->is_freed)
        entry->on_reply(reply, err, entry->owner);
    script_call_free(entry->script_call);
    free(entry);
}

/* Call between redis_enter() and redis_leave(). */
static void
redis_lose(struct redis *redis, const struct error *err)
{
    if (redis->is_lost || redis->is_freed)
        return;
    redis->is_lost = true;
    bufferevent_free(redis->stream);
    redis->stream = NULL;
    (void)event_del(redis->watchdog);
    while (redis->first != NULL && !redis->is_freed)
        redis_answer_first(redis, NULL, err);
    if (!redis->is_freed)
        redis->on_lost(err, redis->owner);
}

/* The alarm may come too early, for a call that was answered meanwhile, but never too late. */
static void
redis_watch(struct redis *redis)
{
    struct timeval wait;
    int64_t ms;

    if (redis->first == NULL || (event_pending(redis->watchdog, EV_TIMEOUT, NULL) != 0 &&
                                    moment_ms_between(redis->alarm, redis->first->deadline) >= 0))
        return;
    redis->alarm = redis->first->deadline;
    ms = moment_ms_between(moment_now(), redis->alarm);
    if (ms < 1)
        ms = 1;
    wait = (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
    (void)event_add(redis->watchdog, &wait);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *argument)
{
    struct redis *redis = argument;
    struct error err;

    (void)fd;
    (void)what;
    if (redis->first == NULL || redis->is_lost)
        return;
    if (!moment_is_past(redis->first->deadline)) {
        redis_watch(redis);
        return;
    }
    (void)error_set(&err, ERROR_LOST, "no answer from Redis in time");
    redis_enter(redis);
    redis_lose(redis, &err);
    redis_leave(redis);
}

static void
redis_send(struct redis *redis, int count, const char **words, const size_t *lengths)
{
    char *bytes = NULL;
    /* hiredis 0.14 and 1.x differ in whether the result is int or long long; both take these arguments */
    long long length = (long long)redisFormatCommandArgv(&bytes, count, words, lengths);

    if (length < 0)
        abort();                                                   /* out of memory */
    (void)bufferevent_write(redis->stream, bytes, (size_t)length); /* fails only without memory */
    redisFreeCommand(bytes);
}

static struct outstanding *
redis_expect(struct redis *redis, int64_t patience_ms, redis_reply_fn *on_reply, void *owner)
{
    struct outstanding *entry = memory_new(sizeof(*entry));

    *entry = (struct outstanding){
        .deadline = moment_add_ms(moment_now(), patience_ms), .on_reply = on_reply, .owner = owner
    };
    *redis->last = entry;
    redis->last = &entry->next;
    redis_watch(redis);
    return entry;
}

void
redis_call(struct redis *redis, int count, const char **words, const size_t *lengths, int64_t patience_ms,
    redis_reply_fn *on_reply, void *owner)
{
    if (redis->is_lost || redis->is_freed)
        return; /* its owner has been told, or is being told right now */
    redis_send(redis, count, words, lengths);
    (void)redis_expect(redis, patience_ms, on_reply, owner);
}

/* The words of EVALSHA or EVAL: command, script, number of keys, key and arguments. */
static void
redis_send_script(struct redis *redis, const struct script_call *call, bool whole)
{
    int count = call->count + 3;
    const char **words = memory_new((size_t)count * sizeof(*words));
    size_t *lengths = memory_new((size_t)count * sizeof(*lengths));
    const char *at = call->bytes;

    words[0] = whole ? "EVAL" : "EVALSHA";
    lengths[0] = strlen(words[0]);
    words[1] = whole ? call->script->text : call->script->sha1;
    lengths[1] = whole ? call->script->length : strlen(call->script->sha1);
    words[2] = "1";
    lengths[2] = 1;
    for (int i = 0; i < call->count; i++) {
        words[i + 3] = at;
        lengths[i + 3] = call->lengths[i];
        at += call->lengths[i];
    }
    redis_send(redis, count, words, lengths);
    free(words);
    free(lengths);
}

void
redis_eval(struct redis *redis, const struct script *script, int count, const char **words, const size_t *lengths,
    redis_reply_fn *on_reply, void *owner)
{
    struct script_call *call;
    size_t total = 0;

    if (redis->is_lost || redis->is_freed)
        return;
    call = memory_new(sizeof(*call));
    *call = (struct script_call){ .script = script, .count = count };
    call->lengths = memory_new((size_t)count * sizeof(*call->lengths));
    for (int i = 0; i < count; i++) {
        call->lengths[i] = lengths[i];
        total += lengths[i];
    }
    call->bytes = memory_new(total + 1);
    total = 0;
    for (int i = 0; i < count; i++) {
        memcpy(call->bytes + total, words[i], lengths[i]);
        total += lengths[i];
    }
    redis_send_script(redis, call, false);
    redis_expect(redis, redis->patience_ms, on_reply, owner)->script_call = call;
}

static bool
reply_is_error(const redisReply *reply, const char *code)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, strlen(code)) == 0 &&
           reply->str[strlen(code)] == ' ';
}

static bool
reply_is_out_of_service(const redisReply *reply)
{
    static const char *const codes[] = { "ASK", "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MOVED", "READONLY",
        "TRYAGAIN", "UNBLOCKED" };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (reply_is_error(reply, codes[i]))
            return true;
    /* Redis before 7 wraps what a script ran into. */
    return reply_is_error(reply, "ERR Error running script") && strstr(reply->str, " -READONLY ") != NULL;
}

/* Redis does not know the script: the same call again, with the text, and only once. Later ones that fail the same way keep their order. */
static void
redis_resend_first(struct redis *redis)
{
    struct outstanding *entry = redis->first;

    redis->first = entry->next;
    if (redis->first == NULL)
        redis->last = &redis->first;
    redis_send_script(redis, entry->script_call, true);
    (void)redis_expect(redis, redis->patience_ms, entry->on_reply, entry->owner);
    script_call_free(entry->script_call);
    free(entry);
}

static void
redis_take_reply(struct redis *redis, const redisReply *reply)
{
    struct error err;

    if (redis->first == NULL) {
        (void)error_set(&err, ERROR_LOST, "Redis sent a reply that nobody asked for");
        redis_lose(redis, &err);
    } else if (reply_is_out_of_service(reply)) {
        if (reply_is_error(reply, "MOVED")) /* slot, host:port */
            redis->moved_to = memory_copy_string(strrchr(reply->str, ' ') + 1);
        (void)error_set(&err, ERROR_LOST, "Redis cannot serve us now: %s", reply->str);
        redis_lose(redis, &err);
    } else if (reply_is_error(reply, "NOSCRIPT") && redis->first->script_call != NULL)
        redis_resend_first(redis);
    else {
        redis->answered++;
        redis_answer_first(redis, reply, NULL);
    }
}

static void
redis_read_replies(struct redis *redis)
{
    struct error err;
    void *reply = NULL;

    while (!redis->is_lost && !redis->is_freed) {
        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            (void)error_set(&err, ERROR_LOST, "Redis broke the protocol: %s", redis->reader->errstr);
            redis_lose(redis, &err);
            return;
        }
        if (reply == NULL)
            return;
        redis_take_reply(redis, reply);
        freeReplyObject(reply);
    }
}

static void
on_readable(struct bufferevent *stream, void *argument)
{
    struct redis *redis = argument;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t total = 0;

    redis_enter(redis);
    while (!redis->is_lost && !redis->is_freed) {
        struct evbuffer_iovec piece;
        if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
            break;
        if (redisReaderFeed(redis->reader, piece.iov_base, piece.iov_len) != REDIS_OK) {
            struct error err;
            (void)error_set(&err, ERROR_LOST, "Redis broke the protocol: %s", redis->reader->errstr);
            redis_lose(redis, &err);
            break;
        }
        total += piece.iov_len;
        (void)evbuffer_drain(input, piece.iov_len);
    }
    redis_read_replies(redis);
    if (total > BIG_REPLY_BYTES)
        (void)malloc_trim(0);
    redis_leave(redis);
}

static void
on_stream_event(struct bufferevent *stream, short what, void *argument)
{
    struct redis *redis = argument;
    unsigned long tls = bufferevent_get_openssl_error(stream);
    struct error err;

    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
        return;
    if (tls != 0 && tls != SSL_ERROR_SYSCALL)
        (void)error_set(&err, ERROR_LOST, "TLS: %s", tls_error_text(tls));
    else if ((what & BEV_EVENT_ERROR) != 0)
        (void)error_set(&err, ERROR_LOST, "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    else
        (void)error_set(&err, ERROR_LOST, "Redis closed the connection");
    redis_enter(redis);
    redis_lose(redis, &err);
    redis_leave(redis);
}

struct redis *
redis_new(struct bufferevent *stream, int64_t patience_ms, redis_lost_fn *on_lost, void *owner)
{
    struct redis *redis = memory_new(sizeof(*redis));

    *redis = (struct redis){ .stream = stream, .patience_ms = patience_ms, .on_lost = on_lost, .owner = owner };
    redis->last = &redis->first;
    redis->reader = redisReaderCreate();
    redis->watchdog = event_new(bufferevent_get_base(stream), -1, 0, on_watchdog, redis);
    if (redis->reader == NULL || redis->watchdog == NULL)
        abort(); /* out of memory */
    bufferevent_setcb(stream, on_readable, NULL, on_stream_event, redis);
    (void)bufferevent_enable(stream, EV_READ | EV_WRITE);
    return redis;
}

void
redis_forget(struct redis *redis, const void *owner)
{
    for (struct outstanding *entry = redis->first; entry != NULL; entry = entry->next)
        if (entry->owner == owner)
            entry->on_reply = NULL;
}

void
redis_free(struct redis *redis)
{
    if (redis == NULL || redis->is_freed)
        return;
    redis->is_freed = true;
    if (redis->callbacks == 0)
        redis_release(redis);
}

size_t
redis_answered(const struct redis *redis)
{
    return redis->answered;
}

const char *
redis_moved_to(const struct redis *redis)
{
    return redis->moved_to;
}

bool
redis_check_reply(const redisReply *reply, const struct error *lost, struct error *err)
{
    if (reply == NULL) {
        *err = *lost;
        return false;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        /* The error for an unknown command repeats its arguments, and those of AUTH are a password. */
        const char *arguments = strstr(reply->str, ", with args beginning with");

        return error_set(err, ERROR_REFUSED, "Redis: %.*s",
            (int)(arguments == NULL ? strlen(reply->str) : (size_t)(arguments - reply->str)), reply->str);
    }
    return true;
}
