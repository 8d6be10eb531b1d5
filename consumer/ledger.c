#include "consumer/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/outbox.h"
#include "protocol/snapshot.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define REST_MS 1000 /* between two starts at least */

enum ledger_state { LEDGER_IDLE, LEDGER_READING, LEDGER_RUNNING, LEDGER_WRITING, LEDGER_STOPPED };

struct ledger {
    const struct consumer *consumer;
    struct ledger_options options;
    enum ledger_state state;
    bool is_wanted;      /* once more */
    struct child *child; /* RUNNING, and STOPPED until it is over */
    struct outbox *outbox;
    bool outbox_was_full;
    struct report verdict; /* WRITING */
    int failures;          /* since the last success */
    struct event *timer;   /* IDLE: the next start */
    char server[INFO_RUN_ID_SIZE];
    int64_t schedulers; /* how many there were, in the last snapshot or look */
};

static const struct job no_job = { .id = NULL }; /* whose reports these are, for the outbox */

/* When it is wanted: whoever asks must not have it fail again and again. */
static int64_t
ledger_rest_ms(const struct ledger *ledger)
{
    return ledger->failures == 0 ? REST_MS : ledger->options.retry_ms;
}

/* Once it is over, in whichever way. */
static void
ledger_rest(struct ledger *ledger, int64_t ms)
{
    ledger->state = LEDGER_IDLE;
    consumer_set_timer(ledger->timer, ledger->is_wanted ? ledger_rest_ms(ledger) : ms);
}

static void
ledger_fail(struct ledger *ledger, const char *reason)
{
    int64_t ms = ledger->failures < 6 ? ledger->options.retry_ms << ledger->failures : HOUR_MS;

    ledger->failures++;
    log_warn(LOG_EVENT("ledger failed"), LOG_TEXT("reason", reason), LOG_NUMBER("retryMs", ms));
    ledger_rest(ledger, ms);
}

/* How long a verdict lets it rest; -1: that is none of a ledger's good ones. */
static int64_t
ledger_wait_ms(const struct report *verdict)
{
    switch (verdict->type) {
    case REPORT_COMPLETED:
        return HOUR_MS;
    case REPORT_DELAY:
        return verdict->ms <= wall_now().ms ? 0 : verdict->ms - wall_now().ms;
    case REPORT_WAIT: /* another one is at work */
        return MINUTE_MS;
    default:
        return -1;
    }
}

/* The program is over, and all that it said is written. */
static void
ledger_end(struct ledger *ledger)
{
    struct report *verdict = &ledger->verdict;
    int64_t ms = ledger_wait_ms(verdict);

    if (ms >= 0) {
        ledger->failures = 0;
        ledger_rest(ledger, ms < REST_MS ? REST_MS : ms > HOUR_MS ? HOUR_MS : ms);
    } else
        ledger_fail(ledger, verdict->text == NULL ? "it has no verdict that a ledger can have" : verdict->text);
    report_clear(verdict);
}

static void
on_report(struct report *report, void *owner)
{
    struct ledger *ledger = owner;

    switch (report->type) {
    case REPORT_ADD:
    case REPORT_SCHEDULE:
    case REPORT_UNSCHEDULE:
        log_info(LOG_EVENT("ledger report"), LOG_TEXT("kind", report_type_name(report->type)),
            LOG_TEXT("scheduler", report->id), LOG_TEXT("name", report->text), LOG_TEXT("pattern", report->pattern),
            LOG_TEXT("tz", report->zone));
        outbox_put(ledger->outbox, report);
        break;
    case REPORT_LOG:
        log_info(LOG_EVENT("ledger says"), LOG_TEXT("text", report->text));
        break;
    default:
        log_warn(LOG_EVENT("ledger report ignored"), LOG_TEXT("kind", report_type_name(report->type)));
        break;
    }
    if (outbox_is_full(ledger->outbox) && !ledger->outbox_was_full && ledger->child != NULL) {
        ledger->outbox_was_full = true;
        child_set_reading(ledger->child, false);
    }
}

static void
ledger_step(struct ledger *ledger)
{
    if (ledger->state == LEDGER_WRITING && outbox_is_empty(ledger->outbox))
        ledger_end(ledger);
    else if (ledger->state == LEDGER_STOPPED && ledger_is_stopped(ledger))
        ledger->options.on_stopped(ledger->options.owner);
}

static void
on_outbox_change(void *owner)
{
    struct ledger *ledger = owner;

    if (ledger->outbox_was_full && !outbox_is_full(ledger->outbox)) {
        ledger->outbox_was_full = false;
        if (ledger->child != NULL)
            child_set_reading(ledger->child, true);
    }
    ledger_step(ledger);
}

static void
on_done(struct report *verdict, void *owner)
{
    struct ledger *ledger = owner;

    ledger->child = NULL;
    if (ledger->state == LEDGER_RUNNING) {
        ledger->state = LEDGER_WRITING;
        ledger->verdict = *verdict;
        *verdict = REPORT_EMPTY;
    }
    ledger_step(ledger);
}

static void
ledger_run(struct ledger *ledger, const struct text *snapshot)
{
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = ledger };
    struct error err;

    if (!child_start(ledger->options.children, ledger->options.argv, snapshot->data, snapshot->length, &events,
            &ledger->child, &err)) {
        ledger_fail(ledger, err.text);
        return;
    }
    ledger->state = LEDGER_RUNNING;
    ledger->outbox_was_full = false;
    child_limit(ledger->child, ledger->options.limit_ms);
}

static void
on_snapshot(const redisReply *reply, const struct error *lost, void *owner)
{
    struct ledger *ledger = owner;
    struct text snapshot = TEXT_EMPTY;
    struct error err;

    if (ledger->state != LEDGER_READING)
        return; /* stopped */
    if (snapshot_describe(reply, lost, ledger->consumer->keys, wall_now(), &snapshot, &err)) {
        ledger->schedulers = snapshot_schedulers(reply);
        ledger_run(ledger, &snapshot);
    } else
        ledger_fail(ledger, err.text);
    text_clear(&snapshot);
}

static void
ledger_start(struct ledger *ledger)
{
    struct redis *redis = link_redis(ledger->consumer->command);

    ledger->is_wanted = true;
    if (ledger->state != LEDGER_IDLE || redis == NULL)
        return;
    ledger->is_wanted = false;
    ledger->state = LEDGER_READING;
    (void)event_del(ledger->timer);
    snapshot_read(redis, ledger->consumer->keys, on_snapshot, ledger);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    ledger_start(argument);
}

void
ledger_ask(struct ledger *ledger)
{
    if (ledger == NULL || ledger->is_wanted)
        return;
    ledger->is_wanted = true;
    if (ledger->state == LEDGER_IDLE)
        consumer_set_timer(ledger->timer, ledger_rest_ms(ledger));
}

void
ledger_saw(struct ledger *ledger, int64_t schedulers)
{
    if (ledger == NULL)
        return;
    if (schedulers < ledger->schedulers) {
        log_info(
            LOG_EVENT("schedulers are gone"), LOG_NUMBER("before", ledger->schedulers), LOG_NUMBER("now", schedulers));
        ledger_ask(ledger);
    }
    ledger->schedulers = schedulers;
}

void
ledger_connected(struct ledger *ledger)
{
    const struct info *info;

    if (ledger == NULL)
        return;
    info = link_server(ledger->consumer->command);
    if (ledger->state != LEDGER_IDLE || event_pending(ledger->timer, EV_TIMEOUT, NULL) == 0 ||
        strcmp(ledger->server, info->run_id) != 0)
        ledger_start(ledger);
    memcpy(ledger->server, info->run_id, sizeof(ledger->server));
    outbox_send(ledger->outbox);
}

void
ledger_stop(struct ledger *ledger, int64_t grace_ms)
{
    if (ledger == NULL)
        return;
    ledger->state = LEDGER_STOPPED;
    (void)event_del(ledger->timer);
    if (ledger->child != NULL)
        child_stop(ledger->child, grace_ms);
}

bool
ledger_is_stopped(const struct ledger *ledger)
{
    return ledger == NULL || (ledger->state == LEDGER_STOPPED && ledger->child == NULL &&
                                 (outbox_is_empty(ledger->outbox) || link_redis(ledger->consumer->command) == NULL));
}

struct ledger *
ledger_new(const struct consumer *consumer, const struct ledger_options *options)
{
    struct ledger *ledger = memory_new(sizeof(*ledger));

    *ledger = (struct ledger){ .consumer = consumer, .options = *options, .is_wanted = true, .verdict = REPORT_EMPTY };
    ledger->outbox = outbox_new(consumer, on_outbox_change, ledger);
    outbox_open(ledger->outbox, &no_job);
    ledger->timer = event_new(consumer->base, -1, 0, on_timer, ledger);
    if (ledger->timer == NULL)
        abort(); /* out of memory */
    return ledger;
}

void
ledger_free(struct ledger *ledger)
{
    struct redis *redis;

    if (ledger == NULL)
        return;
    redis = link_redis(ledger->consumer->command);
    if (redis != NULL)
        redis_forget(redis, ledger);
    outbox_free(ledger->outbox);
    report_clear(&ledger->verdict);
    event_free(ledger->timer);
    free(ledger);
}
