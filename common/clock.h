/*
 * clock: two kinds of time that do not mix.
 *
 * `struct moment` is monotonic, for deadlines and durations; `struct wall` is Unix time in milliseconds, for what goes to Redis, Postgres,
 * logs and file names. They are different structs, so that taking one for the other does not compile.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct moment {
    int64_t ns;
};
struct wall {
    int64_t ms; /* since 1970-01-01T00:00:00Z */
};

struct moment moment_now(void);
struct moment moment_add_ms(struct moment moment, int64_t ms);
/* Rounded up, so that waiting this long is enough; negative if `to` is the earlier one. */
int64_t moment_ms_between(struct moment from, struct moment to);
bool moment_is_past(struct moment deadline); /* now, or before now */

struct wall wall_now(void);

#define WALL_ISO_SIZE 32                                         /* bytes, with the final NUL */
void wall_format_iso(struct wall wall, char out[WALL_ISO_SIZE]); /* 2026-01-02T03:04:05.678Z */

#define WALL_FILE_SIZE 32
void wall_format_file(struct wall wall, char out[WALL_FILE_SIZE]); /* 2026-01-02T03-04-05Z, as in dump names */

#endif
