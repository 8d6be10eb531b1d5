/* facts_rows: the part of the facts (jobs/facts) that is rows of Postgres, as JSON. */
#ifndef JOBS_FACTS_ROWS_H
#define JOBS_FACTS_ROWS_H

#include <jansson.h>

#include "common/clock.h"
#include "jobs/database.h"

/* The newest `limit` runs, newest first: RUN objects. NULL: failed. */
json_t *facts_rows_runs(struct database *database, int limit, struct error *err) MUST_CHECK;

/* By the schedule's id: {"lastSuccess":RUN,"lastFailure":RUN,"failedLast":B,"runs":{...}}; schedules without a run are left out. NULL: failed. */
json_t *facts_rows_by_schedule(struct database *database, struct error *err) MUST_CHECK;
json_t *facts_rows_no_runs(void); /* of one that was left out */

/* A JSON string whatever the bytes are: an error's text may be cut within a character. null for NULL. */
json_t *facts_text(const char *string);
json_t *facts_time(struct wall wall);

#endif
