#include "protocol/local_time.h"

static int32_t
offset_at(const struct local_time *time, int64_t ms)
{
    int64_t second = calendar_floor(ms, SECOND_MS);

    if (second >= time->span.from && second < time->span.until)
        return time->span.offset;
    return timezone_span(time->zone, second).offset;
}

/* Sets all that follows from the instant. The date is the costly part, and mostly the same as before. */
static void
move(struct local_time *time, int64_t ms)
{
    int64_t second = calendar_floor(ms, SECOND_MS);
    int64_t shown;
    int64_t day;

    if (second < time->span.from || second >= time->span.until)
        time->span = timezone_span(time->zone, second);
    time->ms = ms;
    shown = second + time->span.offset;
    day = calendar_floor(shown, CALENDAR_DAY_SECONDS);
    shown -= day * CALENDAR_DAY_SECONDS;
    if (day != time->day_number || time->date.month == 0) {
        time->day_number = day;
        time->date = calendar_date(day);
        time->weekday = calendar_weekday(day);
    }
    time->hour = (int)(shown / 3600);
    time->minute = (int)(shown / 60 % 60);
    time->second = (int)(shown % 60);
}

void
local_time_init(struct local_time *time, const struct time_zone *zone, int64_t ms)
{
    *time = (struct local_time){ .zone = zone }; /* no span yet, no date */
    move(time, ms);
}

int64_t
local_time_shown(const struct local_time *time)
{
    return time->ms + time->span.offset * SECOND_MS;
}

/* To the instant at which the clocks show this. A guess with the offset of now, a second one with that of the first. */
static void
show(struct local_time *time, int64_t shown)
{
    int64_t now = time->span.offset * SECOND_MS;
    int64_t there = offset_at(time, shown - now) * SECOND_MS;
    int64_t then;

    if (there == now) {
        move(time, shown - now);
        return;
    }
    then = offset_at(time, shown - there) * SECOND_MS;
    move(time, shown - (there < then ? there : then)); /* they differ in a gap only */
}

void
local_time_add(struct local_time *time, int64_t ms)
{
    move(time, time->ms + ms);
}

void
local_time_shift(struct local_time *time, int64_t ms)
{
    show(time, local_time_shown(time) + ms);
}

void
local_time_add_days(struct local_time *time, int64_t days)
{
    local_time_shift(time, days * DAY_MS);
}

void
local_time_add_month(struct local_time *time)
{
    int month = time->date.month % 12 + 1;
    int64_t year = time->date.year + (month == 1);
    int most = calendar_month_days(year, month);
    int day = time->date.day < most ? time->date.day : most;

    local_time_add_days(time, calendar_day(year, month, day) - time->day_number);
}

void
local_time_start_of(struct local_time *time, int64_t unit)
{
    show(time, calendar_floor(local_time_shown(time), unit) * unit);
}

void
local_time_start_of_month(struct local_time *time)
{
    show(time, (time->day_number - time->date.day + 1) * DAY_MS);
}
