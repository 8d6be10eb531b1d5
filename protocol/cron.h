/*
 * cron: the next instant at which a pattern fires, as the cron-parser of the producer's BullMQ finds it.
 *
 * Pure: the time is an argument, nothing is kept. `zone` comes from protocol/timezone, the pattern from protocol/cron_pattern, whose header
 * tells what the dialects take. An iteration goes on from the instant of the one before.
 *
 * An instant is a whole second, and comes after the given one. Days of the month and of the week: if any will do in one of them, the other
 * decides; else one of the two must fit, and in dialect 4 a `#` besides. Where the clocks jump (the zone's midnights, hours and minutes):
 *
 *                                                4                              5
 *     forward, every hour wanted                 times that do not exist do not occur
 *     forward by an hour, a skipped one wanted   once, in the hour behind the gap, at its first wanted minute
 *     forward by two hours (Troll)               lost on that day               once, in the hour behind the gap
 *     forward at midnight, hour 0 wanted         lost on that day               the same; with 23 wanted as well, once at 1 o'clock
 *     forward by half an hour                    minutes that do not exist are lost on that day
 *     back, every hour wanted                    both passes
 *     back, an hour wanted that is twice         the first pass; from within the second one, the second
 *     back by two hours                          both passes                    of the second hour both, of the first the first
 *     back at midnight                           the first pass                 the second
 *     back by half an hour                       both passes                    the first; of the hour behind, none is ever found
 *
 * Both give up after 9,999 steps of their search, so which instants far away are found depends on how they step: that is kept as well, and such
 * a pattern ends in the error here too, as does one that never fires ("0 0 31 4,6 *").
 */
#ifndef PROTOCOL_CRON_H
#define PROTOCOL_CRON_H

#include "common/clock.h"
#include "common/error.h"
#include "protocol/cron_pattern.h"
#include "protocol/timezone.h"

/* ERROR_CONFIG: there is none; the text does not name the pattern. ERROR_INPUT: `after` is no time that JavaScript has. */
bool cron_next(const struct cron_pattern *pattern, const struct time_zone *zone, struct wall after, struct wall *next,
    struct error *err) MUST_CHECK;

#endif
