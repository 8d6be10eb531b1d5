#include "tests/unit/test.h"

#include <event2/buffer.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/memory.h"
#include "protocol/scripts.h"
#include "tests/unit/fake_redis.h"

static void
on_turn(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    (void)argument;
}

void
fake_turn(struct event_base *base)
{
    struct event *timer = event_new(base, -1, 0, on_turn, NULL);
    struct timeval wait = { .tv_usec = 10000 };

    assert_non_null(timer);
    (void)event_add(timer, &wait);
    (void)event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
}

void
fake_run(struct event_base *base, int64_t ms)
{
    struct moment end = moment_add_ms(moment_now(), ms);

    while (!moment_is_past(end))
        fake_turn(base);
}

redisReply *
fake_reply(const char *bytes, size_t length)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_non_null(reader);
    assert_int_equal(redisReaderFeed(reader, bytes, length), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static bool
is_greeting(const redisReply *command)
{
    static const char *const names[] = { "AUTH", "SELECT", "CLIENT", "INFO" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(command->element[0]->str, names[i]) == 0)
            return true;
    return false;
}

static void
take_greeting(struct fake_client *client, redisReply *command)
{
    struct text info = TEXT_EMPTY;

    for (size_t i = 0; i < command->elements; i++)
        text_format(&client->greeting, "%s%s", i == 0 ? "" : " ", command->element[i]->str);
    text_add(&client->greeting, "\n");
    if (strcmp(command->element[0]->str, "INFO") == 0)
        text_format(&info, "$%zu\r\n%s\r\n", strlen(client->info), client->info);
    else
        text_add(&info, "+OK\r\n");
    fake_answer(client, info.data);
    text_clear(&info);
    freeReplyObject(command);
}

static void
on_command_bytes(struct bufferevent *stream, void *argument)
{
    struct fake_client *client = argument;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t length = evbuffer_get_length(input);
    void *reply = NULL;

    assert_int_equal(redisReaderFeed(client->reader, (const char *)evbuffer_pullup(input, -1), length), REDIS_OK);
    (void)evbuffer_drain(input, length);
    while (redisReaderGetReply(client->reader, &reply) == REDIS_OK && reply != NULL) {
        redisReply *command = reply;

        assert_int_equal(command->type, REDIS_REPLY_ARRAY);
        if (client->greets && is_greeting(command)) {
            take_greeting(client, command);
            continue;
        }
        assert_true(client->came - client->taken < sizeof(client->commands) / sizeof(client->commands[0]));
        client->commands[client->came++ % (sizeof(client->commands) / sizeof(client->commands[0]))] = command;
    }
}

static void
on_client_event(struct bufferevent *stream, short what, void *argument)
{
    struct fake_client *client = argument;

    (void)stream;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        fake_cut(client);
}

struct fake_client *
fake_client_new(struct bufferevent *stream)
{
    struct fake_client *client = memory_new(sizeof(*client));

    client->base = bufferevent_get_base(stream);
    client->stream = stream;
    client->reader = redisReaderCreate();
    client->info = FAKE_INFO;
    assert_non_null(client->reader);
    bufferevent_setcb(stream, on_command_bytes, NULL, on_client_event, client);
    (void)bufferevent_enable(stream, EV_READ | EV_WRITE);
    return client;
}

static redisReply *
take_first(struct fake_client *client)
{
    return client->commands[client->taken++ % (sizeof(client->commands) / sizeof(client->commands[0]))];
}

void
fake_client_free(struct fake_client *client)
{
    if (client == NULL)
        return;
    fake_cut(client);
    while (client->taken < client->came)
        freeReplyObject(take_first(client));
    if (client->current != NULL)
        freeReplyObject(client->current);
    redisReaderFree(client->reader);
    text_clear(&client->greeting);
    free(client);
}

struct fake_client *
fake_pair(struct event_base *base, struct bufferevent **other)
{
    struct bufferevent *pair[2];

    assert_int_equal(bufferevent_pair_new(base, BEV_OPT_DEFER_CALLBACKS, pair), 0);
    *other = pair[1];
    return fake_client_new(pair[0]);
}

bool
fake_has(struct fake_client *client)
{
    return client->taken < client->came;
}

const redisReply *
fake_take(struct fake_client *client)
{
    RUN_UNTIL(client->base, fake_has(client));
    if (client->current != NULL)
        freeReplyObject(client->current);
    client->current = take_first(client);
    if (strcmp(fake_name(client->current), "finish") == 0 && strcmp(fake_word(client->current, 4), "1") == 0)
        client->finishes++;
    return client->current;
}

static const struct script *
script_of(const char *word)
{
    static const struct script *const scripts[] = { &script_add, &script_data, &script_delay, &script_extend_locks,
        &script_fetch, &script_finish, &script_log, &script_progress, &script_release, &script_renew,
        &script_renew_legacy, &script_retry, &script_schedule, &script_snapshot, &script_stalled, &script_unschedule };

    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        if (strcmp(word, scripts[i]->sha1) == 0 || strcmp(word, scripts[i]->text) == 0)
            return scripts[i];
    return NULL;
}

const char *
fake_name(const redisReply *command)
{
    const struct script *script = command->elements > 1 ? script_of(command->element[1]->str) : NULL;

    return script == NULL ? command->element[0]->str : script->name;
}

const redisReply *
fake_expect(struct fake_client *client, const char *name)
{
    const redisReply *command = fake_take(client);

    assert_string_equal(fake_name(command), name);
    return command;
}

/* EVALSHA, script, number of keys, key: what follows is ARGV[1]. */
const char *
fake_word(const redisReply *command, size_t i)
{
    size_t at = i + (strncmp(command->element[0]->str, "EVAL", 4) == 0 ? 3 : 0);

    assert_true(at < command->elements);
    return command->element[at]->str;
}

void
fake_assert_word(const redisReply *command, size_t i, const char *expected)
{
    assert_string_equal(fake_word(command, i), expected);
}

void
fake_answer(struct fake_client *client, const char *resp)
{
    assert_non_null(client->stream);
    if (client->finishes > 0) {
        client->finishes--;
        if (*resp != '-')
            (void)bufferevent_write(client->stream, "*1\r\n", 4);
    }
    (void)bufferevent_write(client->stream, resp, strlen(resp));
}

static void
add_bulk(struct text *out, const char *bytes)
{
    text_format(out, "$%zu\r\n%s\r\n", strlen(bytes), bytes);
}

void
fake_answer_job(struct fake_client *client, const struct job *job)
{
    struct text out = TEXT_EMPTY;

    text_format(&out, "*4\r\n*%d\r\n", job->deferred_failure == NULL ? 6 : 8);
    add_bulk(&out, "name");
    add_bulk(&out, job->name == NULL ? "run" : job->name);
    add_bulk(&out, "data");
    add_bulk(&out, job->data == NULL ? "{}" : job->data);
    add_bulk(&out, "opts");
    add_bulk(&out, job->options_text == NULL ? "{}" : job->options_text);
    if (job->deferred_failure != NULL) {
        add_bulk(&out, "defa");
        add_bulk(&out, job->deferred_failure);
    }
    add_bulk(&out, job->id);
    text_add(&out, ":0\r\n:0\r\n");
    fake_answer(client, out.data);
    text_clear(&out);
}

void
fake_cut(struct fake_client *client)
{
    if (client->stream != NULL)
        bufferevent_free(client->stream);
    client->stream = NULL;
    client->finishes = 0;
}

static void
on_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int address_length, void *argument)
{
    struct fake_server *server = argument;
    struct fake_client *client;

    (void)listener;
    (void)address;
    (void)address_length;
    assert_true(server->count < FAKE_CLIENTS);
    client = fake_client_new(bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE));
    client->greets = server->greets;
    client->info = server->info;
    server->clients[server->count++] = client;
}

static struct fake_server *
listen_at(struct event_base *base, const struct sockaddr *address, size_t length)
{
    struct fake_server *server = memory_new(sizeof(*server));

    server->base = base;
    server->greets = true;
    server->info = FAKE_INFO;
    server->listener = evconnlistener_new_bind(
        base, on_accept, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, address, (int)length);
    assert_non_null(server->listener);
    return server;
}

struct fake_server *
fake_server_new(struct event_base *base)
{
    char directory[] = "/tmp/fake-redis-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct fake_server *server;

    assert_non_null(mkdtemp(directory));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
    server = listen_at(base, (const struct sockaddr *)&address, sizeof(address));
    memcpy(server->directory, directory, sizeof(directory));
    (void)snprintf(server->path, sizeof(server->path), "%s/socket", directory);
    server->url.socket_path = memory_copy_string(server->path);
    return server;
}

struct fake_server *
fake_server_new_tcp(struct event_base *base)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct fake_server *server = listen_at(base, (const struct sockaddr *)&address, sizeof(address));
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &length), 0);
    server->url.host = memory_copy_string("127.0.0.1");
    server->url.port = ntohs(address.sin_port);
    return server;
}

struct fake_client *
fake_accept(struct fake_server *server, size_t number)
{
    RUN_UNTIL(server->base, server->count >= number);
    return server->clients[number - 1];
}

void
fake_server_free(struct fake_server *server)
{
    for (size_t i = 0; i < server->count; i++)
        fake_client_free(server->clients[i]);
    evconnlistener_free(server->listener);
    if (server->directory[0] != '\0') {
        (void)unlink(server->path);
        (void)rmdir(server->directory);
    }
    redis_url_clear(&server->url);
    free(server);
}
