#include "tests/unit/test.h"

#include <string.h>

#include "jobs/ping.h"

static void
assert_url(const char *url, enum ping_kind kind, const char *reason, const char *expected)
{
    const struct ping ping = { .kind = kind, .reason = reason, .duration_ms = kind == PING_SUCCESS ? 1234 : 0 };
    struct text text = TEXT_EMPTY;

    ping_add_url(url, &ping, &text);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

static void
the_path_is_made_longer_and_the_query_kept(void **state)
{
    (void)state;
    assert_url("https://hc/id", PING_START, NULL, "https://hc/id/start");
    assert_url("https://hc/id", PING_SUCCESS, NULL, "https://hc/id");
    assert_url("https://hc/id", PING_FAILURE, "no", "https://hc/id/fail");
    assert_url("https://hc/id/?create=1&x=a/b#part", PING_START, NULL, "https://hc/id/start?create=1&x=a/b");
    assert_url("https://hc/id/?create=1", PING_SUCCESS, NULL, "https://hc/id/?create=1");
    assert_url("https://hc/id?", PING_FAILURE, "no", "https://hc/id/fail");
    assert_url("https://hc", PING_FAILURE, "no", "https://hc/fail");
}

static void
uptime_kuma_gets_parameters_in_place_of_those_it_shows(void **state)
{
    (void)state;
    assert_url("https://k/api/push/t?status=up&msg=OK&ping=", PING_SUCCESS, NULL,
        "https://k/api/push/t?status=up&msg=OK&ping=1234");
    assert_url("https://k/api/push/t", PING_FAILURE, "no & \"n\xC3\xB6\"\n",
        "https://k/api/push/t?status=down&msg=no%20%26%20%22n%C3%B6%22%0A&ping=");
    assert_url("https://k/sub/api/push/t?a=1&&msg=x&status_page=2#part", PING_SUCCESS, NULL,
        "https://k/sub/api/push/t?a=1&status_page=2&status=up&msg=OK&ping=1234");
    assert_url("https://k/api/push/t", PING_START, NULL, "");
    assert_url("https://k/id?to=/api/push/", PING_START, NULL, "https://k/id/start?to=/api/push/");
}

static void
a_long_message_is_cut_between_characters(void **state)
{
    static const char reason[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
        "\xC3\xBC and more";
    const struct ping ping = { .kind = PING_FAILURE, .reason = reason };
    struct text text = TEXT_EMPTY;

    (void)state;
    ping_add_url("https://k/api/push/t", &ping, &text);
    assert_non_null(strstr(text_string(&text), "678&ping="));
    assert_null(strstr(text_string(&text), "%C3"));
    text_clear(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_made_longer_and_the_query_kept),
        cmocka_unit_test(uptime_kuma_gets_parameters_in_place_of_those_it_shows),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
