/*
 * archive: the proof that what is on disk is a whole, readable dump.
 *
 * The file is synced and taken out of the page cache first, so that what is read afterwards comes from the disk. Then pg_restore reads all
 * of it, data included (a table of contents alone proves nothing: truncated archives have one), while we take its SHA-256.
 */
#ifndef JOBS_ARCHIVE_H
#define JOBS_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "jobs/sha256.h"

struct archive_proof {
    int64_t size_bytes;
    char sha256[SHA256_SIZE];
    int64_t sync_ms;
    int64_t hash_ms; /* reading all of it for the SHA-256 */
    int64_t read_ms; /* that and pg_restore's reading, which go on side by side */
};

typedef void archive_progress_fn(int64_t bytes, int64_t size_bytes, void *owner); /* about twice a second */

/* `fd` is open on the file `path`. ERROR_INPUT: it is no good archive. */
bool archive_prove(int fd, const char *path, archive_progress_fn *on_progress, void *owner, struct archive_proof *proof,
    struct error *err) MUST_CHECK;

#endif
