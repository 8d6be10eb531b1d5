#include "protocol/timezone_rule.h"

#include <string.h>

#include "protocol/calendar.h"

#define HOUR 3600
#define MOST_HOURS 167 /* a week, by which rules reach into the next one */

struct reader {
    const char *at;
    const char *end;
};

static bool
skip(struct reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

static bool
read_number(struct reader *reader, int least, int most, int *number)
{
    const char *start = reader->at;

    *number = 0;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && *number <= most)
        *number = *number * 10 + (*reader->at++ - '0');
    return reader->at > start && *number >= least && *number <= most;
}

/* "CET", or "<+0330>". */
static bool
skip_name(struct reader *reader)
{
    bool is_quoted = skip(reader, '<');
    const char *start = reader->at;

    while (reader->at < reader->end &&
           (is_quoted ? *reader->at != '>'
                      : (*reader->at >= 'A' && *reader->at <= 'Z') || (*reader->at >= 'a' && *reader->at <= 'z')))
        reader->at++;
    return reader->at > start && (!is_quoted || skip(reader, '>'));
}

/* "-1", "3:30", "+167". */
static bool
read_time(struct reader *reader, int32_t *seconds)
{
    bool is_negative = skip(reader, '-');
    int hours = 0;
    int minutes = 0;
    int rest = 0;

    if (!is_negative)
        (void)skip(reader, '+');
    if (!read_number(reader, 0, MOST_HOURS, &hours))
        return false;
    if (skip(reader, ':')) {
        if (!read_number(reader, 0, 59, &minutes))
            return false;
        if (skip(reader, ':') && !read_number(reader, 0, 59, &rest))
            return false;
    }
    *seconds = hours * HOUR + minutes * 60 + rest;
    if (is_negative)
        *seconds = -*seconds;
    return true;
}

/* "M10.5.0/3", "J60", "59/-1"; at 2 o'clock unless it says. */
static bool
read_change(struct reader *reader, struct timezone_change *change)
{
    bool ok;

    *change = (struct timezone_change){ .seconds = 2 * HOUR };
    if (skip(reader, 'M')) {
        change->kind = WEEKDAY_OF_MONTH;
        ok = read_number(reader, 1, 12, &change->month) && skip(reader, '.') &&
             read_number(reader, 1, 5, &change->week) && skip(reader, '.') && read_number(reader, 0, 6, &change->day);
    } else if (skip(reader, 'J')) {
        change->kind = DAY_OF_YEAR_WITHOUT_29_FEBRUARY;
        ok = read_number(reader, 1, 365, &change->day);
    } else {
        change->kind = DAY_OF_YEAR;
        ok = read_number(reader, 0, 365, &change->day);
    }
    return ok && (!skip(reader, '/') || read_time(reader, &change->seconds));
}

/* What POSIX counts west of Greenwich we count east. */
static bool
read_offset(struct reader *reader, int32_t *offset)
{
    if (!read_time(reader, offset))
        return false;
    *offset = -*offset;
    return true;
}

bool
timezone_rule_parse(const char *text, size_t length, struct timezone_rule *rule)
{
    struct reader reader = { .at = text, .end = text + length };

    *rule = (struct timezone_rule){ .has_summer = false };
    if (!skip_name(&reader) || !read_offset(&reader, &rule->standard))
        return false;
    if (reader.at == reader.end)
        return true;
    rule->has_summer = true;
    rule->summer = rule->standard + HOUR;
    if (!skip_name(&reader))
        return false;
    if (reader.at < reader.end && *reader.at != ',' && !read_offset(&reader, &rule->summer))
        return false;
    return skip(&reader, ',') && read_change(&reader, &rule->to_summer) && skip(&reader, ',') &&
           read_change(&reader, &rule->to_standard) && reader.at == reader.end;
}

static int64_t
day_of_change(const struct timezone_change *change, int64_t year)
{
    int64_t first = calendar_day(year, 1, 1);
    int64_t day;

    switch (change->kind) {
    case DAY_OF_YEAR:
        return first + change->day;
    case DAY_OF_YEAR_WITHOUT_29_FEBRUARY:
        return first + change->day - 1 + (change->day >= 60 && calendar_month_days(year, 2) == 29);
    case WEEKDAY_OF_MONTH:
        break;
    }
    first = calendar_day(year, change->month, 1);
    day = (change->day - calendar_weekday(first) + 7) % 7 + 7 * (change->week - 1);
    if (day >= calendar_month_days(year, change->month))
        day -= 7;
    return first + day;
}

struct timezone_span
timezone_rule_span(const struct timezone_rule *rule, int64_t second)
{
    struct timezone_span span = { .from = INT64_MIN, .until = INT64_MAX, .offset = rule->standard };
    struct calendar_date date;

    if (!rule->has_summer)
        return span;
    date = calendar_date(calendar_floor(second + rule->standard, CALENDAR_DAY_SECONDS));
    /* The changes of the year before and after are nearer than this year's at its ends. */
    for (int64_t year = date.year - 1; year <= date.year + 1; year++)
        for (int i = 0; i < 2; i++) {
            const struct timezone_change *change = i == 0 ? &rule->to_summer : &rule->to_standard;
            int32_t before = i == 0 ? rule->standard : rule->summer;
            int64_t at = day_of_change(change, year) * CALENDAR_DAY_SECONDS + change->seconds - before;

            if (at <= second && at > span.from) {
                span.from = at;
                span.offset = i == 0 ? rule->summer : rule->standard;
            } else if (at > second && at < span.until) {
                span.until = at;
            }
        }
    return span;
}
