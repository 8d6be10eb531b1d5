/*
 * timezone: how far a zone's clocks are from UTC at an instant, by the system's zone files.
 *
 * The caller has one `struct timezones` and asks it for zones by name; each file is read once (a blocking read), and what was found is kept
 * until timezones_free(), which ends all of its zones. Names are taken as Luxon takes them, in any case:
 * - an IANA name, which is a file under the zone folder: "Europe/Berlin", "etc/gmt+3", "EST5EDT";
 * - "UTC" and "GMT"; "UTC+3", "UTC-0:30": that far from UTC;
 * - "local", "system", "default", and NULL for none: the zone of this machine, as given to timezones_new().
 * Anything else is ERROR_CONFIG, never UTC: also "", "+05:30", and the three-letter names of ICU, such as "PST", that IANA does not have.
 *
 * Read files are TZif of version 2 and up, without leap seconds. Behind the last change of the table the file's rule holds.
 */
#ifndef PROTOCOL_TIMEZONE_H
#define PROTOCOL_TIMEZONE_H

#include "common/error.h"
#include "protocol/timezone_rule.h"

#define TIMEZONE_FOLDER "/usr/share/zoneinfo"
#define TIMEZONE_NAME_MAX 100 /* bytes; a longer one is no zone */

struct timezones;
struct time_zone; /* lives as long as its struct timezones */

/*
 * `local` is the environment's TZ, which names the zone of this machine: "Europe/Berlin", also with a colon before; "" is UTC; NULL: it is that
 * of /etc/localtime. Both strings are copied.
 */
struct timezones *timezones_new(const char *folder, const char *local);

/* NULL with ERROR_CONFIG: no such zone; ERROR_INPUT: its file is broken; ERROR_SYSTEM: it cannot be read. */
const struct time_zone *timezones_find(struct timezones *zones, const char *name, struct error *err) MUST_CHECK;

void timezones_free(struct timezones *zones);

/* The span in which the second (since 1970, UTC) lies. */
struct timezone_span timezone_span(const struct time_zone *zone, int64_t second);

#endif
