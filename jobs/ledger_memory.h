/*
 * ledger_memory: what the ledger remembers from one look to the next, as values and as JSON text.
 *
 *     {"looked":MS,
 *      "configs":[{"id":UUID,"cron":"…","timezone":"…","seen":MS,"settled":MS,"owed":MS,"unusable":false}],
 *      "complaints":[{"about":"…","told":MS}]}
 *
 * What cannot be read is no memory: then every schedule counts as first seen, and nothing as missed.
 */
#ifndef JOBS_LEDGER_MEMORY_H
#define JOBS_LEDGER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/uuid.h"

#define LEDGER_MEMORY_BYTES_MAX ((size_t)1024 * 1024)

/* An enabled config. */
struct ledger_known {
    char id[UUID_SIZE];
    char *cron;
    char *timezone;
    struct wall seen;    /* this schedule, for the first time */
    struct wall settled; /* what was due up to here is decided */
    struct wall owed;    /* a run since then would make up for one that was lost; 0: none is owed */
    bool unusable;       /* it was told that this schedule cannot be followed */
};

struct ledger_complaint {
    char *about;
    struct wall told;
};

struct ledger_memory {
    struct wall looked; /* when all this was true */
    struct ledger_known *known;
    size_t known_count;
    struct ledger_complaint *complaints;
    size_t complaint_count;
};

#define LEDGER_MEMORY_EMPTY ((struct ledger_memory){ .known = NULL })

struct ledger_known *ledger_memory_find(const struct ledger_memory *memory, const char *id); /* NULL: not known */
struct ledger_known *ledger_memory_add(
    struct ledger_memory *memory, const char *id, const char *cron, const char *timezone);
void ledger_memory_add_complaint(struct ledger_memory *memory, const char *about, struct wall told);
bool ledger_memory_was_told(const struct ledger_memory *memory, const char *about);

void ledger_memory_parse(const char *bytes, size_t length, struct ledger_memory *out); /* garbage: empty */
void ledger_memory_add_json(const struct ledger_memory *memory, struct text *out);
void ledger_memory_clear(struct ledger_memory *memory);

#endif
