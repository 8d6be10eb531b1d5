/*
 * prune: deletes the dumps that a config's retention does not keep.
 *
 * Under the lock, so that nobody dumps or deletes beside us; if that is not to be had within seconds, the job is put off for a minute, up to
 * an hour. What must not happen is that a dump is deleted that should stay, so whatever is in doubt stays:
 *
 *     a malformed retention             nothing is deleted, the job fails
 *     none of the dumps is on disk      nothing is done, the job fails: most likely another directory is mounted
 *     a row whose dump is missing       does not count as a backup, so an older one stays in its place
 *     a row without a start time        stays
 *     a file that another row names     stays, only this row's paths go
 *     a path outside the directory      skipped, and counted as such
 *
 * Per row: the dump, then its manifest, then (directory synced) the row's paths. So a crash leaves a path without a file, which the next
 * prune finishes, and never a dump that no row names.
 */
#ifndef JOBS_PRUNE_H
#define JOBS_PRUNE_H

#include "common/report.h"
#include "common/settings.h"

struct payload;

void prune_perform(const struct settings *settings, const struct payload *payload, struct report *verdict);

#endif
