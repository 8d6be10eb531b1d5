/*
 * job: one job as Redis gave it to us, with copies of its own.
 *
 * BullMQ 5.76: a job is a hash; every field is a string. `data` and `opts` are JSON text, but whoever wrote them decides whether that holds.
 */
#ifndef PROTOCOL_JOB_H
#define PROTOCOL_JOB_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "protocol/options.h"

struct job {
    char *id;
    char *name; /* may hold any byte */
    size_t name_length;
    char *data;
    size_t data_length;
    char *options_text; /* JSON text of an object: `opts`, or "{}" if that is none */
    struct options options;
    char *attempt; /* `ats` as text, this attempt included: what our scripts compare */
    int64_t attempts_started;
    int64_t
        attempts_made; /* without this attempt; what very old versions counted as `attemptsMade` goes before `atm` */
    int64_t attempts_kept;   /* `atm`: what the next one is added to */
    int64_t stalled_counter; /* `stc` */
    int64_t timestamp_ms;
    char *repeat_key;          /* `rjk`: the schedule that it comes from; NULL: none */
    int64_t scheduler_version; /* of the BullMQ that keeps this schedule, 5 or 6; 0: it is no job scheduler */
    char *deduplication_id;    /* `deid`: others were held back for this one; NULL: none */
    char *stacktrace;          /* JSON text of an array, or NULL */
    char *deferred_failure;    /* `defa`: the job must fail with this text instead of running; NULL: run it */
};

/* `fields` is the hash as it was before this attempt, names and values in turn. ERROR_INPUT if it is no hash. The version is the caller's to set. */
bool job_read(
    const char *id, size_t id_length, const redisReply *fields, struct job *out, struct error *err) MUST_CHECK;
void job_clear(struct job *job);

/*
 * The stack trace with one more failure, oldest first, no more than the job's limit: JSON text of an array; free() it. `error_name` is the
 * JavaScript class of the error that stands for it: "Error", or "UnrecoverableError".
 */
char *job_stacktrace_with(const struct job *job, const char *error_name, const char *reason);

#endif
