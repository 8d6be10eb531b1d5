#include "tests/unit/test.h"

#include "protocol/calendar.h"

static void
known_days_have_their_numbers_and_weekdays(void **state)
{
    (void)state;
    assert_int_equal(calendar_day(1970, 1, 1), 0);
    assert_int_equal(calendar_day(1969, 12, 31), -1);
    assert_int_equal(calendar_day(2000, 2, 29), 11016);
    assert_int_equal(calendar_day(2026, 3, 29), 20541);
    assert_int_equal(calendar_weekday(0), 4);
    assert_int_equal(calendar_weekday(-5), 6);
    assert_int_equal(calendar_weekday(20541), 0);
}

static void
every_day_of_a_thousand_years_comes_back_from_its_number(void **state)
{
    int64_t day = calendar_day(1599, 12, 31);

    (void)state;
    for (int64_t year = 1600; year < 2600; year++)
        for (int month = 1; month <= 12; month++)
            for (int number = 1; number <= calendar_month_days(year, month); number++) {
                struct calendar_date date = calendar_date(++day);

                assert_int_equal(calendar_day(year, month, number), day);
                assert_true(date.year == year && date.month == month && date.day == number);
            }
    assert_int_equal(day, calendar_day(2600, 1, 1) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_have_their_numbers_and_weekdays),
        cmocka_unit_test(every_day_of_a_thousand_years_comes_back_from_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
