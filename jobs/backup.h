/*
 * backup: a dump, from an empty draft to a proven file under its final name, with its manifest.
 *
 * Knows nothing of rows and queues: jobs/run does, and calls these in their order. What it does it tells in the job's log.
 */
#ifndef JOBS_BACKUP_H
#define JOBS_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/settings.h"
#include "common/text.h"
#include "jobs/archive.h"
#include "jobs/database.h"
#include "jobs/snapshot.h"
#include "jobs/store.h"
#include "jobs/store_draft.h"

struct backup {
    /* the caller's, and set before the first step */
    const struct settings *settings;
    struct database *database; /* open */
    struct store *store;
    const char *run_id;     /* for the manifest */
    struct wall started;    /* the time in the dump's name */
    int64_t previous_bytes; /* of the last good dump, for the progress; 0: none */

    /* results */
    struct store_draft *draft;
    struct snapshot snapshot; /* closed at level `toc` */
    struct text pg_dump_version;
    int64_t dump_ms;
    int64_t drill_bytes; /* how much room a restore needs */
    int64_t sync_ms;
    struct archive_proof proof;
    enum settings_verify verified_level; /* how far it was proven, */
    struct wall verified;                /* when, */
    int64_t verified_ms;                 /* and how long that took */
    struct store_names names;            /* once published */
    struct text manifest;                /* compact, for the row */
};

bool backup_write(struct backup *backup, struct error *err) MUST_CHECK;
bool backup_prove(struct backup *backup, struct error *err) MUST_CHECK;
bool backup_publish(struct backup *backup, struct error *err) MUST_CHECK;
void backup_abandon(struct backup *backup); /* removes what is not published */
void backup_clear(struct backup *backup);   /* the same, and the rest */

#endif
