/* consumer: what the rooms of the loop share: the queue, the connection for commands, what runs jobs, and the worker's parameters. */
#ifndef CONSUMER_CONSUMER_H
#define CONSUMER_CONSUMER_H

#include <event2/event.h>

#include "consumer/runner.h"
#include "protocol/commands.h"
#include "protocol/keys.h"
#include "protocol/link.h"
#include "protocol/timezone.h"

/* How patient the worker is, named as BullMQ's Worker options are. */
struct consumer_limits {
    int64_t stalled_ms;           /* stalledInterval: between two looks for stalled jobs; 0: none (skipStalledCheck) */
    int64_t max_stalled;          /* maxStalledCount: a job that stalls more often fails */
    int64_t max_started_attempts; /* maxStartedAttempts: one that is taken more often fails; 0: no limit */
    bool skip_lock_renewal;       /* skipLockRenewal */
    int64_t block_ms;             /* drainDelay: longest wait for a marker while nothing is known to come */
    int64_t rate_limit_ms;        /* maximumRateLimitDelay: longest rest for a rate limit */
    int64_t metrics_points;       /* metrics.maxDataPoints; 0: no metrics */
    struct options_keep on_complete; /* removeOnComplete and removeOnFail, for jobs whose options do not say */
    struct options_keep on_fail;
};

/* Ours, where nothing else is said. BullMQ's drainDelay is 5 s; a marker wakes us at once in either case, and 10 s halve the commands. */
#define CONSUMER_LIMITS                                                                                                \
    ((struct consumer_limits){ .stalled_ms = 10000,                                                                    \
        .max_stalled = 1,                                                                                              \
        .block_ms = 10000,                                                                                             \
        .rate_limit_ms = 30000,                                                                                        \
        .on_complete = OPTIONS_KEEP_ALL,                                                                               \
        .on_fail = OPTIONS_KEEP_ALL })

/* What has happened so far, counted where it happens, for whoever watches (consumer/health). */
struct consumer_counters {
    int64_t completed; /* attempts at jobs, by their verdict; `returned`: all others, from interrupted to rate-limit */
    int64_t failed;
    int64_t returned;
    int64_t renewals; /* of locks: commands that were answered */
    int64_t renewal_failures;
    int64_t locks_lost;
    int64_t renewal_late_ms;   /* the last one: how long after its time it was sent, */
    int64_t renewal_answer_ms; /* and how long its answer took */
    int64_t connects;          /* of the command connection, and of the one that waits */
    int64_t blocking_connects;
};

struct facts;
struct finisher;
struct ledger;
struct recovery;
struct schedules;

struct consumer {
    struct event_base *base;
    const struct keys *keys;
    struct link *command; /* link_redis(command) is NULL while Redis is away */
    struct runner *runner;
    struct finisher *finisher;
    struct consumer_counters *counters;
    struct facts *facts;       /* NULL: none */
    struct ledger *ledger;     /* the same */
    struct recovery *recovery; /* the same */
    struct schedules *schedules;
    struct commands_taking taking;
    const struct consumer_limits *limits;
    struct timezones *zones; /* for schedules */
    bool is_closing;         /* no new job is taken */
};

/* Starts a timer of the loop, or starts it anew. */
static inline void
consumer_set_timer(struct event *timer, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

    (void)event_add(timer, &wait); /* fails only without memory */
}

#endif
