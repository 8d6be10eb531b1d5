#include "jobs/due.h"

#include <string.h>

/* More than clocks ever go back (two hours, in Troll): a search that begins so much earlier begins outside of it. */
#define OVERLAP_MS ((int64_t)3 * 60 * 60 * 1000)

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

/* Where to begin, so that the last instant is not far: backwards in leaps that double, then in halves. */
static int64_t
find_beginning(const struct due *due, struct wall after, struct wall until)
{
    int64_t high = until.ms; /* behind it there is none */
    int64_t low = until.ms - OVERLAP_MS;
    struct wall next;

    while (low > after.ms && !has_any(due, low, until, &next)) {
        high = low;
        low = until.ms - 2 * (until.ms - low);
    }
    low = low > after.ms ? low : after.ms;
    while (high - low > OVERLAP_MS) {
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

    if (after.ms >= until.ms)
        return false;
    at.ms = find_beginning(due, after, until) - OVERLAP_MS;
    while (has_any(due, at.ms, until, &at))
        if (at.ms > after.ms) {
            *latest = at;
            found = true;
        }
    return found;
}
