#include "common/clock.h"

#include <stdio.h>
#include <time.h>

struct moment
moment_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (struct moment){ .ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec };
}

struct moment
moment_add_ms(struct moment moment, int64_t ms)
{
    return (struct moment){ .ns = moment.ns + ms * 1000000 };
}

int64_t
moment_ms_between(struct moment from, struct moment to)
{
    int64_t ns = to.ns - from.ns;

    return ns > 0 ? (ns + 999999) / 1000000 : ns / 1000000;
}

bool
moment_is_past(struct moment deadline)
{
    return moment_now().ns >= deadline.ns;
}

struct wall
wall_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){ .ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 };
}

/* The calendar fields in UTC; a time outside years 0 to 9999, which no clock of ours gives, is taken as 1970. */
static struct tm
wall_fields(struct wall wall)
{
    time_t seconds = (time_t)(wall.ms / 1000 - (wall.ms % 1000 < 0));
    struct tm fields;

    if (gmtime_r(&seconds, &fields) == NULL || fields.tm_year < -1900 || fields.tm_year > 8099) {
        seconds = 0;
        (void)gmtime_r(&seconds, &fields);
    }
    return fields;
}

void
wall_format_iso(struct wall wall, char out[WALL_ISO_SIZE])
{
    struct tm fields = wall_fields(wall);
    size_t length = strftime(out, WALL_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &fields);
    int ms = (int)(((wall.ms % 1000) + 1000) % 1000);

    (void)snprintf(out + length, WALL_ISO_SIZE - length, ".%03dZ", ms);
}

void
wall_format_file(struct wall wall, char out[WALL_FILE_SIZE])
{
    struct tm fields = wall_fields(wall);

    (void)strftime(out, WALL_FILE_SIZE, "%Y-%m-%dT%H-%M-%SZ", &fields);
}
