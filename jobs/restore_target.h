/* restore_target: the checks of a restore that ask the server: server, target, sessions, space (jobs/restore_plan). */
#ifndef JOBS_RESTORE_TARGET_H
#define JOBS_RESTORE_TARGET_H

#include "jobs/restore_plan.h"

/* What was found in the dump is in the plan already. False: stopped. */
bool restore_target_check(const struct restore_order *order, struct restore_plan *plan, struct error *err) MUST_CHECK;

#endif
