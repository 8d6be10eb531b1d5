/*
 * restore: a dump into a database, as the user guide tells it, and the proof that all of it arrived.
 *
 * In one transaction, so that a restore that fails has changed nothing; or by several connections at once (`jobs`), which is faster and leaves
 * behind what it had done. Nothing that is there already is dropped unless the order says so. A script goes through psql, in one transaction.
 */
#ifndef JOBS_RESTORE_H
#define JOBS_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"
#include "jobs/restore_plan.h"

struct restore_result {
    bool restored; /* it is in the database; what failed, failed afterwards */
    bool compared; /* and all of it was counted */
    bool is_half;  /* a part of it is in the database, and stays there */
    int64_t restore_ms;
    int64_t count_ms;
    struct text words; /* what the program said although it succeeded */
};

#define RESTORE_RESULT_EMPTY ((struct restore_result){ .words = TEXT_EMPTY })

/* `plan` is of the same order, and refused nothing. The caller clears `result` in either case. */
bool restore_perform(const struct restore_order *order, struct restore_plan *plan, struct restore_result *result,
    struct error *err) MUST_CHECK;
void restore_result_clear(struct restore_result *result);

#endif
