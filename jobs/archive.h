/*
 * archive: the proof that a file is a whole, readable dump.
 *
 * The file is taken out of the page cache first, so that what is read comes from the disk (whoever wrote it has synced it). Then, side by
 * side, we take its SHA-256, and pg_restore reads it: at level `toc` its table of contents, which proves little, because a truncated archive
 * has one; at level `full` all of it, as a script of which we count the rows of every table (jobs/archive_script). Level `restore` is `full`
 * here: restoring is jobs/drill's.
 */
#ifndef JOBS_ARCHIVE_H
#define JOBS_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"
#include "jobs/archive_contents.h"
#include "jobs/sha256.h"

typedef void archive_progress_fn(
    int64_t bytes, int64_t size_bytes, void *owner); /* about twice a second, and at the end */

struct archive_order {
    const char *path; /* a regular file, */
    int fd;           /* and open on it */
    enum settings_verify level;
    const struct archive_contents *expected; /* what the database had; NULL: nobody knows */
    archive_progress_fn *on_progress;
    void *owner;
};

struct archive_proof {
    int64_t size_bytes;
    char sha256[SHA256_SIZE];
    struct archive_contents contents; /* empty at level `toc` */
    int64_t hash_ms;                  /* reading all of it for the SHA-256 */
    int64_t read_ms;                  /* that and pg_restore's reading, which go on side by side */
};

#define ARCHIVE_PROOF_EMPTY ((struct archive_proof){ .size_bytes = 0 })

/* `proof` is empty before; the caller clears it in either case. ERROR_INPUT: it is no good archive, or lacks what is expected. */
bool archive_prove(const struct archive_order *order, struct archive_proof *proof, struct error *err) MUST_CHECK;
void archive_proof_clear(struct archive_proof *proof);

#endif
