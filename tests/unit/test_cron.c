#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

#include "protocol/cron.h"

static struct timezones *zones;

/* "2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00Z", and with ".5" of a second. */
static int64_t
ms_of(const char *text)
{
    struct tm fields = { .tm_year = 0 };
    struct tm offset = { .tm_year = 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &fields);
    int64_t tenths = 0;

    assert_non_null(rest);
    if (*rest == '.') {
        tenths = rest[1] - '0';
        rest += 2;
    }
    assert_non_null(strptime(rest, "%z", &offset));
    return (timegm(&fields) - offset.tm_gmtoff) * 1000 + tenths * 100;
}

static bool
find_next(const char *pattern, const char *name, enum cron_dialect dialect, const char *from, struct wall *next,
    struct error *err)
{
    struct cron_options options = { .dialect = dialect };
    const struct time_zone *zone = timezones_find(zones, name, err);
    struct cron_pattern parsed;

    assert_non_null(zone);
    if (!cron_pattern_parse(pattern, strlen(pattern), &options, &parsed, err))
        fail_msg("%s", err->text);
    return cron_next(&parsed, zone, (struct wall){ .ms = ms_of(from) }, next, err);
}

struct expected {
    const char *pattern;
    const char *from;
    const char *next[2]; /* by dialect; the second one NULL: the same */
};

static void
assert_next(const char *zone, const struct expected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int dialect = 0; dialect < 2; dialect++) {
            const char *wanted = rows[i].next[dialect] != NULL ? rows[i].next[dialect] : rows[i].next[0];
            struct error err = ERROR_EMPTY;
            struct wall next = { .ms = 0 };

            if (!find_next(rows[i].pattern, zone, (enum cron_dialect)dialect, rows[i].from, &next, &err))
                fail_msg("%s: %s", rows[i].pattern, err.text);
            if (next.ms != ms_of(wanted))
                fail_msg("'%s' in %s from %s, dialect %d: %+ld s off %s", rows[i].pattern, zone, rows[i].from,
                    dialect + 4, (long)(next.ms - ms_of(wanted)) / 1000, wanted);
        }
}

#define ASSERT_NEXT(zone, ...)                                                                                         \
    do {                                                                                                               \
        static const struct expected rows[] = { __VA_ARGS__ };                                                         \
        assert_next(zone, rows, sizeof(rows) / sizeof(rows[0]));                                                       \
    } while (0)

static void
the_next_instant_comes_after_the_given_one_on_a_whole_second(void **state)
{
    (void)state;
    ASSERT_NEXT("UTC", { "* * * * * *", "2026-01-01T00:00:00Z", { "2026-01-01T00:00:01Z", NULL } },
        { "* * * * * *", "2026-01-01T00:00:00.5Z", { "2026-01-01T00:00:01Z", NULL } },
        { "*/5 * * * *", "2026-01-01T00:05:00Z", { "2026-01-01T00:10:00Z", NULL } },
        { "*/5 * * * *", "2026-01-01T00:04:59.9Z", { "2026-01-01T00:05:00Z", NULL } },
        { "0 3 * * *", "2026-12-31T03:00:00Z", { "2027-01-01T03:00:00Z", NULL } });
}

static void
days_of_the_month_and_of_the_week_are_joined(void **state)
{
    (void)state;
    ASSERT_NEXT("UTC", { "0 0 15 * 1", "2026-01-01T00:00:00Z", { "2026-01-05T00:00:00Z", NULL } },
        { "0 0 15 * *", "2026-01-01T00:00:00Z", { "2026-01-15T00:00:00Z", NULL } },
        { "0 0 15 * 1-7", "2026-01-01T00:00:00Z", { "2026-01-15T00:00:00Z", "2026-01-02T00:00:00Z" } },
        { "0 0 1-31 * 1", "2026-01-01T00:00:00Z", { "2026-01-05T00:00:00Z", "2026-01-02T00:00:00Z" } },
        { "0 0 2 * 1#2", "2026-01-01T00:00:00Z", { "2026-01-12T00:00:00Z", "2026-01-02T00:00:00Z" } });
}

static void
the_last_day_the_last_friday_and_the_29th_of_february_are_found(void **state)
{
    (void)state;
    ASSERT_NEXT("UTC", { "0 0 L * *", "2026-02-01T00:00:00Z", { "2026-02-28T00:00:00Z", NULL } },
        { "0 0 L 2 *", "2028-01-01T00:00:00Z", { "2028-02-29T00:00:00Z", NULL } },
        { "0 0 * * 5L", "2026-01-01T00:00:00Z", { "2026-01-30T00:00:00Z", NULL } },
        { "0 0 29 2 *", "2026-01-01T00:00:00Z", { "2028-02-29T00:00:00Z", NULL } },
        { "0 0 29 2 *", "2096-03-01T00:00:00Z", { "2104-02-29T00:00:00Z", NULL } });
}

static void
a_time_that_the_clocks_skip_is_made_up_for_once(void **state)
{
    (void)state;
    ASSERT_NEXT("Europe/Berlin", { "30 2 * * *", "2026-03-28T02:30:00+01:00", { "2026-03-29T03:30:00+02:00", NULL } },
        { "30 2 * * *", "2026-03-29T03:10:00+02:00", { "2026-03-30T02:30:00+02:00", NULL } },
        { "*/20 2 * * *", "2026-03-29T03:00:00+02:00", { "2026-03-30T02:00:00+02:00", NULL } },
        { "30 2,3 * * *", "2026-03-29T03:30:00+02:00", { "2026-03-30T02:30:00+02:00", NULL } },
        { "0 */2 * * *", "2026-03-29T00:00:00+01:00", { "2026-03-29T03:00:00+02:00", NULL } },
        { "30 * * * *", "2026-03-29T01:30:00+01:00", { "2026-03-29T03:30:00+02:00", NULL } });
}

static void
a_time_that_comes_twice_fires_once_unless_every_hour_does(void **state)
{
    (void)state;
    ASSERT_NEXT("Europe/Berlin", { "30 2 * * *", "2026-10-25T00:00:00+02:00", { "2026-10-25T02:30:00+02:00", NULL } },
        { "30 2 * * *", "2026-10-25T02:30:00+02:00", { "2026-10-26T02:30:00+01:00", NULL } },
        { "30 2 * * *", "2026-10-25T02:10:00+01:00", { "2026-10-25T02:30:00+01:00", NULL } },
        { "*/30 * * * *", "2026-10-25T02:30:00+02:00", { "2026-10-25T02:00:00+01:00", NULL } });
}

static void
changes_at_midnight_are_as_odd_as_in_each_parser(void **state)
{
    (void)state;
    ASSERT_NEXT("Asia/Beirut", { "0 0 * * *", "2026-03-28T00:00:00+02:00", { "2026-03-30T00:00:00+03:00", NULL } },
        { "0 0,23 * * *", "2026-03-28T23:00:00+02:00", { "2026-03-29T23:00:00+03:00", "2026-03-29T01:00:00+03:00" } });
    ASSERT_NEXT("America/Havana",
        { "0 0 * * *", "2026-10-31T00:00:00-04:00", { "2026-11-01T00:00:00-04:00", "2026-11-01T00:00:00-05:00" } });
}

static void
changes_by_half_an_hour_are_as_odd_as_in_each_parser(void **state)
{
    (void)state;
    ASSERT_NEXT("Australia/Lord_Howe",
        { "15 2 * * *", "2026-10-03T02:15:00+10:30", { "2026-10-05T02:15:00+11:00", NULL } },
        { "45 1 * * *", "2026-04-05T01:45:00+11:00", { "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30" } });
}

static void
changes_by_two_hours_are_as_odd_as_in_each_parser(void **state)
{
    (void)state;
    ASSERT_NEXT("Antarctica/Troll",
        { "30 1 * * *", "2026-03-28T12:00:00Z", { "2026-03-30T01:30:00+02:00", "2026-03-29T03:30:00+02:00" } },
        { "30 2 * * *", "2026-03-28T12:00:00Z", { "2026-03-30T02:30:00+02:00", "2026-03-29T03:30:00+02:00" } },
        { "30 1 * * *", "2026-10-25T01:30:00+02:00", { "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z" } },
        { "30 2 * * *", "2026-10-25T02:30:00+02:00", { "2026-10-25T02:30:00Z", NULL } });
}

static void
times_beyond_the_table_of_the_zone_follow_its_rule(void **state)
{
    (void)state;
    ASSERT_NEXT("Europe/Berlin", { "30 2 * * *", "2099-03-28T02:30:00+01:00", { "2099-03-29T03:30:00+02:00", NULL } },
        { "0 12 1 7 *", "2150-01-01T00:00:00+01:00", { "2150-07-01T12:00:00+02:00", NULL } });
}

static void
a_pattern_that_never_fires_ends_in_an_error(void **state)
{
    struct error err = ERROR_EMPTY;
    struct wall next;

    (void)state;
    assert_false(find_next("0 0 31 4,6 *", "UTC", CRON_PARSER_4, "2026-01-01T00:00:00Z", &next, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(err.text, "the pattern has no next time within 9999 steps of its search");
    assert_false(find_next("0 0 31 4,6 *", "UTC", CRON_PARSER_5, "2026-01-01T00:00:00Z", &next, &err));
    assert_string_equal(err.text, "the pattern has no next time within 9999 steps of its search");
    assert_false(find_next("15 2 * * *", "Australia/Lord_Howe", CRON_PARSER_5, "2026-04-04T10:00:00Z", &next, &err));
    assert_string_equal(err.text, "the pattern has no next time within 9999 steps of its search");
    assert_false(find_next("0 0 * * L", "UTC", CRON_PARSER_4, "2026-01-01T00:00:00Z", &next, &err));
    assert_string_equal(err.text, "day of week 'L' stands behind the number of a weekday, as in 5L");
}

static void
a_start_that_javascript_has_no_date_for_is_refused(void **state)
{
    static const struct cron_options options = { .dialect = CRON_PARSER_4 };
    struct error err = ERROR_EMPTY;
    struct cron_pattern pattern;
    struct wall next;

    (void)state;
    assert_true(cron_pattern_parse("* * * * *", 9, &options, &pattern, &err));
    for (int i = 0; i < 2; i++) {
        struct wall start = { .ms = i == 0 ? INT64_MAX : INT64_MIN };

        assert_false(cron_next(&pattern, timezones_find(zones, "UTC", &err), start, &next, &err));
        assert_int_equal(err.code, ERROR_INPUT);
        assert_string_equal(err.text, "the time is out of range");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_instant_comes_after_the_given_one_on_a_whole_second),
        cmocka_unit_test(days_of_the_month_and_of_the_week_are_joined),
        cmocka_unit_test(the_last_day_the_last_friday_and_the_29th_of_february_are_found),
        cmocka_unit_test(a_time_that_the_clocks_skip_is_made_up_for_once),
        cmocka_unit_test(a_time_that_comes_twice_fires_once_unless_every_hour_does),
        cmocka_unit_test(changes_at_midnight_are_as_odd_as_in_each_parser),
        cmocka_unit_test(changes_by_half_an_hour_are_as_odd_as_in_each_parser),
        cmocka_unit_test(changes_by_two_hours_are_as_odd_as_in_each_parser),
        cmocka_unit_test(times_beyond_the_table_of_the_zone_follow_its_rule),
        cmocka_unit_test(a_pattern_that_never_fires_ends_in_an_error),
        cmocka_unit_test(a_start_that_javascript_has_no_date_for_is_refused),
    };
    int failed;

    zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    timezones_free(zones);
    return failed;
}
