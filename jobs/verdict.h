/* verdict: how a job ends, as a report. Texts are copied; the caller sends the report and clears it. */
#ifndef JOBS_VERDICT_H
#define JOBS_VERDICT_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/report.h"

void verdict_complete(struct report *verdict, const char *returnvalue); /* JSON text */
void verdict_fail(struct report *verdict, const char *reason, bool retry);
/* The same for whoever asked, and wants to know what kind of failure it is. */
void verdict_fail_with(struct report *verdict, const struct error *err, bool retry);
void verdict_interrupt(struct report *verdict, const char *reason);
void verdict_delay(struct report *verdict, struct wall until);
void verdict_wait(struct report *verdict);

#endif
