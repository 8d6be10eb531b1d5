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
