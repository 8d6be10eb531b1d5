/*
 * repeat_legacy: the keys of repeatable jobs as BullMQ up to 5 has made them, and the ids of their jobs.
 *
 * The key says everything, "name:id:end:tz:pattern", up to BullMQ 3.0; after that it is the MD5 sum of this, or one that the producer has
 * chosen. Jobs are "repeat:<key>:<ms>"; where the key has more than two words, an MD5 sum stands for it and the job's name and data.id.
 */
#ifndef PROTOCOL_REPEAT_LEGACY_H
#define PROTOCOL_REPEAT_LEGACY_H

#include <stddef.h>
#include <stdint.h>

#include "common/json.h"

struct repeat_key {
    char *key;
    char *id; /* of its jobs, up to the time */
};

/* Everything belongs to the caller. */
struct repeat_legacy {
    const char *name;
    const char *id; /* opts.repeat.jobId; NULL: none */
    int64_t end_ms; /* 0: none */
    const char *zone;
    const char *when;         /* the pattern, or the number of `every` */
    const char *own_key;      /* opts.repeat.key; NULL: none */
    struct json_part data_id; /* data.id */
};

/* Where it may be found: under the newer key, or under the one that says everything. */
#define REPEAT_LEGACY_KEYS 2
void repeat_legacy_keys(const struct repeat_legacy *legacy, struct repeat_key keys[REPEAT_LEGACY_KEYS]);

#endif
