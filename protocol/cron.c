#include "protocol/cron.h"

#include "protocol/local_time.h"

#define MOST_STEPS 9999
#define NO_HOUR (-1)

struct search {
    const struct cron_pattern *pattern;
    int64_t start_ms;
    struct local_time now;
    int skipped_from; /* first hour of a gap that was stepped over; NO_HOUR: none, or dealt with; dialect 5 */
    int landed_in;    /* the hour behind it */
    int repeated;     /* the hour that begins again */
};

enum verdict { MOVED, FOUND, BROKEN };

static bool
has(const struct search *search, enum cron_unit unit, int value)
{
    return value >= 0 && (search->pattern->values[unit] >> value & 1) != 0;
}

static bool
every_hour(const struct search *search)
{
    return search->pattern->counts[CRON_HOUR] == 24;
}

/* The next value of the field behind this one; -1: there is none. */
static int
value_behind(const struct search *search, enum cron_unit unit, int value)
{
    uint64_t behind = search->pattern->values[unit] >> value >> 1;

    return behind == 0 ? -1 : value + 1 + __builtin_ctzll(behind);
}

static int
first_value(const struct search *search, enum cron_unit unit)
{
    return __builtin_ctzll(search->pattern->values[unit]);
}

static bool
is_nth_week(const struct search *search)
{
    int nth = search->pattern->nth;

    return nth == 0 || (search->now.date.day + 6) / 7 == nth;
}

static bool
is_last_weekday(const struct search *search)
{
    return (search->pattern->last_weekdays >> search->now.weekday & 1) != 0;
}

static void
step_day(struct search *search)
{
    local_time_add_days(&search->now, 1);
    local_time_start_of(&search->now, DAY_MS);
}

static void
step_month(struct search *search)
{
    local_time_add_month(&search->now);
    local_time_start_of_month(&search->now);
}

/* --- Dialect 4 --- */

/* To the start of the next unit; where that leads back (clocks put back), an hour on. */
static void
advance_4(struct search *search, int64_t unit)
{
    int64_t before = search->now.ms;

    local_time_add(&search->now, unit);
    local_time_start_of(&search->now, unit);
    if (search->now.ms < before || (search->now.ms == before && unit == HOUR_MS))
        local_time_add(&search->now, HOUR_MS);
}

/* The same, with a note of the clocks' jumps, in which a wanted hour is lost or comes twice. */
static enum verdict
step_4(struct search *search, int64_t unit)
{
    int before = search->now.hour;

    advance_4(search, unit);
    if (every_hour(search))
        return MOVED;
    if (search->now.hour - before == 2)
        search->landed_in = search->now.hour;
    else if (search->now.hour == before && search->now.minute == 0 && search->now.second == 0)
        search->repeated = search->now.hour;
    return MOVED;
}

/* A step of a day or a month that a gap has held back is helped over it. */
static enum verdict
step_date_4(struct search *search, void (*step)(struct search *))
{
    int64_t before = search->now.ms;

    step(search);
    if (search->now.ms == before && search->now.minute == 0 && search->now.second == 0)
        advance_4(search, HOUR_MS);
    return MOVED;
}

/* Whether it is another month so many days on. */
static bool
ends_month_4(const struct search *search, int64_t days)
{
    struct local_time then = search->now;

    local_time_add_days(&then, days);
    local_time_start_of(&then, DAY_MS);
    return then.date.month != search->now.date.month;
}

static enum verdict
match_day_4(const struct search *search)
{
    const struct cron_pattern *pattern = search->pattern;
    const struct local_time *now = &search->now;
    bool day = has(search, CRON_DAY, now->date.day) || (pattern->last_day && ends_month_4(search, 1));
    bool weekday = has(search, CRON_WEEKDAY, now->weekday);
    bool any_day = pattern->counts[CRON_DAY] >= calendar_month_days(2000, now->date.month);
    bool any_weekday = pattern->counts[CRON_WEEKDAY] == 8;

    if (!weekday) {
        weekday = is_last_weekday(search) && ends_month_4(search, 7);
        if (!weekday && pattern->lone_last)
            return BROKEN;
    }
    if (!day && (!weekday || any_weekday))
        return MOVED;
    if (any_day && !any_weekday && !weekday)
        return MOVED;
    return is_nth_week(search) ? FOUND : MOVED;
}

/* FOUND: it is a wanted hour. */
static enum verdict
match_hour_4(struct search *search)
{
    int hour = search->now.hour;

    if (has(search, CRON_HOUR, hour)) {
        if (search->repeated != hour)
            return FOUND;
        search->repeated = NO_HOUR;
        return step_4(search, HOUR_MS);
    }
    if (search->landed_in != hour) {
        search->landed_in = NO_HOUR;
        return step_4(search, HOUR_MS);
    }
    if (has(search, CRON_HOUR, hour - 1))
        return FOUND;
    advance_4(search, HOUR_MS);
    return MOVED;
}

static enum verdict
try_4(struct search *search)
{
    enum verdict verdict = match_day_4(search);

    if (verdict == BROKEN)
        return BROKEN;
    if (verdict == MOVED)
        return step_date_4(search, step_day);
    if (!has(search, CRON_MONTH, search->now.date.month))
        return step_date_4(search, step_month);
    if (match_hour_4(search) == MOVED)
        return MOVED;
    if (!has(search, CRON_MINUTE, search->now.minute))
        return step_4(search, MINUTE_MS);
    if (!has(search, CRON_SECOND, search->now.second) || search->now.ms == search->start_ms)
        return step_4(search, SECOND_MS);
    return FOUND;
}

/* --- Dialect 5 --- */

/* A step by one unit, to its start but for seconds; with a note of the clocks' jumps. */
static void
step_5(struct search *search, int64_t unit)
{
    int hour_before = search->now.hour;
    int32_t offset_before = search->now.span.offset;
    int hours;

    local_time_add(&search->now, unit);
    if (unit != SECOND_MS)
        local_time_start_of(&search->now, unit);
    if (every_hour(search))
        return;
    hours = (search->now.hour - hour_before + 24) % 24;
    if (hours >= 2 && search->now.span.offset > offset_before) {
        search->skipped_from = (hour_before + 1) % 24;
        search->landed_in = search->now.hour;
    } else if (hours == 0 && search->now.minute == 0 && search->now.second == 0) {
        search->repeated = search->now.hour;
    }
}

static void
set_hour(struct search *search, int hour)
{
    local_time_shift(&search->now, (hour - search->now.hour) * HOUR_MS);
}

static void
set_minute(struct search *search, int minute)
{
    local_time_shift(&search->now, (minute - search->now.minute) * MINUTE_MS);
}

static void
set_second(struct search *search, int second)
{
    local_time_shift(&search->now, (second - search->now.second) * SECOND_MS);
}

static bool
match_day_5(const struct search *search)
{
    const struct cron_pattern *pattern = search->pattern;
    const struct local_time *now = &search->now;
    int last = calendar_month_days(now->date.year, now->date.month);
    bool day = has(search, CRON_DAY, now->date.day) || (pattern->last_day && now->date.day == last);
    bool weekday = (has(search, CRON_WEEKDAY, now->weekday) && is_nth_week(search)) ||
                   (is_last_weekday(search) && now->date.day > last - 7);

    if (pattern->any_weekday)
        return day;
    return weekday || (day && !pattern->any_day);
}

/* Whether this hour is the one behind a gap in which a wanted hour was lost. */
static bool
stands_for_skipped(const struct search *search)
{
    if (search->skipped_from == NO_HOUR || search->landed_in != search->now.hour)
        return false;
    for (int hour = search->skipped_from; hour != search->now.hour; hour = (hour + 1) % 24)
        if (has(search, CRON_HOUR, hour))
            return true;
    return false;
}

static bool
is_day_of_jump(const struct search *search)
{
    struct local_time start = search->now;
    struct local_time end;

    local_time_start_of(&start, DAY_MS);
    end = start;
    local_time_add_days(&end, 1);
    local_time_start_of(&end, DAY_MS);
    local_time_add(&end, -1);
    return start.span.offset != end.span.offset;
}

/* Towards the next wanted hour: at once, or by the hour on a day on which the clocks jump, until there or behind it. */
static void
approach_hour_5(struct search *search, int wanted)
{
    int steps = wanted - search->now.hour;

    if (!is_day_of_jump(search)) {
        set_hour(search, wanted);
    } else {
        do
            step_5(search, HOUR_MS);
        while (--steps > 0 && search->now.hour < wanted);
    }
    set_minute(search, first_value(search, CRON_MINUTE));
    set_second(search, first_value(search, CRON_SECOND));
}

static enum verdict
match_hour_5(struct search *search)
{
    int wanted;

    if (stands_for_skipped(search))
        return FOUND;
    if (search->repeated == search->now.hour) {
        search->repeated = NO_HOUR;
        step_5(search, HOUR_MS);
        return MOVED;
    }
    if (has(search, CRON_HOUR, search->now.hour))
        return FOUND;
    search->skipped_from = NO_HOUR;
    wanted = value_behind(search, CRON_HOUR, search->now.hour);
    if (wanted == -1)
        step_day(search);
    else
        approach_hour_5(search, wanted);
    return MOVED;
}

static void
approach_minute_5(struct search *search)
{
    int wanted = value_behind(search, CRON_MINUTE, search->now.minute);

    if (wanted == -1) {
        step_5(search, HOUR_MS);
        wanted = first_value(search, CRON_MINUTE);
    }
    set_minute(search, wanted);
    set_second(search, first_value(search, CRON_SECOND));
}

static void
approach_second_5(struct search *search)
{
    int wanted = value_behind(search, CRON_SECOND, search->now.second);

    if (wanted == -1) {
        step_5(search, MINUTE_MS);
        wanted = first_value(search, CRON_SECOND);
    }
    set_second(search, wanted);
}

static enum verdict
try_5(struct search *search)
{
    if (!has(search, CRON_MONTH, search->now.date.month))
        step_month(search);
    else if (!match_day_5(search))
        step_day(search);
    else if (match_hour_5(search) == MOVED)
        return MOVED;
    else if (!has(search, CRON_MINUTE, search->now.minute))
        approach_minute_5(search);
    else if (!has(search, CRON_SECOND, search->now.second))
        approach_second_5(search);
    else if (search->now.ms == search->start_ms)
        step_5(search, SECOND_MS);
    else
        return FOUND;
    return MOVED;
}

/* --- Both --- */

/* 5 begins at a whole second. */
static void
begin(struct search *search)
{
    int64_t over = search->now.ms - calendar_floor(search->now.ms, SECOND_MS) * SECOND_MS;

    if (search->pattern->dialect == CRON_PARSER_4 || over == 0)
        return;
    local_time_add(&search->now, -over);
    step_5(search, SECOND_MS);
}

bool
cron_next(const struct cron_pattern *pattern, const struct time_zone *zone, struct wall after, struct wall *next,
    struct error *err)
{
    static enum verdict (*const try_here[])(struct search *) = { [CRON_PARSER_4] = try_4, [CRON_PARSER_5] = try_5 };
    struct search search = {
        .pattern = pattern,
        .start_ms = after.ms,
        .skipped_from = NO_HOUR,
        .landed_in = NO_HOUR,
        .repeated = NO_HOUR,
    };
    enum verdict verdict = MOVED;

    if (after.ms > LOCAL_TIME_MOST_MS || after.ms < -LOCAL_TIME_MOST_MS)
        return error_set(err, ERROR_INPUT, "the time is out of range");
    local_time_init(&search.now, zone, after.ms);
    begin(&search);
    for (int step = 0; verdict == MOVED && step < MOST_STEPS; step++)
        verdict = try_here[pattern->dialect](&search);
    if (verdict == BROKEN)
        return error_set(err, ERROR_CONFIG, "day of week 'L' stands behind the number of a weekday, as in 5L");
    if (verdict == MOVED)
        return error_set(err, ERROR_CONFIG, "the pattern has no next time within %d steps of its search", MOST_STEPS);
    next->ms = search.now.ms;
    return true;
}
