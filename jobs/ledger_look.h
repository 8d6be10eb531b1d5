/*
 * ledger_look: what the ledger sees of the schedules, told as it is; nothing is decided, written or remembered.
 *
 * `weavestream-backup-job schedules < SNAPSHOT` answers by the child protocol: {"type":"completed","returnvalue":SEEN}. SEEN:
 *
 *     {"schedules":[{"id":UUID,"name":"...","enabled":true,"cron":"0 3 * * *","timezone":"Europe/Berlin",
 *                    "state":"good",            disabled, missing (in the queue), dead (it never fires again), different (from the queue's),
 *                                               or unusable (it cannot be followed)
 *                    "why":"...",               of unusable, and of different: what the queue has; else null
 *                    "nextDue":TIME,            by the schedule; null: never
 *                    "nextInQueue":TIME,        by its scheduler; null: there is none
 *                    "overdueSince":TIME}],     when the run was due that has not happened, and that no job in the queue is about; else null
 *      "strays":[{"scheduler":"backup-config-...","state":"deleted","next":TIME}]}
 *                                               schedulers that should not be there: of deleted or disabled schedules, or legacy: a repeatable
 *                                               job of BullMQ 5 and before that makes a schedule run twice
 *
 * TIME is ISO 8601, in UTC, with milliseconds. A queue that is too large to be judged is a failure.
 */
#ifndef JOBS_LEDGER_LOOK_H
#define JOBS_LEDGER_LOOK_H

#include <jansson.h>

#include "common/report.h"
#include "common/settings.h"
#include "jobs/ledger.h"

#define LEDGER_LOOK_LIMIT_MS 30000

/* SEEN; pure. */
json_t *ledger_look(
    const struct ledger_facts *facts, const struct ledger_memory *memory, int64_t grace_ms, struct timezones *zones);

/* From beginning to end. The verdict is the caller's to send and clear. */
void ledger_look_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);

#endif
