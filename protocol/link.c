#include "protocol/link.h"

#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"

#define FIRST_PAUSE_MS 100
/* Not longer: locks expire meanwhile, and another worker that is back before us may take our jobs. */
#define LONGEST_PAUSE_MS 2000
#define REPEAT_LOG_MS 60000
#define REASONS_REMEMBERED 4 /* two that take turns are the most that was seen */
/* An idle connection is tried by the kernel: a middle box that forgot it is noticed before it is needed. */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_TRIES 3

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct link {
    struct link_options options;
    char *client_name;
    enum link_state state;
    struct evdns_base *dns;     /* only if the host is a name */
    struct bufferevent *stream; /* CONNECTING */
    struct redis *redis;        /* GREETING and UP */
    struct event *timer;        /* the pause of DOWN, the deadline of CONNECTING and GREETING */
    char *moved_host;           /* where MOVED sent us; NULL: the URL's address counts */
    int moved_port;
    int failures;    /* in a row */
    int greetings;   /* answers still to come */
    size_t answered; /* calls, when the greeting was over */
    struct info server;
    bool is_missed; /* it was logged that Redis is unavailable, and not yet that it is there again */
    struct reason {
        struct error error;
        struct moment logged;
    } reasons[REASONS_REMEMBERED]; /* why it failed since it last worked */
    size_t reason_count;
};

static void link_connect(struct link *link);

static void
link_set_timer(struct link *link, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

    (void)event_add(link->timer, &wait);
}

/* Doubles from 0.1 s to 2 s; half of it is left to chance, so that a fleet does not come back all at once. */
static int64_t
pause_ms(int failures)
{
    int64_t whole = FIRST_PAUSE_MS;
    uint32_t chance;

    for (int i = 1; i < failures && whole < LONGEST_PAUSE_MS; i++)
        whole *= 2;
    if (whole > LONGEST_PAUSE_MS)
        whole = LONGEST_PAUSE_MS;
    evutil_secure_rng_get_bytes(&chance, sizeof(chance));
    return whole / 2 + (int64_t)(chance % (uint64_t)(whole / 2 + 1));
}

static const char *
link_host(const struct link *link)
{
    return link->moved_host != NULL ? link->moved_host : link->options.url->host;
}

static int
link_port(const struct link *link)
{
    return link->moved_host != NULL ? link->moved_port : link->options.url->port;
}

/* Goes to "host:port", or where the URL says if that is NULL or nonsense. Without a host, as from a cluster that knows none, it is this one. */
static void
link_move(struct link *link, const char *address)
{
    const char *colon = address == NULL ? NULL : strrchr(address, ':');
    char *host = NULL;
    int64_t port = 0;

    if (colon != NULL && text_parse_integer(colon + 1, strlen(colon + 1), 1, 65535, &port))
        host = colon == address || *address == '?' ? memory_copy_string(link_host(link))
                                                   : memory_copy(address, (size_t)(colon - address));
    free(link->moved_host);
    link->moved_host = host;
    link->moved_port = (int)port;
}

static bool
link_is_told(struct link *link, const struct error *err)
{
    struct reason *reason = link->reasons;
    struct reason *end = reason + link->reason_count;

    while (reason < end && strcmp(reason->error.text, err->text) != 0)
        reason++;
    if (reason < end && moment_ms_between(reason->logged, moment_now()) < REPEAT_LOG_MS)
        return true;
    if (reason == end)
        reason = &link->reasons[link->reason_count < REASONS_REMEMBERED ? link->reason_count++ : 0];
    *reason = (struct reason){ .error = *err, .logged = moment_now() };
    return false;
}

static void
link_log_failure(struct link *link, const struct error *err, int64_t pause)
{
    const char *host = link_host(link);

    if (link_is_told(link, err))
        return;
    link->is_missed = true;
    log_warn(LOG_EVENT("redis unavailable"), LOG_TEXT("connection", link->options.role),
        LOG_TEXT("host", host == NULL ? link->options.url->socket_path : host), LOG_NUMBER("port", link_port(link)),
        LOG_ERROR(err), LOG_NUMBER("failures", link->failures), LOG_NUMBER("retryInMs", pause));
}

static void
link_tell_failure(struct link *link, const struct error *err, int64_t pause)
{
    if (link->options.on_failure != NULL)
        link->options.on_failure(err, link->options.owner);
    else
        link_log_failure(link, err, pause);
}

/* Whatever there is of a connection goes; another attempt comes after a pause. */
static void
link_fall(struct link *link, const struct error *err)
{
    bool was_up = link->state == LINK_UP;
    bool has_worked = was_up && redis_answered(link->redis) > link->answered;
    const char *moved_to = link->redis == NULL ? NULL : redis_moved_to(link->redis);
    int64_t pause;

    if (has_worked) {
        link->failures = 0;
        link->reason_count = 0;
    }
    link->failures++;
    pause = pause_ms(link->failures);
    link_tell_failure(link, err, pause);
    if (moved_to != NULL || !has_worked)
        link_move(link, moved_to);
    if (link->stream != NULL)
        bufferevent_free(link->stream);
    link->stream = NULL;
    redis_free(link->redis);
    link->redis = NULL;
    link->state = LINK_DOWN;
    link_set_timer(link, pause);
    if (was_up)
        link->options.on_down(link->options.owner);
}

static void
on_lost(const struct error *err, void *owner)
{
    link_fall(owner, err);
}

/* One answer to our greeting was good; after the last one the link is up. */
static void
link_greeted(struct link *link)
{
    if (--link->greetings > 0)
        return;
    (void)event_del(link->timer);
    if (link->is_missed)
        log_info(LOG_EVENT("redis available"), LOG_TEXT("connection", link->options.role),
            LOG_NUMBER("failures", link->failures));
    link->is_missed = false;
    link->answered = redis_answered(link->redis);
    link->state = LINK_UP;
    link->options.on_up(link->options.owner);
}

/* Any refusal but that of the name ends the attempt. */
static void
on_greeted(const redisReply *reply, const struct error *lost, void *owner)
{
    struct link *link = owner;
    struct error err;

    if (reply == NULL)
        return; /* on_lost tells */
    if (redis_check_reply(reply, lost, &err))
        link_greeted(link);
    else
        link_fall(link, &err);
}

static void
on_info(const redisReply *reply, const struct error *lost, void *owner)
{
    struct link *link = owner;
    bool is_first = link->server.version == 0;
    struct error err;

    if (reply == NULL)
        return; /* on_lost tells */
    if (!redis_check_reply(reply, lost, &err) || !info_read(reply->str, &link->server, &err)) {
        link_fall(link, &err);
        return;
    }
    if (is_first && link->options.warns)
        info_warn(reply->str);
    link_greeted(link);
}

/* Without its name the connection works all the same; only queue.getWorkers() and dashboards do not see it. */
static void
on_named(const redisReply *reply, const struct error *lost, void *owner)
{
    struct link *link = owner;
    struct error err;

    if (reply == NULL)
        return; /* on_lost tells */
    if (!redis_check_reply(reply, lost, &err))
        log_warn(LOG_EVENT("client name refused"), LOG_TEXT("name", link->client_name), LOG_ERROR(&err));
    link_greeted(link);
}

static void
link_greet_with(struct link *link, size_t count, const char **words, redis_reply_fn *on_reply)
{
    size_t lengths[3];

    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    link->greetings++;
    redis_call(link->redis, count, words, lengths, link->options.patience_ms, on_reply, link);
}

static void
link_greet(struct link *link)
{
    const struct redis_url *url = link->options.url;
    char database[16];

    link->state = LINK_GREETING;
    link->redis = redis_new(link->stream, link->options.patience_ms, on_lost, link);
    link->stream = NULL; /* the connection's now */
    link->greetings = 0;
    if (secret_is_set(&url->password) && url->user != NULL)
        link_greet_with(link, 3, (const char *[]){ "AUTH", url->user, secret_reveal(&url->password) }, on_greeted);
    else if (secret_is_set(&url->password))
        link_greet_with(link, 2, (const char *[]){ "AUTH", secret_reveal(&url->password) }, on_greeted);
    if (link->client_name != NULL)
        link_greet_with(link, 3, (const char *[]){ "CLIENT", "SETNAME", link->client_name }, on_named);
    (void)evutil_snprintf(database, sizeof(database), "%d", url->database);
    if (url->database != 0)
        link_greet_with(link, 2, (const char *[]){ "SELECT", database }, on_greeted);
    link_greet_with(link, 1, (const char *[]){ "INFO" }, on_info);
}

/* Why a stream could not connect: the resolver, TLS, or the system. */
static void
describe_failure(struct bufferevent *stream, struct error *err)
{
    int dns = bufferevent_socket_get_dns_error(stream);
    unsigned long tls = bufferevent_get_openssl_error(stream);
    const SSL *session = bufferevent_openssl_get_ssl(stream);
    long verdict = session == NULL ? X509_V_OK : SSL_get_verify_result(session);

    if (dns != 0)
        (void)error_set(err, ERROR_LOST, "resolve the host: %s", evutil_gai_strerror(dns));
    else if (verdict != X509_V_OK)
        (void)error_set(err, ERROR_LOST, "TLS: the server's certificate is not accepted: %s",
            X509_verify_cert_error_string(verdict));
    else if (tls != 0 && tls != SSL_ERROR_SYSCALL)
        (void)error_set(err, ERROR_LOST, "TLS: %s", tls_error_text(tls));
    else
        (void)error_set(err, ERROR_LOST, "connect: %s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

/* All of this only helps: a system that refuses does not matter. */
static void
set_socket_options(const struct link *link, evutil_socket_t fd)
{
    const struct {
        int level;
        int name;
        int value;
    } all[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES },
        /* What was sent and given up must not arrive later: by then it was sent again over another connection. */
        { IPPROTO_TCP, TCP_USER_TIMEOUT, (int)link->options.patience_ms },
    };

    (void)evutil_make_socket_closeonexec(fd); /* libevent's sockets are not born so */
    for (size_t i = 0; link_host(link) != NULL && i < sizeof(all) / sizeof(all[0]); i++)
        (void)setsockopt(fd, all[i].level, all[i].name, &all[i].value, sizeof(all[i].value));
}

static void
on_connect_event(struct bufferevent *stream, short what, void *argument)
{
    struct link *link = argument;
    struct error err;

    if ((what & BEV_EVENT_CONNECTED) != 0) {
        set_socket_options(link, bufferevent_getfd(stream));
        link_greet(link);
        return;
    }
    if ((what & BEV_EVENT_EOF) != 0)
        (void)error_set(&err, ERROR_LOST, "the server closed the connection at once%s",
            link->options.url->tls ? " (does it speak TLS on this port?)" : "");
    else
        describe_failure(stream, &err);
    link_fall(link, &err);
}

static bool
link_open_stream(struct link *link, struct error *err)
{
    const struct link_options *options = &link->options;

    if (options->url->tls) {
        SSL *session = tls_session_new(options->tls, link_host(link), err);
        if (session == NULL)
            return false;
        link->stream = bufferevent_openssl_socket_new(
            options->base, -1, session, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    } else
        link->stream = bufferevent_socket_new(options->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (link->stream == NULL)
        abort(); /* out of memory */
    bufferevent_setcb(link->stream, NULL, NULL, on_connect_event, link);
    return true;
}

static bool
is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return evutil_inet_pton(AF_INET, host, address) == 1 || evutil_inet_pton(AF_INET6, host, address) == 1;
}

static bool
link_connect_host(struct link *link, struct error *err)
{
    struct event_base *base = link->options.base;

    if (link->dns == NULL && !is_address(link_host(link))) {
        /* Reads /etc/resolv.conf and /etc/hosts, once. It may say that there are none; then only those names fail. */
        link->dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (link->dns == NULL)
            link->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    }
    if (bufferevent_socket_connect_hostname(link->stream, link->dns, AF_UNSPEC, link_host(link), link_port(link)) !=
        0) {
        describe_failure(link->stream, err);
        return false;
    }
    return true;
}

static bool
link_connect_socket(struct link *link, struct error *err)
{
    const char *path = link->options.url->socket_path;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(
            err, ERROR_CONFIG, "the path of the unix socket is longer than %zu bytes", sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path));
    if (bufferevent_socket_connect(link->stream, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        describe_failure(link->stream, err);
        return false;
    }
    return true;
}

static void
link_connect(struct link *link)
{
    struct error err;

    link->state = LINK_CONNECTING;
    link_set_timer(link, link->options.patience_ms);
    if (link_open_stream(link, &err) &&
        (link_host(link) != NULL ? link_connect_host(link, &err) : link_connect_socket(link, &err)))
        return;
    /* The failure may already have been told by on_connect_event, and the link is DOWN again. */
    if (link->state == LINK_CONNECTING)
        link_fall(link, &err);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct link *link = argument;
    struct error err;

    (void)fd;
    (void)what;
    if (link->state == LINK_DOWN) {
        link_connect(link);
        return;
    }
    (void)error_set(&err, ERROR_LOST, "%s within %" PRId64 " ms",
        link->state == LINK_CONNECTING ? "no connection" : "no greeting", link->options.patience_ms);
    link_fall(link, &err);
}

struct link *
link_new(const struct link_options *options)
{
    struct link *link = memory_new(sizeof(*link));

    link->options = *options;
    if (link->options.patience_ms == 0)
        link->options.patience_ms = LINK_PATIENCE_MS;
    link->client_name = memory_copy_string(options->client_name);
    link->timer = event_new(options->base, -1, 0, on_timer, link);
    if (link->timer == NULL)
        abort(); /* out of memory */
    link_connect(link);
    return link;
}

struct redis *
link_redis(struct link *link)
{
    return link->state == LINK_UP ? link->redis : NULL;
}

const struct info *
link_server(const struct link *link)
{
    return &link->server;
}

void
link_free(struct link *link)
{
    if (link == NULL)
        return;
    if (link->stream != NULL)
        bufferevent_free(link->stream);
    redis_free(link->redis);
    event_free(link->timer);
    if (link->dns != NULL)
        evdns_base_free(link->dns, 0);
    free(link->client_name);
    free(link->moved_host);
    free(link);
}
