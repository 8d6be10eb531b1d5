#include "jobs/due.h"

#include <string.h>

#define SECOND_MS ((int64_t)1000)
#define HOUR_MS (3600 * SECOND_MS)
#define NEAR_MS (3 * HOUR_MS)

/* What a search finds on a day when clocks go back may depend on whether it began on that day: so much earlier it did not. */
#define LEAD_MS (48 * HOUR_MS)

bool
due_parse(struct due *due, struct timezones *zones, enum cron_dialect dialect, const char *pattern, const char *zone,
    struct error *err)
{
    struct cron_options options = { .dialect = dialect };

    due->zone = timezones_find(zones, zone == NULL ? DUE_ZONE : zone, err);
    return due->zone != NULL && cron_pattern_parse(pattern, strlen(pattern), &options, &due->pattern, err);
}

bool
due_next(const struct due *due, struct wall after, struct wall *next, struct error *err)
{
    return cron_next(&due->pattern, due->zone, after, next, err);
}

static bool
has_any(const struct due *due, int64_t after_ms, struct wall until, struct wall *next)
{
    struct error none; /* a pattern that does not fire again is no error here */

    return due_next(due, (struct wall){ .ms = after_ms }, next, &none) && next->ms <= until.ms;
}

static bool
is_found_from_just_before(const struct due *due, struct wall instant)
{
    struct wall next;

    return has_any(due, instant.ms - SECOND_MS, instant, &next) && next.ms == instant.ms;
}

/* Near the last instant: backwards in leaps that double, then in halves. */
static int64_t
come_near(const struct due *due, struct wall after, struct wall until)
{
    int64_t high = until.ms; /* behind it there is none */
    int64_t low = until.ms - NEAR_MS;
    struct wall next;

    while (low > after.ms && !has_any(due, low, until, &next)) {
        high = low;
        low = until.ms - 2 * (until.ms - low);
    }
    low = low > after.ms ? low : after.ms;
    while (high - low > NEAR_MS) {
        int64_t middle = low + (high - low) / 2;

        if (has_any(due, middle, until, &next))
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool
due_latest(const struct due *due, struct wall after, struct wall until, struct wall *latest)
{
    struct wall at;
    bool found = false;

    if (after.ms >= until.ms || !has_any(due, after.ms, until, &at))
        return false;
    at.ms = come_near(due, after, until) - LEAD_MS;
    while (has_any(due, at.ms, until, &at))
        if (at.ms > after.ms && is_found_from_just_before(due, at)) {
            *latest = at;
            found = true;
        }
    return found;
}
