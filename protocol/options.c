#include "protocol/options.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define PRIORITY_MAX 2097151            /* BullMQ 6.7; 5.76: one more */
#define DELAY_MAX_MS 9007199254740991.0 /* JavaScript's greatest safe integer */

/* A number as JavaScript would floor it, between `least` and 2^53; `missing` if it is no number. */
static int64_t
number_of(const json_t *value, int64_t least, int64_t missing)
{
    double number = json_number_value(value);

    if (!json_is_number(value))
        return missing;
    if (number < (double)least)
        return least;
    return number > DELAY_MAX_MS ? (int64_t)DELAY_MAX_MS : (int64_t)floor(number);
}

static struct options_keep
keep_of(const json_t *value)
{
    struct options_keep keep = OPTIONS_KEEP_ALL;

    keep.is_set = json_is_boolean(value) || json_is_number(value) || json_is_object(value);
    if (json_is_true(value))
        keep.count = 0;
    else if (json_is_number(value))
        keep.count = number_of(value, -1, -1);
    else if (json_is_object(value)) {
        keep.count = number_of(json_object_get(value, "count"), -1, -1);
        keep.age_seconds = number_of(json_object_get(value, "age"), 0, -1);
        keep.limit = number_of(json_object_get(value, "limit"), 1, OPTIONS_KEEP_LIMIT);
    }
    return keep;
}

/* A bare number is a fixed delay. */
static void
read_backoff(const json_t *value, struct options *out)
{
    const json_t *delay = json_is_object(value) ? json_object_get(value, "delay") : value;
    const char *type = json_string_value(json_object_get(value, "type"));

    if (!json_is_number(value) && !json_is_object(value))
        return;
    out->backoff_delay_ms = fmin(fmax(json_number_value(delay), 0), DELAY_MAX_MS);
    out->backoff_jitter = fmin(fmax(json_number_value(json_object_get(value, "jitter")), 0), 1);
    if (json_is_number(value) || (type != NULL && strcmp(type, "fixed") == 0))
        out->backoff = BACKOFF_FIXED;
    else if (type != NULL && strcmp(type, "exponential") == 0)
        out->backoff = BACKOFF_EXPONENTIAL;
    else
        out->backoff = BACKOFF_UNKNOWN;
}

static bool
options_read(const char *bytes, size_t length, struct options *out)
{
    json_t *opts =
        json_loadb(bytes, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL); /* however great they are */
    const char *job_id = json_string_value(json_object_get(opts, "jobId"));
    const json_t *deduplication = json_object_get(opts, "de");
    const char *deduplication_id = json_string_value(json_object_get(deduplication, "id"));
    bool is_object = json_is_object(opts);

    *out = (struct options){ .backoff = BACKOFF_NONE };
    out->attempts = number_of(json_object_get(opts, "attempts"), 0, 0);
    read_backoff(json_object_get(opts, "backoff"), out);
    out->on_complete = keep_of(json_object_get(opts, "removeOnComplete"));
    out->on_fail = keep_of(json_object_get(opts, "removeOnFail"));
    out->stack_trace_limit = number_of(json_object_get(opts, "stackTraceLimit"), 0, -1);
    out->keep_logs = number_of(json_object_get(opts, "kl"), 0, -1);
    out->timestamp_ms = number_of(json_object_get(opts, "timestamp"), 0, 0);
    out->delay_ms = number_of(json_object_get(opts, "delay"), 0, 0);
    out->priority = number_of(json_object_get(opts, "priority"), 0, 0);
    out->has_repeat = json_object_get(opts, "repeat") != NULL;
    out->lifo = json_is_true(json_object_get(opts, "lifo"));
    if (deduplication_id != NULL && *deduplication_id != '\0')
        out->deduplication_id = memory_copy_string(deduplication_id);
    out->deduplication_ms = number_of(json_object_get(deduplication, "ttl"), 0, 0);
    out->job_id = job_id == NULL || *job_id == '\0' ? NULL : memory_copy_string(job_id);
    json_decref(opts);
    return is_object;
}

bool
options_parse(const char *bytes, size_t length, struct options *out)
{
    /* A queue's jobs mostly have the same options, and reading them is the greatest part of reading a job: the last ones are remembered. */
    static char last_bytes[256];
    static size_t last_length;
    static struct options last;

    if (length == last_length && length > 0 && memcmp(bytes, last_bytes, length) == 0) {
        *out = last;
        return true;
    }
    if (!options_read(bytes, length, out))
        return false;
    if (length <= sizeof(last_bytes) && out->job_id == NULL && out->deduplication_id == NULL) { /* nothing of its own */
        memcpy(last_bytes, bytes, length);
        last_length = length;
        last = *out;
    }
    return true;
}

bool
options_parse_keep(const char *json, struct options_keep *out, struct error *err)
{
    static const struct {
        const char *name;
        json_int_t least;
    } known[] = { { "age", 0 }, { "count", 0 }, { "limit", 1 } };
    json_t *value = json_loads(json, 0, NULL);
    size_t understood = 0;
    bool ok;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const json_t *member = json_object_get(value, known[i].name);
        if (json_is_integer(member) && json_integer_value(member) >= known[i].least)
            understood++;
    }
    *out = keep_of(value);
    ok = understood > 0 && understood == json_object_size(value) && (out->count >= 0 || out->age_seconds >= 0);
    json_decref(value);
    return ok || error_set(err, ERROR_CONFIG,
                     "'%s' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"", json);
}

/* What the Queue of BullMQ does more than writing the option down, and we do not. */
static bool
options_refuse(const json_t *opts, struct error *err)
{
    static const char *const unknown[] = { "parent", "repeat", "telemetry" };
    static const char *const unknown_for_duplicates[] = { "extend", "keepLastIfActive", "replace" };

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        if (json_object_get(opts, unknown[i]) != NULL)
            return error_set(err, ERROR_INPUT, "a job program cannot add a job with the option '%s'", unknown[i]);
    for (size_t i = 0; i < sizeof(unknown_for_duplicates) / sizeof(unknown_for_duplicates[0]); i++)
        if (json_is_true(json_object_get(json_object_get(opts, "de"), unknown_for_duplicates[i])))
            return error_set(err, ERROR_INPUT, "a job program cannot add a job with the option 'deduplication.%s'",
                unknown_for_duplicates[i]);
    return true;
}

/* "7", which an id from the counter could be, too, but not "007". */
static bool
is_counted(const char *id)
{
    char canonical[TEXT_INTEGER_SIZE];
    int64_t number;

    return text_parse_integer(id, strlen(id), INT64_MIN, INT64_MAX, &number) &&
           text_put_integer(canonical, number) == strlen(id);
}

/* BullMQ 5.76: what may be in an id of one's own. Colons make it one of a scheduler's, which has two. */
static bool
is_id_of_ones_own(const char *id)
{
    size_t colons = 0;

    for (const char *c = id; *c != '\0'; c++)
        colons += *c == ':';
    return !is_counted(id) && strncmp(id, "0:", 2) != 0 && (colons == 0 || colons == 2);
}

/* What Queue.add() of BullMQ 5.76 throws at. */
static bool
options_check_values(const json_t *opts, struct error *err)
{
    const char *id = json_string_value(json_object_get(opts, "jobId"));
    double priority = json_number_value(json_object_get(opts, "priority"));
    const json_t *deduplication = json_object_get(opts, "de");
    const char *deduplication_id = json_string_value(json_object_get(deduplication, "id"));

    if (id != NULL && !is_id_of_ones_own(id))
        return error_set(
            err, ERROR_INPUT, "'%s' cannot be a job's id: it is a number, begins with '0:' or has a ':'", id);
    if (priority > PRIORITY_MAX || priority != floor(priority))
        return error_set(err, ERROR_INPUT, "a priority is a whole number from 0 to %d", PRIORITY_MAX);
    if (json_is_object(deduplication) && (deduplication_id == NULL || *deduplication_id == '\0'))
        return error_set(err, ERROR_INPUT, "the option 'deduplication' needs an id");
    return true;
}

/* The options with the names that BullMQ 5.76 stores; NULL, with ERROR_INPUT, if it is no object. */
static json_t *
options_shortened(const char *json, struct error *err)
{
    static const char *const shortened[][2] = { { "keepLogs", "kl" }, { "failParentOnFailure", "fpof" },
        { "continueParentOnFailure", "cpof" }, { "ignoreDependencyOnFailure", "idof" },
        { "removeDependencyOnFailure", "rdof" }, { "debounce", "de" }, { "deduplication", "de" } };
    json_error_t why;
    json_t *opts = json_loads(json, JSON_ALLOW_NUL, &why);

    if (!json_is_object(opts)) {
        (void)error_set(
            err, ERROR_INPUT, opts == NULL ? "the options cannot be read: %s" : "the options are no object", why.text);
        json_decref(opts);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(shortened) / sizeof(shortened[0]); i++) {
        json_t *value = json_object_get(opts, shortened[i][0]);
        if (value != NULL) {
            (void)json_object_set(opts, shortened[i][1], value);
            (void)json_object_del(opts, shortened[i][0]);
        }
    }
    return opts;
}

/* Takes the options over. */
static char *
options_dump(json_t *opts)
{
    char *dump = json_dumps(opts, JSON_COMPACT);
    char *out = memory_copy_string(dump == NULL ? "{}" : dump);

    free(dump);
    json_decref(opts);
    return out;
}

char *
options_for_adding(const char *json, struct error *err)
{
    json_t *opts = options_shortened(json, err);

    if (opts == NULL)
        return NULL;
    if (!options_refuse(opts, err) || !options_check_values(opts, err)) {
        json_decref(opts);
        return NULL;
    }
    if (json_object_get(opts, "attempts") == NULL)
        (void)json_object_set_new(opts, "attempts", json_integer(0));
    if (json_is_number(json_object_get(opts, "backoff")))
        (void)json_object_set_new(
            opts, "backoff", json_pack("{s:s, s:O}", "type", "fixed", "delay", json_object_get(opts, "backoff")));
    return options_dump(opts);
}

char *
options_for_schedules(const char *json, struct error *err)
{
    json_t *opts = options_shortened(json, err);

    return opts == NULL ? NULL : options_dump(opts);
}

void
options_clear(struct options *options)
{
    free(options->job_id);
    free(options->deduplication_id);
    options->job_id = NULL;
    options->deduplication_id = NULL;
}

bool
options_backoff_ms(const struct options *options, int64_t attempt, double chance, int64_t *delay_ms)
{
    double delay = options->backoff_delay_ms;
    double jitter = options->backoff_jitter;

    *delay_ms = 0;
    switch (options->backoff) {
    case BACKOFF_NONE:
        return true;
    case BACKOFF_UNKNOWN:
        return false;
    case BACKOFF_EXPONENTIAL:
        if (delay > 0) /* twice nothing is nothing, however often; infinity times nothing is not */
            delay = round(exp2((double)(attempt - 1)) * delay);
        break;
    case BACKOFF_FIXED:
        break;
    }
    if (jitter > 0)
        delay = floor(chance * delay * jitter + delay * (1 - jitter));
    *delay_ms = (int64_t)fmin(delay, DELAY_MAX_MS);
    return true;
}
