#include "protocol/calendar.h"

#include <stdbool.h>

/* The calendar repeats every 400 years. Years are counted from March, so that the leap day is the last one. */
#define ERA_DAYS INT64_C(146097)
#define DAYS_TO_1970 INT64_C(719468) /* from 1 March of year 0 */

int64_t
calendar_floor(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

int64_t
calendar_day(int64_t year, int month, int day)
{
    int64_t from_march = (month + 9) % 12;
    int64_t march_year = year - (month <= 2);
    int64_t era = calendar_floor(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;

    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

struct calendar_date
calendar_date(int64_t day)
{
    int64_t from_start = day + DAYS_TO_1970;
    int64_t era = calendar_floor(from_start, ERA_DAYS);
    int64_t day_of_era = from_start - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);

    return (struct calendar_date){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
    };
}

int
calendar_weekday(int64_t day)
{
    int64_t from_thursday = day + 4;

    return (int)(from_thursday - calendar_floor(from_thursday, 7) * 7);
}

int
calendar_month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && is_leap ? 29 : days[month - 1];
}
