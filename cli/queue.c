#include "cli/queue.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "common/memory.h"
#include "common/signals.h"
#include "protocol/link.h"

#define REFUSAL "Redis: " /* and what it said: redis_check_reply() */

struct queue {
    const struct redis_url *url;
    struct event_base *base;
    SSL_CTX *tls; /* NULL: plain */
    struct keys keys;
    struct link *link;
    bool has_failed; /* since queue_connect() began */
    struct error failure;
    struct event *timer;      /* of queue_rest() */
    struct event *signals[2]; /* NULL: not taken */
    int signal;
};

/* --- Connecting --- */

/* Whatever it is: the loop goes round once, and whoever waits looks. */
static void
on_change(void *owner)
{
    (void)owner;
}

static void
on_timer(evutil_socket_t fd, short what, void *owner)
{
    (void)fd;
    (void)what;
    (void)owner;
}

static void
on_failure(const struct error *err, void *owner)
{
    struct queue *queue = owner;

    queue->has_failed = true;
    queue->failure = *err;
}

/* What the error is about, named once. */
static bool
fail(const struct queue *queue, const struct error *why, struct error *err)
{
    size_t named = strncmp(why->text, REFUSAL, strlen(REFUSAL)) == 0 ? strlen(REFUSAL) : 0;

    (void)error_set(err, why->code, "%s", why->text + named);
    if (queue->url->host != NULL)
        return error_add(err, "Redis at %s:%d", queue->url->host, queue->url->port);
    return error_add(err, "Redis at %s", queue->url->socket_path);
}

static bool
is_stopped(const struct queue *queue, struct error *err)
{
    struct text name = TEXT_EMPTY;

    if (queue->signal == 0)
        return false;
    signal_add_name(&name, queue->signal);
    (void)error_set(err, ERROR_STOPPED, "stopped by %s", text_string(&name));
    text_clear(&name);
    return true;
}

/* Until an attempt at a connection has failed: whoever asks again tries again. */
bool
queue_connect(struct queue *queue, struct error *err)
{
    queue->has_failed = false;
    while (link_redis(queue->link) == NULL) {
        if (is_stopped(queue, err))
            return false;
        if (queue->has_failed)
            return fail(queue, &queue->failure, err);
        (void)event_base_loop(queue->base, EVLOOP_ONCE);
    }
    return true;
}

struct queue *
queue_open(const struct settings *settings, struct error *err)
{
    struct queue *queue = memory_new(sizeof(*queue));
    struct link_options options = { .url = &settings->redis,
        .role = "command",
        .patience_ms = QUEUE_PATIENCE_MS,
        .on_up = on_change,
        .on_down = on_change,
        .on_failure = on_failure,
        .owner = queue };

    queue->url = &settings->redis;
    queue->base = event_base_new();
    if (queue->base == NULL || (queue->timer = evtimer_new(queue->base, on_timer, NULL)) == NULL)
        abort(); /* out of memory */
    if (settings->redis.tls) {
        queue->tls = tls_context_new(settings->redis_ca_file, settings->extra_ca_file, err);
        if (queue->tls == NULL)
            goto failed;
    }
    if (!keys_init(&queue->keys, QUEUE_PREFIX, QUEUE_NAME, NULL, err))
        goto failed;
    options.base = queue->base;
    options.tls = queue->tls;
    queue->link = link_new(&options);
    return queue;
failed:
    queue_close(queue);
    return NULL;
}

void
queue_close(struct queue *queue)
{
    if (queue == NULL)
        return;
    link_free(queue->link);
    for (size_t i = 0; i < sizeof(queue->signals) / sizeof(queue->signals[0]); i++)
        if (queue->signals[i] != NULL)
            event_free(queue->signals[i]);
    event_free(queue->timer);
    keys_clear(&queue->keys);
    event_base_free(queue->base);
    SSL_CTX_free(queue->tls);
    free(queue);
}

const struct keys *
queue_keys(const struct queue *queue)
{
    return &queue->keys;
}

int
queue_database(const struct queue *queue)
{
    return queue->url->database;
}

const struct info *
queue_server(const struct queue *queue)
{
    return link_server(queue->link);
}

/* --- Asking --- */

struct question {
    const struct queue *queue;
    queue_read_fn *read;
    void *context;
    struct error *err;
    bool is_over;
    bool is_well;
};

static void
on_reply(const redisReply *reply, const struct error *lost, void *owner)
{
    struct question *question = owner;
    struct error why;

    if (reply == NULL)
        (void)fail(question->queue, lost, &why);
    question->is_well = question->read(reply, reply == NULL ? &why : NULL, question->context, question->err);
    question->is_over = true;
}

bool
queue_ask(struct queue *queue, queue_send_fn *send, queue_read_fn *read, void *context, struct error *err)
{
    struct question question = { .queue = queue, .read = read, .context = context, .err = err };

    if (!queue_connect(queue, err))
        return false;
    send(link_redis(queue->link), &queue->keys, on_reply, &question, context);
    while (!question.is_over) {
        if (is_stopped(queue, err)) {
            redis_forget(link_redis(queue->link), &question);
            return false;
        }
        (void)event_base_loop(queue->base, EVLOOP_ONCE);
    }
    return question.is_well;
}

struct plain_call {
    size_t count;
    const char *const *words;
    queue_read_fn *read;
    void *context;
};

static void
send_plain(struct redis *redis, const struct keys *keys, redis_reply_fn *reply_fn, void *owner, void *context)
{
    const struct plain_call *call = context;
    size_t *lengths = memory_new(call->count * sizeof(*lengths));

    (void)keys;
    for (size_t i = 0; i < call->count; i++)
        lengths[i] = strlen(call->words[i]);
    redis_call(redis, call->count, call->words, lengths, QUEUE_PATIENCE_MS, reply_fn, owner);
    free(lengths);
}

static bool
read_plain(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    const struct plain_call *call = context;

    return call->read(reply, lost, call->context, err);
}

bool
queue_call(
    struct queue *queue, size_t count, const char *const *words, queue_read_fn *read, void *context, struct error *err)
{
    struct plain_call call = { .count = count, .words = words, .read = read, .context = context };

    return queue_ask(queue, send_plain, read_plain, &call, err);
}

/* --- Waiting --- */

static void
on_signal(evutil_socket_t number, short what, void *owner)
{
    struct queue *queue = owner;

    (void)what;
    queue->signal = (int)number;
}

void
queue_take_signals(struct queue *queue)
{
    static const int numbers[] = { SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        queue->signals[i] = evsignal_new(queue->base, numbers[i], on_signal, queue);
        if (queue->signals[i] == NULL || event_add(queue->signals[i], NULL) != 0)
            abort(); /* out of memory */
    }
}

int
queue_signal(const struct queue *queue)
{
    return queue->signal;
}

bool
queue_rest(struct queue *queue, int64_t ms, struct error *err)
{
    const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    (void)event_add(queue->timer, &wait);
    while (event_pending(queue->timer, EV_TIMEOUT, NULL) != 0) {
        if (is_stopped(queue, err))
            return false;
        (void)event_base_loop(queue->base, EVLOOP_ONCE);
    }
    return !is_stopped(queue, err);
}

/* What is no input of the command's is an answer that makes no sense. */
int
queue_status(const struct error *err)
{
    return err->code == ERROR_INPUT ? EX_UNAVAILABLE : command_status(err->code);
}

int
queue_complain(const char *command, const struct error *err)
{
    return command_complain(command, queue_status(err), "%s%s", err->text,
        err->code == ERROR_LOST ? "; is it up, and is REDIS_URL right?" : "");
}

int
queue_command(const char *command, unsigned scopes, queue_work_fn *work, void *context)
{
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    struct queue *queue = NULL;
    struct error err;
    int status;

    if (!settings_load(&settings, scopes, &problems)) {
        status = command_complain_of_settings(command, &problems);
    } else if ((queue = queue_open(&settings, &err)) == NULL)
        status = queue_complain(command, &err);
    else
        status = work(queue, context);
    queue_close(queue);
    text_clear(&problems);
    settings_clear(&settings);
    return status == EX_OK ? command_finish(command) : status;
}
