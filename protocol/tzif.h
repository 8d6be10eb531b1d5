/*
 * tzif: one zone file (RFC 9636): a table of changes, and the rule for the time behind it. The owner clears it.
 */
#ifndef PROTOCOL_TZIF_H
#define PROTOCOL_TZIF_H

#include "common/error.h"
#include "protocol/timezone_rule.h"

#define TZIF_SIZE_MAX 65536 /* bytes; the biggest in use has 4 KB */

struct tzif {
    size_t count;
    int64_t *changes; /* seconds since 1970, ascending */
    int32_t *offsets; /* from each change on */
    int32_t before;   /* the offset ahead of the first change */
    bool has_rule;    /* else the last offset holds for ever; with no change at all there is a rule always */
    struct timezone_rule rule;
};

/* ERROR_SYSTEM or ERROR_INPUT, with the path. */
bool tzif_read(const char *path, struct tzif *table, struct error *err) MUST_CHECK;

/* The same from bytes. ERROR_INPUT, without a path. */
bool tzif_parse(const char *bytes, size_t length, struct tzif *table, struct error *err) MUST_CHECK;

struct timezone_span tzif_span(const struct tzif *table, int64_t second);

void tzif_clear(struct tzif *table);

#endif
