/*
 * space: room on the backup's volume. A dump never takes what BACKUP_MIN_FREE_MB reserves, and nothing is pruned to make room for it.
 *
 * Before a dump, the last one of its schedule tells what it will take; without one, the database's size is the most that it should take, and
 * is only warned of. While it is written, what is free is looked at again and again: others fill the volume too.
 */
#ifndef JOBS_SPACE_H
#define JOBS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"

struct space {
    const char *directory;
    int64_t free_bytes;     /* that we may use */
    int64_t reserved_bytes; /* of these, to be left */
};

/* False: it is not known. */
bool space_look(const char *directory, int64_t *free_bytes, struct error *err) MUST_CHECK;

/* ERROR_REFUSED: a dump of `last_bytes` (0: not known) does not fit. `warning` is set if one as large as the database would not. */
bool space_allows_dump(const struct space *space, int64_t last_bytes, int64_t database_bytes, struct text *warning,
    struct error *err) MUST_CHECK;

/* ERROR_REFUSED: what is reserved is reached after `dump_bytes` of the dump. */
bool space_is_left(const struct space *space, int64_t dump_bytes, struct error *err) MUST_CHECK;

/* Puts behind a failure in `directory` what a person can do about it, if its reason is one of those that a volume has. */
void space_advise(const char *directory, struct error *err);

#endif
