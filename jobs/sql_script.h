/*
 * sql_script: a dump as people made them before there were backups in the app: `pg_dump | gzip`.
 *
 * It has no manifest and no table of contents. What can be told is told by gzip, which knows whether it is whole and undamaged, and by the lines that pg_dump
 * writes first and last.
 */
#ifndef JOBS_SQL_SCRIPT_H
#define JOBS_SQL_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "jobs/archive_head.h"

struct sql_script {
    int64_t bytes;                                  /* unpacked */
    char server_version[ARCHIVE_HEAD_VERSION_SIZE]; /* "": it does not say */
    int64_t tables;                                 /* that have rows in it, or could have */
    bool drops;                                     /* it drops what it makes anew, before it does */
};

typedef void sql_script_progress_fn(int64_t bytes, void *owner); /* of the packed file */

/* Whether a file that begins with these bytes is packed by gzip. */
bool sql_script_is(const char *bytes, size_t length);

/* ERROR_INPUT: it is damaged, or not whole, or not what it should be. */
bool sql_script_read(const char *path, sql_script_progress_fn *on_progress, void *owner, struct sql_script *out,
    struct error *err) MUST_CHECK;

#endif
