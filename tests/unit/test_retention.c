#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobs/retention.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static int64_t
at(int year, int month, int day, int hour, int minute, int second)
{
    struct tm fields = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second
    };

    return (int64_t)timegm(&fields) * 1000;
}

static void
add(struct retention_row *rows, size_t *count, int64_t time_ms)
{
    rows[(*count)++] = (struct retention_row){ .has_time = true, .time = { time_ms } };
}

static void
assert_reasons(const struct retention *retention, const struct retention_row *row, const char *expected)
{
    struct text text = TEXT_EMPTY;

    retention_add_reasons(retention, row, &text);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

static void
one_row_says_every_reason(void **state)
{
    struct retention retention = { 3, 7, 4, 12 };
    struct retention_row row = { .has_time = true, .time = { at(2026, 7, 1, 12, 0, 0) } };

    (void)state;
    retention_apply(&retention, &row, 1);
    assert_int_equal(row.rank, 1);
    assert_reasons(&retention, &row, "newest, last 3, daily 2026-07-01, weekly 2026-W27, monthly 2026-07");
}

static void
no_rows_are_no_trouble(void **state)
{
    struct retention retention = { 3, 7, 4, 12 };

    (void)state;
    retention_apply(&retention, NULL, 0);
}

static void
the_newest_stays_even_if_everything_is_zero(void **state)
{
    struct retention retention = { 0, 0, 0, 0 };
    struct retention_row rows[3];
    size_t count = 0;

    (void)state;
    add(rows, &count, 2000);
    add(rows, &count, 3000);
    add(rows, &count, 1000);
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "");
    assert_reasons(&retention, &rows[1], "newest");
    assert_reasons(&retention, &rows[2], "");
}

/* Calendar edges: the label says which day, week and month a time was taken for. */
static void
weeks_and_months_follow_the_calendar(void **state)
{
    static const struct {
        int64_t time_ms;
        const char *reasons;
    } cases[] = {
        { 0, "daily 1970-01-01, weekly 1970-W01, monthly 1970-01" },
        { -1, "daily 1969-12-31, weekly 1970-W01, monthly 1969-12" },
        { -3 * DAY, "daily 1969-12-29, weekly 1970-W01, monthly 1969-12" },
        { -3 * DAY - 1, "daily 1969-12-28, weekly 1969-W52, monthly 1969-12" },
        { 951782399999, "daily 2000-02-28, weekly 2000-W09, monthly 2000-02" },
        { 951782400000, "daily 2000-02-29, weekly 2000-W09, monthly 2000-02" },
        { 1451606400000, "daily 2016-01-01, weekly 2015-W53, monthly 2016-01" },
        { 1609459199999, "daily 2020-12-31, weekly 2020-W53, monthly 2020-12" },
        { 1609459200000, "daily 2021-01-01, weekly 2020-W53, monthly 2021-01" },
        { 1609718400000, "daily 2021-01-04, weekly 2021-W01, monthly 2021-01" },
        { 1735516800000, "daily 2024-12-30, weekly 2025-W01, monthly 2024-12" },
        { 4107542400000, "daily 2100-03-01, weekly 2100-W09, monthly 2100-03" },
        { -2203891200000, "daily 1900-03-01, weekly 1900-W09, monthly 1900-03" },
        { -62135596800000, "daily 0001-01-01, weekly 0001-W01, monthly 0001-01" },
        { -62135596800001, "daily 0000-12-31, weekly 0000-W52, monthly 0000-12" },
        { 9224318015999999, "daily 294276-12-31, weekly 294276-W52, monthly 294276-12" },
        { -210866803200000, "daily -4713-11-24, weekly -4713-W48, monthly -4713-11" },
    };
    struct retention retention = { 0, 1, 1, 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct retention_row row = { .has_time = true, .time = { cases[i].time_ms } };
        char expected[128];

        (void)snprintf(expected, sizeof(expected), "newest, %s", cases[i].reasons);
        retention_apply(&retention, &row, 1);
        assert_reasons(&retention, &row, expected);
    }
}

static void
times_at_the_ends_of_the_range_do_not_overflow(void **state)
{
    struct retention retention = { 100, 365, 104, 120 };
    struct retention_row rows[2];
    struct text text = TEXT_EMPTY;
    size_t count = 0;

    (void)state;
    add(rows, &count, INT64_MAX);
    add(rows, &count, INT64_MIN);
    retention_apply(&retention, rows, count);
    for (size_t i = 0; i < count; i++)
        retention_add_reasons(&retention, &rows[i], &text);
    assert_non_null(strstr(text.data, "daily 292278994-08-17"));
    assert_non_null(strstr(text.data, "daily -292275055-05-16"));
    text_clear(&text);
}

static void
the_newest_row_of_a_bucket_is_kept_and_empty_buckets_cost_nothing(void **state)
{
    struct retention retention = { 0, 2, 0, 0 };
    struct retention_row rows[6];
    size_t count = 0;

    (void)state;
    add(rows, &count, at(2026, 3, 10, 3, 0, 0));
    add(rows, &count, at(2026, 3, 10, 23, 59, 59));
    add(rows, &count, at(2026, 3, 1, 0, 0, 0));
    add(rows, &count, at(2026, 3, 1, 12, 0, 0));
    add(rows, &count, at(2026, 2, 27, 12, 0, 0));
    add(rows, &count, at(2026, 3, 11, 0, 0, 0) - 1);
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "");
    assert_reasons(&retention, &rows[1], "");
    assert_reasons(&retention, &rows[2], "");
    assert_reasons(&retention, &rows[3], "daily 2026-03-01");
    assert_reasons(&retention, &rows[4], "");
    assert_reasons(&retention, &rows[5], "newest, daily 2026-03-10");
}

/* 2026-03-29 is when Europe's clocks change: buckets are UTC days all the same. */
static void
days_are_utc_days_whatever_the_zone_of_the_machine(void **state)
{
    struct retention retention = { 0, 365, 0, 0 };
    struct retention_row rows[4];
    size_t count = 0;

    (void)state;
    (void)setenv("TZ", "Europe/Berlin", 1);
    tzset();
    add(rows, &count, at(2026, 3, 28, 23, 30, 0));
    add(rows, &count, at(2026, 3, 29, 0, 30, 0));
    add(rows, &count, at(2026, 3, 29, 22, 30, 0));
    add(rows, &count, at(2026, 3, 29, 23, 30, 0));
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "daily 2026-03-28");
    assert_reasons(&retention, &rows[1], "");
    assert_reasons(&retention, &rows[2], "");
    assert_reasons(&retention, &rows[3], "newest, daily 2026-03-29");
    (void)unsetenv("TZ");
    tzset();
}

static void
the_newest_that_was_proven_stays_however_old_it_is(void **state)
{
    struct retention retention = { 1, 0, 0, 0 };
    struct retention_row rows[4];
    struct text limits = TEXT_EMPTY;
    size_t count = 0;

    (void)state;
    for (int i = 0; i < 4; i++)
        add(rows, &count, 4000 - i * 1000);
    rows[2].is_proven = true;
    rows[3].is_proven = true;
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "newest, last 1");
    assert_reasons(&retention, &rows[1], "");
    assert_reasons(&retention, &rows[2], "newest proven");
    assert_reasons(&retention, &rows[3], "");
    retention_add_limits(&retention, &limits);
    assert_string_equal(text_string(&limits), "last 1, daily 0, weekly 0, monthly 0");
    text_clear(&limits);
}

static void
rows_without_a_time_sort_last_and_always_stay(void **state)
{
    struct retention retention = { 2, 1, 1, 1 };
    struct retention_row rows[5];
    size_t count = 0;

    (void)state;
    rows[count++] = (struct retention_row){ .has_time = false, .time = { at(2030, 1, 1, 0, 0, 0) } };
    add(rows, &count, at(2026, 1, 1, 0, 0, 0));
    add(rows, &count, at(2026, 1, 1, 0, 0, 1));
    add(rows, &count, at(2026, 1, 1, 0, 0, 2));
    rows[count++] = (struct retention_row){ .has_time = false };
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "no start time");
    assert_reasons(&retention, &rows[1], "");
    assert_reasons(&retention, &rows[2], "last 2");
    assert_reasons(&retention, &rows[3], "newest, last 2, daily 2026-01-01, weekly 2026-W01, monthly 2026-01");
    assert_reasons(&retention, &rows[4], "no start time");
    assert_int_equal(rows[0].rank, 4);
    assert_int_equal(rows[4].rank, 5);
}

static void
among_equal_times_the_first_given_is_the_newest(void **state)
{
    struct retention retention = { 1, 1, 0, 0 };
    struct retention_row rows[3];
    size_t count = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        add(rows, &count, 1000);
    retention_apply(&retention, rows, count);
    assert_reasons(&retention, &rows[0], "newest, last 1, daily 1970-01-01");
    assert_int_equal(rows[1].reasons, 0);
    assert_int_equal(rows[2].reasons, 0);
}

/* The independent model: libc's calendar, and every question asked of all rows. */
struct model_row {
    const struct retention_row *row;
    char day[24];
    char week[24];
    char month[24];
};

static bool
model_is_newer(const struct model_row *rows, size_t a, size_t b)
{
    if (!rows[a].row->has_time || !rows[b].row->has_time)
        return rows[a].row->has_time || (!rows[b].row->has_time && a < b);
    if (rows[a].row->time.ms != rows[b].row->time.ms)
        return rows[a].row->time.ms > rows[b].row->time.ms;
    return a < b;
}

static const char *
model_label(const struct model_row *row, int kind)
{
    return kind == 0 ? row->day : kind == 1 ? row->week : row->month;
}

/* Whether row `i` is the newest of its bucket, and fewer than `most` buckets are newer. */
static bool
model_keeps(const struct model_row *rows, size_t count, size_t i, int kind, int most)
{
    const char *newer[512];
    int buckets = 0;

    if (!rows[i].row->has_time)
        return false;
    for (size_t k = 0; k < count; k++) {
        const char *label = model_label(&rows[k], kind);
        bool seen = false;

        if (k == i || !rows[k].row->has_time || !model_is_newer(rows, k, i))
            continue;
        if (strcmp(label, model_label(&rows[i], kind)) == 0)
            return false;
        for (int b = 0; b < buckets; b++)
            seen = seen || strcmp(newer[b], label) == 0;
        if (!seen)
            newer[buckets++] = label;
    }
    return buckets < most;
}

static unsigned
model_reasons(const struct retention *retention, const struct model_row *rows, size_t count, size_t i)
{
    unsigned reasons = rows[i].row->has_time ? 0 : RETENTION_NO_TIME;
    int newer = 0;
    int newer_proven = 0;

    for (size_t k = 0; k < count; k++) {
        if (k == i || !model_is_newer(rows, k, i))
            continue;
        newer++;
        newer_proven += rows[k].row->is_proven;
    }
    if (rows[i].row->is_proven && newer_proven == 0)
        reasons |= RETENTION_PROVEN;
    if (newer == 0)
        reasons |= RETENTION_NEWEST;
    if (newer < retention->keep_last)
        reasons |= RETENTION_LAST;
    if (model_keeps(rows, count, i, 0, retention->daily))
        reasons |= RETENTION_DAILY;
    if (model_keeps(rows, count, i, 1, retention->weekly))
        reasons |= RETENTION_WEEKLY;
    if (model_keeps(rows, count, i, 2, retention->monthly))
        reasons |= RETENTION_MONTHLY;
    return reasons;
}

static uint64_t random_state;

static int64_t
random_below(int64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)limit);
}

static int64_t
random_time(int64_t around)
{
    static const int64_t spans[] = { HOUR, DAY, 10 * DAY, 100 * DAY, 2000 * DAY, 40000 * DAY };
    int64_t span = spans[random_below(6)];
    int64_t time = around + random_below(2 * span) - span;

    if (random_below(4) == 0)
        time -= ((time % DAY) + DAY) % DAY; /* midnight */
    return random_below(8) == 0 ? time - 1 : time;
}

static size_t
random_history(struct retention_row *rows, size_t most)
{
    static const int64_t years[] = { 0, 1451606400000, 1609459200000, 1735689600000, 4102444800000, -62135596800000 };
    int64_t around = years[random_below(6)];
    size_t count = (size_t)random_below((int64_t)most + 1);

    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct retention_row){ .has_time = random_below(20) != 0, .is_proven = random_below(5) == 0 };
        rows[i].time.ms = i > 0 && random_below(10) == 0 ? rows[i - 1].time.ms : random_time(around);
    }
    return count;
}

static void
label(struct model_row *model, const struct retention_row *row)
{
    time_t seconds = (time_t)(row->time.ms / 1000 - (row->time.ms % 1000 < 0));
    struct tm fields;

    assert_non_null(gmtime_r(&seconds, &fields));
    model->row = row;
    assert_true(strftime(model->day, sizeof(model->day), "%Y-%m-%d", &fields) > 0);
    assert_true(strftime(model->week, sizeof(model->week), "%G-W%V", &fields) > 0);
    assert_true(strftime(model->month, sizeof(model->month), "%Y-%m", &fields) > 0);
}

static void
agrees_with_a_naive_model_on_random_histories(void **state)
{
    enum { HISTORIES = 4000, ROWS = 60 };
    const char *seed = getenv("RETENTION_SEED");
    uint64_t first = seed == NULL ? 20260701 : strtoull(seed, NULL, 10);
    struct retention_row rows[ROWS];
    struct model_row model[ROWS];

    (void)state;
    for (uint64_t history = 0; history < HISTORIES; history++) {
        struct retention retention;
        size_t count;

        random_state = (first + history) * 0x9E3779B97F4A7C15U + 1;
        retention = (struct retention){ (int)random_below(6), (int)random_below(12), (int)random_below(8),
            (int)random_below(14) };
        count = random_history(rows, ROWS);
        retention_apply(&retention, rows, count);
        for (size_t i = 0; i < count; i++)
            label(&model[i], &rows[i]);
        for (size_t i = 0; i < count; i++)
            if (rows[i].reasons != model_reasons(&retention, model, count, i))
                fail_msg("RETENTION_SEED=%llu: row %zu of %zu (%s): %u, the model says %u",
                    (unsigned long long)(first + history), i, count, model[i].day, rows[i].reasons,
                    model_reasons(&retention, model, count, i));
    }
}

static struct retention
parsed(const char *json)
{
    struct retention retention;
    struct error err;

    if (!retention_parse(json, strlen(json), &retention, &err))
        fail_msg("'%s': %s", json, err.text);
    return retention;
}

static void
missing_numbers_take_their_defaults(void **state)
{
    struct retention retention = parsed("{}");

    (void)state;
    assert_int_equal(retention.keep_last, 3);
    assert_int_equal(retention.daily, 7);
    assert_int_equal(retention.weekly, 4);
    assert_int_equal(retention.monthly, 12);
    retention = parsed("{\"daily\": 0, \"other\": \"x\"}");
    assert_int_equal(retention.keep_last, 3);
    assert_int_equal(retention.daily, 0);
}

static void
numbers_are_floored_and_clamped(void **state)
{
    struct retention retention = parsed("{\"keepLast\":2.99,\"daily\":-0.5,\"weekly\":1e9,\"monthly\":-7}");

    (void)state;
    assert_int_equal(retention.keep_last, 2);
    assert_int_equal(retention.daily, 0);
    assert_int_equal(retention.weekly, 104);
    assert_int_equal(retention.monthly, 0);
    retention = parsed("{\"keepLast\":101,\"daily\":366,\"weekly\":99999999999999999999999,\"monthly\":121}");
    assert_int_equal(retention.keep_last, 100);
    assert_int_equal(retention.daily, 365);
    assert_int_equal(retention.weekly, 104);
    assert_int_equal(retention.monthly, 120);
}

static void
anything_malformed_is_an_error(void **state)
{
    static const struct {
        const char *json;
        const char *error;
    } cases[] = {
        { "[]", "the retention is malformed: it is not an object" },
        { "null", "the retention is malformed: it is not an object" },
        { "7", "the retention is malformed: it is not an object" },
        { "{\"keepLast\":\"3\"}", "the retention is malformed: 'keepLast' is not a number" },
        { "{\"daily\":null}", "the retention is malformed: 'daily' is not a number" },
        { "{\"weekly\":true}", "the retention is malformed: 'weekly' is not a number" },
        { "{\"monthly\":{}}", "the retention is malformed: 'monthly' is not a number" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct retention retention;
        struct error err;

        assert_false(retention_parse(cases[i].json, strlen(cases[i].json), &retention, &err));
        assert_int_equal(err.code, ERROR_INPUT);
        assert_string_equal(err.text, cases[i].error);
    }
    {
        struct retention retention;
        struct error err;

        assert_false(retention_parse("{\"daily\":", 9, &retention, &err));
        assert_false(retention_parse("", 0, &retention, &err));
        assert_false(retention_parse("{\"daily\":1e999}", 15, &retention, &err));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_row_says_every_reason),
        cmocka_unit_test(no_rows_are_no_trouble),
        cmocka_unit_test(the_newest_stays_even_if_everything_is_zero),
        cmocka_unit_test(weeks_and_months_follow_the_calendar),
        cmocka_unit_test(times_at_the_ends_of_the_range_do_not_overflow),
        cmocka_unit_test(the_newest_row_of_a_bucket_is_kept_and_empty_buckets_cost_nothing),
        cmocka_unit_test(days_are_utc_days_whatever_the_zone_of_the_machine),
        cmocka_unit_test(the_newest_that_was_proven_stays_however_old_it_is),
        cmocka_unit_test(rows_without_a_time_sort_last_and_always_stay),
        cmocka_unit_test(among_equal_times_the_first_given_is_the_newest),
        cmocka_unit_test(agrees_with_a_naive_model_on_random_histories),
        cmocka_unit_test(missing_numbers_take_their_defaults),
        cmocka_unit_test(numbers_are_floored_and_clamped),
        cmocka_unit_test(anything_malformed_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
