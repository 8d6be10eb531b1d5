#include "tests/unit/test.h"

#include <string.h>

#include "protocol/timezone.h"
#include "tests/unit/folder.h"

#define SUMMER_2026 INT64_C(1782864000) /* 1 July */

static int32_t
offset_in(struct timezones *zones, const char *name, int64_t second)
{
    struct error err = ERROR_EMPTY;
    const struct time_zone *zone = timezones_find(zones, name, &err);

    if (zone == NULL)
        fail_msg("%s", err.text);
    return timezone_span(zone, second).offset;
}

static void
zones_are_found_in_any_case_and_kept(void **state)
{
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, NULL);
    struct error err = ERROR_EMPTY;
    const struct time_zone *zone = timezones_find(zones, "europe/BERLIN", &err);

    (void)state;
    assert_non_null(zone);
    assert_ptr_equal(timezones_find(zones, "Europe/Berlin", &err), zone);
    assert_int_equal(timezone_span(zone, SUMMER_2026).offset, 7200);
    assert_int_equal(offset_in(zones, "etc/gmt+3", 0), -10800);
    assert_int_equal(offset_in(zones, "America/Argentina/Buenos_Aires", SUMMER_2026), -10800);
    timezones_free(zones);
}

static void
fixed_offsets_need_no_file(void **state)
{
    struct timezones *zones = timezones_new("/nonexistent", "utc-1");

    (void)state;
    assert_int_equal(offset_in(zones, "UTC", 0), 0);
    assert_int_equal(offset_in(zones, "gmt", 0), 0);
    assert_int_equal(offset_in(zones, "UTC+3", 0), 10800);
    assert_int_equal(offset_in(zones, "utc-0:30", 0), -1800);
    assert_int_equal(offset_in(zones, "utc+05:45", 0), 20700);
    assert_int_equal(offset_in(zones, "local", 0), -3600);
    assert_int_equal(offset_in(zones, NULL, 0), -3600);
    timezones_free(zones);
}

static void
the_zone_of_the_machine_is_what_tz_says(void **state)
{
    static const struct {
        const char *tz;
        int32_t offset;
    } rows[] = { { "Asia/Tokyo", 32400 }, { ":Asia/Tokyo", 32400 }, { "", 0 }, { "UTC+2", 7200 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct timezones *zones = timezones_new(TIMEZONE_FOLDER, rows[i].tz);

        assert_int_equal(offset_in(zones, "local", 0), rows[i].offset);
        assert_int_equal(offset_in(zones, "System", 0), rows[i].offset);
        timezones_free(zones);
    }
}

static void
an_unknown_zone_is_an_error_and_never_utc(void **state)
{
    static const char *const names[] = { "", "Nowhere/Atlantis", "Europe", "Europe/", "/Europe/Berlin",
        "Europe//Berlin", "+05:30", "UTC+", "UTC+123", "UTC+1:5", "UTC+1:", "PST", "../zoneinfo/UTC", "Europe/../UTC",
        "posix/UTC", "right/UTC", "Factory", "localtime", "leapseconds", "zone.tab", "Europe/Berlin ", " " };
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct error err = ERROR_EMPTY;
        char expected[100];

        (void)snprintf(expected, sizeof(expected), "time zone '%s' does not exist", names[i]);
        assert_null(timezones_find(zones, names[i], &err));
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_string_equal(err.text, expected);
    }
    timezones_free(zones);
}

static void
spans_meet_and_hold_their_times(void **state)
{
    static const char *const names[] = { "Europe/Berlin", "Africa/Casablanca", "Pacific/Apia", "America/Nuuk",
        "Asia/Tokyo" };
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct error err = ERROR_EMPTY;
        const struct time_zone *zone = timezones_find(zones, names[i], &err);
        int64_t second = 0;

        assert_non_null(zone);
        while (second < 5000000000) { /* to 2128 */
            struct timezone_span span = timezone_span(zone, second);

            assert_true(span.from <= second && second < span.until);
            if (span.until == INT64_MAX)
                break;
            assert_int_equal(timezone_span(zone, span.until - 1).offset, span.offset);
            assert_int_equal(timezone_span(zone, span.until).from, span.until);
            second = span.until;
        }
    }
    timezones_free(zones);
}

static void
a_broken_file_is_an_error_with_its_path(void **state)
{
    char folder[FOLDER_PATH];
    char expected[FOLDER_PATH + 100];
    struct error err = ERROR_EMPTY;
    struct timezones *zones;

    (void)state;
    folder_make(folder);
    folder_write(folder, "Broken", "TZif2");
    zones = timezones_new(folder, NULL);
    assert_null(timezones_find(zones, "broken", &err));
    assert_int_equal(err.code, ERROR_INPUT);
    (void)snprintf(expected, sizeof(expected), "zone file '%s/Broken': no zone file of version 2 or later", folder);
    assert_string_equal(err.text, expected);
    timezones_free(zones);
    folder_remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_found_in_any_case_and_kept),
        cmocka_unit_test(fixed_offsets_need_no_file),
        cmocka_unit_test(the_zone_of_the_machine_is_what_tz_says),
        cmocka_unit_test(an_unknown_zone_is_an_error_and_never_utc),
        cmocka_unit_test(spans_meet_and_hold_their_times),
        cmocka_unit_test(a_broken_file_is_an_error_with_its_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
