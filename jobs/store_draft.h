/*
 * store_draft: a dump on its way into the backup directory (jobs/store): a draft while it is written, until it is published beside its manifest.
 *
 * A draft is created by us, 0600, and locked with flock() as long as we live: that is how others see that somebody is writing it. A crash
 * leaves drafts, or a manifest without a dump; never a dump without a manifest, never half a dump under its final name.
 */
#ifndef JOBS_STORE_DRAFT_H
#define JOBS_STORE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/error.h"
#include "jobs/store.h"

struct store_draft;

/* Removes drafts that nobody writes any more: ours if their lock can be had, others' if they were not touched for 30 minutes as well. */
void store_remove_stale(struct store *store, size_t *removed);

/* An empty draft. store_draft_free() removes it unless it was published. */
struct store_draft *store_create_draft(struct store *store, struct wall when, struct error *err) MUST_CHECK;
const char *store_draft_path(const struct store_draft *draft); /* absolute, for pg_dump */
int store_draft_fd(const struct store_draft *draft);           /* for reading and fstat */
/* Whether the name still means the file that we created: nobody has replaced it. */
bool store_draft_is_intact(const struct store_draft *draft, struct error *err) MUST_CHECK;
/* Keeps a dump that could not be proven, under a name that nobody takes for a backup, and removes any that was kept before. */
bool store_reject_draft(struct store_draft *draft, char name[STORE_NAME_SIZE], struct error *err) MUST_CHECK;
void store_draft_free(struct store_draft *draft); /* NULL is fine */

struct store_names {
    char dump[STORE_NAME_SIZE];
    char manifest[STORE_NAME_SIZE];
};

/* The pairs of names for `when`, numbered from 1. */
void store_make_names(struct wall when, int number, struct store_names *names);
/* The first of them of which neither name is taken. */
bool store_choose_names(struct store *store, struct wall when, struct store_names *names, struct error *err) MUST_CHECK;

/*
 * Writes the manifest and publishes both. The draft must be synced already. ERROR_CONFLICT: one of the names was taken meanwhile; choose
 * again. On failure neither name is left behind, if they can be removed.
 */
bool store_publish(struct store *store, struct store_draft *draft, const struct store_names *names,
    const char *manifest, struct error *err) MUST_CHECK;

#endif
