/* restore_origin: the checks of a restore that compare where the dump comes from with where it goes: migrations, passwords (jobs/restore_plan). */
#ifndef JOBS_RESTORE_ORIGIN_H
#define JOBS_RESTORE_ORIGIN_H

#include "jobs/restore_plan.h"

/* What was found in the dump is in the plan already. False: stopped. */
bool restore_origin_check(const struct restore_order *order, struct restore_plan *plan, struct error *err) MUST_CHECK;

#endif
