/*
 * tidy: what dead attempts have left, put in order: rows `running` that are nobody's, temporary files, manifests without a dump, databases of
 * drills.
 *
 * A row is closed from what is in the directory: as `success` if its dump is published (jobs/published), else as `failed`, and marked as untold
 * (jobs/aftermath): a further attempt may make it good, in which case that takes the mark off.
 */
#ifndef JOBS_TIDY_H
#define JOBS_TIDY_H

#include "common/settings.h"
#include "jobs/aftermath.h"
#include "jobs/store.h"

#define TIDY_ABANDONED "interrupted: the worker died during the backup"

enum tidy_end {
    TIDY_NONE, /* somebody else has changed the row meanwhile */
    TIDY_SUCCEEDED,
    TIDY_FAILED,
};

/* Only if its dump is published; else *end is TIDY_NONE. Needs no lock: it writes what the dead attempt would have written. */
bool tidy_close_published(struct database *database, const struct store *store, const struct aftermath_row *row,
    enum tidy_end *end, struct error *err) MUST_CHECK;

/* Closes a row that is `queued` or `running`, and whose attempt is dead; a manifest that it has left without a dump is removed. */
bool tidy_close(struct database *database, struct store *store, const struct aftermath_row *row, const char *reason,
    enum tidy_end *end, struct error *err) MUST_CHECK;

struct tidy {
    const struct settings *settings;
    struct database *database;
    struct store *store;
    const char *but_id; /* this row is to be started (again), and not closed; "": none is */

    /* results */
    size_t rows;
    size_t files;
};

/* Under the backup lock: all rows, all temporary files, all databases of dead drills. */
bool tidy_up(struct tidy *tidy, struct error *err) MUST_CHECK;

#endif
