/*
 * report: the child protocol, between the worker and the process that runs a job.
 *
 * The job comes on standard input, one JSON object up to the end of input:
 *
 *     {"queue":"backup","prefix":"bull","id":"7","name":"run","data":{...},"opts":{...},"attemptsMade":0,"attemptsStarted":1,
 *      "stalledCounter":0,"timestamp":1795382600905,"final":true}
 *
 * `data` is the job's data as the producer wrote it. If that is no JSON, `data` is null and `dataError` says why. `final`: no other attempt
 * follows if this one fails. The recovery program gets the same, and what is known of the failure:
 *
 *     "failure":{"reason":"...","final":true,"began":1795382600950,"at":1795382601000,"told":false,"progress":ANY}
 *
 * `final` in it: no other attempt follows. `began` and `at`: when this attempt did, and when it was over, in Unix milliseconds. `told`: as the
 * verdict had it. `progress`: the last that it reported, or null.
 *
 * What the job has to say goes to a pipe: descriptor 3, its number also in WEAVESTREAM_BACKUP_REPORT_FD. One JSON object a line, a line at
 * most REPORT_LINE_MAX bytes. Anywhere:
 *
 *     {"type":"progress","value":ANY}                    the job's progress; the worker writes at most one a second
 *     {"type":"log","text":"a row of the job's log"}
 *     {"type":"data","data":ANY}                         what the job's data is from now on
 *     {"type":"add","name":"prune","data":ANY,"opts":{}} a job for the same queue; give it opts.jobId, so that it cannot be added twice
 *     {"type":"schedule","id":"...","pattern":"0 3 * * *","tz":"Etc/UTC","name":"run","data":ANY,"opts":{}}
 *                                                        a job scheduler of the same queue, made or made anew
 *     {"type":"unschedule","id":"..."}                   the end of one
 *
 * Last, exactly one verdict:
 *
 *     {"type":"completed","returnvalue":ANY}
 *     {"type":"failed","reason":"...","retry":false}     retry: whether trying again can help; then attempts and backoff decide
 *                                                        "code":"denied": what kind of failure, where somebody asks (common/error)
 *                                                        "told":true: everybody knows who need not be looked up in Postgres
 *     {"type":"interrupted","reason":"..."}              stopped by the worker's SIGTERM: the job goes back to the queue
 *     {"type":"delay","until":1795382600905}             not now: the job moves to delayed until then, no attempt is counted
 *     {"type":"wait"}                                    not now: the job goes back to the front of the queue, no attempt is counted
 *     {"type":"rate-limit","ms":5000}                    the same, and the queue's rate limit counts as reached for so long
 *
 * The verdict counts once the pipe has ended and the process is reaped: report_judge(). No verdict, a line that breaks these rules, or
 * `completed` followed by a bad exit status is a crash, and the job fails. `completed` wins over a SIGTERM that crossed it. `failed` followed
 * by a bad exit status stands, but what goes with a failure may not have been done: as after a crash, the recovery program is started.
 */
#ifndef COMMON_REPORT_H
#define COMMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"

#define REPORT_DESCRIPTOR 3
#define REPORT_DESCRIPTOR_TEXT "3"
#define REPORT_VARIABLE "WEAVESTREAM_BACKUP_REPORT_FD"
#define REPORT_LINE_MAX ((size_t)1024 * 1024)

enum report_type {
    REPORT_NONE = 0,
    REPORT_PROGRESS,
    REPORT_LOG,
    REPORT_DATA,
    REPORT_ADD,
    REPORT_SCHEDULE,
    REPORT_UNSCHEDULE,
    /* verdicts */
    REPORT_COMPLETED,
    REPORT_FAILED,
    REPORT_INTERRUPTED,
    REPORT_DELAY,
    REPORT_WAIT,
    REPORT_RATE_LIMIT,
};

/* One line. Strings and values are the report's own; report_clear() releases them. */
struct report {
    enum report_type type;
    char *value;          /* JSON text: PROGRESS value, DATA, ADD and SCHEDULE data, COMPLETED returnvalue */
    char *text;           /* LOG row, ADD and SCHEDULE name, FAILED and INTERRUPTED reason */
    char *options;        /* JSON text of an object: ADD, SCHEDULE */
    char *id;             /* of the scheduler: SCHEDULE, UNSCHEDULE */
    char *pattern;        /* SCHEDULE */
    char *zone;           /* SCHEDULE */
    bool retry;           /* FAILED */
    bool told;            /* FAILED: to everybody but people */
    enum error_code code; /* FAILED: ERROR_NONE: not said */
    bool unclean;         /* FAILED: what goes with it may not be done (in a job process: is not), see report_judge() */
    int64_t ms;           /* DELAY: until when, in Unix milliseconds; RATE_LIMIT: for how long, 1 at least */
};

#define REPORT_EMPTY ((struct report){ .type = REPORT_NONE })

bool report_is_verdict(enum report_type type);
const char *report_type_name(enum report_type type); /* as in its line */

/* Reads one line, without its newline. ERROR_INPUT: it breaks the protocol; `out` is then untouched. */
bool report_parse(const char *bytes, size_t length, struct report *out, struct error *err) MUST_CHECK;
void report_add_line(const struct report *report, struct text *out); /* the line, with its newline */
void report_clear(struct report *report);

/*
 * What became of a job process. `last` is its verdict (REPORT_NONE: none), `wait_status` as waitpid gave it, `broken` the first error in
 * its lines or NULL. Makes `*last` the verdict to act on: the same one, or `failed` with the crash described. True if it was a crash. Whoever
 * did not end well is `unclean`.
 */
bool report_judge(struct report *last, int wait_status, const struct error *broken);

struct report_failure {
    const char *reason;
    bool is_final;
    int64_t began_ms;
    int64_t at_ms;
    bool is_told;
    const char *progress; /* JSON text; NULL: it has reported none */
};

/* The job as it goes to standard input. Everything belongs to the caller. */
struct report_job {
    const char *queue;
    const char *prefix;
    const char *id;
    const char *name;
    size_t name_length;
    const char *data; /* as in Redis; need not be JSON */
    size_t data_length;
    const char *options; /* JSON text of an object */
    int64_t attempts_made;
    int64_t attempts_started;
    int64_t stalled_counter;
    int64_t timestamp_ms;
    bool is_last;
    const struct report_failure *failure; /* NULL: it is to be run */
};

void report_add_job(const struct report_job *job, struct text *out);

#endif
