/*
 * ledger_work: looks at queue and Postgres, lets jobs/ledger judge, and does what it decided.
 *
 * In an order that a crash at any point cannot turn into silence: first schedules, which may be said twice; then what is remembered is
 * written; then catch-up jobs are added, which are added again as long as they are owed; last rows are closed and missed runs told, at most once
 * each. Without a memory nothing could be told only once: then schedules are repaired, rows closed, and no more.
 *
 * Then it tidies up as a run does (jobs/tidy), if nobody has the backup lock, and tells of failures that nobody was told of and that no job in the
 * queue goes on with: it is the only one who knows that. What it cannot know yet, and what comes after somebody who took too long to be told
 * (jobs/news), keeps its mark, and it comes back soon. With BACKUP_SCHEDULE_REPAIR=off, schedules and missed runs are none of its business.
 *
 * One at a time in an installation: whoever comes second does nothing; its verdict is `wait`.
 */
#ifndef JOBS_LEDGER_WORK_H
#define JOBS_LEDGER_WORK_H

#include <stddef.h>

#include "common/report.h"
#include "common/settings.h"

#define LEDGER_SNAPSHOT_MAX ((size_t)64 * 1024 * 1024)
#define LEDGER_LIMIT_MS 100000 /* less than the worker lets it live */

/* From beginning to end, with reports on the way. The verdict is the caller's to send and clear. */
void ledger_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);

#endif
