/*
 * snapshot: a queue as it is at one moment: its schedulers, and its jobs that are not done or have failed.
 *
 * At most SNAPSHOT_MOST schedulers, and as many jobs of each state, the latest ones; data longer than SNAPSHOT_DATA_MAX is left out, and all texts
 * together are bounded. Read by one script, which writes nothing.
 */
#ifndef PROTOCOL_SNAPSHOT_H
#define PROTOCOL_SNAPSHOT_H

#include "common/clock.h"
#include "common/text.h"
#include "protocol/keys.h"
#include "protocol/redis.h"

#define SNAPSHOT_MOST 1000
#define SNAPSHOT_DATA_MAX 65536

void snapshot_read(struct redis *redis, const struct keys *keys, redis_reply_fn *on_reply, void *owner);

/*
 * Makes one JSON object, and a newline, of the reply:
 *
 *     {"queue":"backup","prefix":"bull","version":"bullmq:5.76.2","now":1795382600905,"paused":false,"complete":true,
 *      "schedulers":[{"id":"...","next":1795382774000,"fields":{"name":"run","pattern":"...","tz":"...","ic":"3"},
 *                     "job":{"id":"repeat:...:1795382774000","state":"delayed","data":ANY}}],
 *      "jobs":[{"id":"7","name":"run","state":"failed","data":ANY,"timestamp":1795382600000,"failedReason":"..."}]}
 *
 * `version` is null if no Queue object has written one. `complete` is false if there is more than the bounds let through; failed jobs, which pile up,
 * do not count there. `job` is the job of the scheduler's `next`, null if it is gone; its state may also be "completed" or "unknown". `data` is null if it is no JSON or too long. Other
 * states: waiting, paused, prioritized, delayed, active, waiting-children, failed; with the last comes `failedReason`.
 *
 * ERROR_REFUSED, ERROR_LOST: there is no reply. ERROR_INPUT: it is no snapshot.
 */
bool snapshot_describe(const redisReply *reply, const struct error *lost, const struct keys *keys, struct wall now,
    struct text *out, struct error *err) MUST_CHECK;
int64_t snapshot_schedulers(const redisReply *reply); /* how many are in one that could be described */

#endif
