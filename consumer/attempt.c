#include "consumer/attempt.h"

bool
attempt_is_last(const struct job *job, const struct consumer_limits *limits)
{
    int64_t max_started = limits->max_started_attempts;

    return job->attempts_made + 1 >= job->options.attempts ||
           (max_started > 0 && job->attempts_started >= max_started) || job->options.backoff == BACKOFF_UNKNOWN;
}

void
attempt_describe(const struct job *job, const struct keys *keys, const struct consumer_limits *limits,
    const struct report_failure *failure, struct text *out)
{
    struct report_job description = { .queue = keys->queue,
        .prefix = keys->prefix,
        .id = job->id,
        .name = job->name,
        .name_length = job->name_length,
        .data = job->data,
        .data_length = job->data_length,
        .options = job->options_text,
        .attempts_made = job->attempts_made,
        .attempts_started = job->attempts_started,
        .stalled_counter = job->stalled_counter,
        .timestamp_ms = job->timestamp_ms,
        .is_last = attempt_is_last(job, limits),
        .failure = failure };

    report_add_job(&description, out);
}

const char *
attempt_event(enum report_type verdict)
{
    switch (verdict) {
    case REPORT_COMPLETED:
        return "job completed";
    case REPORT_DELAY:
        return "job delayed";
    case REPORT_RATE_LIMIT:
        return "job limits the queue's rate";
    case REPORT_WAIT:
    case REPORT_INTERRUPTED:
        return "job goes back to the queue";
    default:
        return "job failed";
    }
}

const char *
attempt_refusal(int64_t code)
{
    switch (code) {
    case -1:
        return "the job is gone from Redis";
    case -2:
        return "its lock is gone, and another attempt has begun or it was put back";
    case -3:
        return "it is not in active any more";
    case -6:
        return "its lock is held by another worker";
    default:
        return "Redis refused it";
    }
}
