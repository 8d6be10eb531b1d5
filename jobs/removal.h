/*
 * removal: deletes the dumps that go, in an order in which a crash at any point leaves too much, never too little.
 *
 *     dumps · directory synced · their manifests · directory synced · the rows' paths
 *
 * So there is never a dump without its manifest, nor a dump that no row names: what a crash leaves is a row with a path, which the next removal
 * finishes. A file that a row that stays needs too is let be. Done for REMOVAL_BATCH rows at a time; while
 * Postgres changes the rows of one batch, the dumps of the next are deleted.
 */
#ifndef JOBS_REMOVAL_H
#define JOBS_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "jobs/database.h"
#include "jobs/inventory.h"
#include "jobs/store.h"

#define REMOVAL_BATCH 1000

/* `problem` NULL: it is removed, and its row has no path; `is_shared`: but a row that stays needs the file. Else the row is as it was. */
typedef void removal_result_fn(
    const struct inventory_item *item, bool is_shared, const struct error *problem, void *owner);

struct removal {
    struct database *database;
    struct store *store;
    struct inventory *inventory;
    removal_result_fn *on_result;
    void *owner;
};

/* All that go. Stopped: what is begun is finished first. */
bool removal_perform(const struct removal *removal, struct error *err) MUST_CHECK;

#endif
