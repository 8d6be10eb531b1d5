/* restore_show: what the command `restore` tells: checks, outcome, and what is left to do, for people and for programs. */
#ifndef CLI_RESTORE_SHOW_H
#define CLI_RESTORE_SHOW_H

#include <stdbool.h>

#include "jobs/restore.h"

struct restore_told {
    const struct restore_order *order;
    const struct restore_plan *plan;
    const struct restore_result *result;
    bool plan_only;
    const char *reason; /* why it is not restored, or not as it should be; NULL: all is well, as far as it went */
};

/* A line on standard output. */
void restore_show_check(const struct restore_check *check);
/* What became of it, and the list of what is left to do. */
void restore_show_outcome(const struct restore_told *told);
void restore_show_json(const struct restore_told *told);

#endif
