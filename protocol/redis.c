#include "protocol/redis.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/libc.h"
#include "common/log.h"
#include "common/memory.h"
#include "protocol/resp.h"
#include "protocol/tls.h"

#define SCRIPTS_MAX 32
/* After a reply of this size the memory it took is given back to the system. */
#define BIG_REPLY_BYTES ((size_t)256 * 1024)

/* A command on its way, in the order of sending. */
struct outstanding {
    struct outstanding *next;
    struct moment deadline;
    redis_reply_fn *on_reply;
    void *owner;
    /* A script call is kept until it is answered: Redis may have to be told the script first. */
    const struct script *script; /* NULL: a plain command */
    size_t count;                /* of its words */
    size_t length;               /* of `words`: key and arguments, as they are sent */
    char words[];
};

struct redis {
    struct bufferevent *stream;
    struct evbuffer *output; /* what was not handed to the stream yet */
    redisReader *reader;
    int64_t patience_ms;
    struct event *watchdog; /* pending while something is outstanding */
    struct moment alarm;    /* when it goes off */
    struct outstanding *first;
    struct outstanding **last;
    redis_lost_fn *on_lost;
    void *owner;
    const struct script *told[SCRIPTS_MAX]; /* that Redis knows from us */
    size_t told_count;
    size_t answered;
    char *moved_to;
    int callbacks; /* how many of our callbacks are on the stack; freed by the outermost */
    bool is_lost;
    bool is_freed;
};

static void
redis_release(struct redis *redis)
{
    while (redis->first != NULL) {
        struct outstanding *entry = redis->first;
        redis->first = entry->next;
        free(entry);
    }
    if (redis->stream != NULL)
        bufferevent_free(redis->stream);
    evbuffer_free(redis->output);
    event_free(redis->watchdog);
    redisReaderFree(redis->reader);
    free(redis->moved_to);
    free(redis);
}

/*
 * Hands over what there is to send. A plain socket mostly takes it at once, which spares the loop a turn for finding that out; what it does not
 * take, and any failure, are the stream's affair.
 */
static void
redis_flush(struct redis *redis)
{
    struct evbuffer *waiting = bufferevent_get_output(redis->stream);
    evutil_socket_t fd = bufferevent_getfd(redis->stream);

    if (fd != -1 && evbuffer_get_length(waiting) == 0 && bufferevent_openssl_get_ssl(redis->stream) == NULL)
        (void)evbuffer_write(redis->output, fd);
    if (evbuffer_get_length(redis->output) > 0)
        (void)bufferevent_write_buffer(redis->stream, redis->output); /* fails only without memory */
}

static void
redis_enter(struct redis *redis)
{
    redis->callbacks++;
}

/* What was said during callbacks goes out at once, when the last of them has returned. */
static void
redis_leave(struct redis *redis)
{
    if (--redis->callbacks > 0)
        return;
    if (redis->is_freed)
        redis_release(redis);
    else if (!redis->is_lost)
        redis_flush(redis);
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
redis_flush_unless_called_back(struct redis *redis)
{
    if (redis->callbacks == 0)
        redis_flush(redis);
}

static struct outstanding *
outstanding_new(redis_reply_fn *on_reply, void *owner, size_t room)
{
    struct outstanding *entry = memory_new(sizeof(*entry) + room);

    entry->on_reply = on_reply;
    entry->owner = owner;
    return entry;
}

static void
redis_expect(struct redis *redis, struct outstanding *entry, int64_t patience_ms)
{
    entry->next = NULL;
    entry->deadline = moment_add_ms(moment_now(), patience_ms);
    *redis->last = entry;
    redis->last = &entry->next;
    redis_watch(redis);
}

/* Room for that many bytes behind what there is to send; evbuffer_commit_space() says how many they became. */
static struct evbuffer_iovec
redis_reserve(struct redis *redis, size_t size)
{
    struct evbuffer_iovec room;

    if (evbuffer_reserve_space(redis->output, (ev_ssize_t)size, &room, 1) != 1)
        abort(); /* out of memory */
    return room;
}

static void
redis_commit(struct redis *redis, struct evbuffer_iovec *room, const char *end)
{
    room->iov_len = (size_t)(end - (const char *)room->iov_base);
    (void)evbuffer_commit_space(redis->output, room, 1); /* fails only if the buffer was changed meanwhile */
}

void
redis_call(struct redis *redis, size_t count, const char *const *words, const size_t *lengths, int64_t patience_ms,
    redis_reply_fn *on_reply, void *owner)
{
    struct evbuffer_iovec room;

    if (redis->is_lost || redis->is_freed)
        return; /* its owner has been told, or is being told right now */
    room = redis_reserve(redis, RESP_HEAD_SIZE + resp_size(count, lengths));
    redis_commit(redis, &room, resp_put_words(resp_put_head(room.iov_base, count), count, words, lengths));
    redis_expect(redis, outstanding_new(on_reply, owner, 0), patience_ms);
    redis_flush_unless_called_back(redis);
}

/* EVALSHA or EVAL, the script, how many keys, key and arguments. */
static void
redis_send_script(struct redis *redis, const struct outstanding *entry, bool whole)
{
    const struct script *script = entry->script;
    const char *words[] = { whole ? "EVAL" : "EVALSHA", whole ? script->text : script->sha1, "1" };
    size_t lengths[] = { strlen(words[0]), whole ? script->length : strlen(script->sha1), 1 };
    struct evbuffer_iovec room = redis_reserve(redis, RESP_HEAD_SIZE + resp_size(3, lengths) + entry->length);
    char *at = resp_put_words(resp_put_head(room.iov_base, 3 + entry->count), 3, words, lengths);

    memcpy(at, entry->words, entry->length);
    redis_commit(redis, &room, at + entry->length);
}

/* Whether Redis has still to be told this script; from now on it has not. More than there is room for are named, and told when asked for. */
static bool
redis_must_tell(struct redis *redis, const struct script *script)
{
    for (size_t i = 0; i < redis->told_count; i++)
        if (redis->told[i] == script)
            return false;
    if (redis->told_count == SCRIPTS_MAX)
        return false;
    redis->told[redis->told_count++] = script;
    return true;
}

void
redis_eval(struct redis *redis, const struct script *script, size_t count, const char *const *words,
    const size_t *lengths, redis_reply_fn *on_reply, void *owner)
{
    struct outstanding *entry;

    if (redis->is_lost || redis->is_freed)
        return;
    entry = outstanding_new(on_reply, owner, resp_size(count, lengths));
    entry->script = script;
    entry->count = count;
    entry->length = (size_t)(resp_put_words(entry->words, count, words, lengths) - entry->words);
    redis_send_script(redis, entry, redis_must_tell(redis, script));
    redis_expect(redis, entry, redis->patience_ms);
    redis_flush_unless_called_back(redis);
}

static bool
reply_is_out_of_service(const redisReply *reply)
{
    static const char *const codes[] = { "ASK", "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MOVED", "READONLY",
        "TRYAGAIN", "UNBLOCKED" };

    for (size_t i = 0; reply->type == REDIS_REPLY_ERROR && i < sizeof(codes) / sizeof(codes[0]); i++)
        if (redis_reply_is_error(reply, codes[i]))
            return true;
    return false;
}

/* Redis has forgotten the script: the same call again, with the text, and only once. Later ones that fail the same way keep their order. */
static void
redis_resend_first(struct redis *redis)
{
    struct outstanding *entry = redis->first;

    redis->first = entry->next;
    if (redis->first == NULL)
        redis->last = &redis->first;
    redis_send_script(redis, entry, true);
    entry->script = NULL;
    redis_expect(redis, entry, redis->patience_ms);
}

static void
redis_take_reply(struct redis *redis, const redisReply *reply)
{
    struct error err;

    if (redis->first == NULL) {
        (void)error_set(&err, ERROR_LOST, "Redis sent a reply that nobody asked for");
        redis_lose(redis, &err);
    } else if (reply_is_out_of_service(reply)) {
        if (redis_reply_is_error(reply, "MOVED")) /* slot, host:port */
            redis->moved_to = memory_copy_string(strrchr(reply->str, ' ') + 1);
        (void)error_set(&err, ERROR_LOST, "Redis cannot serve us now: %s", reply->str);
        redis_lose(redis, &err);
    } else if (redis_reply_is_error(reply, "NOSCRIPT") && redis->first->script != NULL)
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
        /* What follows from it is sent before it is cleaned up, unless there are more to take first. */
        if (redis->callbacks == 1 && !redis->is_lost && !redis->is_freed && redis->reader->pos == redis->reader->len)
            redis_flush(redis);
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
    redis->output = evbuffer_new();
    redis->reader = redisReaderCreate();
    redis->watchdog = event_new(bufferevent_get_base(stream), -1, 0, on_watchdog, redis);
    if (redis->output == NULL || redis->reader == NULL || redis->watchdog == NULL)
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

/* "CODE reason", or "ERR Error running script (...): ... -CODE reason". */
bool
redis_reply_is_error(const redisReply *reply, const char *code)
{
    static const char wrapped[] = "ERR Error running script ";
    size_t length = strlen(code);
    const char *found;

    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    if (strncmp(reply->str, code, length) == 0 && reply->str[length] == ' ')
        return true;
    if (strncmp(reply->str, wrapped, strlen(wrapped)) != 0)
        return false;
    found = strstr(reply->str, " -");
    return found != NULL && strncmp(found + 2, code, length) == 0 && found[2 + length] == ' ';
}

static bool
is_about_rights(const char *refusal)
{
    static const char *const beginnings[] = { "WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH", "ERR invalid password" };

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(refusal, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
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

        return error_set(err, is_about_rights(reply->str) ? ERROR_DENIED : ERROR_REFUSED, "Redis: %.*s",
            (int)(arguments == NULL ? strlen(reply->str) : (size_t)(arguments - reply->str)), reply->str);
    }
    return true;
}
