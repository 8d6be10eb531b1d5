/*
 * run: one backup, from the config to a proven dump under its final name.
 *
 * The row of the run always ends in a state that a person can act on:
 *
 *     success                       the dump is in place, read back, with its manifest
 *     failed, a reason              no file is left
 *     failed, "concurrent"          another backup is running (jobs/lock); this one is superfluous
 *     queued                        stopped by the worker, and the row came with the job: whoever takes the job next continues with it
 *     failed, "interrupted: ..."    stopped, and the row was this attempt's own, or nobody tries again; or found running by the next holder of the lock
 *
 * Trying again can help (`retry`) where a connection, a process or a deadline was lost, or the dump did not read back. It cannot where the
 * server, the disk or a setting said no: that says no again.
 *
 * Once the dump is published it stays, whatever fails afterwards.
 */
#ifndef JOBS_RUN_H
#define JOBS_RUN_H

#include "common/report.h"
#include "common/settings.h"

struct payload;

void run_perform(const struct settings *settings, const struct payload *payload, struct report *verdict);

#endif
