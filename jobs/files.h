/*
 * files: the system calls that make a file durable, and what stands in for them where a file system lacks them; whether a name still means it.
 */
#ifndef JOBS_FILES_H
#define JOBS_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

bool files_write(int fd, const char *bytes, size_t length, struct error *err) MUST_CHECK; /* all of them */
bool files_sync(int fd, struct error *err) MUST_CHECK;

/* Some network mounts cannot sync a directory and say EINVAL or that they do not know how: that is logged, and taken as done. */
bool files_sync_directory(int directory_fd, struct error *err) MUST_CHECK;

/*
 * Gives the file another name in the same directory, never over an existing one (ERROR_CONFLICT). Where the file system has no
 * RENAME_NOREPLACE: by link(), and where it has no links either, after a look whether the name is free: whoever makes such names holds the
 * backup lock.
 */
bool files_publish(int directory_fd, const char *from, const char *to, struct error *err) MUST_CHECK;

/* Whether the name in the directory still means the file that `fd` is open on. */
bool files_is_same(int fd, int directory_fd, const char *name, bool *same, struct error *err) MUST_CHECK;

#endif
