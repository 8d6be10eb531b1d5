#include "jobs/retention.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define DAY_MS ((int64_t)86400000)

static const struct member {
    const char *name;
    size_t offset;
    int most;
} members[] = {
    { "keepLast", offsetof(struct retention, keep_last), 100 },
    { "daily", offsetof(struct retention, daily), 365 },
    { "weekly", offsetof(struct retention, weekly), 104 },
    { "monthly", offsetof(struct retention, monthly), 120 },
};

static bool
read_member(const json_t *object, const struct member *member, struct retention *out, struct error *err)
{
    const json_t *value = json_object_get(object, member->name);
    double number;

    if (value == NULL)
        return true;
    if (!json_is_number(value))
        return error_set(err, ERROR_INPUT, "'%s' is not a number", member->name);
    number = json_number_value(value);
    if (number < 0)
        number = 0;
    if (number > member->most)
        number = member->most;
    *(int *)(void *)((char *)out + member->offset) = (int)number; /* not negative: this is its floor */
    return true;
}

bool
retention_parse(const char *json, size_t length, struct retention *out, struct error *err)
{
    json_error_t why;
    /* integers of any length are numbers too: they are clamped anyway */
    json_t *object = json_loadb(json, length, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    bool ok = true;

    *out = RETENTION_DEFAULT;
    if (object == NULL)
        ok = error_set(err, ERROR_INPUT, "it is not JSON: %s", why.text);
    else if (!json_is_object(object))
        ok = error_set(err, ERROR_INPUT, "it is not an object");
    for (size_t i = 0; ok && i < sizeof(members) / sizeof(members[0]); i++)
        ok = read_member(object, &members[i], out, err);
    json_decref(object);
    return ok || error_add(err, "the retention is malformed");
}

static int64_t
divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t
day_of(struct wall time)
{
    return divide_down(time.ms, DAY_MS);
}

/* Weeks start on Monday; day 0 (1970-01-01) was a Thursday. */
static int64_t
week_of(int64_t day)
{
    return divide_down(day + 3, 7);
}

struct date {
    int64_t year;
    int month;       /* 1 to 12 */
    int day;         /* 1 to 31 */
    int day_of_year; /* 0 to 365 */
};

static bool
is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to January 1st of `year`, in the proleptic Gregorian calendar. */
static int64_t
days_before_year(int64_t year)
{
    int64_t before = year - 1;

    return before * 365 + divide_down(before, 4) - divide_down(before, 100) + divide_down(before, 400) - 719162;
}

static struct date
date_of(int64_t day)
{
    static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct date date = { .month = 1 };
    int left;

    /* An estimate by the mean year, at most one off; then put right. */
    date.year = 1970 + divide_down(day, 146097) * 400 + (day - divide_down(day, 146097) * 146097) * 400 / 146097;
    while (days_before_year(date.year) > day)
        date.year--;
    while (days_before_year(date.year + 1) <= day)
        date.year++;
    date.day_of_year = (int)(day - days_before_year(date.year));
    left = date.day_of_year;
    for (;;) {
        int days = month_days[date.month - 1] + (date.month == 2 && is_leap_year(date.year));

        if (left < days)
            break;
        left -= days;
        date.month++;
    }
    date.day = left + 1;
    return date;
}

/* Months counted through, so that each is one number. */
static int64_t
month_of(int64_t day)
{
    struct date date = date_of(day);

    return date.year * 12 + date.month;
}

struct entry {
    struct retention_row *row;
    size_t index;
};

static int
compare_newest_first(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    if (a->row->has_time != b->row->has_time)
        return a->row->has_time ? -1 : 1;
    if (a->row->has_time && a->row->time.ms != b->row->time.ms)
        return a->row->time.ms > b->row->time.ms ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Buckets of one kind, met from the newest row on: a row opens one exactly if its bucket is another than the last one's. */
struct buckets {
    int left; /* may still be opened */
    bool any;
    int64_t last;
};

static bool
opens_bucket(struct buckets *buckets, int64_t bucket)
{
    if (buckets->left == 0 || (buckets->any && buckets->last == bucket))
        return false;
    buckets->any = true;
    buckets->last = bucket;
    buckets->left--;
    return true;
}

void
retention_apply(const struct retention *retention, struct retention_row *rows, size_t count)
{
    struct entry *entries = memory_new((count + 1) * sizeof(*entries));
    struct buckets days = { .left = retention->daily };
    struct buckets weeks = { .left = retention->weekly };
    struct buckets months = { .left = retention->monthly };
    bool any_proven = false;

    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){ .row = &rows[i], .index = i };
    qsort(entries, count, sizeof(*entries), compare_newest_first);
    for (size_t i = 0; i < count; i++) {
        struct retention_row *row = entries[i].row;
        int64_t day = row->has_time ? day_of(row->time) : 0;

        row->rank = i + 1;
        row->reasons = i == 0 ? RETENTION_NEWEST : 0;
        if (i < (size_t)retention->keep_last)
            row->reasons |= RETENTION_LAST;
        if (row->is_proven && !any_proven)
            row->reasons |= RETENTION_PROVEN;
        any_proven = any_proven || row->is_proven;
        if (!row->has_time) {
            row->reasons |= RETENTION_NO_TIME;
            continue;
        }
        if (opens_bucket(&days, day))
            row->reasons |= RETENTION_DAILY;
        if (opens_bucket(&weeks, week_of(day)))
            row->reasons |= RETENTION_WEEKLY;
        if (opens_bucket(&months, month_of(day)))
            row->reasons |= RETENTION_MONTHLY;
    }
    free(entries);
}

static void
add_reason(struct text *out, const char *reason)
{
    if (out->length > 0)
        text_add(out, ", ");
    text_add(out, reason);
}

/* The ISO week belongs to the year that its Thursday is in. */
static void
add_week(struct text *out, int64_t week)
{
    struct date thursday = date_of(week * 7);

    text_format(out, " %04" PRId64 "-W%02d", thursday.year, thursday.day_of_year / 7 + 1);
}

void
retention_add_reasons(const struct retention *retention, const struct retention_row *row, struct text *out)
{
    int64_t day = row->has_time ? day_of(row->time) : 0;
    struct date date = date_of(day);
    struct text reasons = TEXT_EMPTY;

    if (row->reasons & RETENTION_NEWEST)
        add_reason(&reasons, "newest");
    if (row->reasons & RETENTION_PROVEN)
        add_reason(&reasons, "newest proven");
    if (row->reasons & RETENTION_LAST) {
        add_reason(&reasons, "last");
        text_format(&reasons, " %d", retention->keep_last);
    }
    if (row->reasons & RETENTION_DAILY) {
        add_reason(&reasons, "daily");
        text_format(&reasons, " %04" PRId64 "-%02d-%02d", date.year, date.month, date.day);
    }
    if (row->reasons & RETENTION_WEEKLY) {
        add_reason(&reasons, "weekly");
        add_week(&reasons, week_of(day));
    }
    if (row->reasons & RETENTION_MONTHLY) {
        add_reason(&reasons, "monthly");
        text_format(&reasons, " %04" PRId64 "-%02d", date.year, date.month);
    }
    if (row->reasons & RETENTION_NO_TIME)
        add_reason(&reasons, "no start time");
    text_add(out, text_string(&reasons));
    text_clear(&reasons);
}

void
retention_add_limits(const struct retention *retention, struct text *out)
{
    text_format(out, "last %d, daily %d, weekly %d, monthly %d", retention->keep_last, retention->daily,
        retention->weekly, retention->monthly);
}
