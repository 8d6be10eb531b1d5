/*
 * run_row: the row of a run, as far as one attempt is concerned: found or made, started, and ended in a state that a person can act on.
 *
 * An end that cannot be written, because Postgres is away, is lost: the job process says so with its exit status, and whoever recovers from that
 * writes it (jobs/recover). A failure is marked as untold (jobs/aftermath); if it is for good, telling it is the caller's.
 */
#ifndef JOBS_RUN_ROW_H
#define JOBS_RUN_ROW_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/error.h"
#include "jobs/backup.h"
#include "jobs/payload.h"
#include "jobs/uuid.h"

struct run_row {
    struct database *database; /* the caller's; NULL: there is no session */
    const struct payload *payload;
    char id[UUID_SIZE]; /* "": none yet */
    bool is_made;       /* by this attempt; else it came with the job */
    bool started;       /* it is running since `started_at` */
    struct wall started_at;
    bool has_told;   /* an earlier attempt failed and told, and then its worker was taken for dead */
    bool has_untold; /* one failed, and had not told when this one began; maybe it is just telling */

    /* how it ended */
    bool is_lost;
    bool is_told;   /* that the run failed: by such an attempt */
    bool is_untold; /* so it was marked: by us, or by somebody who took this run for dead */
};

/* A success whose dump is in place. */
struct run_row_done {
    bool is_done;
    char *filename;
    int64_t size_bytes;
    char *sha256;
    int64_t duration_ms;
    char *verified; /* the level; NULL: not said */
};

/*
 * Whether an earlier attempt has done it all, or died between publishing its dump and writing its row: looks at the row that came with the job, or at
 * those that the attempts at a scheduled run have made. If so, that row is ours, and done. `found`: there is any such row; if it came with the
 * job, that one is ours. `store` may be NULL: then no dump is in place. The caller clears `done`.
 */
bool run_row_find(
    struct run_row *row, struct store *store, struct run_row_done *done, bool *found, struct error *err) MUST_CHECK;
void run_row_done_clear(struct run_row_done *done);

bool run_row_make(struct run_row *row, struct error *err) MUST_CHECK;
bool run_row_start(struct run_row *row, struct error *err) MUST_CHECK;
/* Under the lock: rows that earlier attempts have made and not come to start. */
bool run_row_close_earlier(const struct run_row *row, struct store *store, struct error *err) MUST_CHECK;
bool run_row_is_ours(const struct run_row *row, bool *ours, struct error *err) MUST_CHECK;
bool run_row_succeed(
    struct run_row *row, const struct backup *backup, struct wall finished, struct error *err) MUST_CHECK;

/* To `failed`, with its audit row; one that somebody else closed or restarted meanwhile is let be. `for_good`: no other attempt follows. */
void run_row_fail(struct run_row *row, const char *reason, const char *audit_reason, bool for_good);
/* The run was stopped: back to `queued` if another attempt comes and somebody waits for this very row, else `failed`. */
void run_row_hand_back(struct run_row *row);
/* No attempt before this one is to be told of any more: this one's end is the run's. */
void run_row_settle_earlier(const struct run_row *row);

#endif
