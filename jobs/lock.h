/*
 * lock: the one advisory lock of an installation, held by whoever dumps or prunes, for as long as its session lives.
 *
 * All workers, Node's too, take pg_advisory_lock(hashtext('weavestream:backup')). Not to get it may mean that a backup is running: then this
 * one is superfluous (`concurrent`). But a lock may also be held by somebody who will never finish a backup: an attempt that was killed
 * and whose session the server has not noticed yet, one that is handing its job back, a prune. To call that `concurrent` would lose a backup, so those are waited for:
 *
 *     holder                                   how long
 *     another live run, or a stranger          LOCK_LIVE_MS: a dead attempt's session is gone within about a second
 *     a job of ours that makes no dump         LOCK_HOUSEKEEPING_MS: it has a limit of its own
 *     anybody, if this job was taken before    LOCK_PATIENT_MS: it may be our own dead attempt, seen over a dead network
 */
#ifndef JOBS_LOCK_H
#define JOBS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"
#include "jobs/database.h"

#define LOCK_LIVE_MS 3000
#define LOCK_PATIENT_MS 90000
#define LOCK_HOUSEKEEPING_MS 900000
#define LOCK_PRUNE_MS 5000

struct lock_holder {
    int64_t pid; /* of its Postgres backend; 0: not known, it has gone meanwhile */
    char application[64];
    int64_t age_seconds;  /* of its session */
    int64_t idle_seconds; /* how long its session has done nothing; 0: it does something, or that cannot be seen */
};

/* For a run. ERROR_CONFLICT: somebody else has it, and `holder` says who. */
bool lock_take_for_run(
    struct database *database, bool taken_before, struct lock_holder *holder, struct error *err) MUST_CHECK;

/* Waits up to `patience_ms`, whoever holds it. ERROR_CONFLICT as above. */
bool lock_take(
    struct database *database, int64_t patience_ms, struct lock_holder *holder, struct error *err) MUST_CHECK;

/* Without waiting at all. */
bool lock_try(struct database *database, bool *taken, struct error *err) MUST_CHECK;

/* Who has it now; pid 0: nobody. */
bool lock_find_holder(struct database *database, struct lock_holder *holder, struct error *err) MUST_CHECK;

/* Whether it is a run of ours that makes a dump. */
bool lock_holder_is_run(const struct lock_holder *holder);

/*
 * What to do about a holder that does not look like a backup: an application that nobody knows, or a session that has done nothing for longer than
 * a backup may run. Somebody's connection pool may have kept the lock. Nothing is added about any other.
 */
void lock_add_advice(const struct lock_holder *holder, int64_t limit_minutes, struct text *out);

/* Nothing to release, or a lost session, is fine: then nothing is held. False: the lock lasts as long as the session. */
bool lock_release(struct database *database, struct error *err) MUST_CHECK;

/* Other locks, which last as long as the session: one ledger at a time in an installation; one who tells of a failed run. */
bool lock_try_for_ledger(struct database *database, bool *taken, struct error *err) MUST_CHECK;
bool lock_try_to_tell(struct database *database, const char *run_id, bool *taken, struct error *err) MUST_CHECK;

#endif
