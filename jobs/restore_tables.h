/*
 * restore_tables: the check that is called `tables` (jobs/restore_plan): which of the dump's tables are restored.
 *
 * pg_restore chooses by names and by schemas, apart from each other: of a.x and b.y it would make a.y as well. Then it is refused.
 */
#ifndef JOBS_RESTORE_TABLES_H
#define JOBS_RESTORE_TABLES_H

#include "jobs/restore_plan.h"

/* Fills plan->wanted. */
void restore_tables_check(const struct restore_order *order, struct restore_plan *plan);

#endif
