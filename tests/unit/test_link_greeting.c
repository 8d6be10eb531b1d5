#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/un.h>

#include "common/memory.h"
#include "tests/unit/link_scene.h"

static void
assert_greeting(struct link_scene *fixture, const char *expected)
{
    assert_string_equal(text_string(&fixture->server->clients[0]->greeting), expected);
}

static void
it_comes_up_after_its_greeting(void **state)
{
    struct link_scene *fixture = *state;

    link_scene_start(fixture);
    assert_null(link_redis(fixture->link));
    assert_int_equal(fixture->ups, 0); /* not from inside link_new() */
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_greeting(fixture, "INFO\n");
    assert_int_equal(link_server(fixture->link)->version, 70015);
    assert_int_equal(fixture->downs, 0);
    assert_false(link_scene_has_logged(fixture, "{"));
}

/* Otherwise every program that is started would have it. */
static void
its_socket_is_closed_on_exec(void **state)
{
    struct link_scene *fixture = *state;
    int found = 0;

    link_scene_connect(fixture);
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
    struct link_scene *fixture = *state;

    fixture->server->url.user = memory_copy_string("me");
    fixture->server->url.database = 3;
    secret_set(&fixture->server->url.password, "s3cret", 6);
    fixture->options.client_name = "bull:YmFja3Vw";
    link_scene_connect(fixture);
    assert_greeting(fixture, "AUTH me s3cret\nCLIENT SETNAME bull:YmFja3Vw\nSELECT 3\nINFO\n");
}

static void
a_password_alone_is_sent_alone(void **state)
{
    struct link_scene *fixture = *state;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    link_scene_connect(fixture);
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
        struct link_scene *fixture;

        (void)link_scene_tear_down(state);
        (void)link_scene_set_up(state);
        fixture = *state;
        fixture->server->info = all[i].info;
        link_scene_connect(fixture);
        assert_int_equal(link_server(fixture->link)->version, all[i].version);
    }
}

static void
a_redis_that_is_too_old_is_refused_and_tried_again(void **state)
{
    struct link_scene *fixture = *state;

    fixture->server->info = "redis_version:4.0.14\r\n";
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture,
                                 "\"error\":\"this Redis is 4.0.14, but BullMQ needs 5.0.0 at least: upgrade it\""));
    (void)fake_accept(fixture->server, 2);
    assert_int_equal(fixture->ups, 0);
    fixture->server->info = FAKE_INFO; /* upgraded */
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(link_scene_has_logged(fixture, "\"event\":\"redis available\""));
    assert_int_equal(fixture->downs, 0);
}

static void
a_server_without_a_version_is_refused(void **state)
{
    struct link_scene *fixture = *state;

    fixture->server->info = "";
    link_scene_start(fixture);
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture,
                                 "\"error\":\"this Redis is unknown, but BullMQ needs 5.0.0 at least: upgrade it\""));
}

static void
an_old_redis_and_one_that_evicts_are_warned_of(void **state)
{
    struct link_scene *fixture = *state;

    fixture->server->info = "redis_version:6.0.16\r\nmaxmemory_policy:allkeys-lru\r\n";
    link_scene_connect(fixture);
    assert_true(link_scene_has_logged(fixture, "\"event\":\"redis is old\",\"version\":\"6.0.16\""));
    assert_true(
        link_scene_has_logged(fixture, "\"event\":\"redis may evict keys\",\"maxmemoryPolicy\":\"allkeys-lru\""));
}

static void
a_refused_password_is_told_and_not_repeated(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    client = link_scene_start_silent(fixture);
    (void)fake_expect(client, "AUTH");
    fake_answer(client, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    RUN_UNTIL(fixture->base,
        link_scene_has_logged(fixture,
            "\"error\":\"Redis: WRONGPASS invalid username-password pair or user is disabled.\",\"failures\":1"));
    RUN_UNTIL(fixture->base, client->stream == NULL); /* it hung up */
    assert_int_equal(fixture->ups, 0);
    assert_false(link_scene_has_logged(fixture, "s3cret"));
}

static void
a_refused_name_is_warned_of_and_no_more(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    fixture->options.client_name = "b\xC3\xBCll:x";
    client = link_scene_start_silent(fixture);
    (void)fake_expect(client, "CLIENT");
    (void)fake_expect(client, "INFO");
    fake_answer(client, "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    fake_answer(client, "$21\r\nredis_version:7.0.15\r\r\n");
    RUN_UNTIL(fixture->base, fixture->ups == 1);
    assert_true(link_scene_has_logged(fixture, "\"event\":\"client name refused\""));
}

/* A server that knows no AUTH repeats its arguments in the error. */
static void
an_unknown_auth_does_not_give_the_password_away(void **state)
{
    struct link_scene *fixture = *state;
    struct fake_client *client;

    secret_set(&fixture->server->url.password, "s3cret", 6);
    client = link_scene_start_silent(fixture);
    (void)fake_expect(client, "AUTH");
    fake_answer(client, "-ERR unknown command 'AUTH', with args beginning with: 's3cret' \r\n");
    RUN_UNTIL(fixture->base, link_scene_has_logged(fixture, "\"error\":\"Redis: ERR unknown command 'AUTH'\""));
    assert_false(link_scene_has_logged(fixture, "s3cret"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_scene_set_up, link_scene_tear_down)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
