#include "consumer/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "consumer/facts.h"
#include "protocol/overview.h"

#define TICK_MS 5000 /* of the timer whose lateness is the loop's lag */

struct health {
    struct health_options options;
    struct wall started;
    struct moment due; /* of the tick */
    int64_t lag_ms;
    struct moment queue_due;
    struct overview queue; /* as it was last looked at */
    bool has_queue;
    struct event *timer;
};

/* Bytes from outside may be anything; JSON must be UTF-8. */
static json_t *
text_of(const char *bytes, size_t length)
{
    struct text text = TEXT_EMPTY;
    json_t *out;

    text_add_utf8(&text, bytes, length);
    out = json_string(text_string(&text));
    text_clear(&text);
    return out;
}

static json_t *
time_of(struct wall wall)
{
    char text[WALL_ISO_SIZE];

    wall_format_iso(wall, text);
    return json_string(text);
}

int64_t
health_time_ms(const json_t *time)
{
    struct tm parts = { .tm_isdst = 0 };
    const char *text = json_string_value(time);
    const char *rest = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    int64_t ms = 0;

    if (rest == NULL || (rest[0] == '.' && !text_parse_integer(rest + 1, 3, 0, 999, &ms)))
        return -1;
    return (int64_t)timegm(&parts) * 1000 + ms;
}

/* --- The tick --- */

static void
health_forget_queue(struct health *health)
{
    if (health->has_queue)
        overview_clear(&health->queue);
    health->has_queue = false;
}

static void
on_overview(const redisReply *reply, const struct error *lost, void *owner)
{
    struct health *health = owner;
    struct error err;

    health_forget_queue(health);
    health->has_queue = overview_read(reply, lost, &health->queue, &err);
    if (!health->has_queue && reply != NULL)
        log_warn(LOG_EVENT("queue not looked at"), LOG_ERROR(&err));
}

static void
health_look(struct health *health)
{
    struct redis *redis = link_redis(health->options.consumer->command);

    if (redis == NULL)
        health_forget_queue(health);
    else if (!health->has_queue || moment_is_past(health->queue_due)) {
        health->queue_due = moment_add_ms(moment_now(), health->options.period_ms);
        overview_ask(redis, health->options.consumer->keys, on_overview, health);
    }
}

static void
on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct health *health = argument;
    int64_t tick_ms = health->options.period_ms < TICK_MS ? health->options.period_ms : TICK_MS;
    int64_t late_ms = moment_ms_between(health->due, moment_now());

    (void)fd;
    (void)what;
    health->lag_ms = late_ms < 0 ? 0 : late_ms;
    health->due = moment_add_ms(moment_now(), tick_ms);
    consumer_set_timer(health->timer, tick_ms);
    health_look(health);
}

/* --- The object --- */

static void
add_problem(json_t *problems, const char *about, const char *text)
{
    (void)json_array_append_new(problems, json_pack("{s:s, s:o}", "about", about, "text", text_of(text, strlen(text))));
}

static json_t *
describe_problems(const struct health *health)
{
    const struct facts *facts = health->options.consumer->facts;
    const char *of_fetch = fetch_problem(health->options.fetch);
    const char *of_facts = facts_problem(facts);
    json_t *problems = json_array();

    if (of_fetch != NULL)
        add_problem(problems, "redis", of_fetch);
    if (of_facts != NULL)
        add_problem(problems, "facts", of_facts);
    (void)json_array_extend(problems, json_object_get(facts_last(facts), "problems"));
    return problems;
}

static json_t *
describe_redis(const struct health *health)
{
    const struct consumer *consumer = health->options.consumer;
    bool connected = link_redis(consumer->command) != NULL;
    int version = connected ? link_server(consumer->command)->version : 0;
    char text[32] = "";

    if (connected)
        (void)snprintf(text, sizeof(text), "%d.%d.%d", version / 10000, version / 100 % 100, version % 100);
    return json_pack("{s:b, s:b, s:s?, s:I, s:I}", "connected", connected, "waiting",
        fetch_problem(health->options.fetch) == NULL, "server", connected ? text : NULL, "connects",
        (json_int_t)consumer->counters->connects, "waitingConnects", (json_int_t)consumer->counters->blocking_connects);
}

static json_t *
describe_active(const struct health *health)
{
    json_t *active = json_array();

    for (size_t i = 0; i < health->options.slot_count; i++) {
        struct slot_view view;
        json_t *progress;

        if (!slot_show(health->options.slots[i], &view))
            continue;
        progress = view.progress == NULL ? NULL : json_loads(view.progress, JSON_DECODE_ANY, NULL);
        (void)json_array_append_new(active,
            json_pack("{s:o, s:o, s:I, s:o, s:o}", "id", text_of(view.job->id, strlen(view.job->id)), "name",
                text_of(view.job->name, view.job->name_length), "attempt", (json_int_t)view.job->attempts_started,
                "startedAt", time_of(view.began), "progress", progress == NULL ? json_null() : progress));
    }
    return active;
}

static const char *const states[OVERVIEW_STATES] = {
    [OVERVIEW_WAITING] = "waiting",
    [OVERVIEW_PRIORITIZED] = "prioritized",
    [OVERVIEW_DELAYED] = "delayed",
    [OVERVIEW_WAITING_CHILDREN] = "waiting-children",
    [OVERVIEW_ACTIVE] = "active",
    [OVERVIEW_COMPLETED] = "completed",
    [OVERVIEW_FAILED] = "failed",
};

static json_t *
describe_queue(const struct health *health)
{
    json_t *out = json_object();

    if (!health->has_queue) {
        json_decref(out);
        return json_null();
    }
    for (int i = 0; i < OVERVIEW_STATES; i++)
        (void)json_object_set_new(out, states[i], json_integer(health->queue.counts[i]));
    return out;
}

static json_t *
describe_facts(const struct health *health)
{
    json_t *last = facts_last(health->options.consumer->facts);

    return last == NULL ? json_null() : json_incref(last);
}

json_t *
health_describe(const struct health *health)
{
    const struct consumer *consumer = health->options.consumer;
    const struct consumer_counters *counters = consumer->counters;
    bool has_facts = facts_last(consumer->facts) != NULL;
    json_t *problems = describe_problems(health);

    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:{s:I}, s:{s:I, s:I, s:I, s:I, s:I}, "
                     "s:{s:I, s:I, s:I}, s:o, s:o, s:o, s:o, s:o, s:o}",
        "now", time_of(wall_now()), "startedAt", time_of(health->started), "version", health->options.version, "queue",
        text_of(consumer->keys->queue, strlen(consumer->keys->queue)), "prefix",
        text_of(consumer->keys->prefix, strlen(consumer->keys->prefix)), "worker", health->options.worker, "ready",
        json_array_size(problems) == 0, "problems", problems, "redis", describe_redis(health), "loop", "lagMs",
        (json_int_t)health->lag_ms, "locks", "renewals", (json_int_t)counters->renewals, "failures",
        (json_int_t)counters->renewal_failures, "lost", (json_int_t)counters->locks_lost, "lateMs",
        (json_int_t)counters->renewal_late_ms, "answerMs", (json_int_t)counters->renewal_answer_ms, "attempts",
        "completed", (json_int_t)counters->completed, "failed", (json_int_t)counters->failed, "returned",
        (json_int_t)counters->returned, "active", describe_active(health), "queueJobs", describe_queue(health),
        "paused", health->has_queue ? json_boolean(health->queue.is_paused) : json_null(), "facts",
        describe_facts(health), "factsAgeMs", has_facts ? json_integer(facts_age_ms(consumer->facts)) : json_null(),
        "factsLooks", consumer->facts != NULL ? json_integer(facts_looks(consumer->facts)) : json_null());
}

struct health *
health_new(const struct health_options *options)
{
    struct health *health = memory_new(sizeof(*health));

    *health = (struct health){ .options = *options, .started = wall_now(), .due = moment_now() };
    health->timer = event_new(options->consumer->base, -1, 0, on_tick, health);
    if (health->timer == NULL)
        abort(); /* out of memory */
    consumer_set_timer(health->timer, 0);
    return health;
}

void
health_free(struct health *health)
{
    struct redis *redis;

    if (health == NULL)
        return;
    redis = link_redis(health->options.consumer->command);
    if (redis != NULL)
        redis_forget(redis, health);
    health_forget_queue(health);
    event_free(health->timer);
    free(health);
}
