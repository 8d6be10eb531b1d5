#include "tests/unit/test.h"

#include <stdlib.h>

#include "consumer/html.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void
assert_duration(int64_t ms, const char *expected)
{
    struct text out = TEXT_EMPTY;

    html_add_duration(&out, ms);
    assert_string_equal(text_string(&out), expected);
    text_clear(&out);
}

static void
assert_ago(int64_t past_ms, const char *expected)
{
    const struct wall now = { .ms = 1795382600905 };
    struct text out = TEXT_EMPTY;

    html_add_ago(&out, now, now.ms - past_ms);
    assert_string_equal(text_string(&out), expected);
    text_clear(&out);
}

static void
durations_are_told_in_the_units_that_matter(void **state)
{
    (void)state;
    assert_duration(-1, "–");
    assert_duration(0, "0 ms");
    assert_duration(999, "999 ms");
    assert_duration(1000, "1.0 s");
    assert_duration(9999, "9.9 s");
    assert_duration(10000, "10 s");
    assert_duration(59999, "59 s");
    assert_duration(MINUTE, "1 min");
    assert_duration(MINUTE + 31000, "1 min 31 s");
    assert_duration(10 * MINUTE + 31000, "11 min");
    assert_duration(HOUR, "1 h");
    assert_duration(HOUR + 20 * MINUTE, "1 h 20 min");
    assert_duration(10 * HOUR + 20 * MINUTE, "10 h");
    assert_duration(47 * HOUR, "47 h");
    assert_duration(2 * DAY, "2 d");
    assert_duration(INT64_MAX, "106751991167 d");
}

static void
times_are_told_from_now(void **state)
{
    (void)state;
    assert_ago(0, "just now");
    assert_ago(-4999, "just now");
    assert_ago(5000, "5 s ago");
    assert_ago(-30000, "in 30 s");
    assert_ago(5 * MINUTE + 59000, "5 min ago");
    assert_ago(-25 * MINUTE, "in 25 min");
    assert_ago(3 * DAY, "3 d ago");
}

static void
a_time_is_in_utc(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    html_add_time(&out, 1795382600905);
    assert_string_equal(text_string(&out), "22 Nov 2026, 21:23 UTC");
    text_reset(&out);
    html_add_time(&out, 0);
    assert_string_equal(text_string(&out), "1 Jan 1970, 00:00 UTC");
    text_reset(&out);
    html_add_time(&out, -1);
    html_add_size(&out, -1);
    html_add(&out, NULL);
    assert_string_equal(text_string(&out), "–––");
    text_clear(&out);
}

static void
foreign_text_is_escaped(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    html_add(&out, "a<b>&\"c'ü");
    assert_string_equal(text_string(&out), "a&#60;b&#62;&#38;&#34;c&#39;ü");
    text_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_told_in_the_units_that_matter),
        cmocka_unit_test(times_are_told_from_now),
        cmocka_unit_test(a_time_is_in_utc),
        cmocka_unit_test(foreign_text_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
