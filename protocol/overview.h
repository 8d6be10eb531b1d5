/*
 * overview: how a queue stands: how many jobs are in which state, which are active, which schedulers there are, and which workers.
 *
 * Read by one script, which writes nothing; the workers are those connections that BullMQ's queue.getWorkers() counts as such, but for
 * those to other databases of the server.
 * What somebody else wrote may be missing or nonsense: then it is NULL or 0 here. Strings are the overview's.
 */
#ifndef PROTOCOL_OVERVIEW_H
#define PROTOCOL_OVERVIEW_H

#include "protocol/keys.h"
#include "protocol/redis.h"

#define OVERVIEW_MOST 1000 /* active jobs, and schedulers, that are listed */

enum overview_state {
    OVERVIEW_WAITING,
    OVERVIEW_PRIORITIZED,
    OVERVIEW_DELAYED,
    OVERVIEW_WAITING_CHILDREN,
    OVERVIEW_ACTIVE,
    OVERVIEW_COMPLETED,
    OVERVIEW_FAILED,
    OVERVIEW_STATES,
};

struct overview_job {
    char *id;
    char *name;
    char *data;         /* as in Redis; need not be JSON */
    int64_t started_ms; /* when this attempt began, in Unix ms */
    char *worker;       /* the name of the one that has it; most have none */
    char *token;        /* of its lock; NULL: nobody has it */
    int64_t lock_ms;    /* for how long the lock is still good */
    char *progress;     /* as in Redis; need not be JSON */
    int64_t attempts;   /* started so far, this one included */
};

struct overview_scheduler {
    char *id;
    int64_t next_ms; /* Unix ms */
    char *pattern;
    char *zone;
};

struct overview {
    char *version; /* "bullmq:5.76.2"; NULL: no Queue object has opened it yet */
    bool is_paused;
    int64_t counts[OVERVIEW_STATES];
    struct overview_job *jobs;
    size_t job_count;
    struct overview_scheduler *schedulers;
    size_t scheduler_count;
};

#define OVERVIEW_EMPTY ((struct overview){ .version = NULL })

void overview_ask(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner);
/* ERROR_REFUSED, ERROR_LOST: there is no reply. ERROR_INPUT: it is no overview. The caller clears `out` if it could be read. */
bool overview_read(
    const redisReply *reply, const struct error *lost, struct overview *out, struct error *err) MUST_CHECK;
void overview_clear(struct overview *overview);

struct overview_worker {
    char *name;     /* NULL: none */
    char *address;  /* "host:port", as the server sees it */
    char *library;  /* of its client, as "ioredis"; NULL: it does not say, or the server is older than 7.2 */
    int64_t age_ms; /* of its connection, to the second */
};

struct overview_workers {
    struct overview_worker *list;
    size_t count;
};

#define OVERVIEW_WORKERS_EMPTY ((struct overview_workers){ .list = NULL })

/* `reply` is that to CLIENT LIST, `database` the number of the queue's. Errors as above. */
bool overview_read_workers(const redisReply *reply, const struct error *lost, const struct keys *keys, int database,
    struct overview_workers *out, struct error *err) MUST_CHECK;
void overview_workers_clear(struct overview_workers *workers);

#endif
