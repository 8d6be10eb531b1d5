/*
 * cron_pattern: a cron pattern as one of the two cron-parsers reads it, which the producers of jobs have.
 *
 *     second(0-59)? minute(0-59) hour(0-23) day(1-31) month(1-12, jan-dec) weekday(0-7, sun-sat; 0 and 7 are Sunday)
 *
 * Missing fields are filled in on the left by those of "0 * * * * *". A field is a list of `*`, `a`, `a-b`, each with `/step` or without. Days:
 * `L` the last of the month; weekdays: `5L` the last Friday, `5#2` the second one. `?` is `*`. Instead of the fields: @yearly, @monthly,
 * @weekly, @daily, @hourly. What is refused is refused with the field and its value.
 *
 * Where the two differ (4: cron-parser 4.9.0, of BullMQ 5; 5: cron-parser 5.10.3, of BullMQ 6):
 *
 *                                             4                                          5
 *     `?`                                     days and weekdays, in no list with `*`     any field
 *     `H`, `H(a-b)`, `H/n`, `H(a-b)/n`        refused                                    by the seed; without one refused here
 *     @annually @minutely @secondly           refused                                    yes
 *     @weekdays @weekends                     refused                                    yes
 *     a value twice (1,1)                     yes                                        refused
 *     weekdays up to 7 by steps (2-7/2)       with Sunday                                with Sunday if a step gets there
 *     names of months as weekdays, and back   refused                                    yes, by their number
 *     0-, -0                                  0                                          refused
 *     a step with a tail (5/5-9)              refused                                    the tail is left out
 *     L/2                                     L                                          refused
 *     any weekday will do, if they are        all eight, 0 and 7 both counting           `*` or `?`
 *     any day will do, if they are            as many as the month has                   `*` or `?`
 *     a day that its single month never has   refused                                    refused if any weekday will do
 *     the weekday L                           refused, once a day is compared with it    refused
 *     the day 5L                              L; with a single month, nothing            L
 *     nothing but blanks                      every minute                               refused
 *     more than 1024 bytes                    yes                                        refused
 *     `strict`                                has no meaning                             six fields; days or weekdays, not both
 *     `utc`, which is the caller's to see to  the zone is UTC                            has no meaning
 *
 * Refused here although 5 takes them, since nobody can mean them: characters that are foreign to a field beside an H in it; the number behind
 * `#` written otherwise than in decimal digits (5#0x2), which 4 takes as well.
 */
#ifndef PROTOCOL_CRON_PATTERN_H
#define PROTOCOL_CRON_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum cron_dialect { CRON_PARSER_4, CRON_PARSER_5 };

struct cron_options {
    enum cron_dialect dialect;
    bool strict;           /* 5 only */
    const char *hash_seed; /* 5 only, UTF-8; NULL or "": H is refused */
};

enum cron_unit { CRON_SECOND, CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY, CRON_UNITS };

struct cron_pattern {
    enum cron_dialect dialect;
    size_t written;              /* so many fields were; those that are missing were filled in */
    uint64_t values[CRON_UNITS]; /* bit n: n is one of them */
    int counts[CRON_UNITS];      /* as written: of 4, one that is written twice counts twice, and an L counts */
    bool any_day;                /* of 5 */
    bool any_weekday;            /* of 5 */
    bool last_day;
    unsigned last_weekdays; /* bit n: the last weekday n of the month */
    bool lone_last;         /* of 4: a weekday L without its day, which is an error once it is looked at */
    int nth;                /* 1 to 5: only weekdays in this week; 0: in any */
};

#define CRON_FIELDS_LEAST 5 /* that people write: fewer are taken, and hardly meant */

/* ERROR_CONFIG. `pattern` may hold any bytes. */
bool cron_pattern_parse(const char *pattern, size_t length, const struct cron_options *options,
    struct cron_pattern *out, struct error *err) MUST_CHECK;

#endif
