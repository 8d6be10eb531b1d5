/*
 * restore_tables: the check that is called `tables` (jobs/restore_plan): which of the dump's tables are restored; and what that needs of the
 * target.
 *
 * pg_restore chooses by names and by schemas, apart from each other: of a.x and b.y it would make a.y as well. Then it is refused. With single
 * tables it brings no schemas, and with --clean it drops none of the views and foreign keys that hang on them.
 */
#ifndef JOBS_RESTORE_TABLES_H
#define JOBS_RESTORE_TABLES_H

#include "jobs/restore_plan.h"

/* Fills plan->wanted. */
void restore_tables_check(const struct restore_order *order, struct restore_plan *plan);

/* Adds to `obstacle` what in the target is in the way of the single tables that are asked for; nothing: they can come. */
bool restore_tables_find_obstacle(const struct restore_order *order, const struct restore_plan *plan,
    struct text *obstacle, struct error *err) MUST_CHECK;

#endif
