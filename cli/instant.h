/* instant: times as a person writes and reads them, by the clocks of a zone. */
#ifndef CLI_INSTANT_H
#define CLI_INSTANT_H

#include "common/clock.h"
#include "common/error.h"
#include "protocol/timezone.h"

/* ISO 8601: a date, or date and time to minutes or seconds; with 'Z' or an offset, else by the zone's clocks. ERROR_INPUT. */
bool instant_parse(const char *text, const struct time_zone *zone, struct wall *at, struct error *err) MUST_CHECK;

#define INSTANT_SIZE 96
void instant_format(struct wall at, const struct time_zone *zone, char out[INSTANT_SIZE]);

#endif
