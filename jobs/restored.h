/*
 * restored: whether a restored database has all that its dump had.
 *
 * Rows are counted table by table, children apart from their parents. From then on the session sees all rows, or an error, and
 * speaks the dump's encoding. ERROR_INPUT: something is missing.
 */
#ifndef JOBS_RESTORED_H
#define JOBS_RESTORED_H

#include <stdbool.h>

#include "common/error.h"
#include "jobs/archive_contents.h"
#include "jobs/database.h"

bool restored_has_tables(struct database *session, const struct archive_contents *dumped, struct error *err) MUST_CHECK;

/* Large objects and sequences. `was_empty`: the database has no large objects but the dump's. */
bool restored_has_others(
    struct database *session, const struct archive_contents *dumped, bool was_empty, struct error *err) MUST_CHECK;

#endif
