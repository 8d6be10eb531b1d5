/*
 * prune: deletes the dumps that a config's retention does not keep, and says of each why it stays or goes.
 *
 * Under the lock, so that nobody dumps or deletes beside us; if that is not to be had within seconds, the job is put off for a minute, up to
 * an hour. What must not happen is that a dump is deleted that should stay, so whatever is in doubt stays:
 *
 *     a malformed retention                  nothing is deleted, the job fails
 *     none of the dumps is in the directory  nothing is done, the job fails: most likely another one is mounted
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

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/report.h"
#include "common/settings.h"

struct payload;

/* What became of a dump. */
enum prune_fate {
    PRUNE_KEPT,
    PRUNE_REMOVED,
    PRUNE_FAILED,  /* it should go, and could not be removed */
    PRUNE_SKIPPED, /* its row's path leads outside of the directory */
    PRUNE_LEFT,    /* a stray that nobody prunes */
};

struct prune_decision {
    enum prune_fate fate;
    bool is_stray;      /* an orphan, or a file that no row names: the same, whichever schedule is pruned */
    const char *run_id; /* NULL: no row names it */
    const char *file;   /* NULL: skipped */
    bool has_time;
    struct wall started;
    int64_t size_bytes;  /* -1: the file is not there */
    int64_t freed_bytes; /* 0: the file stays, or was gone already, or counts with another row */
    const char *reason;
};

/* For whoever wants more than the job's log has: a person (cli/prune). */
struct prune_watcher {
    bool only_looks; /* nothing is deleted, and the lock is not taken: what is called removed would be */
    void (*on_decision)(const struct prune_decision *decision, void *owner);
    void *owner;
};

void prune_perform(const struct settings *settings, const struct payload *payload, struct report *verdict);
void prune_perform_for(const struct settings *settings, const struct payload *payload,
    const struct prune_watcher *watcher, struct report *verdict);

#endif
