#include "common/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/json.h"
#include "common/memory.h"
#include "common/signals.h"

#define MOST_MS INT64_C(9007199254740991) /* JavaScript's greatest safe integer */

static const char *const type_names[] = {
    [REPORT_PROGRESS] = "progress",
    [REPORT_LOG] = "log",
    [REPORT_DATA] = "data",
    [REPORT_ADD] = "add",
    [REPORT_SCHEDULE] = "schedule",
    [REPORT_UNSCHEDULE] = "unschedule",
    [REPORT_COMPLETED] = "completed",
    [REPORT_FAILED] = "failed",
    [REPORT_INTERRUPTED] = "interrupted",
    [REPORT_DELAY] = "delay",
    [REPORT_WAIT] = "wait",
    [REPORT_RATE_LIMIT] = "rate-limit",
};

#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

bool
report_is_verdict(enum report_type type)
{
    return type >= REPORT_COMPLETED;
}

const char *
report_type_name(enum report_type type)
{
    return type_names[type];
}

static enum report_type
type_of_name(const char *name)
{
    for (size_t i = REPORT_PROGRESS; name != NULL && i < TYPES; i++)
        if (strcmp(type_names[i], name) == 0)
            return (enum report_type)i;
    return REPORT_NONE;
}

/* A line that has passed json_check(). */
struct line {
    const char *bytes;
    size_t length;
};

static struct json_part
member_of(const struct line *line, const char *member)
{
    return json_member(line->bytes, line->length, member);
}

static bool
part_is(struct json_part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.bytes, text, part.length) == 0;
}

/* What the string says; NULL if it is none. */
static char *
string_of(struct json_part part)
{
    json_t *string =
        part.bytes == NULL ? NULL : json_loadb(part.bytes, part.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *out = json_is_string(string) ? memory_copy(json_string_value(string), json_string_length(string)) : NULL;

    json_decref(string);
    return out;
}

static enum error_code
code_of(struct json_part part)
{
    char *name = string_of(part);
    enum error_code code = error_code_named(name);

    free(name);
    return code;
}

static bool
take_string(const struct line *line, const char *member, char **out, struct error *err)
{
    *out = string_of(member_of(line, member));
    return *out != NULL || error_set(err, ERROR_INPUT, "'%s' is missing or no string", member);
}

/* A missing member reads as `missing`, because JSON.stringify and printf both leave such things out. */
static char *
take_value(const struct line *line, const char *member, const char *missing)
{
    struct json_part value = member_of(line, member);

    return value.bytes == NULL ? memory_copy_string(missing) : memory_copy(value.bytes, value.length);
}

static bool
take_options(const struct line *line, struct report *out, struct error *err)
{
    out->options = take_value(line, "opts", "{}");
    return *out->options == '{' || error_set(err, ERROR_INPUT, "'opts' is no object");
}

static bool
take_ms(const struct line *line, const char *member, int64_t least, struct report *out, struct error *err)
{
    struct json_part ms = member_of(line, member);

    return (ms.bytes != NULL && text_parse_integer(ms.bytes, ms.length, least, MOST_MS, &out->ms)) ||
           error_set(err, ERROR_INPUT, "'%s' is missing or no time in milliseconds", member);
}

static bool
take_members(const struct line *line, struct report *out, struct error *err)
{
    switch (out->type) {
    case REPORT_PROGRESS:
        out->value = take_value(line, "value", "null");
        return true;
    case REPORT_LOG:
        return take_string(line, "text", &out->text, err);
    case REPORT_DATA:
        out->value = take_value(line, "data", "{}");
        return true;
    case REPORT_ADD:
        out->value = take_value(line, "data", "{}");
        return take_string(line, "name", &out->text, err) && take_options(line, out, err);
    case REPORT_SCHEDULE:
        out->value = take_value(line, "data", "{}");
        return take_string(line, "id", &out->id, err) && take_string(line, "pattern", &out->pattern, err) &&
               take_string(line, "tz", &out->zone, err) && take_string(line, "name", &out->text, err) &&
               take_options(line, out, err);
    case REPORT_UNSCHEDULE:
        return take_string(line, "id", &out->id, err);
    case REPORT_COMPLETED:
        out->value = take_value(line, "returnvalue", "null");
        return true;
    case REPORT_FAILED:
        out->code = code_of(member_of(line, "code"));
        out->retry = part_is(member_of(line, "retry"), "true");
        out->told = part_is(member_of(line, "told"), "true");
        return take_string(line, "reason", &out->text, err);
    case REPORT_INTERRUPTED:
        return take_string(line, "reason", &out->text, err);
    case REPORT_DELAY:
        return take_ms(line, "until", 0, out, err);
    case REPORT_RATE_LIMIT:
        return take_ms(line, "ms", 1, out, err);
    case REPORT_WAIT:
        return true;
    case REPORT_NONE:
        break;
    }
    return error_set(err, ERROR_INPUT,
        "'type' is none of progress, log, data, add, schedule, unschedule, completed, failed, interrupted, delay, "
        "wait, rate-limit");
}

bool
report_parse(const char *bytes, size_t length, struct report *out, struct error *err)
{
    struct line line = { .bytes = bytes, .length = length };
    struct report report = REPORT_EMPTY;
    char *type;

    if (length > REPORT_LINE_MAX)
        return error_set(err, ERROR_INPUT, "a report line is longer than %zu bytes", REPORT_LINE_MAX);
    if (!json_check(bytes, length, err))
        return error_add(err, "a report line");
    type = string_of(member_of(&line, "type"));
    report.type = type_of_name(type);
    free(type);
    if (!take_members(&line, &report, err)) {
        report_clear(&report);
        return error_add(err, "a report line");
    }
    *out = report;
    return true;
}

static const char *
yes_no(bool value)
{
    return value ? "true" : "false";
}

static void
add_string_member(struct text *out, const char *member, const char *string)
{
    text_format(out, ",\"%s\":", member);
    text_add_json(out, string, strlen(string));
}

void
report_add_line(const struct report *report, struct text *out)
{
    text_format(out, "{\"type\":\"%s\"", type_names[report->type]);
    switch (report->type) {
    case REPORT_PROGRESS:
        text_format(out, ",\"value\":%s", report->value);
        break;
    case REPORT_LOG:
        add_string_member(out, "text", report->text);
        break;
    case REPORT_DATA:
        text_format(out, ",\"data\":%s", report->value);
        break;
    case REPORT_ADD:
        add_string_member(out, "name", report->text);
        text_format(out, ",\"data\":%s,\"opts\":%s", report->value, report->options);
        break;
    case REPORT_SCHEDULE:
        add_string_member(out, "id", report->id);
        add_string_member(out, "pattern", report->pattern);
        add_string_member(out, "tz", report->zone);
        add_string_member(out, "name", report->text);
        text_format(out, ",\"data\":%s,\"opts\":%s", report->value, report->options);
        break;
    case REPORT_UNSCHEDULE:
        add_string_member(out, "id", report->id);
        break;
    case REPORT_COMPLETED:
        text_format(out, ",\"returnvalue\":%s", report->value);
        break;
    case REPORT_FAILED:
        add_string_member(out, "reason", report->text);
        text_format(out, ",\"retry\":%s%s", yes_no(report->retry), report->told ? ",\"told\":true" : "");
        if (report->code != ERROR_NONE)
            add_string_member(out, "code", error_code_name(report->code));
        break;
    case REPORT_INTERRUPTED:
        add_string_member(out, "reason", report->text);
        break;
    case REPORT_DELAY:
        text_format(out, ",\"until\":%" PRId64, report->ms);
        break;
    case REPORT_RATE_LIMIT:
        text_format(out, ",\"ms\":%" PRId64, report->ms);
        break;
    case REPORT_WAIT:
    case REPORT_NONE:
        break;
    }
    text_add(out, "}\n");
}

void
report_clear(struct report *report)
{
    free(report->value);
    free(report->text);
    free(report->options);
    free(report->id);
    free(report->pattern);
    free(report->zone);
    *report = REPORT_EMPTY;
}

static void
describe_end(struct text *out, int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        text_add(out, "was killed by ");
        signal_add_name(out, WTERMSIG(wait_status));
    } else
        text_format(out, "ended with exit status %d", WEXITSTATUS(wait_status));
}

bool
report_judge(struct report *last, int wait_status, const struct error *broken)
{
    bool ended_well = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    bool stands = report_is_verdict(last->type) && (last->type != REPORT_COMPLETED || ended_well);
    struct text reason = TEXT_EMPTY;

    last->unclean = !ended_well;
    if (stands && broken == NULL)
        return false;
    text_add(&reason, "the job process ");
    if (broken != NULL)
        text_format(&reason, "broke the child protocol: %s", broken->text);
    else {
        describe_end(&reason, wait_status);
        text_add(&reason, last->type == REPORT_COMPLETED ? " after it had reported success" : " without a verdict");
    }
    report_clear(last);
    *last = (struct report){ .type = REPORT_FAILED, .text = text_take(&reason), .retry = true, .unclean = true };
    return true;
}

void
report_add_job(const struct report_job *job, struct text *out)
{
    struct error err;

    text_add(out, "{\"queue\":");
    text_add_json(out, job->queue, strlen(job->queue));
    add_string_member(out, "prefix", job->prefix);
    add_string_member(out, "id", job->id);
    text_add(out, ",\"name\":");
    text_add_json(out, job->name, job->name_length);
    text_add(out, ",\"data\":");
    if (json_check(job->data, job->data_length, &err))
        text_add_bytes(out, job->data, job->data_length);
    else {
        text_add(out, "null");
        add_string_member(out, "dataError", err.text);
    }
    text_format(out,
        ",\"opts\":%s,\"attemptsMade\":%" PRId64 ",\"attemptsStarted\":%" PRId64 ",\"stalledCounter\":%" PRId64
        ",\"timestamp\":%" PRId64 ",\"final\":%s",
        job->options, job->attempts_made, job->attempts_started, job->stalled_counter, job->timestamp_ms,
        yes_no(job->is_last));
    if (job->failure != NULL) {
        text_add(out, ",\"failure\":{\"reason\":");
        text_add_json(out, job->failure->reason, strlen(job->failure->reason));
        text_format(out, ",\"final\":%s,\"began\":%" PRId64 ",\"at\":%" PRId64 ",\"told\":%s,\"progress\":%s}",
            yes_no(job->failure->is_final), job->failure->began_ms, job->failure->at_ms, yes_no(job->failure->is_told),
            job->failure->progress == NULL ? "null" : job->failure->progress);
    }
    text_add(out, "}\n");
}
