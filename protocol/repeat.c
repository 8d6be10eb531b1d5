#include "protocol/repeat.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "protocol/cron.h"

/* BullMQ 5.76: a key of so many words is one of a legacy repeatable, unless there is a job scheduler of that name. */
#define LEGACY_KEY_WORDS 5

/* JavaScript's dates end here. */
#define TIME_MAX_MS 8640000000000000.0

/* What a job's options say of its schedule; the strings belong to `json`. */
struct schedule {
    json_t *json; /* `repeat` */
    bool is_legacy;
    const char *pattern; /* NULL: `every` */
    size_t pattern_length;
    const char *zone; /* NULL: this machine's */
    int64_t every_ms;
    int64_t count;
    int64_t limit; /* -1: none */
    int64_t start_ms;
    int64_t end_ms; /* 0: none, like those above and below */
    int64_t offset_ms;
    int64_t previous_ms; /* `prevMillis` */
};

/* Milliseconds, also if somebody wrote them as text; 0 if it is anything else. */
static int64_t
number_of(const json_t *value)
{
    int64_t number;

    if (json_is_string(value) &&
        text_parse_integer(json_string_value(value), json_string_length(value), 0, (int64_t)TIME_MAX_MS, &number))
        return number;
    return (int64_t)floor(fmin(fmax(json_number_value(value), 0), TIME_MAX_MS));
}

static bool
is_legacy(const struct job *job)
{
    size_t words = 1;

    if (job->repeat_key == NULL)
        return true;
    for (const char *c = job->repeat_key; *c != '\0'; c++)
        words += *c == ':';
    return words >= LEGACY_KEY_WORDS && job->scheduler_version == 0;
}

static bool
schedule_read(const struct job *job, const json_t *opts, struct schedule *out, struct error *err)
{
    const json_t *limit = json_object_get(json_object_get(opts, "repeat"), "limit");
    const json_t *pattern;

    *out = (struct schedule){ .json = json_object_get(opts, "repeat"), .is_legacy = is_legacy(job) };
    if (!json_is_object(out->json))
        return error_set(err, ERROR_CONFIG, "its job does not say when to repeat it");
    pattern = json_object_get(out->json, "pattern");
    if (pattern == NULL && out->is_legacy)
        pattern = json_object_get(out->json, "cron"); /* as it was called up to BullMQ 3.0 */
    out->pattern = json_string_value(pattern);
    out->pattern_length = json_string_length(pattern);
    out->zone = json_string_value(json_object_get(out->json, "tz"));
    out->every_ms = number_of(json_object_get(out->json, "every"));
    out->count = number_of(json_object_get(out->json, "count"));
    out->limit = limit == NULL ? -1 : number_of(limit);
    out->start_ms = number_of(json_object_get(out->json, "startDate"));
    out->end_ms = number_of(json_object_get(out->json, "endDate"));
    out->offset_ms = number_of(json_object_get(out->json, "offset"));
    out->previous_ms = number_of(json_object_get(opts, "prevMillis"));
    if (out->pattern != NULL && out->pattern_length > 0 && out->every_ms > 0)
        return error_set(err, ERROR_CONFIG, "it has both a pattern and 'every'");
    if (out->every_ms > 0)
        out->pattern = NULL;
    else if (out->pattern == NULL || out->pattern_length == 0)
        return error_set(err, ERROR_CONFIG, "it has neither a pattern nor 'every'");
    return true;
}

/* The instant after `base`; 0: the end date comes first. */
static bool
next_of_pattern(const struct schedule *schedule, int64_t scheduler_version, struct timezones *zones, int64_t base_ms,
    int64_t *next_ms, struct error *err)
{
    struct cron_options options = {
        .dialect = scheduler_version >= 6 ? CRON_PARSER_5 : CRON_PARSER_4,
        .strict = json_is_true(json_object_get(schedule->json, "strict")),
        .hash_seed = json_string_value(json_object_get(schedule->json, "hashSeed")),
    };
    bool is_utc = options.dialect == CRON_PARSER_4 && json_is_true(json_object_get(schedule->json, "utc"));
    struct wall start = { .ms = base_ms > schedule->start_ms ? base_ms : schedule->start_ms };
    struct cron_pattern pattern;
    const struct time_zone *zone;
    struct wall next;

    if (!cron_pattern_parse(schedule->pattern, schedule->pattern_length, &options, &pattern, err))
        return false;
    zone = timezones_find(zones, is_utc ? "UTC" : schedule->zone, err);
    if (zone == NULL || !cron_next(&pattern, zone, start, &next, err))
        return error_add(err, "cron pattern '%s'", schedule->pattern);
    *next_ms = schedule->end_ms > 0 && next.ms > schedule->end_ms ? 0 : next.ms;
    return true;
}

static bool
find_next(const struct job *job, const struct schedule *schedule, struct timezones *zones, struct repeat *out,
    struct error *err)
{
    int64_t base_ms = out->now.ms > schedule->previous_ms ? out->now.ms : schedule->previous_ms;

    if (schedule->limit >= 0 && schedule->count + 1 > schedule->limit)
        return true;
    if (schedule->end_ms > 0 && out->now.ms > schedule->end_ms)
        return true;
    if (schedule->pattern != NULL) {
        if (!next_of_pattern(schedule, job->scheduler_version, zones, base_ms, &out->next_ms, err))
            return false;
        if (out->next_ms == 0)
            return true;
    } else if (schedule->is_legacy)
        out->next_ms = (base_ms / schedule->every_ms + 1) * schedule->every_ms;
    out->every_ms = schedule->every_ms;
    out->offset_ms = schedule->offset_ms;
    out->kind = schedule->is_legacy ? REPEAT_LEGACY : REPEAT_BY_SCHEDULER;
    return true;
}

static bool
is_one_of(struct json_part name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_part_is(name, *names))
            return true;
    return false;
}

static void
add_member(struct text *text, struct json_part name, struct json_part value)
{
    text_add(text, "\"");
    text_add_bytes(text, name.bytes, name.length);
    text_add(text, "\":");
    text_add_bytes(text, value.bytes, value.length);
    text_add(text, ",");
}

/* BullMQ 6: a scheduler's own offset goes along with `every`; 5.76: none does. */
static bool
keeps_offset(const struct job *job, const struct schedule *schedule)
{
    return schedule->is_legacy || (job->scheduler_version >= 6 && schedule->pattern == NULL && schedule->offset_ms > 0);
}

static void
add_repeat(struct text *text, const struct job *job, const struct schedule *schedule, struct json_part repeat)
{
    static const char *const replaced[] = { "count", "immediately", NULL };
    struct json_walk walk = json_walk(repeat.bytes, repeat.length);
    struct json_part name;
    struct json_part value;

    text_add(text, "\"repeat\":{");
    while (json_walk_next(&walk, &name, &value))
        if (schedule->is_legacy && json_part_is(name, "cron"))
            add_member(text, (struct json_part){ .bytes = "pattern", .length = 7 }, value);
        else if (!is_one_of(name, replaced) && (!json_part_is(name, "offset") || keeps_offset(job, schedule)))
            add_member(text, name, value);
    text_format(text, "\"count\":%" PRId64 "},", schedule->count + 1);
}

/* The job's options as they are written, up to what the script adds. BullMQ 5.76: as its Job objects complete them. */
static char *
next_options(const struct job *job, const struct schedule *schedule)
{
    static const char *const replaced[] = { "delay", "jobId", "prevMillis", "repeatJobKey", "timestamp", NULL };
    struct json_walk walk = json_walk(job->options_text, strlen(job->options_text));
    struct json_part name;
    struct json_part value;
    struct text text = TEXT_EMPTY;
    bool has_attempts = false;

    text_add(&text, "{");
    while (json_walk_next(&walk, &name, &value)) {
        has_attempts = has_attempts || json_part_is(name, "attempts");
        if (json_part_is(name, "repeat"))
            add_repeat(&text, job, schedule, value);
        else if (json_part_is(name, "backoff") && strchr("-0123456789", *value.bytes) != NULL)
            text_format(&text, "\"backoff\":{\"type\":\"fixed\",\"delay\":%.*s},", (int)value.length, value.bytes);
        else if (!is_one_of(name, replaced))
            add_member(&text, name, value);
    }
    if (!has_attempts)
        text_add(&text, "\"attempts\":0,");
    return text_take(&text);
}

static void
find_legacy_keys(const struct job *job, const struct schedule *schedule, struct repeat *out)
{
    char every[TEXT_INTEGER_SIZE + 1] = "";
    struct error err;
    struct repeat_legacy legacy = {
        .name = job->name,
        .id = json_string_value(json_object_get(schedule->json, "jobId")),
        .end_ms = schedule->end_ms,
        .zone = schedule->zone,
        .when = schedule->pattern != NULL ? schedule->pattern : every,
        .own_key = json_string_value(json_object_get(schedule->json, "key")),
    };

    (void)text_put_integer(every, schedule->every_ms);
    if (json_check(job->data, job->data_length, &err))
        legacy.data_id = json_member(job->data, job->data_length, "id");
    repeat_legacy_keys(&legacy, out->keys);
}

static void
add_schedule(struct error *err, const struct job *job, const struct schedule *schedule)
{
    const char *name = job->repeat_key == NULL ? job->name : job->repeat_key;

    if (schedule->pattern == NULL)
        (void)error_add(err, "schedule '%s'", name);
    else
        (void)error_add(err, "schedule '%s', zone '%s'", name, schedule->zone == NULL ? "local" : schedule->zone);
}

bool
repeat_next(const struct job *job, struct timezones *zones, struct wall now, struct repeat *out, struct error *err)
{
    struct schedule schedule = { .json = NULL };
    json_t *opts = NULL;
    bool ok;

    *out = (struct repeat){ .kind = REPEAT_ENDS, .now = now };
    if (job->repeat_key == NULL && !job->options.has_repeat)
        return true;
    ok = json_check(job->options_text, strlen(job->options_text), err);
    if (ok) {
        opts = json_loads(job->options_text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
        ok = schedule_read(job, opts, &schedule, err) && find_next(job, &schedule, zones, out, err);
    }
    if (ok && out->kind != REPEAT_ENDS)
        out->options = next_options(job, &schedule);
    if (ok && out->kind == REPEAT_LEGACY)
        find_legacy_keys(job, &schedule, out);
    if (!ok)
        add_schedule(err, job, &schedule);
    json_decref(opts);
    return ok;
}

void
repeat_clear(struct repeat *repeat)
{
    free(repeat->options);
    for (size_t i = 0; i < REPEAT_LEGACY_KEYS; i++) {
        free(repeat->keys[i].key);
        free(repeat->keys[i].id);
    }
    *repeat = (struct repeat){ .kind = REPEAT_ENDS };
}
