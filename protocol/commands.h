/*
 * commands: one function per BullMQ operation that a worker needs, each one round trip.
 *
 * All of them send and return; the answer goes to on_reply (protocol/redis). The pure commands_read_*() functions make sense of it. Times are
 * Unix milliseconds from our own clock, as BullMQ's are. Operations on a job that we hold name it by `struct commands_hold`, and are refused
 * with a negative code, nothing changed, if we do not hold it any more:
 *
 *     -1 the job's hash is gone   -2 its lock is gone   -3 it is not in `active`   -6 its lock is somebody else's
 *     -4 it has children that are not done yet, and   -9 one of its children failed: it cannot be completed
 */
#ifndef PROTOCOL_COMMANDS_H
#define PROTOCOL_COMMANDS_H

#include "common/clock.h"
#include "protocol/job.h"
#include "protocol/keys.h"
#include "protocol/redis.h"
#include "protocol/repeat.h"

/* A job that we hold. Everything belongs to the caller. */
struct commands_hold {
    const char *id;
    const char *token;   /* of its lock */
    const char *attempt; /* `ats` of the attempt that we started, as text */
};

/* How to take a job. */
struct commands_taking {
    int64_t lock_ms;
    const char *worker_name; /* NULL: none */
    int64_t limiter_max;     /* this worker's own rate limit, in jobs per limiter_ms; 0: none */
    int64_t limiter_ms;
};

/* What came of fetching: a job, or why there is none. */
struct commands_fetched {
    bool has_job;
    struct job job;          /* the caller's to clear if has_job */
    int64_t limited_ms;      /* a rate limit: nothing before that; 0: none */
    int64_t next_delayed_ms; /* Unix ms of the next delayed job; 0: none known */
};

void commands_fetch(struct redis *redis, const struct keys *keys, const struct commands_taking *taking,
    const char *token, redis_reply_fn *on_reply, void *owner);

/* Reads the reply to a fetch, or to a finish that was not refused. ERROR_REFUSED: Redis said no. ERROR_INPUT: what it said is no answer. */
bool commands_read_fetched(
    const redisReply *reply, const struct error *lost, struct commands_fetched *out, struct error *err) MUST_CHECK;

/* Moves a job to completed (`failed` false; `outcome` is JSON) or failed (`outcome` is the reason). Everything belongs to the caller. */
struct commands_finish {
    struct commands_hold hold;
    bool failed;
    const char *outcome;
    const char *stacktrace; /* failed only: JSON text of an array */
    int64_t attempts_made;  /* this one included */
    int64_t attempts;       /* the job's option */
    struct options_keep keep;
    const char *deduplication_id; /* the job's; NULL: none */
};

/*
 * Does so with `count` jobs, 1 to COMMANDS_FINISH_MAX, and takes as many others if `fetch`, each with the token of one that is finished. With
 * metrics_points, minutes to keep numbers for, they are counted. The answer is a list with one for each job, in order: as to a fetch, or a code.
 */
#define COMMANDS_FINISH_MAX ((size_t)100)
void commands_finish(struct redis *redis, const struct keys *keys, const struct commands_taking *taking, bool fetch,
    int64_t metrics_points, size_t count, const struct commands_finish *const *finishes, redis_reply_fn *on_reply,
    void *owner);

/*
 * Back to the front of the queue; no attempt is counted. With limit_ms, the queue's rate limit counts as reached for so long. The answer: for how
 * long it is, in ms, or a negative code.
 */
void commands_release(struct redis *redis, const struct keys *keys, const struct commands_hold *hold, int64_t limit_ms,
    redis_reply_fn *on_reply, void *owner);

/* A failed attempt that is to be repeated at once, or after delay_ms; then the next job is taken, if `fetch`, as by a finish. */
struct commands_retry {
    int64_t delay_ms;      /* 0: at once */
    int64_t attempts_made; /* this one included */
    bool lifo;
    const char *reason;
    const char *stacktrace;
    bool fetch;
};
void commands_retry(struct redis *redis, const struct keys *keys, const struct commands_taking *taking,
    const struct commands_hold *hold, const struct commands_retry *retry, redis_reply_fn *on_reply, void *owner);

/* To delayed until then; no attempt is counted. */
void commands_delay(struct redis *redis, const struct keys *keys, const struct commands_hold *hold, struct wall until,
    redis_reply_fn *on_reply, void *owner);

/*
 * The code of finish, release, retry, delay, progress, log, data or renew: 0 (or more) done, negative refused; 0 for the id that adding a job answers.
 * Errors as commands_read_fetched().
 */
bool commands_read_code(const redisReply *reply, const struct error *lost, int64_t *code, struct error *err) MUST_CHECK;

/* Renews locks. The answer is a list: id and token, in turn, of those no longer ours. */
void commands_extend_locks(struct redis *redis, const struct keys *keys, int64_t lock_ms, size_t count,
    const struct commands_hold *holds, redis_reply_fn *on_reply, void *owner);

/* Puts back jobs whose worker died; none if somebody looked within `interval_ms`. One that has stalled more than `max_stalled` times is to be failed
 * by whoever takes it next. */
void commands_recover_stalled(struct redis *redis, const struct keys *keys, int64_t interval_ms, int64_t max_stalled,
    redis_reply_fn *on_reply, void *owner);

/* What a look for them found: how many schedulers the queue has, and the ids of the jobs, which stay the reply's. */
struct commands_recovered {
    int64_t schedulers;
    size_t count;
    redisReply *const *ids;
};
bool commands_read_recovered(
    const redisReply *reply, const struct error *lost, struct commands_recovered *out, struct error *err) MUST_CHECK;

bool commands_read_list(
    const redisReply *reply, const struct error *lost, struct error *err) MUST_CHECK; /* of strings */

void commands_progress(struct redis *redis, const struct keys *keys, const char *id, const char *progress,
    redis_reply_fn *on_reply, void *owner);
void commands_log(struct redis *redis, const struct keys *keys, const char *id, const char *row, int64_t keep_logs,
    redis_reply_fn *on_reply, void *owner);

void commands_data(struct redis *redis, const struct keys *keys, const char *id, const char *data,
    redis_reply_fn *on_reply, void *owner);

/* Adds a job; `options_text` is stored as it is, `options` is what it says. The answer is the id. */
void commands_add(struct redis *redis, const struct keys *keys, const char *name, const char *data,
    const char *options_text, const struct options *options, redis_reply_fn *on_reply, void *owner);

/* Makes the job that follows `job`, as `repeat` says; REPEAT_ENDS is none to make. The answer is a code, 0 as well if there was none to make any more. */
void commands_renew(struct redis *redis, const struct keys *keys, const struct job *job, const struct repeat *repeat,
    redis_reply_fn *on_reply, void *owner);

/*
 * Blocks until a job may be runnable, at most `wait_ms` (1 at least), on a connection of its own. The answer, nothing or a marker, is read by
 * commands_read_marker(): Unix ms of when to look again, 0 for now.
 */
void commands_wait(
    struct redis *redis, const struct keys *keys, int64_t wait_ms, redis_reply_fn *on_reply, void *owner);
bool commands_read_marker(
    const redisReply *reply, const struct error *lost, int64_t *due_ms, struct error *err) MUST_CHECK;

#endif
