/* attempt: one try at a job, while the job is ours: whether another can follow it, and how it is described to a program. */
#ifndef CONSUMER_ATTEMPT_H
#define CONSUMER_ATTEMPT_H

#include "common/report.h"
#include "consumer/consumer.h"

/*
 * BullMQ 5.76: no other attempt follows a failure of the last one, or one whose backoff nobody can compute. BullMQ 6.7: nor if the job was
 * taken so often that it would be refused (maxStartedAttempts).
 */
bool attempt_is_last(const struct job *job, const struct consumer_limits *limits);

/* The job, one JSON object and a newline (common/report). `failure` is NULL unless this goes to the recovery program. */
void attempt_describe(const struct job *job, const struct keys *keys, const struct consumer_limits *limits,
    const struct report_failure *failure, struct text *out);

const char *attempt_event(enum report_type verdict); /* of what the log says at its end */
const char *attempt_refusal(int64_t code); /* why Redis did not take its outcome: the codes of protocol/commands */

#endif
