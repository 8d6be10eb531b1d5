/*
 * recover: what is to be done after an attempt at a job ended badly: its process died, could not be started, or could not write down its end.
 *
 * That process is gone, so the rows that this attempt, and those before it, have left are nobody's, and need no lock:
 *
 *     running, and its dump is published    success, from the manifest
 *     running                               failed, "interrupted: ...", with the phase that was last reported
 *     queued, and no attempt will take it   failed
 *     none, and no attempt follows          one is made, failed: a scheduled run has a row, whatever became of it
 *
 * If no attempt follows, the failure is told, once (jobs/untold), and to people only if the attempt has told everybody else; if the attempt's own
 * row turns out a success, that is told. Then, under the lock, whatever else is left behind (jobs/tidy), unless a run has the lock: that has done it by
 * itself.
 */
#ifndef JOBS_RECOVER_H
#define JOBS_RECOVER_H

#include <stddef.h>

#include "common/report.h"
#include "common/settings.h"
#include "jobs/payload.h"

#define RECOVER_INPUT_MAX (PAYLOAD_BYTES_MAX + (size_t)16 * 1024)
#define RECOVER_LIMIT_MS 840000 /* less than the worker lets it live */

/* `bytes`: the job and its failure (common/report). The verdict is the caller's to send and clear. */
void recover_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);

#endif
