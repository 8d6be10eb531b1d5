#include "cli/repair.h"

#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/job_program.h"
#include "protocol/commands.h"
#include "protocol/schedulers.h"

struct repair {
    struct queue *queue;
    struct timezones *zones;
    json_t *done;
};

/* One report, on its way to the queue. */
struct order {
    const struct repair *repair;
    const struct report *report;
    char *options; /* as BullMQ stores them */
};

static struct scheduler
scheduler_of(const struct order *order)
{
    const struct report *report = order->report;

    return (struct scheduler){ .id = report->id,
        .pattern = report->pattern,
        .zone = report->zone,
        .name = report->text,
        .data = report->value,
        .options = order->options };
}

static void
send_order(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner, void *context)
{
    const struct order *order = context;
    const struct report *report = order->report;

    if (report->type == REPORT_SCHEDULE) {
        struct scheduler scheduler = scheduler_of(order);

        schedulers_upsert(redis, keys, &scheduler, order->repair->zones, on_reply, owner);
    } else if (report->type == REPORT_UNSCHEDULE)
        schedulers_remove(redis, keys, report->id, on_reply, owner);
    else {
        struct options options;

        (void)options_parse(order->options, strlen(order->options), &options);
        commands_add(redis, keys, report->text, report->value, order->options, &options, on_reply, owner);
        options_clear(&options);
    }
}

static bool
read_code(const redisReply *reply, const struct error *lost, void *context, struct error *err)
{
    int64_t code;

    (void)context;
    if (!commands_read_code(reply, lost, &code, err))
        return false;
    if (code == -10)
        return error_set(err, ERROR_REFUSED, "the schedule's next job is there already, and has begun");
    return code != -12 || error_set(err, ERROR_REFUSED, "by the cron-parser of the queue's BullMQ, it never fires");
}

static bool
prepare(struct order *order, struct error *err)
{
    const struct report *report = order->report;
    struct scheduler scheduler;

    if (report->type == REPORT_UNSCHEDULE)
        return true;
    order->options = report->type == REPORT_SCHEDULE ? options_for_schedules(report->options, err)
                                                     : options_for_adding(report->options, err);
    scheduler = scheduler_of(order);
    return order->options != NULL &&
           (report->type != REPORT_SCHEDULE || schedulers_check(&scheduler, order->repair->zones, err));
}

static void
on_report(const struct report *report, void *owner)
{
    const struct repair *repair = owner;
    struct order order = { .repair = repair, .report = report };
    bool adds = report->type == REPORT_ADD;
    struct error err;
    bool ok;

    if (!adds && report->type != REPORT_SCHEDULE && report->type != REPORT_UNSCHEDULE)
        return;
    ok = prepare(&order, &err) && queue_ask(repair->queue, send_order, read_code, &order, &err);
    (void)json_array_append_new(repair->done,
        json_pack("{s:s, s:o, s:o}", "did",
            adds                              ? "added"
            : report->type == REPORT_SCHEDULE ? "made"
                                              : "removed",
            "what", answer_text(adds ? report->text : report->id), "error", answer_text(ok ? NULL : err.text)));
    free(order.options);
}

static bool
judge(const struct report *verdict, struct error *err)
{
    if (verdict->type == REPORT_WAIT)
        return error_set(err, ERROR_CONFLICT, "a worker, or another repair, compares the schedules at this moment");
    return verdict->type == REPORT_DELAY || verdict->type == REPORT_COMPLETED ||
           error_set(err, verdict->code == ERROR_NONE ? ERROR_REFUSED : verdict->code, "%s",
               verdict->text == NULL ? "the job program did not finish" : verdict->text);
}

bool
repair_schedules(struct queue *queue, const struct text *snapshot, json_t *done, struct error *err)
{
    struct repair repair = { .queue = queue, .zones = timezones_new(TIMEZONE_FOLDER, getenv("TZ")), .done = done };
    struct report verdict;
    bool ok;

    (void)setenv("BACKUP_SCHEDULE_REPAIR", "full", 1);
    (void)setenv("LOG_LEVEL", "fatal", 1); /* what is done is told by us */
    job_program_report("schedules", "ledger", snapshot, on_report, &repair, &verdict);
    ok = judge(&verdict, err);
    report_clear(&verdict);
    timezones_free(repair.zones);
    return ok;
}
