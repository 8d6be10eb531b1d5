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
 * jobs/store_draft is how they come there.
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

/* `setting` as BACKUP_STORAGE_DIR has it (jobs/directory). NULL: failed. */
struct store *store_open(const char *setting, struct error *err) MUST_CHECK;
struct store *store_make(const char *setting, bool *made, struct error *err) MUST_CHECK; /* if it is missing */
const char *store_directory(const struct store *store);                                  /* absolute */
int store_fd(const struct store *store);                                                 /* for openat() and its like */
void store_close(struct store *store);                                                   /* NULL is fine */

/*
 * Which file in the directory a row's path means: `name` is set if the path is absolute, its folder is this directory, and its name is one
 * that a dump or manifest of ours has. ERROR_REFUSED otherwise.
 */
bool store_resolve(struct store *store, const char *path, char name[STORE_NAME_SIZE], struct error *err) MUST_CHECK;

/* Size of the regular file `name`; -1 if there is none. ERROR_REFUSED: it is something else, such as a symbolic link. */
bool store_find(const struct store *store, const char *name, int64_t *size_bytes, struct error *err) MUST_CHECK;

/*
 * Whether a row names a dump that should be there and is not: its folder is another one, or it has a name of ours and is no file. What is in
 * the directory under another name, such as a .sql.gz of long ago, is not looked for.
 */
bool store_lacks(struct store *store, const char *path);

/* Calls for each dump and manifest that is there under its final name, in no order. */
typedef void store_found_fn(const char *name, void *owner);
bool store_list(const struct store *store, store_found_fn *on_found, void *owner, struct error *err) MUST_CHECK;

/* The same for what has such a name but is no regular file; for whatever there is. */
bool store_list_others(const struct store *store, store_found_fn *on_found, void *owner, struct error *err) MUST_CHECK;
bool store_list_all(const struct store *store, store_found_fn *on_found, void *owner, struct error *err) MUST_CHECK;

/* For reading; -1: failed. */
int store_open_file(const struct store *store, const char *name, struct error *err) MUST_CHECK;

/* One that is not there is removed already. Not durable before store_sync(). */
bool store_remove(struct store *store, const char *name, struct error *err) MUST_CHECK;
bool store_sync(struct store *store, struct error *err) MUST_CHECK;

#endif
