#include "tests/unit/test.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory.h"
#include "tests/unit/link_scene.h"

static void
a_cut_connection_is_told_and_comes_back(void **state)
{
    struct link_scene *fixture = *state;
    struct moment cut;

    link_scene_connect(fixture);
    cut = moment_now();
    fake_cut(fixture->server->clients[0]);
    RUN_UNTIL(fixture->base, fixture->downs == 1);
    assert_true(
        link_scene_has_logged(fixture, "\"error\":\"Redis closed the connection\",\"failures\":1,\"retryInMs\":"));
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_true(moment_ms_between(cut, moment_now()) >= 50); /* not at once */
    assert_int_equal(fixture->downs, 1);
    assert_int_equal(fixture->server->count, 2);
}

static void
a_loading_redis_is_left_and_tried_again(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    client = link_scene_start_silent(fixture);
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
        struct link_scene *fixture;

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
        fixture = *state;
        fixture->server->info = all[i].info;
        link_scene_start(fixture);
        RUN_UNTIL(fixture->base, link_scene_has_logged(fixture, all[i].reason));
        assert_int_equal(fixture->ups, 0);
        fixture->server->info = "redis_version:7.0.15\r\nloading:0\r\nslave_read_only:0\r\n";
        RUN_UNTIL(fixture->base, fixture->ups == 1);
    }
}

static void
a_replica_in_a_cluster_may_send_us_on(void **state)
{
    struct link_scene *fixture = *state;

    fixture->server->info = "redis_version:7.0.15\r\nslave_read_only:1\r\ncluster_enabled:1\r\n";
    link_scene_connect(fixture);
}

/* Sends a command that is answered with `resp`. */
static void
ask(struct link_scene *fixture, struct fake_server *server, const char *resp)
{
    redis_call(link_redis(fixture->link), 1, (const char *[]){ "PING" }, (const size_t[]){ 4 }, 5000, NULL, NULL);
    (void)fake_expect(server->clients[server->count - 1], "PING");
    fake_answer(server->clients[server->count - 1], resp);
}

/* Is up at the first server, and is sent to the port of the other one. */
static void
move(struct link_scene *fixture, const char *host)
{
    struct text moved = TEXT_EMPTY;

    fixture->other = fake_server_new_tcp(fixture->base);
    link_scene_connect(fixture);
    text_format(&moved, "-MOVED 3999 %s:%d\r\n", host, fixture->other->url.port);
    ask(fixture, fixture->server, moved.data);
    text_clear(&moved);
    RUN_UNTIL(fixture->base, fixture->downs == 1);
}

static void
moved_it_greets_anew_where_redis_sent_it(void **state)
{
    struct link_scene *fixture = *state;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->options.client_name = "n";
    move(fixture, "127.0.0.1");
    assert_true(link_scene_has_logged(fixture, "\"error\":\"Redis cannot serve us now: MOVED 3999 127.0.0.1:"));
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_string_equal(text_string(&fixture->other->clients[0]->greeting), "AUTH s3cret\nCLIENT SETNAME n\nINFO\n");
    assert_int_equal(fixture->server->count, 1);
}

static void
moved_without_a_host_it_stays_with_the_one_it_has(void **state)
{
    static const char *const hosts[] = { "", "?" };

    for (size_t i = 0; i < 2; i++) {
        struct link_scene *fixture;

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
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
    struct link_scene *fixture = *state;

    move(fixture, "127.0.0.1");
    fake_server_free(fixture->other);
    fixture->other = NULL;
    RUN_UNTIL(fixture->base, fixture->ups == 2);
    assert_true(link_scene_has_logged(fixture, "\"host\":\"127.0.0.1\""));
    assert_true(link_scene_has_logged(fixture, "\"error\":\"connect: Connection refused\""));
    assert_int_equal(fixture->server->count, 2);
}

static void
moved_to_nonsense_it_stays(void **state)
{
    static const char *const replies[] = { "-MOVED 1 nowhere\r\n", "-MOVED 1 host:0\r\n", "-MOVED 1 host:65536\r\n",
        "-MOVED 1 host:\r\n", "-MOVED \r\n" };

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct link_scene *fixture;

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
        fixture = *state;
        link_scene_connect(fixture);
        ask(fixture, fixture->server, replies[i]);
        RUN_UNTIL(fixture->base, fixture->ups == 2);
        assert_int_equal(fixture->server->count, 2);
    }
}

static void
where_it_worked_it_tries_again_and_where_it_did_not_no_more(void **state)
{
    struct link_scene *fixture = *state;

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
    struct link_scene *fixture = *state;
    struct moment before = moment_now();

    link_scene_connect(fixture);
    for (int i = 1; i <= 4; i++) {
        before = moment_now();
        ask(fixture, fixture->server, "-CLUSTERDOWN The cluster is down\r\n");
        RUN_UNTIL(fixture->base, fixture->ups == i + 1);
    }
    assert_true(moment_ms_between(before, moment_now()) >= 400); /* half of 800 */
    assert_true(link_scene_has_logged(fixture, "\"failures\":1,"));
    assert_false(link_scene_has_logged(fixture, "\"failures\":2,"));
    assert_false(link_scene_has_logged(fixture, "\"failures\":3,"));
}

static void
reasons_that_take_turns_are_told_once_each(void **state)
{
    struct link_scene *fixture = *state;

    fixture->server->info = "redis_version:4.0.14\r\n";
    link_scene_start(fixture);
    for (size_t i = 1; i <= 4; i++) {
        (void)fake_accept(fixture->server, i);
        fixture->server->info = i % 2 == 0 ? "redis_version:4.0.14\r\n" : "redis_version:3.0.0\r\n";
    }
    fixture->server->info = FAKE_INFO;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(link_scene_has_logged(fixture, "\"failures\":1,"));
    assert_true(link_scene_has_logged(fixture, "\"failures\":2,"));
    assert_false(link_scene_has_logged(fixture, "\"failures\":3,\"retryInMs\""));
    assert_false(link_scene_has_logged(fixture, "\"failures\":4,\"retryInMs\""));
}

static void
a_server_that_does_not_answer_the_greeting_is_given_up_in_time(void **state)
{
    struct link_scene *fixture = *state;

    fixture->options.patience_ms = 100;
    fixture->server->greets = false;
    link_scene_start(fixture);
    (void)fake_accept(fixture->server, 1);
    fixture->server->greets = true;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_int_equal(fixture->server->count, 2);
    assert_true(link_scene_has_logged(fixture, "\"error\":\"no "));
}

static void
a_cut_in_the_middle_of_the_greeting_is_no_event(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    fixture->options.client_name = "n";
    client = link_scene_start_silent(fixture);
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
    struct link_scene *fixture = *state;
    struct redis_url url = { .socket_path = memory_copy_string("/nonexistent/redis.sock") };

    fixture->options.url = &url;
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture, "\"error\":\"connect: No such file or directory\""));
    assert_true(link_scene_has_logged(fixture,
        "\"level\":\"warn\",\"event\":\"redis "
        "unavailable\",\"connection\":\"command\",\"host\":\"/nonexistent/redis.sock\""));
    link_scene_free_link(fixture);
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
        struct link_scene *fixture;
        struct redis_url url = { .host = memory_copy_string(hosts[i]), .port = free_port() };

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
        fixture = *state;
        fixture->options.url = &url;
        link_scene_start(fixture);
        RUN_UNTIL(
            fixture->base, link_scene_has_logged(fixture, "\"error\":\"connect: Connection refused\",\"failures\":1"));
        link_scene_free_link(fixture);
        redis_url_clear(&url);
    }
}

static void
the_same_reason_is_logged_only_once(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    fixture->server->info = "redis_version:4.0.14\r\n";
    link_scene_start(fixture);
    (void)fake_accept(fixture->server, 3); /* a third attempt: two have failed */
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture, "\"failures\":1"));
    assert_false(link_scene_has_logged(fixture, "\"failures\":2"));
    fixture->server->greets = false;
    client = fake_accept(fixture->server, 4);
    (void)fake_expect(client, "INFO");
    fake_cut(client); /* another reason is told at once */
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture, "\"error\":\"Redis closed the connection\""));
}

static void
a_path_that_is_no_socket_address_is_told(void **state)
{
    struct link_scene *fixture = *state;
    struct redis_url url = { .socket_path = memory_new(200) };

    memset(url.socket_path, 'x', 199);
    fixture->options.url = &url;
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base,
        link_scene_has_logged(fixture, "\"error\":\"the path of the unix socket is longer than 107 bytes\""));
    link_scene_free_link(fixture);
    redis_url_clear(&url);
}

static void
it_may_be_freed_inside_on_up(void **state)
{
    struct link_scene *fixture = *state;

    fixture->free_in_up = true;
    link_scene_connect(fixture);
    assert_null(fixture->link);
    RUN_UNTIL(fixture->base, fixture->server->clients[0]->stream == NULL);
    assert_int_equal(fixture->downs, 0);
}

static void
it_may_be_freed_inside_on_down(void **state)
{
    struct link_scene *fixture = *state;

    fixture->free_in_down = true;
    link_scene_connect(fixture);
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
        struct link_scene *fixture;

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
        fixture = *state;
        link_scene_start(fixture);
        for (int i = 0; i < turns; i++)
            fake_turn(fixture->base);
        link_scene_free_link(fixture);
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
    struct link_scene *fixture = owner;

    text_format(&failures, "%d %s\n", fixture->downs, err->text);
}

static void
an_owner_that_wants_to_be_told_of_failures_is_and_nothing_is_logged(void **state)
{
    struct link_scene *fixture = *state;

    fixture->options.on_failure = on_failure;
    fixture->server->info = "redis_version:4.0.0\r\n";
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base, failures.length > 0);
    fixture->server->info = FAKE_INFO;
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    fake_cut(fake_accept(fixture->server, fixture->server->count));
    RUN_UNTIL(fixture->base, fixture->downs == 1);
    assert_string_equal(text_string(&failures),
        "0 this Redis is 4.0.0, but BullMQ needs 5.0.0 at least: upgrade it\n0 Redis closed the connection\n");
    assert_false(link_scene_has_logged(fixture, "redis"));
    text_clear(&failures);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_scene_set_up, link_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
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

    return cmocka_run_group_tests(tests, NULL, NULL);
}
