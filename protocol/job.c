#include "protocol/job.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

static const redisReply *
field_of(const redisReply *fields, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *field = fields->element[i];
        if (field->type == REDIS_REPLY_STRING && (size_t)field->len == length &&
            memcmp(field->str, name, length) == 0 && fields->element[i + 1]->type == REDIS_REPLY_STRING)
            return fields->element[i + 1];
    }
    return NULL;
}

static char *
copy_field(const redisReply *fields, const char *name, const char *missing, size_t *length)
{
    const redisReply *value = field_of(fields, name);

    if (value == NULL) {
        if (length != NULL)
            *length = missing == NULL ? 0 : strlen(missing);
        return memory_copy_string(missing);
    }
    if (length != NULL)
        *length = (size_t)value->len;
    return memory_copy(value->str, (size_t)value->len);
}

/* NULL if it is not there or empty. */
static char *
copy_text_field(const redisReply *fields, const char *name)
{
    const redisReply *value = field_of(fields, name);

    return value == NULL || value->len == 0 ? NULL : memory_copy(value->str, (size_t)value->len);
}

static int64_t
number_field(const redisReply *fields, const char *name)
{
    const redisReply *value = field_of(fields, name);
    int64_t number = 0;

    if (value != NULL && !text_parse_integer(value->str, (size_t)value->len, 0, INT64_MAX - 1, &number))
        number = 0; /* as BullMQ reads what is no number */
    return number;
}

bool
job_read(const char *id, size_t id_length, const redisReply *fields, struct job *out, struct error *err)
{
    char attempt[TEXT_INTEGER_SIZE];
    size_t options_length;

    if (fields->type != REDIS_REPLY_ARRAY || fields->elements % 2 != 0)
        return error_set(err, ERROR_INPUT, "job '%.*s': its fields are no hash", (int)id_length, id);
    *out = (struct job){ .id = memory_copy(id, id_length) };
    out->name = copy_field(fields, "name", "", &out->name_length);
    out->data = copy_field(fields, "data", "{}", &out->data_length);
    out->options_text = copy_field(fields, "opts", "{}", &options_length);
    if (!options_parse(out->options_text, options_length, &out->options)) {
        free(out->options_text);
        out->options_text = memory_copy_string("{}");
    }
    out->attempts_started = number_field(fields, "ats") + 1;
    out->attempt = memory_copy(attempt, text_put_integer(attempt, out->attempts_started));
    out->attempts_kept = number_field(fields, "atm");
    out->attempts_made = number_field(fields, "attemptsMade");
    if (out->attempts_made == 0)
        out->attempts_made = out->attempts_kept;
    out->stalled_counter = number_field(fields, "stc");
    out->timestamp_ms = number_field(fields, "timestamp");
    out->repeat_key = copy_text_field(fields, "rjk");
    out->deduplication_id = copy_field(fields, "deid", NULL, NULL);
    out->stacktrace = copy_field(fields, "stacktrace", NULL, NULL);
    out->deferred_failure = copy_field(fields, "defa", NULL, NULL);
    return true;
}

void
job_clear(struct job *job)
{
    free(job->id);
    free(job->name);
    free(job->data);
    free(job->options_text);
    options_clear(&job->options);
    free(job->attempt);
    free(job->repeat_key);
    free(job->deduplication_id);
    free(job->stacktrace);
    free(job->deferred_failure);
    *job = (struct job){ .id = NULL };
}

char *
job_stacktrace_with(const struct job *job, const char *error_name, const char *reason)
{
    json_t *trace = job->stacktrace == NULL ? NULL : json_loads(job->stacktrace, 0, NULL);
    struct text entry = TEXT_EMPTY;
    size_t limit = job->options.stack_trace_limit < 0 ? SIZE_MAX : (size_t)job->options.stack_trace_limit;
    char *dump;
    char *out;

    if (!json_is_array(trace)) {
        json_decref(trace);
        trace = json_array();
    }
    text_format(&entry, *reason == '\0' ? "%s" : "%s: ", error_name);
    text_add_utf8(&entry, reason, strlen(reason)); /* a deferred failure is text from Redis */
    (void)json_array_append_new(trace, json_string_nocheck(text_string(&entry)));
    text_clear(&entry);
    while (json_array_size(trace) > limit)
        (void)json_array_remove(trace, 0);
    dump = json_dumps(trace, JSON_COMPACT);
    out = memory_copy_string(dump == NULL ? "[]" : dump);
    free(dump);
    json_decref(trace);
    return out;
}
