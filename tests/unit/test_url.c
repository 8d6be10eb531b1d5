#include "tests/unit/test.h"

#include <string.h>

#include "common/url.h"

static void
assert_parts(const char *string, const char *scheme, const char *user, const char *password, const char *host, int port,
    const char *path)
{
    struct url url;
    struct error err = ERROR_EMPTY;

    assert_true(url_parse(string, &url, &err));
    assert_string_equal(url.scheme, scheme);
    assert_string_equal(url.user, user);
    if (password == NULL)
        assert_false(secret_is_set(&url.password));
    else
        assert_string_equal(secret_reveal(&url.password), password);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_string_equal(url.path, path);
    url_clear(&url);
}

static void
assert_refused(const char *string, const char *expected)
{
    struct url url;
    struct error err = ERROR_EMPTY;

    assert_false(url_parse(string, &url, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
}

static void
every_part_is_found(void **state)
{
    (void)state;
    assert_parts("http://u:p@h:80/x/y?a=b#f", "http", "u", "p", "h", 80, "/x/y");
    assert_parts("x://", "x", "", NULL, "", 0, "");
    assert_parts("x://h", "x", "", NULL, "h", 0, "");
    assert_parts("x://h:", "x", "", NULL, "h", 0, "");
    assert_parts("x://h/", "x", "", NULL, "h", 0, "/");
    assert_parts("x://u@h", "x", "u", NULL, "h", 0, "");
    assert_parts("x://u:@h", "x", "u", "", "h", 0, "");
    assert_parts("x://:p@h", "x", "", "p", "h", 0, "");
    assert_parts("x://@h", "x", "", NULL, "h", 0, "");
    assert_parts("x:///path", "x", "", NULL, "", 0, "/path");
    assert_parts("x://h:65535", "x", "", NULL, "h", 65535, "");
    assert_parts("x://h#f", "x", "", NULL, "h", 0, "");
    assert_parts("ReDiS://H", "redis", "", NULL, "H", 0, "");
}

static void
escapes_are_resolved_in_every_part(void **state)
{
    (void)state;
    assert_parts("x://u%3Aser:p%40ss%2fw%25%C3%BC@h%6Fst/d%20b", "x", "u:ser", "p@ss/w%\xC3\xBC", "host", 0, "/d b");
    assert_parts("x://a%2Bb:c+d@h", "x", "a+b", "c+d", "h", 0, ""); /* '+' is no blank */
}

static void
a_stray_sign_in_a_password_parses_as_people_expect(void **state)
{
    (void)state;
    assert_parts("x://u:p@ss:w@h:1/d", "x", "u", "p@ss:w", "h", 1, "/d");
}

static void
an_ipv6_host_loses_its_brackets(void **state)
{
    (void)state;
    assert_parts("x://[::1]:6379/0", "x", "", NULL, "::1", 6379, "/0");
    assert_parts("x://[fe80::1]", "x", "", NULL, "fe80::1", 0, "");
    assert_parts("x://:p@[::1]:", "x", "", "p", "::1", 0, "");
    assert_refused("x://[::1", "the host has a '[' without its ']'");
    assert_refused("x://[::1]6379", "the host's ']' is followed by something else than a port");
}

static void
what_is_no_url_is_refused(void **state)
{
    static const char no_scheme[] = "it does not start with a scheme and '://'";
    static const char no_port[] =
        "the port is not a number from 1 to 65535 (write ':', '/' and '@' in a password as %3A, %2F and %40)";

    (void)state;
    assert_refused("", no_scheme);
    assert_refused("h:6379", no_scheme);
    assert_refused("redis:/h", no_scheme);
    assert_refused("://h", no_scheme);
    assert_refused("x://u:12/rest@h/db",
        "there is an '@' behind the host (write '/', '?' and '@' in a password as %2F, %3F and %40)");
    assert_refused("x://h:0", no_port);
    assert_refused("x://h:65536", no_port);
    assert_refused("x://h:6379x", no_port);
    assert_refused("x://h:-1", no_port);
    assert_refused("x://h:99999999999999999999", no_port);
    assert_refused("x://::1:6379", no_port);
    assert_refused("x://u:pa/ss@h", no_port); /* a raw slash in the password */
}

static void
a_broken_escape_is_refused(void **state)
{
    (void)state;
    assert_refused("x://u%:p@h", "the user name has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://u:p%4@h", "the password has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://u:p%zz@h", "the password has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://u:p%00@h", "the password has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://h%1", "the host has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://h/%", "the path has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://h/?a=%g0", "the query has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://h/?%=a", "the query has a '%' that is not followed by two hexadecimal digits");
    assert_refused("x://h/?a=b&c=d&e=%", "the query has a '%' that is not followed by two hexadecimal digits");
}

static void
parameters_are_found_by_name_and_the_last_one_counts(void **state)
{
    struct url url;
    struct error err;

    (void)state;
    assert_true(url_parse("x://h?a=1&&b=2&a=3&c&d=&e%3D=x%26y&f=p=q#a=9", &url, &err));
    assert_int_equal(url.parameter_count, 7);
    assert_string_equal(url_parameter(&url, "a"), "3");
    assert_string_equal(url_parameter(&url, "b"), "2");
    assert_string_equal(url_parameter(&url, "c"), "");
    assert_string_equal(url_parameter(&url, "d"), "");
    assert_string_equal(url_parameter(&url, "e="), "x&y");
    assert_string_equal(url_parameter(&url, "f"), "p=q");
    assert_null(url_parameter(&url, "g"));
    assert_null(url_parameter(&url, "A"));
    url_clear(&url);
    assert_null(url_parameter(&url, "a"));
}

/* Wherever a password ends up by mistake, no error text repeats it. */
static void
no_error_repeats_a_part_of_the_url(void **state)
{
    static const char *const wrong[] = { "hunter2", "hunter2:/x", "x://u:hunter2/@h", "x://u:hunter2?@h",
        "x://u:hunter2#@h", "x://u:hunter2%@h", "x://hunter2%:p@h", "x://h:hunter2", "x://[hunter2", "x://[h]hunter2",
        "x://h/hunter2%", "x://h?hunter2%", "x://h?p=hunter2%" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct url url;
        struct error err = ERROR_EMPTY;

        assert_false(url_parse(wrong[i], &url, &err));
        assert_null(strstr(err.text, "hunter"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_found),
        cmocka_unit_test(escapes_are_resolved_in_every_part),
        cmocka_unit_test(a_stray_sign_in_a_password_parses_as_people_expect),
        cmocka_unit_test(an_ipv6_host_loses_its_brackets),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(a_broken_escape_is_refused),
        cmocka_unit_test(parameters_are_found_by_name_and_the_last_one_counts),
        cmocka_unit_test(no_error_repeats_a_part_of_the_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
