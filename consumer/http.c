#include "consumer/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "consumer/metrics.h"
#include "consumer/page.h"

#define REQUEST_BYTES_MAX 8192
#define IDLE_SECONDS 15 /* until a connection without a request is closed */
#define SERVICE_UNAVAILABLE 503

#define PLAIN "text/plain; charset=utf-8"
#define JSON "application/json"
#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"
#define HTML "text/html; charset=utf-8"

struct http {
    struct evhttp *server;
    const struct listen_address *address;
    const struct health *health;
};

static void
answer(struct evhttp_request *request, int status, const char *type, const struct text *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char length[32];

    (void)snprintf(length, sizeof(length), "%zu", body->length);
    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    (void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    (void)evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    (void)evhttp_add_header(headers, "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) /* libevent would send a body all the same */
        (void)evhttp_add_header(headers, "Content-Length", length);
    else
        (void)evbuffer_add(evhttp_request_get_output_buffer(request), text_string(body), body->length);
    evhttp_send_reply(request, status, NULL, NULL);
}

/* Whether it asks for JSON, as `Accept: application/json` does. */
static bool
accepts_json(struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");

    return accept != NULL && strcasestr(accept, JSON) != NULL;
}

static void
on_healthz(struct evhttp_request *request, void *argument)
{
    bool as_json = accepts_json(request);
    struct text body = TEXT_EMPTY;

    (void)argument;
    text_add(&body, as_json ? "{\"alive\":true}\n" : "alive\n");
    answer(request, HTTP_OK, as_json ? JSON : PLAIN, &body);
    text_clear(&body);
}

static void
add_reasons(const json_t *health, struct text *out)
{
    const json_t *problems = json_object_get(health, "problems");
    const json_t *problem;
    size_t i;

    if (json_array_size(problems) == 0)
        text_add(out, "ready\n");
    json_array_foreach(problems, i, problem) text_format(out, "%s: %s\n",
        json_string_value(json_object_get(problem, "about")), json_string_value(json_object_get(problem, "text")));
}

static void
add_reasons_json(const json_t *health, struct text *out)
{
    json_t *object = json_pack(
        "{s:O, s:O}", "ready", json_object_get(health, "ready"), "problems", json_object_get(health, "problems"));
    char *text = json_dumps(object, JSON_COMPACT);

    text_add(out, text == NULL ? "" : text);
    text_add(out, "\n");
    free(text);
    json_decref(object);
}

static void
on_readyz(struct evhttp_request *request, void *argument)
{
    const struct http *http = argument;
    json_t *health = health_describe(http->health);
    int status = json_is_true(json_object_get(health, "ready")) ? HTTP_OK : SERVICE_UNAVAILABLE;
    bool as_json = accepts_json(request);
    struct text body = TEXT_EMPTY;

    if (as_json)
        add_reasons_json(health, &body);
    else
        add_reasons(health, &body);
    answer(request, status, as_json ? JSON : PLAIN, &body);
    text_clear(&body);
    json_decref(health);
}

static void
on_metrics(struct evhttp_request *request, void *argument)
{
    const struct http *http = argument;
    json_t *health = health_describe(http->health);
    struct text body = TEXT_EMPTY;

    metrics_add(health, &body);
    answer(request, HTTP_OK, PROMETHEUS, &body);
    text_clear(&body);
    json_decref(health);
}

static void
on_page(struct evhttp_request *request, void *argument)
{
    const struct http *http = argument;
    json_t *health = health_describe(http->health);
    struct text body = TEXT_EMPTY;

    page_add(health, wall_now(), &body);
    answer(request, HTTP_OK, HTML, &body);
    text_clear(&body);
    json_decref(health);
}

static void
on_other(struct evhttp_request *request, void *argument)
{
    struct text body = TEXT_EMPTY;

    (void)argument;
    text_add(&body, "not found; there are /, /healthz, /readyz and /metrics\n");
    answer(request, HTTP_NOTFOUND, PLAIN, &body);
    text_clear(&body);
}

/* One on which nobody listens any more, so that it can be made anew. What is no socket is left alone. */
static void
remove_dead_socket(const struct listen_address *address)
{
    const char *path = listen_address_path(address);
    struct stat status;
    int fd;

    if (path == NULL || lstat(path, &status) == -1 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return; /* then listening fails as well */
    if (connect(fd, (const struct sockaddr *)&address->address, address->length) == -1 && errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

static bool
start_listening(struct http *http, struct event_base *base, struct error *err)
{
    struct evconnlistener *listener;

    remove_dead_socket(http->address);
    listener =
        evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
            (const struct sockaddr *)&http->address->address, (int)http->address->length);
    if (listener == NULL)
        return error_set_errno(err, errno, "BACKUP_HTTP_LISTEN: listen on '%s'", http->address->text);
    if (evhttp_bind_listener(http->server, listener) == NULL)
        abort(); /* out of memory */
    return true;
}

struct http *
http_new(struct event_base *base, const struct listen_address *address, const struct health *health, struct error *err)
{
    struct http *http = memory_new(sizeof(*http));

    *http = (struct http){ .server = evhttp_new(base), .health = health };
    if (http->server == NULL)
        abort(); /* out of memory */
    evhttp_set_allowed_methods(http->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(http->server, REQUEST_BYTES_MAX);
    evhttp_set_max_body_size(http->server, REQUEST_BYTES_MAX);
    evhttp_set_timeout(http->server, IDLE_SECONDS);
    (void)evhttp_set_cb(http->server, "/healthz", on_healthz, http);
    (void)evhttp_set_cb(http->server, "/readyz", on_readyz, http);
    (void)evhttp_set_cb(http->server, "/metrics", on_metrics, http);
    (void)evhttp_set_cb(http->server, "/", on_page, http);
    evhttp_set_gencb(http->server, on_other, http);
    http->address = address;
    if (start_listening(http, base, err)) {
        log_info(LOG_EVENT("listening"), LOG_TEXT("address", address->text));
        return http;
    }
    http->address = NULL; /* its socket, if there is one, is somebody else's */
    http_free(http);
    return NULL;
}

void
http_free(struct http *http)
{
    if (http == NULL)
        return;
    evhttp_free(http->server);
    if (http->address != NULL && listen_address_path(http->address) != NULL)
        (void)unlink(listen_address_path(http->address));
    free(http);
}
