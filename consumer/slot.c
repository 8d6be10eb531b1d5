#include "consumer/slot.h"

#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/attempt.h"
#include "consumer/facts.h"
#include "consumer/finisher.h"
#include "consumer/ledger.h"
#include "consumer/outbox.h"
#include "consumer/recovery.h"

/* When Redis refuses an outcome for a reason of its own (out of memory, say), it is offered again after this time, which doubles up to 32-fold. */
#define AGAIN_MS 1000
/* How long a job that is not ours any more may take to stop. */
#define LOST_GRACE_MS 1000

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_FINISHING, SLOT_ABANDONED };

struct slot {
    const struct consumer *consumer;
    slot_free_fn *on_free;
    void *owner;
    enum slot_state state;
    struct job job; /* unless FREE */
    char *token;
    struct moment started;
    struct wall began; /* the same instant */
    struct run *run;   /* RUNNING and ABANDONED; NULL once it is done */
    struct outbox *outbox;
    bool outbox_was_full;
    char *progress;        /* the last one, as JSON text; NULL: none yet */
    struct report verdict; /* FINISHING */
    char *stacktrace;      /* with that failure; NULL: none yet */
    struct finisher_item item;
    int sent;     /* how often the outcome was sent */
    bool is_sent; /* and is on its way now */
    struct event *again;
};

static void slot_send_outcome(struct slot *slot);

/* The job is over. */
static void
slot_put_down(struct slot *slot)
{
    outbox_drop(slot->outbox);
    job_clear(&slot->job);
    report_clear(&slot->verdict);
    free(slot->progress);
    slot->progress = NULL;
    ledger_ask(slot->consumer->ledger);
    facts_ask(slot->consumer->facts);
}

static void
slot_empty(struct slot *slot, const struct commands_fetched *next)
{
    slot_put_down(slot);
    slot->state = SLOT_FREE;
    finisher_add_busy(slot->consumer->finisher, -1);
    slot->on_free(slot, next, slot->owner);
}

static struct commands_hold
hold_of(const struct slot *slot)
{
    return (struct commands_hold){ .id = slot->job.id, .token = slot->token, .attempt = slot->job.attempt };
}

/*
 * BullMQ 5.76: a job that cannot be completed because of its children has failed, with these words; for good if a child failed, otherwise
 * as its attempts say.
 */
static bool
slot_fail_for_children(struct slot *slot, int64_t code)
{
    struct text reason = TEXT_EMPTY;

    if (code == -4)
        text_format(&reason, "Job %s has pending dependencies. moveToFinished", slot->job.id);
    else if (code == -9)
        text_format(
            &reason, "Cannot complete job %s because it has at least one failed child. moveToFinished", slot->job.id);
    else
        return false;
    report_clear(&slot->verdict);
    slot->verdict = (struct report){ .type = REPORT_FAILED, .text = text_take(&reason), .retry = code == -4 };
    slot->sent = 0;
    log_warn(LOG_EVENT("job failed"), LOG_TEXT("job", slot->job.id), LOG_TEXT("reason", slot->verdict.text));
    slot_send_outcome(slot);
    return true;
}

static void
slot_log_refusal(const struct slot *slot, int64_t code)
{
    /* Sent before, over a connection that broke before the answer, or in a call that failed half-way: it was written then. */
    if ((slot->sent > 1 || slot->item.is_repeated) && code != -6)
        log_info(LOG_EVENT("outcome was already written"), LOG_TEXT("job", slot->job.id));
    else
        log_warn(
            LOG_EVENT("outcome not written"), LOG_TEXT("job", slot->job.id), LOG_TEXT("reason", attempt_refusal(code)));
}

static void
on_outcome(const redisReply *reply, const struct error *lost, void *owner)
{
    struct slot *slot = owner;
    struct commands_fetched next = { .has_job = false };
    struct error err;
    int64_t code = 0;

    slot->is_sent = false;
    if (reply == NULL)
        return; /* slot_connected() sends it again */
    if (reply->type == REDIS_REPLY_ARRAY ? !commands_read_fetched(reply, lost, &next, &err)
                                         : !commands_read_code(reply, lost, &code, &err)) {
        log_warn(LOG_EVENT("outcome refused for now"), LOG_TEXT("job", slot->job.id), LOG_ERROR(&err));
        consumer_set_timer(slot->again, AGAIN_MS << (slot->sent < 6 ? slot->sent - 1 : 5));
        return;
    }
    if (slot_fail_for_children(slot, code))
        return;
    if (code < 0)
        slot_log_refusal(slot, code);
    else if (slot->verdict.type == REPORT_RATE_LIMIT)
        next.limited_ms = code;
    if (next.has_job) {
        char *token = slot->token;
        slot->token = NULL;
        slot_put_down(slot);
        slot_start(slot, &next.job, token);
        free(token);
        return;
    }
    slot_empty(slot, reply->type == REDIS_REPLY_ARRAY || next.limited_ms > 0 ? &next : NULL);
}

static double
random_fraction(void)
{
    uint32_t bits;

    evutil_secure_rng_get_bytes(&bits, sizeof(bits));
    return bits / 4294967296.0;
}

/* Whether this failure is to be followed by another attempt, and after how long. */
static bool
is_retried(const struct slot *slot, const struct report *verdict, int64_t *delay_ms)
{
    const struct job *job = &slot->job;

    if (!verdict->retry)
        return false;
    if (job->options.backoff == BACKOFF_UNKNOWN)
        log_warn(LOG_EVENT("unknown backoff"), LOG_TEXT("job", job->id),
            LOG_TEXT("advice", "use the type fixed or exponential"));
    return !attempt_is_last(job, slot->consumer->limits) &&
           options_backoff_ms(&job->options, job->attempts_made + 1, random_fraction(), delay_ms);
}

static void
slot_put_finish(struct slot *slot)
{
    const struct consumer_limits *limits = slot->consumer->limits;
    const struct options *options = &slot->job.options;
    bool failed = slot->verdict.type == REPORT_FAILED;
    struct options_keep own = failed ? options->on_fail : options->on_complete;
    struct options_keep usual = failed ? limits->on_fail : limits->on_complete;

    slot->item.finish = (struct commands_finish){ .hold = hold_of(slot),
        .failed = failed,
        .outcome = failed ? slot->verdict.text : slot->verdict.value,
        .stacktrace = failed ? slot->stacktrace : NULL,
        .attempts_made = slot->job.attempts_kept + 1,
        .attempts = options->attempts,
        .keep = own.is_set ? own : usual,
        .deduplication_id = slot->job.deduplication_id };
    finisher_put(slot->consumer->finisher, &slot->item);
}

static void
slot_send_failure(struct slot *slot, struct redis *redis, const struct commands_hold *hold)
{
    const struct consumer *consumer = slot->consumer;
    struct commands_retry retry = { .attempts_made = slot->job.attempts_kept + 1,
        .lifo = slot->job.options.lifo,
        .reason = slot->verdict.text,
        .fetch = !consumer->is_closing };

    free(slot->stacktrace);
    slot->stacktrace =
        job_stacktrace_with(&slot->job, slot->verdict.retry ? "Error" : "UnrecoverableError", slot->verdict.text);
    retry.stacktrace = slot->stacktrace;
    if (is_retried(slot, &slot->verdict, &retry.delay_ms))
        commands_retry(redis, consumer->keys, &consumer->taking, hold, &retry, on_outcome, slot);
    else
        slot_put_finish(slot);
}

static void
slot_send_outcome(struct slot *slot)
{
    const struct keys *keys = slot->consumer->keys;
    struct redis *redis = link_redis(slot->consumer->command);
    struct commands_hold hold = hold_of(slot);

    /* What the job said goes first: with its outcome it is gone. */
    if (redis == NULL || slot->is_sent || !outbox_is_empty(slot->outbox))
        return;
    (void)event_del(slot->again); /* or it would come for an empty slot, or for the next job */
    slot->sent++;
    slot->is_sent = true;
    switch (slot->verdict.type) {
    case REPORT_COMPLETED:
        slot_put_finish(slot);
        return;
    case REPORT_FAILED:
        slot_send_failure(slot, redis, &hold);
        return;
    case REPORT_DELAY:
        commands_delay(redis, keys, &hold, (struct wall){ slot->verdict.ms }, on_outcome, slot);
        return;
    case REPORT_RATE_LIMIT:
    case REPORT_WAIT:
    case REPORT_INTERRUPTED:
        commands_release(redis, keys, &hold, slot->verdict.ms, on_outcome, slot);
        return;
    case REPORT_NONE:
    case REPORT_PROGRESS:
    case REPORT_LOG:
    case REPORT_DATA:
    case REPORT_ADD:
    case REPORT_SCHEDULE:
    case REPORT_UNSCHEDULE:
        break;
    }
    abort(); /* report_judge() leaves only verdicts */
}

static void
on_again(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    slot_send_outcome(argument);
}

/* What this attempt had to do with its failure is not done, or nobody knows. */
static void
slot_recover(const struct slot *slot, const struct report *verdict)
{
    struct report_failure failure = { .reason = verdict->text,
        .is_final = !verdict->retry || attempt_is_last(&slot->job, slot->consumer->limits),
        .began_ms = slot->began.ms,
        .at_ms = wall_now().ms,
        .is_told = verdict->told,
        .progress = slot->progress };

    recovery_ask(slot->consumer->recovery, &slot->job, &failure);
}

static void
slot_count(const struct slot *slot, enum report_type verdict)
{
    struct consumer_counters *counters = slot->consumer->counters;

    if (verdict == REPORT_COMPLETED)
        counters->completed++;
    else if (verdict == REPORT_FAILED)
        counters->failed++;
    else
        counters->returned++;
}

/* Takes the verdict over. */
static void
slot_finish(struct slot *slot, struct report *verdict)
{
    if (verdict->type == REPORT_FAILED && verdict->unclean)
        slot_recover(slot, verdict);
    slot_count(slot, verdict->type);
    slot->verdict = *verdict;
    *verdict = REPORT_EMPTY;
    slot->state = SLOT_FINISHING;
    slot->sent = 0;
    slot->item.is_repeated = false;
    LOG_AT(slot->verdict.type == REPORT_FAILED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
        LOG_EVENT(attempt_event(slot->verdict.type)), LOG_TEXT("job", slot->job.id),
        LOG_BYTES("name", slot->job.name, slot->job.name_length), LOG_NUMBER("attempt", slot->job.attempts_started),
        LOG_NUMBER("attempts", slot->job.options.attempts),
        LOG_NUMBER("durationMs", moment_ms_between(slot->started, moment_now())),
        LOG_TEXT("reason", slot->verdict.text));
    outbox_close(slot->outbox);
    slot_send_outcome(slot);
}

static void
on_report(struct report *report, void *owner)
{
    struct slot *slot = owner;

    if (slot->state != SLOT_RUNNING)
        return; /* the job is not ours any more */
    if (report->type == REPORT_PROGRESS) {
        free(slot->progress);
        slot->progress = memory_copy_string(report->value);
    }
    outbox_put(slot->outbox, report);
    if (outbox_is_full(slot->outbox) && !slot->outbox_was_full) {
        slot->outbox_was_full = true;
        if (slot->run != NULL)
            slot->consumer->runner->set_reading(slot->run, false);
    }
}

static void
on_outbox_change(void *owner)
{
    struct slot *slot = owner;

    if (slot->outbox_was_full && !outbox_is_full(slot->outbox)) {
        slot->outbox_was_full = false;
        if (slot->run != NULL)
            slot->consumer->runner->set_reading(slot->run, true);
    }
    if (slot->state == SLOT_FINISHING)
        slot_send_outcome(slot); /* it may have waited for this */
}

static void
on_done(struct report *verdict, void *owner)
{
    struct slot *slot = owner;

    slot->run = NULL;
    if (slot->state == SLOT_ABANDONED)
        slot_empty(slot, NULL);
    else
        slot_finish(slot, verdict);
}

static void
slot_run(struct slot *slot)
{
    struct runner *runner = slot->consumer->runner;
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = slot };
    struct error err;

    if (!runner->start(runner, &slot->job, &events, &slot->run, &err)) {
        struct report verdict = {
            .type = REPORT_FAILED, .text = memory_copy_string(err.text), .retry = true, .unclean = true
        };
        slot_finish(slot, &verdict);
    }
}

/* Why it must not run, whatever it is: NULL if it may. */
static const char *
reason_against(const struct slot *slot)
{
    int64_t max_started = slot->consumer->limits->max_started_attempts;

    if (slot->job.deferred_failure != NULL)
        return slot->job.deferred_failure;
    if (max_started > 0 && slot->job.attempts_started > max_started)
        return "job started more than allowable limit"; /* BullMQ 5.76: the very words */
    return NULL;
}

void
slot_start(struct slot *slot, struct job *job, const char *token)
{
    slot->job = *job;
    *job = (struct job){ .id = NULL };
    free(slot->token);
    slot->token = memory_copy_string(token);
    slot->started = moment_now();
    slot->began = wall_now();
    if (slot->state == SLOT_FREE)
        finisher_add_busy(slot->consumer->finisher, 1);
    slot->state = SLOT_RUNNING;
    slot->outbox_was_full = false;
    outbox_open(slot->outbox, &slot->job);
    outbox_put_renewal(slot->outbox);
    if (slot->consumer->is_closing) {
        struct report verdict = { .type = REPORT_INTERRUPTED, .text = memory_copy_string("the worker is closing") };
        slot_finish(slot, &verdict);
    } else if (reason_against(slot) != NULL) {
        struct report verdict = {
            .type = REPORT_FAILED, .text = memory_copy_string(reason_against(slot)), .unclean = true
        };
        slot_finish(slot, &verdict);
    } else
        slot_run(slot);
}

bool
slot_is_free(const struct slot *slot)
{
    return slot->state == SLOT_FREE;
}

bool
slot_hold(const struct slot *slot, struct commands_hold *out)
{
    if (slot->state != SLOT_RUNNING && slot->state != SLOT_FINISHING)
        return false;
    *out = hold_of(slot);
    return true;
}

bool
slot_show(const struct slot *slot, struct slot_view *out)
{
    if (slot->state == SLOT_FREE)
        return false;
    *out = (struct slot_view){ .job = &slot->job, .began = slot->began, .progress = slot->progress };
    return true;
}

void
slot_connected(struct slot *slot)
{
    if (slot->state != SLOT_RUNNING && slot->state != SLOT_FINISHING)
        return;
    outbox_send(slot->outbox);
    outbox_put_renewal(slot->outbox); /* a Redis that crashed lacks its last second */
    if (slot->state == SLOT_FINISHING)
        slot_send_outcome(slot);
}

void
slot_lose(struct slot *slot)
{
    if (slot->state != SLOT_RUNNING)
        return; /* an outcome on its way gets its own answer */
    slot->consumer->counters->locks_lost++;
    log_warn(LOG_EVENT("lock lost"), LOG_TEXT("job", slot->job.id), LOG_NUMBER("attempt", slot->job.attempts_started),
        LOG_TEXT("reason", "another worker has the job now; ours is stopped, and nothing is written"));
    slot->state = SLOT_ABANDONED;
    outbox_drop(slot->outbox);
    slot->consumer->runner->stop(slot->run, LOST_GRACE_MS);
}

void
slot_stop(struct slot *slot, int64_t grace_ms)
{
    if (slot->run != NULL)
        slot->consumer->runner->stop(slot->run, grace_ms);
    else if (slot->state == SLOT_FINISHING)
        slot_send_outcome(slot); /* one that was refused for now may have to wait longer than there is time */
}

struct slot *
slot_new(const struct consumer *consumer, slot_free_fn *on_free, void *owner)
{
    struct slot *slot = memory_new(sizeof(*slot));

    *slot = (struct slot){ .consumer = consumer, .on_free = on_free, .owner = owner, .verdict = REPORT_EMPTY };
    slot->item = (struct finisher_item){ .on_reply = on_outcome, .owner = slot };
    slot->outbox = outbox_new(consumer, on_outbox_change, slot);
    slot->again = event_new(consumer->base, -1, 0, on_again, slot);
    if (slot->again == NULL)
        abort(); /* out of memory */
    return slot;
}

void
slot_free(struct slot *slot)
{
    struct redis *redis;

    if (slot == NULL)
        return;
    redis = link_redis(slot->consumer->command);
    if (redis != NULL)
        redis_forget(redis, slot);
    finisher_forget(slot->consumer->finisher, slot);
    outbox_free(slot->outbox);
    event_free(slot->again);
    job_clear(&slot->job);
    report_clear(&slot->verdict);
    free(slot->token);
    free(slot->stacktrace);
    free(slot->progress);
    free(slot);
}
