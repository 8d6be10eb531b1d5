#include "consumer/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/attempt.h"

/* An attempt that is to be recovered from. */
struct loss {
    struct loss *next;
    char *job; /* its id */
    struct text input;
    struct moment give_up_at;
};

struct recovery {
    const struct consumer *consumer;
    struct recovery_options options;
    struct loss *first; /* the one that is worked on, if there is a child */
    struct loss **end;
    size_t count;
    struct child *child; /* NULL: none */
    int64_t pause_ms;    /* after the next failure */
    struct event *timer; /* the next start */
    bool is_stopping;
};

static void
loss_free(struct loss *loss)
{
    free(loss->job);
    text_clear(&loss->input);
    free(loss);
}

static void
recovery_append(struct recovery *recovery, struct loss *loss)
{
    loss->next = NULL;
    *recovery->end = loss;
    recovery->end = &loss->next;
    recovery->count++;
}

static struct loss *
recovery_take_first(struct recovery *recovery)
{
    struct loss *loss = recovery->first;

    recovery->first = loss->next;
    if (recovery->first == NULL)
        recovery->end = &recovery->first;
    recovery->count--;
    return loss;
}

/* The first one is done with, in whichever way; the next one has its turn. */
static void
recovery_go_on(struct recovery *recovery, int64_t ms)
{
    if (recovery->first != NULL)
        consumer_set_timer(recovery->timer, ms);
}

static void
recovery_succeed(struct recovery *recovery)
{
    struct loss *loss = recovery_take_first(recovery);

    log_info(LOG_EVENT("recovery completed"), LOG_TEXT("job", loss->job));
    loss_free(loss);
    recovery->pause_ms = recovery->options.first_ms;
    recovery_go_on(recovery, 0);
}

static void
recovery_fail(struct recovery *recovery, const char *reason)
{
    struct loss *loss = recovery_take_first(recovery);
    int64_t pause_ms = recovery->pause_ms;

    recovery->pause_ms = pause_ms * 2 < recovery->options.most_ms ? pause_ms * 2 : recovery->options.most_ms;
    if (moment_is_past(loss->give_up_at)) {
        log_error(LOG_EVENT("recovery given up"), LOG_TEXT("job", loss->job), LOG_TEXT("reason", reason));
        loss_free(loss);
    } else {
        log_warn(LOG_EVENT("recovery failed"), LOG_TEXT("job", loss->job), LOG_TEXT("reason", reason),
            LOG_NUMBER("retryMs", pause_ms));
        recovery_append(recovery, loss);
    }
    recovery_go_on(recovery, pause_ms);
}

static void
on_report(struct report *report, void *owner)
{
    (void)owner;
    if (report->type == REPORT_LOG)
        log_info(LOG_EVENT("recovery says"), LOG_TEXT("text", report->text));
    else
        log_warn(LOG_EVENT("recovery report ignored"), LOG_TEXT("kind", report_type_name(report->type)));
}

static void
on_done(struct report *verdict, void *owner)
{
    struct recovery *recovery = owner;

    recovery->child = NULL;
    if (recovery->is_stopping)
        recovery->options.on_stopped(recovery->options.owner);
    else if (verdict->type == REPORT_COMPLETED)
        recovery_succeed(recovery);
    else
        recovery_fail(recovery, verdict->text == NULL ? "it has no verdict that it can have" : verdict->text);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct recovery *recovery = argument;
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = recovery };
    const struct text *input = &recovery->first->input;
    struct error err;

    (void)fd;
    (void)what;
    if (!child_start(recovery->options.children, recovery->options.argv, input->data, input->length, &events,
            &recovery->child, &err)) {
        recovery_fail(recovery, err.text);
        return;
    }
    child_limit(recovery->child, recovery->options.limit_ms);
    log_info(LOG_EVENT("recovery started"), LOG_TEXT("job", recovery->first->job),
        LOG_NUMBER("child", child_pid(recovery->child)));
}

void
recovery_ask(struct recovery *recovery, const struct job *job, const struct report_failure *failure)
{
    const struct consumer *consumer;
    struct loss *loss;

    if (recovery == NULL || recovery->is_stopping)
        return;
    if (recovery->count == RECOVERY_MOST) {
        log_error(LOG_EVENT("recovery dropped"), LOG_TEXT("job", job->id),
            LOG_TEXT("reason", "too many attempts wait for theirs"));
        return;
    }
    consumer = recovery->consumer;
    loss = memory_new(sizeof(*loss));
    loss->job = memory_copy_string(job->id);
    loss->give_up_at = moment_add_ms(moment_now(), recovery->options.give_up_ms);
    attempt_describe(job, consumer->keys, consumer->limits, failure, &loss->input);
    recovery_append(recovery, loss);
    if (recovery->count == 1)
        recovery_go_on(recovery, 0);
}

void
recovery_stop(struct recovery *recovery, int64_t grace_ms)
{
    if (recovery == NULL)
        return;
    recovery->is_stopping = true;
    (void)event_del(recovery->timer);
    if (recovery->child != NULL)
        child_stop(recovery->child, grace_ms);
}

bool
recovery_is_stopped(const struct recovery *recovery)
{
    return recovery == NULL || (recovery->is_stopping && recovery->child == NULL);
}

struct recovery *
recovery_new(const struct consumer *consumer, const struct recovery_options *options)
{
    struct recovery *recovery = memory_new(sizeof(*recovery));

    *recovery = (struct recovery){ .consumer = consumer, .options = *options, .pause_ms = options->first_ms };
    recovery->end = &recovery->first;
    recovery->timer = event_new(consumer->base, -1, 0, on_timer, recovery);
    if (recovery->timer == NULL)
        abort(); /* out of memory */
    return recovery;
}

void
recovery_free(struct recovery *recovery)
{
    if (recovery == NULL)
        return;
    while (recovery->first != NULL)
        loss_free(recovery_take_first(recovery));
    event_free(recovery->timer);
    free(recovery);
}
