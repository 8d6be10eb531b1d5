/*
 * schedulers: BullMQ's job schedulers, as things of a queue.
 *
 * A scheduler here is one with a cron pattern and a zone, as Queue.upsertJobScheduler(id, { pattern, tz }, { name, data, opts }) makes it. When it
 * fires next is found here, by the cron-parsers of both BullMQ versions; the script takes the one of the version that the queue belongs to.
 */
#ifndef PROTOCOL_SCHEDULERS_H
#define PROTOCOL_SCHEDULERS_H

#include "common/clock.h"
#include "protocol/keys.h"
#include "protocol/redis.h"
#include "protocol/timezone.h"

/* Everything belongs to the caller. */
struct scheduler {
    const char *id;
    const char *pattern;
    const char *zone;
    const char *name;    /* of its jobs */
    const char *data;    /* JSON text */
    const char *options; /* JSON text, as options_for_schedules() makes it */
};

/* Whether it can be made: ERROR_INPUT or ERROR_CONFIG if not. */
bool schedulers_check(const struct scheduler *scheduler, struct timezones *zones, struct error *err) MUST_CHECK;

/*
 * Makes it, or makes it anew, with its first job. The answer: that job's id, or -10: a job of that id is there already, and has begun;
 * -12: it never fires.
 */
void schedulers_upsert(struct redis *redis, const struct keys *keys, const struct scheduler *scheduler,
    struct timezones *zones, redis_reply_fn *on_reply, void *owner);

/* Queue.removeJobScheduler(id). The answer: 0, or 1 if there was none. */
void schedulers_remove(
    struct redis *redis, const struct keys *keys, const char *id, redis_reply_fn *on_reply, void *owner);

#endif
