#include "consumer/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "consumer/consumer.h"
#include "consumer/metrics.h"
#include "consumer/page.h"
#include "consumer/request.h"

#define REST_MS 1000 /* after a connection that could not be taken */

#define PLAIN "text/plain; charset=utf-8"
#define JSON "application/json"
#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"
#define HTML "text/html; charset=utf-8"

struct http {
    struct event_base *base;
    const struct listen_address *address;
    const struct health *health;
    struct evconnlistener *listener;
    struct event *rest;       /* its end */
    struct connection *first; /* the newest */
    size_t connections;
    ino_t socket; /* what our socket is called in its file system; 0: there is none */
};

/* Until its request is over, it reads; then it answers, and shuts our half; then it is over when the other's half is. */
struct connection {
    struct http *http;
    struct connection *next;
    struct bufferevent *stream;
    struct event *deadline;
    struct request request;
    bool is_half; /* the other's half is shut */
};

/* --- Answers --- */

struct answer {
    int status;
    const char *type;
    struct text body;
};

static void
answer_healthz(const struct http *http, bool as_json, struct answer *out)
{
    (void)http;
    out->type = as_json ? JSON : PLAIN;
    text_add(&out->body, as_json ? "{\"alive\":true}\n" : "alive\n");
}

/* Names in it may hold line ends, which would make two reasons of one, and whatever else a terminal obeys. */
static void
add_line(struct text *out, const char *string)
{
    for (; *string != '\0'; string++)
        text_add_bytes(out, (unsigned char)*string < ' ' || *string == '\x7F' ? " " : string, 1);
    text_add(out, "\n");
}

static void
add_reasons(const json_t *health, struct text *out)
{
    const json_t *problems = json_object_get(health, "problems");
    struct text line = TEXT_EMPTY;
    const json_t *problem;
    size_t i;

    if (json_array_size(problems) == 0)
        text_add(out, "ready\n");
    json_array_foreach(problems, i, problem)
    {
        text_reset(&line);
        text_format(&line, "%s: %s", json_string_value(json_object_get(problem, "about")),
            json_string_value(json_object_get(problem, "text")));
        add_line(out, text_string(&line));
    }
    text_clear(&line);
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
answer_readyz(const struct http *http, bool as_json, struct answer *out)
{
    json_t *health = health_describe(http->health);

    out->status = json_is_true(json_object_get(health, "ready")) ? 200 : 503;
    out->type = as_json ? JSON : PLAIN;
    if (as_json)
        add_reasons_json(health, &out->body);
    else
        add_reasons(health, &out->body);
    json_decref(health);
}

static void
answer_metrics(const struct http *http, bool as_json, struct answer *out)
{
    json_t *health = health_describe(http->health);

    (void)as_json;
    out->type = PROMETHEUS;
    metrics_add(health, &out->body);
    json_decref(health);
}

static void
answer_page(const struct http *http, bool as_json, struct answer *out)
{
    json_t *health = health_describe(http->health);

    (void)as_json;
    out->type = HTML;
    page_add(health, wall_now(), &out->body);
    json_decref(health);
}

static const struct {
    const char *path;
    void (*answer)(const struct http *http, bool as_json, struct answer *out);
} places[] = {
    { "/healthz", answer_healthz },
    { "/readyz", answer_readyz },
    { "/metrics", answer_metrics },
    { "/", answer_page },
};

static void
make_answer(const struct http *http, const struct request *request, struct answer *out)
{
    if (request->state == REQUEST_REFUSED) {
        out->status = request->refusal;
        text_add(&out->body, "this is no request that is answered here\n");
        return;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strcmp(request->path, places[i].path) == 0) {
            places[i].answer(http, request->accepts_json, out);
            return;
        }
    out->status = 404;
    text_add(&out->body, "not found; there are /, /healthz, /readyz and /metrics\n");
}

static void
send_answer(struct connection *connection)
{
    struct answer answer = { .status = 200, .type = PLAIN, .body = TEXT_EMPTY };
    struct text head = TEXT_EMPTY;

    make_answer(connection->http, &connection->request, &answer);
    request_add_head(&head, answer.status, answer.type, answer.body.length, wall_now());
    (void)bufferevent_write(connection->stream, head.data, head.length); /* fails only without memory */
    if (!connection->request.is_head)
        (void)bufferevent_write(connection->stream, answer.body.data, answer.body.length);
    text_clear(&head);
    text_clear(&answer.body);
}

/* --- Connections --- */

static bool
is_answered(const struct connection *connection)
{
    return connection->request.state == REQUEST_WHOLE || connection->request.state == REQUEST_REFUSED;
}

static void
connection_free(struct connection *connection)
{
    bufferevent_free(connection->stream);
    event_free(connection->deadline);
    request_clear(&connection->request);
    free(connection);
}

static void
connection_close(struct connection *connection)
{
    struct http *http = connection->http;
    struct connection **at = &http->first;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    http->connections--;
    connection_free(connection);
}

static struct connection *
connection_oldest(const struct http *http)
{
    struct connection *connection = http->first;

    while (connection->next != NULL)
        connection = connection->next;
    return connection;
}

/* What follows the request is of no interest, but unread it would make the kernel throw our answer away. */
static void
on_readable(struct bufferevent *stream, void *argument)
{
    struct connection *connection = argument;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t length;
    char *line;

    while (!is_answered(connection) && (line = evbuffer_readln(input, &length, EVBUFFER_EOL_CRLF)) != NULL) {
        request_take_line(&connection->request, line, length);
        free(line);
        if (is_answered(connection))
            send_answer(connection);
    }
    if (!is_answered(connection)) {
        request_wait(&connection->request, evbuffer_get_length(input));
        if (is_answered(connection))
            send_answer(connection);
    }
    if (is_answered(connection))
        (void)evbuffer_drain(input, evbuffer_get_length(input));
}

static void
on_written(struct bufferevent *stream, void *argument)
{
    struct connection *connection = argument;

    if (connection->is_half)
        connection_close(connection);
    else if (is_answered(connection))
        (void)shutdown(bufferevent_getfd(stream), SHUT_WR);
}

static void
on_stream_event(struct bufferevent *stream, short what, void *argument)
{
    struct connection *connection = argument;

    if ((what & BEV_EVENT_EOF) != 0 && evbuffer_get_length(bufferevent_get_output(stream)) > 0)
        connection->is_half = true; /* it still waits for the answer */
    else
        connection_close(connection);
}

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    connection_close(argument);
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int length, void *argument)
{
    struct http *http = argument;
    struct connection *connection;

    (void)listener;
    (void)peer;
    (void)length;
    if (http->connections == HTTP_CONNECTIONS)
        connection_close(connection_oldest(http));
    connection = memory_new(sizeof(*connection));
    *connection = (struct connection){ .http = http, .next = http->first, .request = REQUEST_EMPTY };
    connection->stream = bufferevent_socket_new(http->base, fd, BEV_OPT_CLOSE_ON_FREE);
    connection->deadline = event_new(http->base, -1, 0, on_deadline, connection);
    if (connection->stream == NULL || connection->deadline == NULL)
        abort(); /* out of memory */
    http->first = connection;
    http->connections++;
    consumer_set_timer(connection->deadline, (int64_t)HTTP_SECONDS * 1000);
    bufferevent_setcb(connection->stream, on_readable, on_written, on_stream_event, connection);
    (void)bufferevent_enable(connection->stream, EV_READ);
}

/* Without a rest, the loop would do nothing but try again. */
static void
on_accept_failed(struct evconnlistener *listener, void *argument)
{
    struct http *http = argument;

    log_warn(LOG_EVENT("connection not taken"), LOG_TEXT("reason", strerror(errno)));
    (void)evconnlistener_disable(listener);
    consumer_set_timer(http->rest, REST_MS);
}

static void
on_rested(evutil_socket_t fd, short what, void *argument)
{
    struct http *http = argument;

    (void)fd;
    (void)what;
    (void)evconnlistener_enable(http->listener);
}

/* --- Listening --- */

/* What the socket at our path is called in its file system; 0: there is none. */
static ino_t
find_socket(const struct listen_address *address)
{
    const char *path = listen_address_path(address);
    struct stat status;

    return path != NULL && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

/* One on which nobody listens any more, so that it can be made anew. What is no socket is left alone. */
static void
remove_dead_socket(const struct listen_address *address)
{
    int fd;

    if (find_socket(address) == 0)
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* a stuck worker's queue may be full */
    if (fd == -1)
        return; /* then listening fails as well */
    if (connect(fd, (const struct sockaddr *)&address->address, address->length) == -1 && errno == ECONNREFUSED)
        (void)unlink(listen_address_path(address));
    (void)close(fd);
}

struct http *
http_new(struct event_base *base, const struct listen_address *address, const struct health *health, struct error *err)
{
    struct http *http = memory_new(sizeof(*http));

    *http = (struct http){ .base = base, .address = address, .health = health };
    http->rest = event_new(base, -1, 0, on_rested, http);
    if (http->rest == NULL)
        abort(); /* out of memory */
    remove_dead_socket(address);
    http->listener = evconnlistener_new_bind(base, on_connection, http,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
        (const struct sockaddr *)&address->address, (int)address->length);
    if (http->listener == NULL) {
        (void)error_set_errno(err, errno, "BACKUP_HTTP_LISTEN: listen on '%s'", address->text);
        http_free(http);
        return NULL;
    }
    evconnlistener_set_error_cb(http->listener, on_accept_failed);
    http->socket = find_socket(address);
    log_info(LOG_EVENT("listening"), LOG_TEXT("address", address->text));
    return http;
}

void
http_free(struct http *http)
{
    struct connection *connection;

    if (http == NULL)
        return;
    while ((connection = http->first) != NULL) {
        http->first = connection->next;
        connection_free(connection);
    }
    if (http->listener != NULL)
        evconnlistener_free(http->listener);
    if (http->socket != 0 && http->socket == find_socket(http->address)) /* and not another worker's */
        (void)unlink(listen_address_path(http->address));
    event_free(http->rest);
    free(http);
}
