/*
 * health: how this worker is, as one JSON object, for those who ask (consumer/http): probes, Prometheus, people.
 *
 *     {"now":TIME,"startedAt":TIME,"version":"...","queue":"backup","prefix":"bull","worker":UUID,
 *      "ready":true,"problems":[{"about":"redis","text":"..."}],
 *      "redis":{"connected":true,"waiting":true,"server":"7.0.15","connects":N,"waitingConnects":N},
 *                                                     waiting: the connection on which the worker waits for jobs
 *      "loop":{"lagMs":N},                            how late the last tick of a timer of ours was
 *      "locks":{"renewals":N,"failures":N,"lost":N,"lateMs":N,"answerMs":N},
 *      "attempts":{"completed":N,"failed":N,"returned":N},
 *      "active":[{"id":"7","name":"run","attempt":N,"startedAt":TIME,"progress":ANY}],
 *      "queueJobs":{"waiting":N,...},"paused":false,  of the whole queue; null: not known
 *      "facts":FACTS,"factsAgeMs":N,                  as the facts program told them (consumer/facts); null: not known
 *      "factsLooks":N}                                how often it has looked; null: there is none
 *
 * It is ready if a job that came now would be taken, and nothing is known that would make it fail: `problems` are what speaks against it, about
 * "redis", "facts" (nobody knows them), or whatever the facts know. That all slots are busy, or that somebody has paused the queue, is no problem. Nobody asks Redis or anything else when this is made.
 */
#ifndef CONSUMER_HEALTH_H
#define CONSUMER_HEALTH_H

#include <jansson.h>

#include "consumer/fetch.h"
#include "consumer/slot.h"

struct health;

/* All of it stays the caller's. */
struct health_options {
    const struct consumer *consumer;
    const struct fetch *fetch;
    struct slot *const *slots;
    size_t slot_count;
    const char *worker;  /* its UUID */
    const char *version; /* of the program */
    int64_t period_ms;   /* between two looks at the queue */
};

struct health *health_new(const struct health_options *options);
json_t *health_describe(const struct health *health); /* the caller's */
void health_free(struct health *health);              /* takes NULL */

/* A time in such an object, in Unix milliseconds; -1: there is none. */
int64_t health_time_ms(const json_t *time);

#endif
