#include "jobs/payload.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 64    /* of a foreign string, in an error text */
#define ATTEMPTS_MAX 1000 /* whose rows are still of interest */

static const struct kind {
    const char *name;
    enum payload_kind kind;
} kinds[] = {
    { "run", PAYLOAD_RUN },
    { "prune", PAYLOAD_PRUNE },
};

static bool
find_kind(const char *name, size_t length, enum payload_kind *out)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

static bool
set_wrong_kind(const char *name, size_t length, struct error *err)
{
    struct text shown = TEXT_EMPTY;

    text_add_json(&shown, name, length < SHOWN_BYTES ? length : SHOWN_BYTES);
    (void)error_set(err, ERROR_INPUT, "'kind' is %s, not \"run\" or \"prune\"", text_string(&shown));
    text_clear(&shown);
    return false;
}

static bool
read_kind(const json_t *envelope, const json_t *data, struct payload *out, struct error *err)
{
    static const char prefix[] = "backup:";
    const json_t *kind = json_object_get(data, "kind");
    const json_t *name = json_object_get(envelope, "name");
    const char *text = json_string_value(kind == NULL ? name : kind);
    size_t length = json_string_length(kind == NULL ? name : kind);

    if (kind != NULL && text == NULL)
        return error_set(err, ERROR_INPUT, "'kind' is not a string");
    if (kind != NULL)
        return find_kind(text, length, &out->kind) || set_wrong_kind(text, length, err);
    if (text != NULL && strncmp(text, prefix, strlen(prefix)) == 0) {
        text += strlen(prefix);
        length -= strlen(prefix);
    }
    if (text == NULL || !find_kind(text, length, &out->kind))
        return error_set(err, ERROR_INPUT, "'kind' is missing, and the job's name is not 'run' or 'prune'");
    return true;
}

static bool
read_uuid(const json_t *data, const char *member, bool required, char out[UUID_SIZE], struct error *err)
{
    const json_t *value = json_object_get(data, member);

    if (value == NULL && !required)
        return true;
    if (value == NULL)
        return error_set(err, ERROR_INPUT, "'%s' is missing", member);
    if (!json_is_string(value) || !uuid_parse(json_string_value(value), json_string_length(value), out))
        return error_set(err, ERROR_INPUT, "'%s' is not a UUID", member);
    return true;
}

static int64_t
number_in(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* Ids begin anew in a Redis that was wiped, so the time when the job was made belongs to it. */
static void
identify_job(const json_t *envelope, char out[UUID_SIZE])
{
    const char *queue = json_string_value(json_object_get(envelope, "queue"));
    const char *prefix = json_string_value(json_object_get(envelope, "prefix"));
    const char *id = json_string_value(json_object_get(envelope, "id"));
    struct text text = TEXT_EMPTY;

    if (queue != NULL && prefix != NULL && id != NULL) {
        text_format(&text, "%s:%s:%s:%" PRId64, prefix, queue, id, number_in(envelope, "timestamp"));
        uuid_of(text_string(&text), out);
    }
    text_clear(&text);
}

static bool
read_payload(const json_t *envelope, struct payload *out, struct error *err)
{
    const json_t *data = json_object_get(envelope, "data");
    const char *no_json = json_string_value(json_object_get(envelope, "dataError"));

    if (no_json != NULL)
        return error_set(err, ERROR_INPUT, "it is not JSON: %s", no_json);
    if (!json_is_object(data))
        return error_set(err, ERROR_INPUT, "it is not an object");
    return read_kind(envelope, data, out, err) && read_uuid(data, "configId", true, out->config_id, err) &&
           (out->kind != PAYLOAD_RUN || read_uuid(data, "backupRunId", false, out->run_id, err));
}

bool
payload_parse(const char *bytes, size_t length, struct payload *out, struct error *err)
{
    json_t *envelope = NULL;
    json_error_t why;
    bool ok;

    *out = (struct payload){ .kind = PAYLOAD_RUN };
    if (length > PAYLOAD_BYTES_MAX)
        ok = error_set(err, ERROR_INPUT, "it is larger than %zu KB", PAYLOAD_BYTES_MAX / 1024);
    else if ((envelope = json_loadb(bytes, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why)) == NULL)
        ok = error_set(err, ERROR_INPUT, "the job on standard input is not JSON: %s", why.text);
    else
        ok = read_payload(envelope, out, err);
    if (ok) {
        out->attempts_started = number_in(envelope, "attemptsStarted");
        out->is_last = !json_is_false(json_object_get(envelope, "final")); /* by hand there is no other */
        out->stalled_counter = number_in(envelope, "stalledCounter");
        out->added.ms = number_in(envelope, "timestamp");
        identify_job(envelope, out->job);
    }
    json_decref(envelope);
    return ok || error_add(err, "Invalid backup job payload");
}

static void
row_of_attempt(const struct payload *payload, int64_t attempt, char out[UUID_SIZE])
{
    char text[UUID_SIZE + 24];

    (void)snprintf(text, sizeof(text), "%s:%" PRId64, payload->job, attempt);
    uuid_of(text, out);
}

static bool
makes_known_rows(const struct payload *payload)
{
    return payload->kind == PAYLOAD_RUN && payload->job[0] != '\0' && payload->attempts_started > 0;
}

bool
payload_row(const struct payload *payload, char out[UUID_SIZE])
{
    if (payload->run_id[0] != '\0')
        memcpy(out, payload->run_id, UUID_SIZE);
    else if (makes_known_rows(payload))
        row_of_attempt(payload, payload->attempts_started, out);
    else
        return false;
    return true;
}

void
payload_add_rows(const struct payload *payload, bool with_this, struct text *out)
{
    int64_t last = with_this ? payload->attempts_started : payload->attempts_started - 1;
    int64_t first = last > ATTEMPTS_MAX ? last - ATTEMPTS_MAX + 1 : 1;
    const char *separator = "";
    char id[UUID_SIZE];

    text_add(out, "{");
    if (payload->run_id[0] != '\0' && with_this)
        text_add(out, payload->run_id);
    for (int64_t i = first; payload->run_id[0] == '\0' && makes_known_rows(payload) && i <= last; i++) {
        row_of_attempt(payload, i, id);
        text_format(out, "%s%s", separator, id);
        separator = ",";
    }
    text_add(out, "}");
}

bool
payload_was_taken_before(const struct payload *payload)
{
    return payload->attempts_started > 1 || payload->stalled_counter > 0;
}
