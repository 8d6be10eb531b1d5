/* cron_hash: H in a field of a pattern of cron-parser 5: a value, or a step's start, that a seed decides on. */
#ifndef PROTOCOL_CRON_HASH_H
#define PROTOCOL_CRON_HASH_H

#include "common/error.h"
#include "common/text.h"

/* The generator that a seed starts. Six fields draw once each: second, minute, hour, month, day, weekday. */
uint32_t cron_hash_seed(const char *seed);
double cron_hash_draw(uint32_t *state); /* from 0 to below 1 */

/* Whether the field has an H with a range or a step. */
bool cron_hash_has_form(const char *field);

/* The field with each H replaced by what it stands for; ERROR_CONFIG says which H is wrong. `out` is added to, also on failure. */
bool cron_hash_replace(
    const char *field, int least, int most, double draw, bool strict, struct text *out, struct error *err) MUST_CHECK;

#endif
