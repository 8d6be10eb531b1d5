/*
 * store: the backup directory.
 *
 * It is opened once; from then on everything in it is named relative to that descriptor, so that nothing outside is ever touched.
 *
 *     .weavestream-postgres-<ts>-<n>.dump.tmp       a draft: being written. Ours always carry a counter, which tells them from Node's
 *     .weavestream-postgres-<ts>-<n>.rejected       a dump that could not be proven, if such are kept: the last one only
 *     weavestream-postgres-<ts>.manifest.json       published before its dump: a dump that is in place has its manifest
 *     weavestream-postgres-<ts>.dump                published: complete, proven, never overwritten; `<ts>-2` if the name is taken
 *
 * A draft is created by us, 0600, and locked with flock() as long as we live: that is how others see that somebody is writing it. A crash
 * leaves drafts, or a manifest without a dump; never a dump without a manifest, never half a dump under its final name.
 */
#ifndef JOBS_STORE_H
#define JOBS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/error.h"

#define STORE_NAME_SIZE 96

struct store;
struct store_draft;

/* `setting` as BACKUP_STORAGE_DIR has it (jobs/directory). NULL: failed. */
struct store *store_open(const char *setting, struct error *err) MUST_CHECK;
struct store *store_make(const char *setting, bool *made, struct error *err) MUST_CHECK; /* if it is missing */
const char *store_directory(const struct store *store);                                  /* absolute */
void store_close(struct store *store);                                                   /* NULL is fine */

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

/*
 * Which file in the directory a row's path means: `name` is set if the path is absolute, its folder is this directory, and its name is one
 * that a dump or manifest of ours has. ERROR_REFUSED otherwise.
 */
bool store_resolve(struct store *store, const char *path, char name[STORE_NAME_SIZE], struct error *err) MUST_CHECK;

/* Size of the regular file `name`; -1 if there is none. ERROR_REFUSED: it is something else, such as a symbolic link. */
bool store_find(const struct store *store, const char *name, int64_t *size_bytes, struct error *err) MUST_CHECK;

/* Whether the dump that a row names is there. */
bool store_has(struct store *store, const char *path);

/* Calls for each dump and manifest that is there under its final name, in no order. */
typedef void store_found_fn(const char *name, void *owner);
bool store_list(const struct store *store, store_found_fn *on_found, void *owner, struct error *err) MUST_CHECK;

/* The same for what has such a name but is no regular file. */
bool store_list_others(const struct store *store, store_found_fn *on_found, void *owner, struct error *err) MUST_CHECK;

/* For reading; -1: failed. */
int store_open_file(const struct store *store, const char *name, struct error *err) MUST_CHECK;

/* One that is not there is removed already. Not durable before store_sync(). */
bool store_remove(struct store *store, const char *name, struct error *err) MUST_CHECK;
bool store_sync(struct store *store, struct error *err) MUST_CHECK;

#endif
