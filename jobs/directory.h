/*
 * directory: BACKUP_STORAGE_DIR, found, made and opened.
 *
 * A relative one is taken from the nearest ancestor of the working directory that is the root of a pnpm workspace, else from the working
 * directory. One that is made is there for good before anything is put into it.
 */
#ifndef JOBS_DIRECTORY_H
#define JOBS_DIRECTORY_H

#include <stdbool.h>

#include "common/error.h"

/* Its absolute path, the caller's to free; nothing is made. False: not even that can be told. */
bool directory_find(const char *setting, char **path, struct error *err) MUST_CHECK;

/* The descriptor, and the absolute path, the caller's to free in either case; -1: failed. One that is missing may be a volume that is away. */
int directory_open(const char *setting, char **path, struct error *err) MUST_CHECK;

/* The same, but one that is missing is made; `made` tells. */
int directory_make(const char *setting, char **path, bool *made, struct error *err) MUST_CHECK;

#endif
