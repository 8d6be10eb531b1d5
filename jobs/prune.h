/*
 * prune: deletes the dumps that a config's retention does not keep, and says of each why it stays or goes.
 *
 * Under the lock, so that nobody dumps or deletes beside us; if that is not to be had within seconds, the job is put off for a minute, up to
 * an hour. What must not happen is that a dump is deleted that should stay, so whatever is in doubt stays:
 *
 *     a malformed retention                  nothing is deleted, the job fails
 *     none of the dumps is on disk           nothing is done, the job fails: most likely another directory is mounted
 *     a row whose dump is missing            does not count as a backup, so an older one stays in its place
 *     the newest dump that was proven        stays, however old it is
 *     a row without a start time             stays
 *     a file that another row names          stays, only this row's paths go
 *     a path outside the directory           skipped, and counted as such
 *     an orphan: its config was deleted      listed; with BACKUP_PRUNE_ORPHANS, all orphans are pruned together by the default retention
 *     a file that no row names               listed
 *
 * The order in which things are deleted is jobs/removal's.
 */
#ifndef JOBS_PRUNE_H
#define JOBS_PRUNE_H

#include "common/report.h"
#include "common/settings.h"

struct payload;

void prune_perform(const struct settings *settings, const struct payload *payload, struct report *verdict);

#endif
