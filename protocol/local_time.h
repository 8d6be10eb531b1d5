/*
 * local_time: an instant as the clocks of a zone show it, and steps by those clocks.
 *
 * Where the clocks jump, a local time may not exist or exist twice. The steps here then land where Luxon's do, of which both cron parsers are
 * made: a time that exists twice is taken in the pass whose offset is the one before the step, a time that does not exist is as far behind the
 * gap as it is behind its start. A plain value; the zone must live as long.
 */
#ifndef PROTOCOL_LOCAL_TIME_H
#define PROTOCOL_LOCAL_TIME_H

#include "protocol/calendar.h"
#include "protocol/timezone.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct local_time {
    const struct time_zone *zone;
    struct timezone_span span; /* around `ms` */
    int64_t ms;                /* since 1970, UTC */
    int64_t day_number;        /* since 1970, local */
    struct calendar_date date;
    int weekday; /* Sunday is 0 */
    int hour;
    int minute;
    int second;
};

/* `ms` within what JavaScript calls a date: LOCAL_TIME_MOST_MS either way. */
#define LOCAL_TIME_MOST_MS INT64_C(8640000000000000)
void local_time_init(struct local_time *time, const struct time_zone *zone, int64_t ms);

void local_time_add(struct local_time *time, int64_t ms);        /* so much time later */
void local_time_add_days(struct local_time *time, int64_t days); /* the same time of another day */
void local_time_add_month(struct local_time *time);              /* the same day of the next month, or its last one */
void local_time_shift(struct local_time *time, int64_t ms);      /* the clocks' time moved by so much */
void local_time_start_of(struct local_time *time, int64_t unit); /* of this SECOND_MS, MINUTE_MS, HOUR_MS or DAY_MS */
void local_time_start_of_month(struct local_time *time);

/* Milliseconds since 1970 that the clocks show. */
int64_t local_time_shown(const struct local_time *time);

#endif
