#include "tests/unit/test.h"

#include <string.h>

#include "protocol/calendar.h"
#include "protocol/timezone_rule.h"

/* The change that the rule makes first in 2100, and the offset behind it. */
static void
assert_first_change(const char *text, int month, int day, int32_t seconds, int32_t offset)
{
    struct timezone_rule rule;
    struct timezone_span span;
    int64_t start = calendar_day(2100, 1, 1) * CALENDAR_DAY_SECONDS;

    assert_true(timezone_rule_parse(text, strlen(text), &rule));
    span = timezone_rule_span(&rule, start);
    assert_int_equal(span.until, calendar_day(2100, month, day) * CALENDAR_DAY_SECONDS + seconds);
    assert_true(span.from < start);
    assert_int_equal(timezone_rule_span(&rule, span.until - 1).offset, span.offset);
    assert_int_equal(timezone_rule_span(&rule, span.until).from, span.until);
    assert_int_equal(timezone_rule_span(&rule, span.until).offset, offset);
}

static void
changes_come_at_their_day_and_time(void **state)
{
    (void)state;
    assert_first_change("CET-1CEST,M3.5.0,M10.5.0/3", 3, 28, 3600, 7200);
    assert_first_change("EST5EDT,M3.2.0,M11.1.0", 3, 14, 7 * 3600, -4 * 3600);
    assert_first_change("IST-1GMT0,M10.5.0,M3.5.0/1", 3, 28, 3600, 3600); /* winter is the exception there */
    assert_first_change("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 4, 3, 15 * 3600, 37800);
    assert_first_change("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 3, 28, 3600, -3600);
    assert_first_change("EET-2EEST,M3.4.4/50,M10.4.4/50", 3, 27, 0, 10800);
    assert_first_change("A0B,J60/0,J300/0", 3, 1, 0, 3600);
    assert_first_change("A0B,59/0,299/0", 3, 1, 0, 3600);
    assert_first_change("<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", 3, 28, 3600, 7200);
}

static void
a_rule_without_summer_has_one_span(void **state)
{
    struct timezone_rule rule;
    struct timezone_span span;

    (void)state;
    assert_true(timezone_rule_parse("<+0530>-5:30", 12, &rule));
    span = timezone_rule_span(&rule, 0);
    assert_true(span.from == INT64_MIN && span.until == INT64_MAX);
    assert_int_equal(span.offset, 19800);
}

static void
what_is_no_rule_is_refused(void **state)
{
    static const char *const texts[] = { "", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
        "<CET-1", "-1", "CET-168", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J5", "CET-1CEST,366,5", "CET-1:60", "CET99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct timezone_rule rule;

        if (timezone_rule_parse(texts[i], strlen(texts[i]), &rule))
            fail_msg("'%s' was taken", texts[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_at_their_day_and_time),
        cmocka_unit_test(a_rule_without_summer_has_one_span),
        cmocka_unit_test(what_is_no_rule_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
