/*
 * timezone_rule: the line at the end of a zone file, which holds for all time behind the file's table.
 *
 * It is written as POSIX writes TZ, with the hours of RFC 9636 (-167 to 167): "CET-1CEST,M3.5.0,M10.5.0/3". A plain value; nothing to free.
 */
#ifndef PROTOCOL_TIMEZONE_RULE_H
#define PROTOCOL_TIMEZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

/* A stretch of time in which the zone's clocks keep their distance from UTC. Seconds since 1970; `until` is the first one behind it. */
struct timezone_span {
    int64_t from;
    int64_t until;
    int32_t offset; /* seconds east of UTC */
};

struct timezone_rule {
    int32_t standard; /* seconds east of UTC */
    int32_t summer;
    bool has_summer; /* else `standard` all year, and nothing below holds */
    struct timezone_change {
        enum timezone_day { DAY_OF_YEAR, DAY_OF_YEAR_WITHOUT_29_FEBRUARY, WEEKDAY_OF_MONTH } kind;
        int day; /* of the year, the first one being 0 or, without 29 February, 1; or of the week, Sunday being 0 */
        int month;
        int week;        /* 5: the last one */
        int32_t seconds; /* from midnight, by the clock that the change ends */
    } to_summer, to_standard;
};

/* False: it is none. */
bool timezone_rule_parse(const char *text, size_t length, struct timezone_rule *rule) MUST_CHECK;

/* The span of this rule in which the second lies. */
struct timezone_span timezone_rule_span(const struct timezone_rule *rule, int64_t second);

#endif
