#include "tests/unit/test.h"

#include <limits.h>

#include "common/clock.h"

static void
assert_iso(int64_t ms, const char *expected)
{
    char out[WALL_ISO_SIZE];

    wall_format_iso((struct wall){ ms }, out);
    assert_string_equal(out, expected);
}

static void
assert_file(int64_t ms, const char *expected)
{
    char out[WALL_FILE_SIZE];

    wall_format_file((struct wall){ ms }, out);
    assert_string_equal(out, expected);
}

static void
a_wall_time_is_written_as_iso_8601(void **state)
{
    (void)state;
    assert_iso(0, "1970-01-01T00:00:00.000Z");
    assert_iso(1, "1970-01-01T00:00:00.001Z");
    assert_iso(999, "1970-01-01T00:00:00.999Z");
    assert_iso(1000, "1970-01-01T00:00:01.000Z");
    assert_iso(1767323045678, "2026-01-02T03:04:05.678Z");
    assert_iso(1709164800000, "2024-02-29T00:00:00.000Z");
    assert_iso(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void
a_time_before_1970_counts_downwards(void **state)
{
    (void)state;
    assert_iso(-1, "1969-12-31T23:59:59.999Z");
    assert_iso(-999, "1969-12-31T23:59:59.001Z");
    assert_iso(-1000, "1969-12-31T23:59:59.000Z");
    assert_iso(-1001, "1969-12-31T23:59:58.999Z");
}

static void
a_year_of_more_than_four_digits_is_taken_as_1970(void **state)
{
    (void)state;
    assert_iso(253402300800000, "1970-01-01T00:00:00.000Z");
    assert_iso(INT64_MAX - 807, "1970-01-01T00:00:00.000Z");
    assert_iso(INT64_MIN + 808, "1970-01-01T00:00:00.000Z");
    assert_file(INT64_MAX, "1970-01-01T00-00-00Z");
    assert_file(INT64_MIN, "1970-01-01T00-00-00Z");
}

static void
a_dump_name_has_no_colon_and_no_milliseconds(void **state)
{
    (void)state;
    assert_file(1767323045678, "2026-01-02T03-04-05Z");
    assert_file(0, "1970-01-01T00-00-00Z");
    assert_file(-1, "1969-12-31T23-59-59Z");
}

static int64_t
between(int64_t from_ns, int64_t to_ns)
{
    return moment_ms_between((struct moment){ from_ns }, (struct moment){ to_ns });
}

static void
waiting_is_rounded_up_so_that_it_is_enough(void **state)
{
    (void)state;
    assert_int_equal(between(5, 5), 0);
    assert_int_equal(between(0, 1), 1);
    assert_int_equal(between(0, 999999), 1);
    assert_int_equal(between(0, 1000000), 1);
    assert_int_equal(between(0, 1000001), 2);
}

static void
a_deadline_that_is_past_gives_a_negative_time(void **state)
{
    (void)state;
    assert_int_equal(between(1, 0), 0); /* less than a millisecond late is not late */
    assert_int_equal(between(1000000, 0), -1);
    assert_int_equal(between(2500000, 0), -2);
}

static void
adding_milliseconds_goes_both_ways(void **state)
{
    struct moment moment = { .ns = 5000000 };

    (void)state;
    assert_int_equal(moment_add_ms(moment, 3).ns, 8000000);
    assert_int_equal(moment_add_ms(moment, -3).ns, 2000000);
    assert_int_equal(moment_ms_between(moment, moment_add_ms(moment, 21600000)), 21600000);
}

static void
now_is_past_and_a_second_from_now_is_not(void **state)
{
    struct moment now = moment_now();

    (void)state;
    assert_true(moment_is_past(now));
    assert_true(moment_is_past(moment_add_ms(now, -1)));
    assert_false(moment_is_past(moment_add_ms(moment_now(), 60000)));
    assert_true(moment_now().ns >= now.ns);
}

static void
the_wall_clock_gives_milliseconds_since_1970(void **state)
{
    struct wall now = wall_now();

    (void)state;
    assert_true(now.ms > 1700000000000);
    assert_true(now.ms < 253402300799999);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_time_is_written_as_iso_8601),
        cmocka_unit_test(a_time_before_1970_counts_downwards),
        cmocka_unit_test(a_year_of_more_than_four_digits_is_taken_as_1970),
        cmocka_unit_test(a_dump_name_has_no_colon_and_no_milliseconds),
        cmocka_unit_test(waiting_is_rounded_up_so_that_it_is_enough),
        cmocka_unit_test(a_deadline_that_is_past_gives_a_negative_time),
        cmocka_unit_test(adding_milliseconds_goes_both_ways),
        cmocka_unit_test(now_is_past_and_a_second_from_now_is_not),
        cmocka_unit_test(the_wall_clock_gives_milliseconds_since_1970),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
