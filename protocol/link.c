#include "protocol/link.h"

#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#define CONNECT_MS 10000
#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 10000
#define REPEAT_LOG_MS 60000
#define LEAST_VERSION 50000       /* BullMQ 5.76: refuses anything older */
#define RECOMMENDED_VERSION 60200 /* BullMQ 5.76: warns below */

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct link {
    struct link_options options;
    char *client_name;
    enum link_state state;
    struct evdns_base *dns;     /* only if the host is a name */
    struct bufferevent *stream; /* CONNECTING */
    struct redis *redis;        /* GREETING and UP */
    struct event *timer;        /* the pause of DOWN, the deadline of CONNECTING and GREETING */
    int failures;               /* in a row */
    int greetings;              /* answers still to come */
    struct link_server server;
    bool policy_warned;
    char last_error[256];
    struct moment last_logged;
};

static void link_connect(struct link *link);

static void
link_set_timer(struct link *link, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

    (void)event_add(link->timer, &wait);
}

/* Doubles from 0.1 s to 10 s; half of it is left to chance, so that a fleet does not come back all at once. */
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

static void
link_log_failure(struct link *link, const struct error *err, int64_t pause)
{
    bool repeated = strncmp(link->last_error, err->text, sizeof(link->last_error) - 1) == 0;

    if (repeated && moment_ms_between(link->last_logged, moment_now()) < REPEAT_LOG_MS)
        return;
    (void)memccpy(link->last_error, err->text, '\0', sizeof(link->last_error) - 1);
    link->last_logged = moment_now();
    log_warn(LOG_EVENT("redis unavailable"), LOG_TEXT("connection", link->options.role),
        LOG_TEXT("host", link->options.url->host == NULL ? link->options.url->socket_path : link->options.url->host),
        LOG_NUMBER("port", link->options.url->port), LOG_ERROR(err), LOG_NUMBER("failures", link->failures),
        LOG_NUMBER("retryInMs", pause));
}

/* Whatever there is of a connection goes; another attempt comes after a pause. */
static void
link_fall(struct link *link, const struct error *err)
{
    bool was_up = link->state == LINK_UP;
    int64_t pause;

    if (link->stream != NULL)
        bufferevent_free(link->stream);
    link->stream = NULL;
    redis_free(link->redis);
    link->redis = NULL;
    link->state = LINK_DOWN;
    link->failures++;
    pause = pause_ms(link->failures);
    link_log_failure(link, err, pause);
    link_set_timer(link, pause);
    if (was_up)
        link->options.on_down(link->options.owner);
}

static void
on_lost(const struct error *err, void *owner)
{
    link_fall(owner, err);
}

/* INFO's line "name:value"; NULL if it is not there. Its end is the next '\r'. */
static const char *
info_value(const char *info, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1;
    }
    return NULL;
}

/* "7.0.15" as 70015. */
static int
version_number(const char *text)
{
    int version = 0;

    for (int part = 0; part < 3; part++) {
        char *end;
        long number = strtol(text, &end, 10);
        version = version * 100 + (int)(number < 0 ? 0 : number > 99 ? 99 : number);
        text = *end == '.' ? end + 1 : end;
    }
    return version;
}

static bool
link_read_info(struct link *link, const char *info, struct error *err)
{
    const char *version = info_value(info, "redis_version");
    const char *policy = info_value(info, "maxmemory_policy");
    bool first = link->server.version == 0;

    link->server.version = version == NULL ? 0 : version_number(version);
    if (link->server.version < LEAST_VERSION)
        return error_set(err, ERROR_REFUSED, "this Redis is %.*s, but BullMQ needs 5.0.0 at least: upgrade it",
            version == NULL ? 7 : (int)strcspn(version, "\r\n"), version == NULL ? "unknown" : version);
    if (first && link->server.version < RECOMMENDED_VERSION)
        log_warn(LOG_EVENT("redis is old"), LOG_BYTES("version", version, strcspn(version, "\r\n")),
            LOG_TEXT("advice", "6.2.0 or newer is recommended"));
    if (policy != NULL && strncmp(policy, "noeviction", 10) != 0 && !link->policy_warned) {
        link->policy_warned = true;
        log_warn(LOG_EVENT("redis may evict keys"), LOG_BYTES("maxmemoryPolicy", policy, strcspn(policy, "\r\n")),
            LOG_TEXT("advice", "set maxmemory-policy to noeviction, or jobs can vanish"));
    }
    return true;
}

/* One answer to our greeting was good; after the last one the link is up. */
static void
link_greeted(struct link *link)
{
    if (--link->greetings > 0)
        return;
    (void)event_del(link->timer);
    if (link->failures > 0)
        log_info(LOG_EVENT("redis available"), LOG_TEXT("connection", link->options.role),
            LOG_NUMBER("failures", link->failures));
    link->failures = 0;
    link->last_error[0] = '\0';
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
    if (redis_check_reply(reply, lost, &err) &&
        (reply->type != REDIS_REPLY_STRING || link_read_info(link, reply->str, &err)))
        link_greeted(link);
    else
        link_fall(link, &err);
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
link_greet_with(struct link *link, int count, const char **words, redis_reply_fn *on_reply)
{
    size_t lengths[3];

    for (int i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    link->greetings++;
    redis_call(link->redis, count, words, lengths, CONNECT_MS, on_reply, link);
}

static void
link_greet(struct link *link)
{
    const struct redis_url *url = link->options.url;
    char database[16];

    link->state = LINK_GREETING;
    link->redis = redis_new(link->stream, on_lost, link);
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
    link_greet_with(link, 1, (const char *[]){ "INFO" }, on_greeted);
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

static void
on_connect_event(struct bufferevent *stream, short what, void *argument)
{
    struct link *link = argument;
    struct error err;
    int yes = 1;

    if ((what & BEV_EVENT_CONNECTED) != 0) {
        (void)evutil_make_socket_closeonexec(bufferevent_getfd(stream)); /* libevent's sockets are not born so */
        if (link->options.url->host != NULL)
            (void)setsockopt(bufferevent_getfd(stream), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* only speed */
        (void)setsockopt(bufferevent_getfd(stream), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
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
        SSL *session = tls_session_new(options->tls, options->url->host, err);
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
link_start_connecting(struct link *link, struct error *err)
{
    const struct redis_url *url = link->options.url;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (!link_open_stream(link, err))
        return false;
    if (url->socket_path == NULL) {
        if (bufferevent_socket_connect_hostname(link->stream, link->dns, AF_UNSPEC, url->host, url->port) != 0) {
            describe_failure(link->stream, err);
            return false;
        }
        return true;
    }
    if (strlen(url->socket_path) >= sizeof(address.sun_path))
        return error_set(
            err, ERROR_CONFIG, "the path of the unix socket is longer than %zu bytes", sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, url->socket_path, strlen(url->socket_path));
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
    link_set_timer(link, CONNECT_MS);
    /* A failure may already have been told by on_connect_event, and the link is DOWN again. */
    if (!link_start_connecting(link, &err) && link->state == LINK_CONNECTING)
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
    (void)error_set(&err, ERROR_LOST, "%s within %d s",
        link->state == LINK_CONNECTING ? "no connection" : "no greeting", CONNECT_MS / 1000);
    link_fall(link, &err);
}

static bool
is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return evutil_inet_pton(AF_INET, host, address) == 1 || evutil_inet_pton(AF_INET6, host, address) == 1;
}

struct link *
link_new(const struct link_options *options)
{
    struct link *link = memory_new(sizeof(*link));

    link->options = *options;
    link->client_name = memory_copy_string(options->client_name);
    link->timer = event_new(options->base, -1, 0, on_timer, link);
    if (link->timer == NULL)
        abort(); /* out of memory */
    if (options->url->host != NULL && !is_address(options->url->host)) {
        /* Reads /etc/resolv.conf and /etc/hosts, once. It may say that there are none; then only those names fail. */
        link->dns = evdns_base_new(options->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (link->dns == NULL)
            link->dns = evdns_base_new(options->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    }
    link_connect(link);
    return link;
}

struct redis *
link_redis(struct link *link)
{
    return link->state == LINK_UP ? link->redis : NULL;
}

const struct link_server *
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
    free(link);
}
