/*
 * inventory: every dump that a successful row names, beside what is in the backup directory.
 *
 * Read under the backup lock, so that nobody dumps or deletes meanwhile. A row whose path does not mean a file that we may touch (outside of
 * the directory, or named like nothing of ours) has a problem, and is let be.
 */
#ifndef JOBS_INVENTORY_H
#define JOBS_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "jobs/database.h"
#include "jobs/retention.h"
#include "jobs/store.h"

enum inventory_owner {
    INVENTORY_MINE,   /* of the config that is pruned */
    INVENTORY_ORPHAN, /* of a config that was deleted */
    INVENTORY_OTHER,  /* of another config: says only which files it needs */
};

struct inventory_item {
    const char *id; /* of the row */
    enum inventory_owner owner;
    char *problem;                  /* why it is none of our business; NULL: it is */
    char name[STORE_NAME_SIZE];     /* of the dump, in the directory */
    char manifest[STORE_NAME_SIZE]; /* "": none */
    bool is_missing;                /* the dump is not there, or is no file */
    bool is_blocked;                /* there is something of its manifest's name that is no file */
    int64_t size_bytes;             /* of the dump; -1: it is missing */
    struct retention_row retention; /* proven: and the file is as large as it was then */
    bool goes;                      /* decided by the caller */
    bool is_gone;                   /* it was removed (jobs/removal) */
};

struct inventory {
    struct inventory_item *items; /* newest first */
    size_t count;
    struct database_rows *rows;
};

/* The caller clears `out` in either case. */
bool inventory_read(struct database *database, struct store *store, const char *config_id, struct inventory *out,
    struct error *err) MUST_CHECK;
void inventory_clear(struct inventory *inventory);

/* A set of names of files. The strings are the items'. */
struct inventory_names {
    const char **list;
    size_t count;
};

enum inventory_part {
    INVENTORY_STAYING, /* all but those that go */
    INVENTORY_GOING,
    INVENTORY_LEFT, /* all but those that are gone */
};

/* The files of these rows, as far as they have names of ours. free() the list. */
struct inventory_names inventory_names(const struct inventory *inventory, enum inventory_part part);

/* The equal name in the set, of the first row that has it; NULL: none. */
const char *inventory_names_find(const struct inventory_names *names, const char *name);

#endif
