/* job: which room does the job that came on standard input. */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include <stddef.h>

#include "common/report.h"
#include "common/settings.h"

/* From beginning to end, with reports on the way (jobs/reporter). The verdict is the caller's to send and clear. */
void job_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict);

#endif
