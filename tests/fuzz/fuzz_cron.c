/*
 * Cron patterns: the first byte says how to read, the rest is the pattern. Whatever is read has a next instant after the given one, on a whole
 * second, which a search from the second before it finds again, or an error that says why not.
 */
#include "tests/fuzz/fuzz.h"

#include "protocol/cron.h"

static const char *const names[] = { "UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut",
    "Antarctica/Troll", "Africa/Casablanca", "UTC-3:30" };
static const int64_t starts[] = { 1774742400000, 1792972799999, 1709164800000, -1 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct timezones *zones; /* the files are read once for all inputs */
    unsigned how = size > 0 ? data[0] : 0;
    struct cron_options options = {
        .dialect = (how & 1) != 0 ? CRON_PARSER_5 : CRON_PARSER_4,
        .strict = (how & 2) != 0,
        .hash_seed = (how & 4) != 0 ? "seed" : NULL,
    };
    struct wall start = { .ms = starts[how >> 6] };
    const struct time_zone *zone;
    struct cron_pattern pattern;
    struct error err = ERROR_EMPTY;
    struct wall next;
    struct wall again;

    if (zones == NULL)
        zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    zone = timezones_find(zones, names[how >> 3 & 7], &err);
    assert(zone != NULL);
    if (size == 0 || !cron_pattern_parse((const char *)data + 1, size - 1, &options, &pattern, &err)) {
        assert(size == 0 || (err.code == ERROR_CONFIG && err.text[0] != '\0'));
        return 0;
    }
    if (!cron_next(&pattern, zone, start, &next, &err)) {
        assert(err.code == ERROR_CONFIG && err.text[0] != '\0');
        return 0;
    }
    assert(next.ms > start.ms && next.ms % 1000 == 0);
    /* Where clocks jump, the search depends on where it starts; not in UTC. */
    if ((how >> 3 & 7) == 0) {
        assert(cron_next(&pattern, zone, (struct wall){ .ms = next.ms - 1000 }, &again, &err));
        assert(again.ms == next.ms);
    }
    return 0;
}
