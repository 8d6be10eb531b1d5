#include "tests/unit/test.h"

#include "cli/progress.h"

static void
assert_still(int64_t bytes, int64_t whole, int64_t elapsed_ms, int64_t growth_ms, const char *expected)
{
    struct text line = TEXT_EMPTY;

    progress_format("reading back", bytes, whole, elapsed_ms, growth_ms, &line);
    assert_string_equal(text_string(&line), expected);
    text_clear(&line);
}

static void
assert_line(int64_t bytes, int64_t whole, int64_t elapsed_ms, const char *expected)
{
    assert_still(bytes, whole, elapsed_ms, elapsed_ms, expected);
}

static void
a_bar_tells_share_rate_and_time_left(void **state)
{
    (void)state;
    assert_line(0, 240000000, 5000, "reading back [>                       ]   0 %");
    assert_line(60000000, 240000000, 2000, "reading back [=====>                  ]  25 %  28.61 MiB/s, 0:06 left");
    assert_line(239999999, 240000000, 8000, "reading back [=======================>]  99 %  28.61 MiB/s, 0:00 left");
    assert_line(240000000, 240000000, 8000, "reading back [========================] 100 %  28.61 MiB/s, 0:00 left");
    assert_line(1000000, 100000000, 100000, "reading back [>                       ]   1 %  9.77 KiB/s, 2:45:00 left");
}

static void
what_grows_beyond_its_end_stays_at_its_end(void **state)
{
    (void)state;
    assert_line(500, 240, 2000, "reading back [========================] 100 %  250 B/s, 0:00 left");
}

static void
too_early_no_rate_is_told(void **state)
{
    (void)state;
    assert_line(60000000, 240000000, 999, "reading back [=====>                  ]  25 %");
}

static void
without_an_end_size_and_time_are_told(void **state)
{
    (void)state;
    assert_line(12300000, 0, 61000, "reading back 11.73 MiB  196.91 KiB/s, 1:01");
}

static void
the_rate_does_not_sink_while_nothing_is_added(void **state)
{
    (void)state;
    assert_still(
        60000000, 240000000, 9000, 2000, "reading back [=====>                  ]  25 %  28.61 MiB/s, 0:06 left");
    assert_still(12300000, 0, 61000, 3000, "reading back 11.73 MiB  3.91 MiB/s, 1:01");
}

static void
before_the_first_byte_of_nobody_knows_how_many_only_the_time_is_told(void **state)
{
    (void)state;
    assert_line(0, 0, 61000, "reading back  1:01");
}

static void
with_nothing_to_count_only_the_time_is_told(void **state)
{
    (void)state;
    assert_line(PROGRESS_NONE, 0, 61000, "reading back  1:01");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_tells_share_rate_and_time_left),
        cmocka_unit_test(what_grows_beyond_its_end_stays_at_its_end),
        cmocka_unit_test(too_early_no_rate_is_told),
        cmocka_unit_test(without_an_end_size_and_time_are_told),
        cmocka_unit_test(the_rate_does_not_sink_while_nothing_is_added),
        cmocka_unit_test(before_the_first_byte_of_nobody_knows_how_many_only_the_time_is_told),
        cmocka_unit_test(with_nothing_to_count_only_the_time_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
