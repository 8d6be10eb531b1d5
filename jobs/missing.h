/*
 * missing: the dumps that successful rows name and the backup directory lacks: gone, or in another directory.
 */
#ifndef JOBS_MISSING_H
#define JOBS_MISSING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"
#include "jobs/database.h"
#include "jobs/store.h"

struct missing {
    size_t count;
    bool has_newest;   /* of all that rows name */
    const char *first; /* path; the rows' */
    struct text names; /* all their paths, as finding_add_name() lists them */
};

/* `rows` of history_list_dumps(). The caller clears what is handed back. */
struct missing missing_find(const struct database_rows *rows, struct store *store);
void missing_clear(struct missing *missing);

#endif
