#include "cli/instant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "protocol/local_time.h"

/* A number of exactly so many digits. */
static bool
take_digits(const char **at, size_t digits, int least, int most, int *number)
{
    int64_t read;

    if (strnlen(*at, digits) < digits || !text_parse_integer(*at, digits, least, most, &read))
        return false;
    *number = (int)read;
    *at += digits;
    return true;
}

static bool
take_character(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

/* "2026-03-29", "2026-03-29T02:30", "2026-03-29T02:30:05", as the milliseconds that clocks show. */
static bool
take_shown(const char **at, int64_t *shown)
{
    int year;
    int month;
    int day;
    int hour = 0;
    int minute = 0;
    int second = 0;

    if (!take_digits(at, 4, 0, 9999, &year) || !take_character(at, '-') || !take_digits(at, 2, 1, 12, &month) ||
        !take_character(at, '-') || !take_digits(at, 2, 1, calendar_month_days(year, month), &day))
        return false;
    if (take_character(at, 'T')) {
        if (!take_digits(at, 2, 0, 23, &hour) || !take_character(at, ':') || !take_digits(at, 2, 0, 59, &minute))
            return false;
        if (take_character(at, ':') && !take_digits(at, 2, 0, 59, &second))
            return false;
    }
    *shown = calendar_day(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
    return true;
}

/* "Z", "+02:00". */
static bool
take_offset(const char **at, int64_t *offset)
{
    int64_t sign = **at == '-' ? -1 : 1;
    int hours;
    int minutes;

    *offset = 0;
    if (take_character(at, 'Z'))
        return true;
    if (!take_character(at, '+') && !take_character(at, '-'))
        return false;
    if (!take_digits(at, 2, 0, 23, &hours) || !take_character(at, ':') || !take_digits(at, 2, 0, 59, &minutes))
        return false;
    *offset = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
    return true;
}

bool
instant_parse(const char *text, const struct time_zone *zone, struct wall *at, struct error *err)
{
    const char *rest = text;
    struct local_time time;
    int64_t shown;
    int64_t offset;
    bool has_offset;

    if (!take_shown(&rest, &shown))
        return error_set(err, ERROR_INPUT, "'%s' is no time such as 2026-03-29T02:30:00Z", text);
    has_offset = take_offset(&rest, &offset);
    if (*rest != '\0')
        return error_set(err, ERROR_INPUT, "'%s' is a time with '%s' behind it", text, rest);
    if (has_offset) {
        at->ms = shown - offset;
        return true;
    }
    local_time_init(&time, zone, shown);
    local_time_shift(&time, shown - local_time_shown(&time));
    at->ms = time.ms;
    return true;
}

void
instant_format(struct wall at, const struct time_zone *zone, char out[INSTANT_SIZE])
{
    static const char *const weekdays[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
        "Saturday" };
    struct local_time time;
    int minutes;

    local_time_init(&time, zone, at.ms);
    minutes = abs(time.span.offset) / 60;
    (void)snprintf(out, INSTANT_SIZE, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d%c%02d:%02d %s", time.date.year,
        time.date.month, time.date.day, time.hour, time.minute, time.second, time.span.offset < 0 ? '-' : '+',
        minutes / 60, minutes % 60, weekdays[time.weekday]);
}
