#include "jobs/ping.h"

#include <inttypes.h>
#include <string.h>

#include "common/url.h"
#include "jobs/http.h"

#define BODY_BYTES 10000  /* healthchecks.io keeps that much of a body */
#define MESSAGE_BYTES 200 /* Uptime Kuma cuts at 250 */
#define PUSH_PATH "/api/push/"

/* The length of the well-formed beginning of `string` that has `most` bytes at most. */
static size_t
beginning(const char *string, size_t most)
{
    size_t length = 0;

    while (string[length] != '\0') {
        size_t step = text_utf8_length(string + length, strlen(string + length));

        if (step == 0 || length + step > most)
            break;
        length += step;
    }
    return length;
}

static bool
is_parameter_of_push(const char *parameter, size_t length)
{
    static const char *const names[] = { "status=", "msg=", "ping=" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (length >= strlen(names[i]) && memcmp(parameter, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Uptime Kuma shows its URL with parameters that stand for ours. */
static void
add_push_query(const char *query, size_t query_length, const struct ping *ping, struct text *out)
{
    const char *message = ping->kind == PING_SUCCESS ? "OK" : ping->reason;

    for (const char *at = query; at < query + query_length;) {
        size_t left = (size_t)(query + query_length - at);
        const char *next = memchr(at, '&', left);
        size_t length = next == NULL ? left : (size_t)(next - at);

        if (length > 0 && !is_parameter_of_push(at, length)) {
            text_add_bytes(out, at, length);
            text_add(out, "&");
        }
        at += length + 1;
    }
    text_format(out, "status=%s&msg=", ping->kind == PING_SUCCESS ? "up" : "down");
    url_add_escaped(out, message, beginning(message, MESSAGE_BYTES), "");
    text_add(out, "&ping=");
    if (ping->duration_ms > 0)
        text_format(out, "%" PRId64, ping->duration_ms);
}

void
ping_add_url(const char *url, const struct ping *ping, struct text *out)
{
    static const char *const endings[] = { [PING_START] = "/start", [PING_SUCCESS] = "", [PING_FAILURE] = "/fail" };
    size_t path_length = strcspn(url, "?#");
    const char *query = url[path_length] == '?' ? url + path_length + 1 : "";
    size_t query_length = strcspn(query, "#");
    bool is_push = memmem(url, path_length, PUSH_PATH, strlen(PUSH_PATH)) != NULL;

    if (is_push && ping->kind == PING_START)
        return;
    if (!is_push && ping->kind != PING_SUCCESS && path_length > 0 && url[path_length - 1] == '/')
        path_length--;
    text_add_bytes(out, url, path_length);
    if (!is_push)
        text_add(out, endings[ping->kind]);
    if (is_push || query_length > 0)
        text_add(out, "?");
    if (is_push)
        add_push_query(query, query_length, ping, out);
    else
        text_add_bytes(out, query, query_length);
}

bool
ping_send(const struct settings *settings, const struct ping *ping, struct error *err)
{
    static const char *const headers[] = { "Content-Type: text/plain; charset=utf-8", NULL };
    struct http_request request = { .extra_ca_file = settings->extra_ca_file, .timeout_ms = PING_MS };
    struct text url = TEXT_EMPTY;
    struct text body = TEXT_EMPTY;
    bool ok = true;

    if (secret_is_set(&settings->ping_url))
        ping_add_url(secret_reveal(&settings->ping_url), ping, &url);
    if (url.length > 0) {
        request.url = text_string(&url);
        if (ping->kind == PING_FAILURE) {
            text_add_bytes(&body, ping->reason, beginning(ping->reason, BODY_BYTES));
            request.body = text_string(&body);
            request.headers = headers;
        }
        ok = http_send(&request, err);
    }
    if (url.data != NULL)
        explicit_bzero(url.data, url.capacity);
    text_clear(&url);
    text_clear(&body);
    return ok;
}
