#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/redis_url.h"

struct expected {
    const char *string;
    const char *host;
    const char *socket_path;
    const char *user;
    const char *password;
    int port;
    int database;
    bool tls;
};

static void
assert_same(const char *got, const char *expected)
{
    if (expected == NULL)
        assert_null(got);
    else {
        assert_non_null(got);
        assert_string_equal(got, expected);
    }
}

static void
assert_read(const struct expected *expected)
{
    struct redis_url url;
    struct error err = ERROR_EMPTY;

    if (!redis_url_parse(expected->string, &url, &err))
        fail_msg("'%s': %s", expected->string, err.text);
    assert_int_equal(url.tls, expected->tls);
    assert_same(url.host, expected->host);
    assert_int_equal(url.port, expected->port);
    assert_same(url.socket_path, expected->socket_path);
    assert_same(url.user, expected->user);
    assert_same(secret_reveal(&url.password), expected->password);
    assert_int_equal(url.database, expected->database);
    redis_url_clear(&url);
    assert_null(url.host);
    redis_url_clear(&url);
}

static void
tcp_urls_are_read(void **state)
{
    static const struct expected all[] = {
        { .string = "redis://redis", .host = "redis", .port = 6379 },
        { .string = "redis://redis/", .host = "redis", .port = 6379 },
        { .string = "REDIS://redis:1/", .host = "redis", .port = 1 },
        { .string = "redis://redis:6380/3", .host = "redis", .port = 6380, .database = 3 },
        { .string = "redis://redis?db=4", .host = "redis", .port = 6379, .database = 4 },
        { .string = "redis://redis/5?db=4", .host = "redis", .port = 6379, .database = 5 },
        { .string = "redis://redis/1000000", .host = "redis", .port = 6379, .database = 1000000 },
        { .string = "redis://10.0.0.1:6379/0?family=4", .host = "10.0.0.1", .port = 6379 },
        { .string = "redis://[::1]:6379/0", .host = "::1", .port = 6379 },
        { .string = "redis://[2001:db8::2]", .host = "2001:db8::2", .port = 6379 },
        { .string = "rediss://r.example:6380", .tls = true, .host = "r.example", .port = 6380 },
        { .string = "redis://:pw@h", .host = "h", .port = 6379, .password = "pw" },
        { .string = "redis://u:pw@h", .host = "h", .port = 6379, .user = "u", .password = "pw" },
        { .string = "redis://:@h", .host = "h", .port = 6379 },
        { .string = "redis://:p%40%3A%2F%23%3F%25w@h/1",
            .host = "h",
            .port = 6379,
            .password = "p@:/#?%w",
            .database = 1 },
        { .string = "redis://us%3Aer:p:w@h", .host = "h", .port = 6379, .user = "us:er", .password = "p:w" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_read(&all[i]);
}

static void
socket_urls_are_read(void **state)
{
    static const struct expected all[] = {
        { .string = "unix:///run/redis.sock", .socket_path = "/run/redis.sock" },
        { .string = "unix:///run/redis.sock?db=2", .socket_path = "/run/redis.sock", .database = 2 },
        { .string = "unix://:pw@/run/redis.sock", .socket_path = "/run/redis.sock", .password = "pw" },
        { .string = "unix://u:pw@/run/re%20dis.sock?db=",
            .socket_path = "/run/re dis.sock",
            .user = "u",
            .password = "pw" },
        { .string = "/run/redis.sock", .socket_path = "/run/redis.sock" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_read(&all[i]);
}

static void
assert_refused(const char *string, const char *expected)
{
    struct redis_url url;
    struct error err = ERROR_EMPTY;

    assert_false(redis_url_parse(string, &url, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
}

static void
everything_else_is_refused(void **state)
{
    static const char no_scheme[] = "the scheme is none of 'redis', 'rediss', 'unix'";
    static const char no_database[] = "the database is not a number from 0 to 1000000";
    static const char no_password[] = "there is a user name but no password (a password alone is written ':password@')";
    static const char no_path[] = "the path of the unix socket is missing";
    static const char has_host[] = "a unix socket has no host: write 'unix:///path/to/socket'";

    (void)state;
    assert_refused("http://h", no_scheme);
    assert_refused("redis+tls://h", no_scheme);
    assert_refused("", "it does not start with a scheme and '://'");
    assert_refused("redis", "it does not start with a scheme and '://'");
    assert_refused("redis://", "the host is missing");
    assert_refused("redis:///0", "the host is missing");
    assert_refused("redis://:6379/0", "the host is missing");
    assert_refused("redis://h/x", no_database);
    assert_refused("redis://h/-1", no_database);
    assert_refused("redis://h/1000001", no_database);
    assert_refused("redis://h/0/", no_database);
    assert_refused("redis://h?db=x", no_database);
    assert_refused("unix:///s?db=1.5", no_database);
    assert_refused("redis://u@h", no_password);
    assert_refused("redis://u:@h", no_password);
    assert_refused("unix://u@/s", no_password);
    assert_refused("unix://", no_path);
    assert_refused("unix:///", no_path);
    assert_refused("unix://run/redis.sock", has_host);
    assert_refused("unix://:1/s", has_host);
    assert_refused("redis://h:x",
        "the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %3A, %2F and %40)");
    assert_refused("redis://:p%@h", "the password has a '%' that is not followed by two hexadecimal digits");
}

/* Every cut and every bad character anywhere in a URL with a password: either it is read, or the reason gives nothing away. */
static void
no_error_repeats_a_part_of_the_password(void **state)
{
    static const char *const urls[] = { "redis://user:HUNTER2HUNTER2@host:6379/1",
        "unix://:HUNTER2HUNTER2@/run/redis.sock?db=1", "ftp://:HUNTER2HUNTER2@h", "redis://:12/HUNTER2@h",
        "redis://u:12/HUNTER2@h", "redis://u:12?HUNTER2@h", "redis://HUNTER2", "redis://HUNTER2@h" };
    static const char bad[] = "/?#@:%[] \xFF";

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        for (size_t at = 0; at < strlen(urls[i]); at++)
            for (const char *c = bad; *c != '\0'; c++) {
                char string[64];
                struct redis_url url;
                struct error err = ERROR_EMPTY;

                (void)snprintf(string, sizeof(string), "%s", urls[i]);
                string[at] = *c;
                if (redis_url_parse(string, &url, &err))
                    redis_url_clear(&url);
                assert_null(strstr(err.text, "HUN"));
                assert_null(strstr(err.text, "ER2"));
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_urls_are_read),
        cmocka_unit_test(socket_urls_are_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(no_error_repeats_a_part_of_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
