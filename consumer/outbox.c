#include "consumer/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/schedules.h"
#include "protocol/schedulers.h"

#define FULL_BYTES ((size_t)1024 * 1024)
#define PROGRESS_MS 1000 /* at most one update in this time */
#define AGAIN_MS 1000    /* when Redis cannot write right now, it is asked again after this time */

struct entry {
    struct entry *next;
    struct outbox *outbox;
    struct report report; /* REPORT_NONE: `repeat` it is */
    struct repeat repeat;
    size_t size;
    bool is_sent;
};

struct outbox {
    const struct consumer *consumer;
    const struct job *job;
    void (*on_change)(void *owner);
    void *owner;
    struct entry *first;
    struct entry **last;
    size_t size;
    struct report progress;     /* the newest one, waiting for its time; REPORT_NONE: none */
    struct moment progress_due; /* when the next one may be written */
    struct event *timer;
    struct event *again; /* pending while an entry was refused for now */
    bool is_closed;
};

static void outbox_send_entry(struct outbox *outbox, struct entry *entry);

static void
entry_free(struct entry *entry)
{
    report_clear(&entry->report);
    repeat_clear(&entry->repeat);
    free(entry);
}

static size_t
length_of(const char *string)
{
    return string == NULL ? 0 : strlen(string);
}

/* Takes the members of both over. */
static void
outbox_append_entry(struct outbox *outbox, struct report *report, const struct repeat *repeat)
{
    struct entry *entry = memory_new(sizeof(*entry));

    *entry = (struct entry){ .outbox = outbox, .report = *report, .repeat = *repeat };
    *report = REPORT_EMPTY;
    entry->size = sizeof(*entry) + length_of(entry->report.value) + length_of(entry->report.text) +
                  length_of(entry->report.options) + length_of(entry->report.id) + length_of(entry->report.pattern) +
                  length_of(entry->report.zone) + length_of(entry->repeat.options);
    outbox->size += entry->size;
    *outbox->last = entry;
    outbox->last = &entry->next;
    outbox_send_entry(outbox, entry);
}

static void
outbox_append(struct outbox *outbox, struct report *report)
{
    static const struct repeat none;

    outbox_append_entry(outbox, report, &none);
}

void
outbox_put_renewal(struct outbox *outbox)
{
    struct report none = REPORT_EMPTY;
    struct repeat repeat;

    for (const struct entry *entry = outbox->first; entry != NULL; entry = entry->next)
        if (entry->report.type == REPORT_NONE)
            return;
    schedules_next(outbox->consumer->schedules, outbox->job, &repeat);
    if (repeat.kind != REPEAT_ENDS)
        outbox_append_entry(outbox, &none, &repeat);
}

static void
outbox_flush_progress(struct outbox *outbox)
{
    if (outbox->progress.type == REPORT_NONE)
        return;
    if (link_redis(outbox->consumer->command) == NULL && !outbox->is_closed)
        return; /* only the newest is worth keeping for when Redis is back */
    outbox->progress_due = moment_add_ms(moment_now(), PROGRESS_MS);
    outbox_append(outbox, &outbox->progress);
}

static void
on_progress_due(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    outbox_flush_progress(argument);
}

static void
outbox_put_progress(struct outbox *outbox, struct report *report)
{
    report_clear(&outbox->progress);
    outbox->progress = *report;
    *report = REPORT_EMPTY;
    if (moment_is_past(outbox->progress_due))
        outbox_flush_progress(outbox);
    else if (event_pending(outbox->timer, EV_TIMEOUT, NULL) == 0)
        consumer_set_timer(outbox->timer, moment_ms_between(moment_now(), outbox->progress_due));
}

static const char *
kind_name(const struct report *report)
{
    return report->type == REPORT_NONE ? "next of its schedule" : report_type_name(report->type);
}

static void
outbox_log_refusal(const struct outbox *outbox, const struct report *report, const char *reason)
{
    log_warn(LOG_EVENT("job report not written"), LOG_TEXT("job", outbox->job->id), LOG_TEXT("kind", kind_name(report)),
        LOG_TEXT("scheduler", report->id), LOG_TEXT("reason", reason));
}

static struct scheduler
scheduler_of(const struct report *report)
{
    return (struct scheduler){ .id = report->id,
        .pattern = report->pattern,
        .zone = report->zone,
        .name = report->text,
        .data = report->value,
        .options = report->options };
}

/* Something with options: a job or a schedule. */
static void
outbox_put_checked(struct outbox *outbox, struct report *report)
{
    bool is_schedule = report->type == REPORT_SCHEDULE;
    struct scheduler scheduler = scheduler_of(report);
    struct error err;
    char *options =
        is_schedule ? options_for_schedules(report->options, &err) : options_for_adding(report->options, &err);

    if (options == NULL || (is_schedule && !schedulers_check(&scheduler, outbox->consumer->zones, &err))) {
        outbox_log_refusal(outbox, report, err.text);
        report_clear(report);
        free(options);
        return;
    }
    free(report->options);
    report->options = options;
    outbox_append(outbox, report);
}

void
outbox_put(struct outbox *outbox, struct report *report)
{
    if (report->type == REPORT_PROGRESS)
        outbox_put_progress(outbox, report);
    else if (report->type == REPORT_ADD || report->type == REPORT_SCHEDULE)
        outbox_put_checked(outbox, report);
    else
        outbox_append(outbox, report);
}

/* Redis is out of memory, cannot save, has lost its replicas, or was told to refuse us: it will write again once that is mended. */
static bool
reply_is_for_now(const redisReply *reply)
{
    static const char *const codes[] = { "OOM", "MISCONF", "NOREPLICAS", "NOPERM" };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (redis_reply_is_error(reply, codes[i]))
            return true;
    return false;
}

static const char *
refusal_text(int64_t code)
{
    switch (code) {
    case -10:
        return "the schedule's next job is there already, and has begun";
    case -12:
        return "by the cron-parser of the queue's BullMQ, the schedule never fires";
    default:
        return "the job is gone from Redis";
    }
}

static void
on_answer(const redisReply *reply, const struct error *lost, void *owner)
{
    struct entry *entry = owner;
    struct outbox *outbox = entry->outbox;
    struct entry **at = &outbox->first;
    struct error err;
    int64_t code;

    if (reply == NULL) {
        entry->is_sent = false; /* outbox_send() tries again */
        return;
    }
    if (reply_is_for_now(reply)) {
        entry->is_sent = false;
        if (event_pending(outbox->again, EV_TIMEOUT, NULL) == 0) {
            log_warn(LOG_EVENT("job report refused for now"), LOG_TEXT("job", outbox->job->id),
                LOG_TEXT("kind", kind_name(&entry->report)), LOG_TEXT("error", reply->str));
            consumer_set_timer(outbox->again, AGAIN_MS);
        }
        return;
    }
    if (!commands_read_code(reply, lost, &code, &err))
        outbox_log_refusal(outbox, &entry->report, err.text);
    else if (code < 0)
        outbox_log_refusal(outbox, &entry->report, refusal_text(code));
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    if (outbox->last == &entry->next)
        outbox->last = at;
    outbox->size -= entry->size;
    entry_free(entry);
    outbox->on_change(outbox->owner);
}

static void
outbox_send_entry(struct outbox *outbox, struct entry *entry)
{
    struct redis *redis = link_redis(outbox->consumer->command);
    const struct keys *keys = outbox->consumer->keys;
    const struct report *report = &entry->report;

    if (redis == NULL || entry->is_sent)
        return;
    entry->is_sent = true;
    if (report->type == REPORT_NONE)
        commands_renew(redis, keys, outbox->job, &entry->repeat, on_answer, entry);
    else if (report->type == REPORT_PROGRESS)
        commands_progress(redis, keys, outbox->job->id, report->value, on_answer, entry);
    else if (report->type == REPORT_LOG)
        commands_log(redis, keys, outbox->job->id, report->text, outbox->job->options.keep_logs, on_answer, entry);
    else if (report->type == REPORT_DATA)
        commands_data(redis, keys, outbox->job->id, report->value, on_answer, entry);
    else if (report->type == REPORT_SCHEDULE) {
        struct scheduler scheduler = scheduler_of(report);
        schedulers_upsert(redis, keys, &scheduler, outbox->consumer->zones, on_answer, entry);
    } else if (report->type == REPORT_UNSCHEDULE)
        schedulers_remove(redis, keys, report->id, on_answer, entry);
    else {
        struct options options;
        (void)options_parse(report->options, strlen(report->options), &options);
        commands_add(redis, keys, report->text, report->value, report->options, &options, on_answer, entry);
        options_clear(&options);
    }
}

void
outbox_send(struct outbox *outbox)
{
    if (moment_is_past(outbox->progress_due))
        outbox_flush_progress(outbox); /* its time came while Redis was away */
    for (struct entry *entry = outbox->first; entry != NULL; entry = entry->next)
        outbox_send_entry(outbox, entry);
}

static void
on_again(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    outbox_send(argument);
}

void
outbox_close(struct outbox *outbox)
{
    (void)event_del(outbox->timer);
    outbox->is_closed = true;
    outbox_flush_progress(outbox);
}

bool
outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

bool
outbox_is_full(const struct outbox *outbox)
{
    return outbox->size > FULL_BYTES;
}

void
outbox_drop(struct outbox *outbox)
{
    struct redis *redis = link_redis(outbox->consumer->command);

    (void)event_del(outbox->timer);
    (void)event_del(outbox->again);
    report_clear(&outbox->progress);
    while (outbox->first != NULL) {
        struct entry *entry = outbox->first;
        outbox->first = entry->next;
        if (redis != NULL && entry->is_sent)
            redis_forget(redis, entry);
        entry_free(entry);
    }
    outbox->last = &outbox->first;
    outbox->size = 0;
}

struct outbox *
outbox_new(const struct consumer *consumer, void (*on_change)(void *owner), void *owner)
{
    struct outbox *outbox = memory_new(sizeof(*outbox));

    *outbox = (struct outbox){ .consumer = consumer, .on_change = on_change, .owner = owner, .progress = REPORT_EMPTY };
    outbox->last = &outbox->first;
    outbox->timer = event_new(consumer->base, -1, 0, on_progress_due, outbox);
    outbox->again = event_new(consumer->base, -1, 0, on_again, outbox);
    if (outbox->timer == NULL || outbox->again == NULL)
        abort(); /* out of memory */
    return outbox;
}

void
outbox_open(struct outbox *outbox, const struct job *job)
{
    outbox->job = job;
    outbox->is_closed = false;
    outbox->progress_due = moment_now();
}

void
outbox_free(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    outbox_drop(outbox);
    event_free(outbox->timer);
    event_free(outbox->again);
    free(outbox);
}
