/*
 * options: what a job's `opts` say to a worker.
 *
 * BullMQ 5.76: `opts` is a JSON object; unknown members are for others. A member of the wrong kind reads as if it were missing, as BullMQ's
 * own JavaScript mostly takes it.
 */
#ifndef PROTOCOL_OPTIONS_H
#define PROTOCOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* What happens to a finished job: removeOnComplete, removeOnFail. true is count 0, false is count -1, a number is that count. */
struct options_keep {
    bool is_set;
    int64_t count;       /* the newest so many stay; 0: not even this one; -1: all */
    int64_t age_seconds; /* older ones go; -1: none does */
    int64_t limit;       /* at most so many go by age at a time */
};

enum options_backoff { BACKOFF_NONE, BACKOFF_FIXED, BACKOFF_EXPONENTIAL, BACKOFF_UNKNOWN };

struct options {
    int64_t attempts; /* 0 and 1 mean the same: one run */
    enum options_backoff backoff;
    double backoff_delay_ms;
    double backoff_jitter; /* 0 to 1 */
    struct options_keep on_complete;
    struct options_keep on_fail;
    int64_t stack_trace_limit; /* -1: no limit */
    int64_t keep_logs;         /* the newest so many rows of the log; -1: all */
    int64_t timestamp_ms;      /* adding only: when it was made, in Unix ms; 0: now */
    int64_t delay_ms;          /* adding only */
    int64_t priority;          /* adding only; 0: none */
    bool lifo;
    bool has_repeat;          /* `repeat`, whatever it says (protocol/repeat) */
    char *job_id;             /* adding only; NULL: Redis gives one */
    char *deduplication_id;   /* adding only; NULL: none */
    int64_t deduplication_ms; /* how long others are held back; 0: until the job's end */
};

/* Nothing said: all are kept. */
#define OPTIONS_KEEP_ALL                                                                                               \
    ((struct options_keep){ .is_set = false, .count = -1, .age_seconds = -1, .limit = OPTIONS_KEEP_LIMIT })
#define OPTIONS_KEEP_LIMIT 1000 /* BullMQ 5.76: jobs removed by age at a time, unless said otherwise */

/* `bytes`: JSON text; anything but an object reads as {}, and is told by false. `out` is the caller's to clear. */
bool options_parse(const char *bytes, size_t length, struct options *out);

/* {"age": seconds, "count": n, "limit": n}, as a worker's own removeOnComplete is. ERROR_CONFIG if it is anything else. */
bool options_parse_keep(const char *json, struct options_keep *out, struct error *err) MUST_CHECK;

/*
 * Options as a program writes them, made into those that BullMQ 5.76's Queue.add() stores: `attempts` is always there, a bare backoff becomes
 * an object, long names their short ones. JSON text; free() it. NULL, with ERROR_INPUT: there is one that needs a Queue of BullMQ's,
 * or that Queue.add() refuses.
 */
char *options_for_adding(const char *json, struct error *err) MUST_CHECK;

/* The same for the jobs of a scheduler, as Queue.upsertJobScheduler() stores them: nothing but the names is changed, and nothing is refused. */
char *options_for_schedules(const char *json, struct error *err) MUST_CHECK;
void options_clear(struct options *options);

/*
 * How long to wait before attempt number `attempt` + 1, in ms (BullMQ 5.76). `chance` in [0, 1) is for jitter. False: BACKOFF_UNKNOWN, a type
 * that only the worker's own code could know.
 */
bool options_backoff_ms(const struct options *options, int64_t attempt, double chance, int64_t *delay_ms) MUST_CHECK;

#endif
