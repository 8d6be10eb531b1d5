#include "tests/unit/test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "protocol/link.h"
#include "tests/unit/fake_redis.h"

/* Standard error is a pipe, so that what is logged can be read. */
struct fixture {
    struct event_base *base;
    struct fake_server *server;
    struct fake_server *other; /* NULL: none */
    struct link_options options;
    struct link *link;
    int ups;
    int downs;
    bool free_in_up;
    bool free_in_down;
    struct text logged;
    int was;
    int log;
};

static void
free_now(struct fixture *fixture)
{
    link_free(fixture->link);
    fixture->link = NULL;
}

static void
on_up(void *owner)
{
    struct fixture *fixture = owner;

    fixture->ups++;
    assert_non_null(link_redis(fixture->link));
    if (fixture->free_in_up)
        free_now(fixture);
}

static void
on_down(void *owner)
{
    struct fixture *fixture = owner;

    fixture->downs++;
    assert_null(link_redis(fixture->link));
    if (fixture->free_in_down)
        free_now(fixture);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int ends[2];

    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->server = fake_server_new(fixture->base);
    fixture->options = (struct link_options){ .base = fixture->base,
        .url = &fixture->server->url,
        .role = "command",
        .warns = true,
        .on_up = on_up,
        .on_down = on_down,
        .owner = fixture };
    fixture->was = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    fixture->log = ends[0];
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    free_now(fixture);
    fake_server_free(fixture->server);
    if (fixture->other != NULL)
        fake_server_free(fixture->other);
    event_base_free(fixture->base);
    (void)log_flush();
    (void)dup2(fixture->was, STDERR_FILENO);
    (void)close(fixture->was);
    (void)close(fixture->log);
    text_clear(&fixture->logged);
    free(fixture);
    return 0;
}

static bool
has_logged(struct fixture *fixture, const char *what)
{
    char piece[4096];
    ssize_t count;

    while ((count = read(fixture->log, piece, sizeof(piece))) > 0)
        text_add_bytes(&fixture->logged, piece, (size_t)count);
    return strstr(text_string(&fixture->logged), what) != NULL;
}

static void
start(struct fixture *fixture)
{
    fixture->link = link_new(&fixture->options);
}

static void
connect_link(struct fixture *fixture)
{
    start(fixture);
    RUN_UNTIL(fixture->base, fixture->ups == 1);
}

static void
assert_greeting(struct fixture *fixture, const char *expected)
{
    assert_string_equal(text_string(&fixture->server->clients[0]->greeting), expected);
}

static void
it_comes_up_after_its_greeting(void **state)
{
    struct fixture *fixture = *state;

    start(fixture);
    assert_null(link_redis(fixture->link));
    assert_int_equal(fixture->ups, 0); /* not from inside link_new() */
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_greeting(fixture, "INFO\n");
    assert_int_equal(link_server(fixture->link)->version, 70015);
    assert_int_equal(fixture->downs, 0);
    assert_false(has_logged(fixture, "{"));
}

/* Otherwise every program that is started would have it. */
static void
its_socket_is_closed_on_exec(void **state)
{
    struct fixture *fixture = *state;
    int found = 0;

    connect_link(fixture);
    for (int fd = 0; fd < 256; fd++) {
        struct sockaddr_un peer = { .sun_family = AF_UNSPEC };
        socklen_t length = sizeof(peer);

        if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0 || peer.sun_family != AF_UNIX ||
            strcmp(peer.sun_path, fixture->server->path) != 0)
            continue;
        found++;
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
    assert_int_equal(found, 1);
}

static void
it_greets_with_all_that_the_url_and_its_owner_want(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->url.user = memory_copy_string("me");
    fixture->server->url.database = 3;
    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->options.client_name = "bull:YmFja3Vw";
    connect_link(fixture);
    assert_greeting(fixture, "AUTH me s3cret\nCLIENT SETNAME bull:YmFja3Vw\nSELECT 3\nINFO\n");
}

static void
a_password_alone_is_sent_alone(void **state)
{
    struct fixture *fixture = *state;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    connect_link(fixture);
    assert_greeting(fixture, "AUTH s3cret\nINFO\n");
}

static void
versions_are_read_as_numbers(void **state)
{
    static const struct {
        const char *info;
        int version;
    } all[] = {
        { "# Server\r\nredis_version:5.0.0\r\n", 50000 },
        { "redis_version:6.2.14\r\nredis_git:x\r\n", 60214 },
        { "redis_mode:redis_version:1\r\nredis_version:7.2\r\n", 70200 },
        { "redis_version:255.255.255\r\n", 999999 },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct fixture *fixture;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        fixture->server->info = all[i].info;
        connect_link(fixture);
        assert_int_equal(link_server(fixture->link)->version, all[i].version);
    }
}

static void
a_redis_that_is_too_old_is_refused_and_tried_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->info = "redis_version:4.0.14\r\n";
    start(fixture);
    RUN_UNTIL(fixture->base,
        has_logged(fixture, "\"error\":\"this Redis is 4.0.14, but BullMQ needs 5.0.0 at least: upgrade it\""));
    (void)fake_accept(fixture->server, 2);
    assert_int_equal(fixture->ups, 0);
    fixture->server->info = FAKE_INFO; /* upgraded */
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(has_logged(fixture, "\"event\":\"redis available\""));
    assert_int_equal(fixture->downs, 0);
}

static void
a_server_without_a_version_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->info = "";
    start(fixture);
    RUN_UNTIL(fixture->base,
        has_logged(fixture, "\"error\":\"this Redis is unknown, but BullMQ needs 5.0.0 at least: upgrade it\""));
}

static void
an_old_redis_and_one_that_evicts_are_warned_of(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->info = "redis_version:6.0.16\r\nmaxmemory_policy:allkeys-lru\r\n";
    connect_link(fixture);
    assert_true(has_logged(fixture, "\"event\":\"redis is old\",\"version\":\"6.0.16\""));
    assert_true(has_logged(fixture, "\"event\":\"redis may evict keys\",\"maxmemoryPolicy\":\"allkeys-lru\""));
}

static void
a_refused_password_is_told_and_not_repeated(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->server->greets = false;
    start(fixture);
    client = fake_accept(fixture->server, 1);
    (void)fake_expect(client, "AUTH");
    fake_answer(client, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    RUN_UNTIL(fixture->base,
        has_logged(fixture,
            "\"error\":\"Redis: WRONGPASS invalid username-password pair or user is disabled.\",\"failures\":1"));
    RUN_UNTIL(fixture->base, client->stream == NULL); /* it hung up */
    assert_int_equal(fixture->ups, 0);
    assert_false(has_logged(fixture, "s3cret"));
}

static void
a_refused_name_is_warned_of_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    fixture->options.client_name = "b\xC3\xBCll:x";
    fixture->server->greets = false;
    start(fixture);
    client = fake_accept(fixture->server, 1);
    (void)fake_expect(client, "CLIENT");
    (void)fake_expect(client, "INFO");
    fake_answer(client, "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    fake_answer(client, "$21\r\nredis_version:7.0.15\r\r\n");
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(has_logged(fixture, "\"event\":\"client name refused\""));
}

/* A server that knows no AUTH repeats its arguments in the error. */
static void
an_unknown_auth_does_not_give_the_password_away(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->server->greets = false;
    start(fixture);
    client = fake_accept(fixture->server, 1);
    (void)fake_expect(client, "AUTH");
    fake_answer(client, "-ERR unknown command 'AUTH', with args beginning with: 's3cret' \r\n");
    RUN_UNTIL(fixture->base, has_logged(fixture, "\"error\":\"Redis: ERR unknown command 'AUTH'\""));
    assert_false(has_logged(fixture, "s3cret"));
}

static void
a_cut_connection_is_told_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct moment cut;

    connect_link(fixture);
    cut = moment_now();
    fake_cut(fixture->server->clients[0]);
    RUN_UNTIL(fixture->base, fixture->downs == 1);
    assert_true(has_logged(fixture, "\"error\":\"Redis closed the connection\",\"failures\":1,\"retryInMs\":"));
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_true(moment_ms_between(cut, moment_now()) >= 50); /* not at once */
    assert_int_equal(fixture->downs, 1);
    assert_int_equal(fixture->server->count, 2);
}

static void
a_loading_redis_is_left_and_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    fixture->server->greets = false;
    start(fixture);
    client = fake_accept(fixture->server, 1);
    (void)fake_expect(client, "INFO");
    fixture->server->greets = true;
    fake_answer(client, "-LOADING Redis is loading the dataset in memory\r\n");
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_int_equal(fixture->downs, 0);
    assert_int_equal(fixture->server->count, 2);
}

static void
a_redis_that_says_that_it_cannot_serve_us_is_left_and_tried_again(void **state)
{
    static const struct {
        const char *info;
        const char *reason;
    } all[] = {
        { "redis_version:7.0.15\r\nloading:1\r\n", "Redis is loading its data" },
        { "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:1\r\ncluster_enabled:0\r\n",
            "this Redis is a read-only replica: REDIS_URL must lead to the master, or it must become one" },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct fixture *fixture;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        fixture->server->info = all[i].info;
        start(fixture);
        RUN_UNTIL(fixture->base, has_logged(fixture, all[i].reason));
        assert_int_equal(fixture->ups, 0);
        fixture->server->info = "redis_version:7.0.15\r\nloading:0\r\nslave_read_only:0\r\n";
        RUN_UNTIL(fixture->base, fixture->ups == 1);
    }
}

static void
a_replica_in_a_cluster_may_send_us_on(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->info = "redis_version:7.0.15\r\nslave_read_only:1\r\ncluster_enabled:1\r\n";
    connect_link(fixture);
}

/* Sends a command that is answered with `resp`. */
static void
ask(struct fixture *fixture, struct fake_server *server, const char *resp)
{
    redis_call(link_redis(fixture->link), 1, (const char *[]){ "PING" }, (const size_t[]){ 4 }, 5000, NULL, NULL);
    (void)fake_expect(server->clients[server->count - 1], "PING");
    fake_answer(server->clients[server->count - 1], resp);
}

/* Is up at the first server, and is sent to the port of the other one. */
static void
move(struct fixture *fixture, const char *host)
{
    struct text moved = TEXT_EMPTY;

    fixture->other = fake_server_new_tcp(fixture->base);
    connect_link(fixture);
    text_format(&moved, "-MOVED 3999 %s:%d\r\n", host, fixture->other->url.port);
    ask(fixture, fixture->server, moved.data);
    text_clear(&moved);
    RUN_UNTIL(fixture->base, fixture->downs == 1);
}

static void
moved_it_greets_anew_where_redis_sent_it(void **state)
{
    struct fixture *fixture = *state;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->options.client_name = "n";
    move(fixture, "127.0.0.1");
    assert_true(has_logged(fixture, "\"error\":\"Redis cannot serve us now: MOVED 3999 127.0.0.1:"));
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_string_equal(text_string(&fixture->other->clients[0]->greeting), "AUTH s3cret\nCLIENT SETNAME n\nINFO\n");
    assert_int_equal(fixture->server->count, 1);
}

static void
moved_without_a_host_it_stays_with_the_one_it_has(void **state)
{
    static const char *const hosts[] = { "", "?" };

    for (size_t i = 0; i < 2; i++) {
        struct fixture *fixture;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        fake_server_free(fixture->server);
        fixture->server = fake_server_new_tcp(fixture->base);
        fixture->options.url = &fixture->server->url;
        move(fixture, hosts[i]);
        RUN_UNTIL(fixture->base, fixture->ups == 2);
        assert_int_equal(fixture->other->count, 1);
    }
}

static void
moved_to_where_nobody_is_it_goes_back(void **state)
{
    struct fixture *fixture = *state;

    move(fixture, "127.0.0.1");
    fake_server_free(fixture->other);
    fixture->other = NULL;
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_true(has_logged(fixture, "\"host\":\"127.0.0.1\""));
    assert_true(has_logged(fixture, "\"error\":\"connect: Connection refused\""));
    assert_int_equal(fixture->server->count, 2);
}

static void
moved_to_nonsense_it_stays(void **state)
{
    static const char *const replies[] = { "-MOVED 1 nowhere\r\n", "-MOVED 1 host:0\r\n", "-MOVED 1 host:65536\r\n",
        "-MOVED 1 host:\r\n", "-MOVED \r\n" };

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct fixture *fixture;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        connect_link(fixture);
        ask(fixture, fixture->server, replies[i]);
        RUN_UNTIL(fixture->base, fixture->ups == 2);
        assert_int_equal(fixture->server->count, 2);
    }
}

static void
where_it_worked_it_tries_again_and_where_it_did_not_no_more(void **state)
{
    struct fixture *fixture = *state;

    move(fixture, "127.0.0.1");
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    ask(fixture, fixture->other, "+PONG\r\n");
    RUN_UNTIL(fixture->base, redis_answered(link_redis(fixture->link)) == 2); /* INFO was the first */
    fake_cut(fixture->other->clients[0]);
    RUN_UNTIL(fixture->base, fixture->ups == 3);
    assert_int_equal(fixture->other->count, 2);
    ask(fixture, fixture->other, "-CLUSTERDOWN The cluster is down\r\n");
    RUN_UNTIL(fixture->base, fixture->ups == 4);
    assert_int_equal(fixture->other->count, 2);
    assert_int_equal(fixture->server->count, 2);
}

static void
a_redis_that_greets_and_serves_nothing_is_given_growing_pauses_and_told_once(void **state)
{
    struct fixture *fixture = *state;
    struct moment before = moment_now();

    connect_link(fixture);
    for (int i = 1; i <= 4; i++) {
        before = moment_now();
        ask(fixture, fixture->server, "-CLUSTERDOWN The cluster is down\r\n");
        RUN_UNTIL(fixture->base, fixture->ups == i + 1);
    }
    assert_true(moment_ms_between(before, moment_now()) >= 400); /* half of 800 */
    assert_true(has_logged(fixture, "\"failures\":1,"));
    assert_false(has_logged(fixture, "\"failures\":2,"));
    assert_false(has_logged(fixture, "\"failures\":3,"));
}

static void
reasons_that_take_turns_are_told_once_each(void **state)
{
    struct fixture *fixture = *state;

    fixture->server->info = "redis_version:4.0.14\r\n";
    start(fixture);
    for (size_t i = 1; i <= 4; i++) {
        (void)fake_accept(fixture->server, i);
        fixture->server->info = i % 2 == 0 ? "redis_version:4.0.14\r\n" : "redis_version:3.0.0\r\n";
    }
    fixture->server->info = FAKE_INFO;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(has_logged(fixture, "\"failures\":1,"));
    assert_true(has_logged(fixture, "\"failures\":2,"));
    assert_false(has_logged(fixture, "\"failures\":3,\"retryInMs\""));
    assert_false(has_logged(fixture, "\"failures\":4,\"retryInMs\""));
}

static void
a_server_that_does_not_answer_the_greeting_is_given_up_in_time(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.patience_ms = 100;
    fixture->server->greets = false;
    start(fixture);
    (void)fake_accept(fixture->server, 1);
    fixture->server->greets = true;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_int_equal(fixture->server->count, 2);
    assert_true(has_logged(fixture, "\"error\":\"no "));
}

static void
a_cut_in_the_middle_of_the_greeting_is_no_event(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    fixture->options.client_name = "n";
    fixture->server->greets = false;
    start(fixture);
    client = fake_accept(fixture->server, 1);
    (void)fake_expect(client, "CLIENT");
    fake_answer(client, "+OK\r\n");
    fixture->server->greets = true;
    fake_cut(client);
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_int_equal(fixture->downs, 0);
}

static void
nobody_there_is_told_with_the_systems_reason(void **state)
{
    struct fixture *fixture = *state;
    struct redis_url url = { .socket_path = memory_copy_string("/nonexistent/redis.sock") };

    fixture->options.url = &url;
    start(fixture);
    RUN_UNTIL(fixture->base, has_logged(fixture, "\"error\":\"connect: No such file or directory\""));
    assert_true(has_logged(fixture, "\"level\":\"warn\",\"event\":\"redis "
                                    "unavailable\",\"connection\":\"command\",\"host\":\"/nonexistent/redis.sock\""));
    free_now(fixture);
    redis_url_clear(&url);
}

/* A port of the loopback address that nobody listens on. */
static int
free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void
a_refused_connection_is_told_with_the_systems_reason(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "localhost" };

    for (size_t i = 0; i < 2; i++) {
        struct fixture *fixture;
        struct redis_url url = { .host = memory_copy_string(hosts[i]), .port = free_port() };

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        fixture->options.url = &url;
        start(fixture);
        RUN_UNTIL(fixture->base, has_logged(fixture, "\"error\":\"connect: Connection refused\",\"failures\":1"));
        free_now(fixture);
        redis_url_clear(&url);
    }
}

static void
the_same_reason_is_logged_only_once(void **state)
{
    struct fixture *fixture = *state;
    struct fake_client *client;

    fixture->server->info = "redis_version:4.0.14\r\n";
    start(fixture);
    (void)fake_accept(fixture->server, 3); /* a third attempt: two have failed */
    RUN_UNTIL(fixture->base, has_logged(fixture, "\"failures\":1"));
    assert_false(has_logged(fixture, "\"failures\":2"));
    fixture->server->greets = false;
    client = fake_accept(fixture->server, 4);
    (void)fake_expect(client, "INFO");
    fake_cut(client); /* another reason is told at once */
    RUN_UNTIL(fixture->base, has_logged(fixture, "\"error\":\"Redis closed the connection\""));
}

static void
a_path_that_is_no_socket_address_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct redis_url url = { .socket_path = memory_new(200) };

    memset(url.socket_path, 'x', 199);
    fixture->options.url = &url;
    start(fixture);
    RUN_UNTIL(fixture->base, has_logged(fixture, "\"error\":\"the path of the unix socket is longer than 107 bytes\""));
    free_now(fixture);
    redis_url_clear(&url);
}

static void
it_may_be_freed_inside_on_up(void **state)
{
    struct fixture *fixture = *state;

    fixture->free_in_up = true;
    connect_link(fixture);
    assert_null(fixture->link);
    RUN_UNTIL(fixture->base, fixture->server->clients[0]->stream == NULL);
    assert_int_equal(fixture->downs, 0);
}

static void
it_may_be_freed_inside_on_down(void **state)
{
    struct fixture *fixture = *state;

    fixture->free_in_down = true;
    connect_link(fixture);
    fake_cut(fixture->server->clients[0]);
    RUN_UNTIL(fixture->base, fixture->downs == 1);
    assert_null(fixture->link);
    fake_run(fixture->base, 150); /* longer than the first pause */
    assert_int_equal(fixture->server->count, 1);
}

static void
it_may_be_freed_at_any_time_and_says_nothing_more(void **state)
{
    for (int turns = 0; turns < 8; turns++) {
        struct fixture *fixture;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        start(fixture);
        for (int i = 0; i < turns; i++)
            fake_turn(fixture->base);
        free_now(fixture);
        fixture->ups = 0;
        fake_turn(fixture->base);
        assert_int_equal(fixture->ups, 0);
        assert_int_equal(fixture->downs, 0);
    }
    link_free(NULL);
}

static struct text failures;

static void
on_failure(const struct error *err, void *owner)
{
    struct fixture *fixture = owner;

    text_format(&failures, "%d %s\n", fixture->downs, err->text);
}

static void
an_owner_that_wants_to_be_told_of_failures_is_and_nothing_is_logged(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.on_failure = on_failure;
    fixture->server->info = "redis_version:4.0.0\r\n";
    start(fixture);
    RUN_UNTIL(fixture->base, failures.length > 0);
    fixture->server->info = FAKE_INFO;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    fake_cut(fake_accept(fixture->server, fixture->server->count));
    RUN_UNTIL(fixture->base, fixture->downs == 1);
    assert_string_equal(text_string(&failures),
        "0 this Redis is 4.0.0, but BullMQ needs 5.0.0 at least: upgrade it\n0 Redis closed the connection\n");
    assert_false(has_logged(fixture, "redis"));
    text_clear(&failures);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_up_after_its_greeting),
        TEST(its_socket_is_closed_on_exec),
        TEST(it_greets_with_all_that_the_url_and_its_owner_want),
        TEST(a_password_alone_is_sent_alone),
        TEST(versions_are_read_as_numbers),
        TEST(a_redis_that_is_too_old_is_refused_and_tried_again),
        TEST(a_server_without_a_version_is_refused),
        TEST(an_old_redis_and_one_that_evicts_are_warned_of),
        TEST(a_refused_password_is_told_and_not_repeated),
        TEST(a_refused_name_is_warned_of_and_no_more),
        TEST(an_unknown_auth_does_not_give_the_password_away),
        TEST(a_cut_connection_is_told_and_comes_back),
        TEST(a_loading_redis_is_left_and_tried_again),
        TEST(a_redis_that_says_that_it_cannot_serve_us_is_left_and_tried_again),
        TEST(a_replica_in_a_cluster_may_send_us_on),
        TEST(moved_it_greets_anew_where_redis_sent_it),
        TEST(moved_without_a_host_it_stays_with_the_one_it_has),
        TEST(moved_to_where_nobody_is_it_goes_back),
        TEST(moved_to_nonsense_it_stays),
        TEST(where_it_worked_it_tries_again_and_where_it_did_not_no_more),
        TEST(a_redis_that_greets_and_serves_nothing_is_given_growing_pauses_and_told_once),
        TEST(reasons_that_take_turns_are_told_once_each),
        TEST(a_server_that_does_not_answer_the_greeting_is_given_up_in_time),
        TEST(a_cut_in_the_middle_of_the_greeting_is_no_event),
        TEST(nobody_there_is_told_with_the_systems_reason),
        TEST(a_refused_connection_is_told_with_the_systems_reason),
        TEST(the_same_reason_is_logged_only_once),
        TEST(a_path_that_is_no_socket_address_is_told),
        TEST(an_owner_that_wants_to_be_told_of_failures_is_and_nothing_is_logged),
        TEST(it_may_be_freed_inside_on_up),
        TEST(it_may_be_freed_inside_on_down),
        TEST(it_may_be_freed_at_any_time_and_says_nothing_more),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
