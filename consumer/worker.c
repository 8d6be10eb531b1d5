#include "consumer/worker.h"

#include <event2/util.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/facts.h"
#include "consumer/fetch.h"
#include "consumer/finisher.h"
#include "consumer/health.h"
#include "consumer/http.h"
#include "consumer/ledger.h"
#include "consumer/locks.h"
#include "consumer/notify.h"
#include "consumer/recovery.h"
#include "consumer/schedules.h"
#include "consumer/stalled.h"

#define UUID_SIZE 37
/* The longest wait for an answer; less with short locks, so that they can still be renewed over another connection. */
#define PATIENCE_MS 20000

struct worker {
    const struct worker_options *options;
    struct consumer consumer;
    struct consumer_counters counters;
    struct link *blocking;
    struct fetch *fetch;
    struct slot **slots;
    struct locks *locks;
    struct stalled *stalled;
    struct health *health; /* NULL: nobody can ask */
    struct http *http;     /* the same */
    struct notify *notify; /* NULL: nobody wants to know */
    struct event *on_term;
    struct event *on_int;
    struct event *shutdown; /* first the end of the grace time, then the end of everything */
    char uuid[UUID_SIZE];
    int signal; /* the first one; 0: running */
    bool grace_is_over;
    int status;
};

/* A version 4 UUID, as BullMQ's workers have them. */
static void
make_uuid(char out[UUID_SIZE])
{
    unsigned char b[16];

    evutil_secure_rng_get_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    (void)snprintf(out, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static struct slot *
free_slot(const struct worker *worker)
{
    for (size_t i = 0; i < worker->options->concurrency; i++)
        if (slot_is_free(worker->slots[i]))
            return worker->slots[i];
    return NULL;
}

static bool
is_idle(const struct worker *worker)
{
    for (size_t i = 0; i < worker->options->concurrency; i++)
        if (!slot_is_free(worker->slots[i]))
            return false;
    return true;
}

static void
worker_end(struct worker *worker, int status)
{
    worker->status = status;
    (void)event_base_loopbreak(worker->consumer.base);
}

static void
worker_end_if_done(struct worker *worker)
{
    if (worker->signal != 0 && fetch_is_stopped(worker->fetch) && is_idle(worker) &&
        ledger_is_stopped(worker->consumer.ledger) && recovery_is_stopped(worker->consumer.recovery))
        worker_end(worker, EXIT_SUCCESS);
}

static bool
has_free_slot(void *owner)
{
    return free_slot(owner) != NULL;
}

static void
on_job(struct job *job, const char *token, void *owner)
{
    slot_start(free_slot(owner), job, token);
}

static void
on_stopped(void *owner)
{
    worker_end_if_done(owner);
}

static void
on_slot_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    struct worker *worker = owner;

    (void)slot;
    if (next == NULL)
        fetch_slot_free(worker->fetch);
    else
        fetch_slot_empty(worker->fetch, next);
    worker_end_if_done(worker);
}

/* Locks first (stalled_connected() begins with them): another worker may be about to look for stalled jobs. */
static void
on_command_up(void *owner)
{
    struct worker *worker = owner;

    worker->counters.connects++;
    stalled_connected(worker->stalled);
    for (size_t i = 0; i < worker->options->concurrency; i++)
        slot_connected(worker->slots[i]);
    fetch_connected(worker->fetch);
    ledger_connected(worker->consumer.ledger);
}

static void
on_command_down(void *owner)
{
    struct worker *worker = owner;

    fetch_lost(worker->fetch);
    worker_end_if_done(worker); /* without Redis the ledger has nothing to wait for */
}

static void
on_blocking_up(void *owner)
{
    struct worker *worker = owner;

    worker->counters.blocking_connects++;
    fetch_blocking_connected(worker->fetch);
}

static void
on_blocking_down(void *owner)
{
    (void)owner; /* what waited on it starts anew when it is up again */
}

static void
worker_stop_slots(struct worker *worker, int64_t grace_ms)
{
    for (size_t i = 0; i < worker->options->concurrency; i++)
        slot_stop(worker->slots[i], grace_ms);
}

static void
on_shutdown_timer(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    int64_t whole = worker->options->shutdown_ms;

    (void)fd;
    (void)what;
    if (!worker->grace_is_over) {
        worker->grace_is_over = true;
        log_info(LOG_EVENT("stopping running jobs"));
        worker_stop_slots(worker, whole * 3 / 10);
        consumer_set_timer(worker->shutdown, whole * 4 / 10);
        return;
    }
    log_error(LOG_EVENT("shutdown incomplete"),
        LOG_TEXT("reason",
            is_idle(worker) && !ledger_is_stopped(worker->consumer.ledger)
                ? "what the ledger said could not be written in time"
                : "an outcome could not be written in time; another worker takes the job over when its lock expires"));
    worker_end(worker, EXIT_FAILURE);
}

static void
on_signal(evutil_socket_t number, short what, void *argument)
{
    struct worker *worker = argument;

    (void)what;
    if (worker->signal != 0) {
        log_warn(LOG_EVENT("second signal, ending now"), LOG_NUMBER("signal", number));
        worker_end(worker, 128 + (int)number);
        return;
    }
    worker->signal = (int)number;
    worker->consumer.is_closing = true;
    log_info(LOG_EVENT("worker closing"), LOG_NUMBER("signal", number), LOG_YES_NO("idle", is_idle(worker)));
    consumer_set_timer(worker->shutdown, worker->options->shutdown_ms * 6 / 10);
    notify_stopping(worker->notify);
    facts_stop(worker->consumer.facts);
    ledger_stop(worker->consumer.ledger, worker->options->shutdown_ms * 3 / 10);
    recovery_stop(worker->consumer.recovery, worker->options->shutdown_ms * 3 / 10);
    fetch_stop(worker->fetch);
    link_free(worker->blocking); /* a marker that nobody here waits for stays in Redis, for another worker */
    worker->blocking = NULL;
}

static struct event *
watch_signal(struct worker *worker, int number)
{
    struct event *event = evsignal_new(worker->consumer.base, number, on_signal, worker);

    if (event == NULL || event_add(event, NULL) != 0)
        abort(); /* out of memory */
    return event;
}

static void
worker_connect(struct worker *worker)
{
    const struct worker_options *options = worker->options;
    int64_t third_ms = options->lock_ms / 3;
    struct link_options link = { .base = worker->consumer.base,
        .url = options->redis,
        .tls = options->tls,
        .patience_ms = third_ms < PATIENCE_MS ? third_ms : PATIENCE_MS,
        .owner = worker };

    link.role = "command";
    link.warns = true;
    link.on_up = on_command_up;
    link.on_down = on_command_down;
    worker->consumer.command = link_new(&link);
    link.role = "blocking";
    link.warns = false;
    link.client_name = options->keys->client_name; /* only this one: BullMQ would count us twice */
    link.on_up = on_blocking_up;
    link.on_down = on_blocking_down;
    worker->blocking = link_new(&link);
}

static void
worker_init(struct worker *worker, const struct worker_options *options)
{
    struct fetch_events events = {
        .has_free_slot = has_free_slot, .on_job = on_job, .on_stopped = on_stopped, .owner = worker
    };
    struct ledger_options ledger = { .children = options->children,
        .argv = options->ledger,
        .limit_ms = LEDGER_LIMIT_MS,
        .retry_ms = LEDGER_RETRY_MS,
        .on_stopped = on_stopped,
        .owner = worker };
    struct recovery_options recovery = RECOVERY_OPTIONS;

    *worker = (struct worker){ .options = options };
    make_uuid(worker->uuid);
    worker->consumer.counters = &worker->counters;
    worker->consumer.base = options->base;
    worker->consumer.keys = options->keys;
    worker->consumer.runner = options->runner;
    worker->consumer.limits = &options->limits;
    worker->consumer.zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ"));
    worker->consumer.taking = (struct commands_taking){ .lock_ms = options->lock_ms,
        .worker_name = options->name,
        .limiter_max = options->limiter_max,
        .limiter_ms = options->limiter_ms };
    worker->shutdown = event_new(worker->consumer.base, -1, 0, on_shutdown_timer, worker);
    if (worker->shutdown == NULL)
        abort(); /* out of memory */
    worker->on_term = watch_signal(worker, SIGTERM);
    worker->on_int = watch_signal(worker, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN); /* a closed connection is an error of the write */
    worker_connect(worker);
    worker->consumer.finisher = finisher_new(&worker->consumer);
    worker->consumer.schedules = schedules_new(worker->consumer.zones);
    if (options->ledger != NULL)
        worker->consumer.ledger = ledger_new(&worker->consumer, &ledger);
    recovery.children = options->children;
    recovery.argv = options->recovery;
    recovery.on_stopped = on_stopped;
    recovery.owner = worker;
    if (options->recovery != NULL)
        worker->consumer.recovery = recovery_new(&worker->consumer, &recovery);
    worker->slots = memory_new(options->concurrency * sizeof(struct slot *));
    for (size_t i = 0; i < options->concurrency; i++)
        worker->slots[i] = slot_new(&worker->consumer, on_slot_free, worker);
    worker->locks = locks_new(&worker->consumer, worker->slots, options->concurrency);
    worker->stalled = stalled_new(&worker->consumer, worker->locks);
    worker->fetch = fetch_new(&worker->consumer, worker->blocking, worker->uuid, &events);
    worker->notify = notify_new(worker->consumer.base);
}

/* For whoever wants to know how the worker is. */
static bool
worker_listen(struct worker *worker, struct error *err)
{
    const struct worker_options *options = worker->options;
    const struct health_options health = { .consumer = &worker->consumer,
        .fetch = worker->fetch,
        .slots = worker->slots,
        .slot_count = options->concurrency,
        .worker = worker->uuid,
        .version = options->version,
        .period_ms = options->facts_ms };

    if (options->listen == NULL)
        return true;
    worker->health = health_new(&health);
    worker->http = http_new(worker->consumer.base, options->listen, worker->health, err);
    if (worker->http != NULL && options->facts != NULL)
        worker->consumer.facts = facts_new(&worker->consumer, options->children, options->facts, options->facts_ms);
    return worker->http != NULL;
}

static void
worker_clear(struct worker *worker)
{
    notify_free(worker->notify);
    http_free(worker->http);
    health_free(worker->health);
    facts_free(worker->consumer.facts);
    link_free(worker->blocking);
    fetch_free(worker->fetch);
    stalled_free(worker->stalled);
    locks_free(worker->locks);
    for (size_t i = 0; i < worker->options->concurrency; i++)
        slot_free(worker->slots[i]);
    free(worker->slots);
    schedules_free(worker->consumer.schedules);
    ledger_free(worker->consumer.ledger);
    recovery_free(worker->consumer.recovery);
    finisher_free(worker->consumer.finisher);
    link_free(worker->consumer.command);
    timezones_free(worker->consumer.zones);
    event_free(worker->on_term);
    event_free(worker->on_int);
    event_free(worker->shutdown);
}

int
worker_run(const struct worker_options *options)
{
    struct worker worker;
    struct error err;

    worker_init(&worker, options);
    if (!worker_listen(&worker, &err)) {
        log_fatal(LOG_EVENT("worker cannot listen"), LOG_ERROR(&err));
        worker_clear(&worker);
        return WORKER_CANNOT_LISTEN;
    }
    log_info(LOG_EVENT("worker starting"), LOG_TEXT("queue", options->keys->queue),
        LOG_TEXT("prefix", options->keys->prefix), LOG_NUMBER("concurrency", options->concurrency),
        LOG_TEXT("worker", worker.uuid));
    (void)event_base_dispatch(worker.consumer.base);
    log_info(LOG_EVENT("worker closed"), LOG_NUMBER("status", worker.status));
    worker_clear(&worker);
    return worker.status;
}
