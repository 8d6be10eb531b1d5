#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

#include "jobs/due.h"

static struct timezones *zones;

/* "2026-03-29T00:30:00" UTC */
static struct wall
at(const char *text)
{
    struct tm fields = { .tm_year = 0 };

    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &fields));
    return (struct wall){ .ms = timegm(&fields) * 1000 };
}

static struct due
parse(const char *pattern, const char *zone)
{
    struct error err = ERROR_EMPTY;
    struct due due;

    if (!due_parse(&due, zones, CRON_PARSER_4, pattern, zone, &err))
        fail_msg("%s", err.text);
    return due;
}

static void
assert_latest(const char *pattern, const char *zone, const char *after, const char *until, const char *expected)
{
    struct due due = parse(pattern, zone);
    char shown[WALL_ISO_SIZE] = "none";
    struct wall latest;

    if (due_latest(&due, at(after), at(until), &latest)) {
        wall_format_iso(latest, shown);
        shown[strlen("2026-01-01T00:00:00")] = '\0';
    }
    assert_string_equal(shown, expected);
}

static void
the_latest_instant_is_found_near_and_far(void **state)
{
    (void)state;
    assert_latest("0 3 * * *", NULL, "2026-01-01T00:00:00", "2026-01-01T04:00:00", "2026-01-01T03:00:00");
    assert_latest("* * * * *", NULL, "2020-01-01T00:00:00", "2026-01-01T00:00:30", "2026-01-01T00:00:00");
    assert_latest("*/7 * * * * *", NULL, "2020-01-01T00:00:00", "2026-01-01T00:00:30", "2026-01-01T00:00:28");
    assert_latest("* * 1 1 *", NULL, "2020-01-01T00:00:00", "2026-12-31T00:00:00", "2026-01-01T23:59:00");
    assert_latest("0 0 29 2 *", NULL, "2001-01-01T00:00:00", "2026-01-01T00:00:00", "2024-02-29T00:00:00");
    assert_latest("0 3 * * *", "Asia/Kolkata", "2026-01-01T00:00:00", "2026-07-01T00:00:00", "2026-06-30T21:30:00");
}

static void
both_ends_count_as_the_header_says(void **state)
{
    (void)state;
    assert_latest("0 3 * * *", NULL, "2026-01-01T00:00:00", "2026-01-01T03:00:00", "2026-01-01T03:00:00");
    assert_latest("0 3 * * *", NULL, "2026-01-01T03:00:00", "2026-01-02T02:59:59", "none");
    assert_latest("0 3 * * *", NULL, "2026-01-01T02:59:59", "2026-01-02T02:59:59", "2026-01-01T03:00:00");
    assert_latest("* * * * *", NULL, "2026-01-01T03:00:00", "2026-01-01T02:00:00", "none");
    assert_latest("0 0 29 2 *", NULL, "2025-01-01T00:00:00", "2026-01-01T00:00:00", "none");
}

/* 2026-10-25 in Berlin: half past two is at 00:30 and at 01:30 UTC, and only the first pass is due, wherever the search begins. */
static void
an_hour_that_occurs_twice_is_due_once(void **state)
{
    (void)state;
    assert_latest("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T12:00:00", "2026-10-25T00:30:00");
    assert_latest("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00", "2026-10-25T12:00:00", "none");
    assert_latest("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T01:40:00", "none");
}

/* 2027-10-31 on the Azores: cron-parser 4 finds the last day's midnight in its first pass from the days before, in its second from the day before. */
static void
what_only_some_beginnings_find_is_not_due(void **state)
{
    (void)state;
    assert_latest("0 0 L * *", "Atlantic/Azores", "2027-10-01T00:00:00", "2027-10-31T12:00:00", "none");
    assert_latest("0 0 * * *", "Atlantic/Azores", "2027-10-01T00:00:00", "2027-10-31T12:00:00", "2027-10-31T00:00:00");
}

static void
a_wrong_pattern_and_an_unknown_zone_are_told(void **state)
{
    struct error err = ERROR_EMPTY;
    struct due due;

    (void)state;
    assert_false(due_parse(&due, zones, CRON_PARSER_4, "0 25 * * *", NULL, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_false(due_parse(&due, zones, CRON_PARSER_4, "0 3 * * *", "Europe/Atlantis", &err));
    assert_int_equal(err.code, ERROR_CONFIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_instant_is_found_near_and_far),
        cmocka_unit_test(both_ends_count_as_the_header_says),
        cmocka_unit_test(an_hour_that_occurs_twice_is_due_once),
        cmocka_unit_test(what_only_some_beginnings_find_is_not_due),
        cmocka_unit_test(a_wrong_pattern_and_an_unknown_zone_are_told),
    };
    int failed;

    zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    timezones_free(zones);
    return failed;
}
