/*
 * archive_head: which Postgres a dump comes from, and what is about to read it.
 *
 * An archive says so in the comments in front of its list, a script in its first lines:
 *
 *     ;     Dumped from database version: 15.18 (Debian 15.18-0+deb12u1)
 *     -- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
 */
#ifndef JOBS_ARCHIVE_HEAD_H
#define JOBS_ARCHIVE_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define ARCHIVE_HEAD_VERSION_SIZE 64

/* From such a line. False: it is none. */
bool archive_head_read_line(const char *line, size_t length, char version[ARCHIVE_HEAD_VERSION_SIZE]);
/* "" if the archive does not say. ERROR_REFUSED: it has no readable list. */
bool archive_head_read(const char *path, char version[ARCHIVE_HEAD_VERSION_SIZE], struct error *err) MUST_CHECK;
/* Of pg_restore itself, as "15.18 (Debian ...)". */
bool archive_head_find_reader(char version[ARCHIVE_HEAD_VERSION_SIZE], struct error *err) MUST_CHECK;
/* 15 of "15.18 (Debian ...)"; 0: there is none. */
int archive_head_major(const char *version);

#endif
