/*
 * facts: what there is to know of the installation in Postgres and in the backup directory, as one JSON object, in a second or so.
 *
 * `weavestream-backup-job facts` answers by the child protocol (common/report.h), as all its programs do: {"type":"completed",
 * "returnvalue":FACTS}, to the pipe, or by hand to standard output. A server that is away is a fact, no failure. Nothing is written and nothing is
 * made, so a disk that sleeps goes on sleeping. FACTS:
 *
 *     {"at":TIME,"tookMs":N,
 *      "problems":[{"about":"postgres","text":"..."}],   what keeps backups from happening, for people; [] is good. About "postgres",
 *                                                        "directory", "space", "schedule"
 *      "postgres":{"reachable":true,"error":null,"code":null,"server":"15.18 (Debian ...)","responseMs":N},
 *                                                        error: why it is not reachable, or cannot be asked; code: of what kind that is
 *                                                        (common/error); responseMs: to connect
 *      "directory":{"path":"/...","writable":true,"error":null,"freeBytes":N,"totalBytes":N,"reservedBytes":N,
 *                   "dumps":N,"dumpBytes":N,"missingDumps":N},
 *                                                        dumps: files; missingDumps: successful rows whose dump is not in it
 *      "lock":{"application":"weavestream-backup run","pid":N,"ageMs":N},
 *                                                        who has the advisory lock; null: nobody
 *      "schedules":[{"id":UUID,"name":"...","enabled":true,"cron":"0 3 * * *","timezone":"Europe/Berlin",
 *                    "nextDue":TIME,                     by the schedule; null: disabled, or it never fires
 *                    "overdueSince":TIME,                when the run was due that has not happened; null: not overdue
 *                    "problem":"...",                    why it cannot be followed; null: it can
 *                    "lastSuccess":RUN,"lastFailure":RUN,"failedLast":true,
 *                                                        failedLast: of the two, the failure is the newer run. One that was refused
 *                                                        beside another ("concurrent") is no failure here
 *                    "runs":{"queued":N,"running":N,"success":N,"failed":N}}],
 *                                                        by name; rows, as many as there are
 *      "runs":[RUN]}                                     the newest FACTS_RUNS of all, newest first
 *
 *     RUN: {"id":UUID,"scheduleId":UUID,"kind":"SCHEDULED","status":"success","createdAt":TIME,"startedAt":TIME,"finishedAt":TIME,
 *           "durationMs":N,"dumpMs":N,"verifyMs":N,"sizeBytes":N,"verified":"full","file":"...","error":"..."}
 *
 * All of it must fit into one line of the child protocol. If it does not, for there are many hundreds of schedules, their last runs lose the members
 * that only people want; if that is not enough, `schedules` is null, and the log says so. `problems` stay.
 *
 * TIME is ISO 8601, in UTC, with milliseconds. What is unknown, or does not exist, is null: without Postgres also `lock`, `schedules`, `runs` and
 * `missingDumps`. A schedule is overdue once BACKUP_MISSED_GRACE_MINUTES have passed since it was due and no scheduled run was made and no
 * backup of any kind has begun since; due are the instants since a worker's ledger first saw this schedule (jobs/ledger_memory).
 */
#ifndef JOBS_FACTS_H
#define JOBS_FACTS_H

#include <stddef.h>

#include "common/report.h"
#include "common/settings.h"

#define FACTS_RUNS 60
#define FACTS_LIMIT_MS 30000
#define FACTS_INPUT_MAX 0 /* there is none */

void facts_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);

#endif
