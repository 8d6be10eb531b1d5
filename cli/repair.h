/*
 * repair: what the ledger does about schedules, done at once, as by a worker with BACKUP_SCHEDULE_REPAIR=full.
 *
 * The ledger program judges (jobs/ledger_work); the jobs and schedulers that it says are made in the queue here, one after the other.
 */
#ifndef CLI_REPAIR_H
#define CLI_REPAIR_H

#include <jansson.h>

#include "cli/queue.h"

/*
 * `snapshot` is that of the queue. `done` gets what was done, or what Redis refused: {"did":"made","what":"backup-config-...","error":null}; did: made,
 * removed or added. Where the ledger itself failed: false, but what it said before was done all the same. ERROR_CONFLICT: another ledger is at
 * work, and nothing was done.
 */
bool repair_schedules(struct queue *queue, const struct text *snapshot, json_t *done, struct error *err) MUST_CHECK;

#endif
