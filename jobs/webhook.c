#include "jobs/webhook.h"

#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "jobs/http.h"
#include "jobs/sha256.h"
#include "jobs/stop.h"

#define PAUSE_MS 1000 /* before the second try */

static const struct {
    const char *event;
    const char *outcome;
} names[] = {
    [NEWS_COMPLETED] = { "backup.completed", "success" },
    [NEWS_FAILED] = { "backup.failed", "failed" },
    [NEWS_MISSED] = { "backup.missed", "missed" },
};

static void
add_string(struct text *out, const char *name, const char *value)
{
    text_format(out, ",\"%s\":", name);
    if (value == NULL)
        text_add(out, "null");
    else
        text_add_json(out, value, strlen(value));
}

static void
add_number(struct text *out, const char *name, bool is_known, int64_t value)
{
    if (is_known)
        text_format(out, ",\"%s\":%" PRId64, name, value);
    else
        text_format(out, ",\"%s\":null", name);
}

void
webhook_add_body(const struct news *news, struct wall at, struct text *out)
{
    bool completed = news->kind == NEWS_COMPLETED;
    char at_text[WALL_ISO_SIZE];

    wall_format_iso(at, at_text);
    text_format(out, "{\"event\":\"%s\",\"outcome\":\"%s\"", names[news->kind].event, names[news->kind].outcome);
    add_string(out, "runId", news->run_id);
    add_string(out, "configId", news->config_id);
    add_string(out, "configName", news->config_name);
    add_string(out, "file", news->filename);
    add_number(out, "sizeBytes", completed, news->size_bytes);
    add_string(out, "sha256", news->sha256);
    add_number(out, "durationMs", completed, news->duration_ms);
    add_string(out, "verified", news->verified);
    add_string(out, "afterSuccess", news->after_success);
    add_string(out, "error", news->error);
    add_string(out, "at", at_text);
    text_add(out, "}");
}

void
webhook_add_signature(const struct secret *secret, const char *timestamp, const char *body, struct text *out)
{
    struct text message = TEXT_EMPTY;
    char signature[SHA256_SIZE];

    text_format(&message, "%s.%s", timestamp, body);
    sha256_sign(secret_reveal(secret), text_string(&message), message.length, signature);
    text_format(out, "sha256=%s", signature);
    text_clear(&message);
}

static bool
try_twice(const struct http_request *request, struct error *err)
{
    if (http_send(request, err))
        return true;
    if (err->code != ERROR_LOST && err->code != ERROR_TIMEOUT)
        return false;
    log_info(LOG_EVENT("webhook is tried again"), LOG_ERROR(err));
    return stop_wait(-1, 0, moment_add_ms(moment_now(), PAUSE_MS), err) && http_send(request, err);
}

bool
webhook_send(const struct settings *settings, const struct news *news, struct error *err)
{
    struct wall now = wall_now();
    struct text timestamp = TEXT_EMPTY;
    struct text timestamp_header = TEXT_EMPTY;
    struct text signature_header = TEXT_EMPTY;
    struct text body = TEXT_EMPTY;
    bool ok;

    if (!secret_is_set(&settings->webhook_url))
        return true;
    text_format(&timestamp, "%" PRId64, now.ms / 1000);
    text_format(&timestamp_header, "X-Weavestream-Timestamp: %s", text_string(&timestamp));
    webhook_add_body(news, now, &body);
    if (secret_is_set(&settings->webhook_secret)) {
        text_add(&signature_header, "X-Weavestream-Signature: ");
        webhook_add_signature(
            &settings->webhook_secret, text_string(&timestamp), text_string(&body), &signature_header);
    }
    {
        const char *const headers[] = { "Content-Type: application/json", text_string(&timestamp_header),
            signature_header.length > 0 ? text_string(&signature_header) : NULL, NULL };
        const struct http_request request = { .url = secret_reveal(&settings->webhook_url),
            .body = text_string(&body),
            .headers = headers,
            .extra_ca_file = settings->extra_ca_file,
            .timeout_ms = WEBHOOK_MS };
        ok = try_twice(&request, err);
    }
    text_clear(&timestamp);
    text_clear(&timestamp_header);
    text_clear(&signature_header);
    text_clear(&body);
    return ok;
}
