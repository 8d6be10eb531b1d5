/* calendar: days counted from 1970-01-01, and what date that is; the Gregorian calendar for all time. */
#ifndef PROTOCOL_CALENDAR_H
#define PROTOCOL_CALENDAR_H

#include <stdint.h>

#define CALENDAR_DAY_SECONDS INT64_C(86400)

struct calendar_date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

int64_t calendar_day(int64_t year, int month, int day);
struct calendar_date calendar_date(int64_t day);
int calendar_weekday(int64_t day); /* Sunday is 0 */
int calendar_month_days(int64_t year, int month);

/* Division that rounds down, also below zero. */
int64_t calendar_floor(int64_t number, int64_t divisor);

#endif
