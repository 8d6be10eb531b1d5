/*
 * worker: the loop, put together. It knows BullMQ, not backups: queue, concurrency and all programs are its parameters.
 *
 * SIGTERM or SIGINT closes it: no new job; a running one may end within three fifths of shutdown_ms, is then stopped with SIGTERM, with SIGKILL
 * after nine tenths, and goes back to the queue once its process is gone. At shutdown_ms everything is over. A second signal: now.
 */
#ifndef CONSUMER_WORKER_H
#define CONSUMER_WORKER_H

#include <openssl/ssl.h>

#include "common/listen_address.h"
#include "consumer/consumer.h"

struct worker_options {
    const struct keys *keys;
    const char *name; /* BullMQ's worker name, in keys->client_name as well; NULL: none */
    const struct redis_url *redis;
    SSL_CTX *tls;            /* with rediss */
    struct event_base *base; /* of a loop with nothing else in it but the runner's */
    struct runner *runner;
    struct children *children;           /* for the programs beside the jobs */
    char *const *ledger;                 /* the ledger program and its arguments; NULL: none */
    char *const *recovery;               /* the recovery program, the same */
    char *const *facts;                  /* the facts program, the same; used only with `listen` */
    const struct listen_address *listen; /* where to serve health and metrics; NULL: nowhere */
    int64_t facts_ms;                    /* between two looks at the facts */
    const char *version;                 /* of the program, for those who look */
    size_t concurrency;                  /* 1 to WORKER_CONCURRENCY_MAX jobs at a time */
    int64_t lock_ms;                     /* life of a lock, renewed at half */
    int64_t limiter_max;                 /* limiter: jobs per limiter_ms; 0: none of this worker's own */
    int64_t limiter_ms;
    struct consumer_limits limits;
    int64_t shutdown_ms; /* from the signal to the end of everything */
};

#define WORKER_CONCURRENCY_MAX 1000
#define WORKER_CANNOT_LISTEN 69 /* EX_UNAVAILABLE */

/*
 * Runs until a signal ends it. The exit status: 0, all jobs are finished or given back; 1, something could not be given back in time (its lock
 * expires, and another worker takes it over); 128 + the signal's number after a second signal; WORKER_CANNOT_LISTEN, at once.
 */
int worker_run(const struct worker_options *options);

#endif
