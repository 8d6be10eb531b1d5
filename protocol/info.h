/* info: what Redis says about itself in INFO, and whether a worker can live with that. */
#ifndef PROTOCOL_INFO_H
#define PROTOCOL_INFO_H

#include <stdbool.h>

#include "common/error.h"
#include "common/text.h"

#define INFO_RUN_ID_SIZE 41

struct info {
    int version;                   /* 70015 for 7.0.15 */
    char run_id[INFO_RUN_ID_SIZE]; /* another one with each start of a server; "" if it has none */
};

/* False, with the reason and `out` as it was, if this server cannot serve a worker, or not yet. NULL, as from a reply that is no string, says nothing at all. */
bool info_read(const char *text, struct info *out, struct error *err) MUST_CHECK;

/* The value of the line "name:value", into `out`, which loses what it had. False: there is no such line. */
bool info_find(const char *text, const char *name, struct text *out);

/* Logs what works, but may do harm. */
void info_warn(const char *text);

#endif
