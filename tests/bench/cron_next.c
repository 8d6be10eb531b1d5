/* cron_next: what the next instant of a pattern costs on average, over patterns, zones and both dialects. Run by hand: build/release/tests/cron_next */
#include <stdlib.h>
#include <string.h>

#include "protocol/cron.h"
#include "tests/bench/bench.h"

#define ROUNDS 2000

static const char *const patterns[] = { "*/5 * * * *", "0 3 * * *", "30 2 * * 1-5", "0 0 1 * *", "15 4 1,15 * 5",
    "0 0 L * *", "0 12 * * 5L", "0 9 * * 1#2", "0 0 29 2 *", "*/10 * * * * *", "17 23 31 12 *", "0 0,6,12,18 * * *" };
static const char *const names[] = { "UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Asia/Kolkata" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    struct error err = ERROR_EMPTY;
    struct stretch stretch;
    long calls = 0;
    bool ok = true;

    stretch_start(&stretch);
    for (size_t i = 0; i < COUNT(patterns) * COUNT(names) * 2 && ok; i++) {
        struct cron_options options = { .dialect = i % 2 == 0 ? CRON_PARSER_4 : CRON_PARSER_5 };
        const char *text = patterns[i / 2 % COUNT(patterns)];
        const struct time_zone *zone = timezones_find(zones, names[i / 2 / COUNT(patterns)], &err);
        struct wall at = { .ms = 1774742400000 };
        struct cron_pattern pattern;

        ok = zone != NULL;
        for (int round = 0; round < ROUNDS && ok; round++, calls++) { /* parsed afresh each time, as BullMQ does */
            ok = cron_pattern_parse(text, strlen(text), &options, &pattern, &err) &&
                 cron_next(&pattern, zone, at, &at, &err);
            if (round % 20 == 19)
                at.ms = 1774742400000 + round * INT64_C(86399999);
        }
    }
    if (ok)
        stretch_print(&stretch, calls);
    else
        (void)fprintf(stderr, "cron_next: %s\n", err.text);
    timezones_free(zones);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
