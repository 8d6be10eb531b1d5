/*
 * redis: one connection, commands in order, replies in order.
 *
 * The promise: every redis_call() and redis_eval() ends in at most one call of its on_reply, never from inside the call itself: with a
 * reply, or with NULL and an error if the connection is lost first. The reply belongs to us and is gone when on_reply returns; it may be an
 * error reply (redis_check_reply() tells). After redis_free() and redis_forget() nothing is called any more. redis_free() may be called from
 * inside on_reply and on_lost.
 *
 * A connection is lost, for good, when its stream ends or fails, when the other side breaks the protocol, when a reply does not come in
 * time, or when Redis says that it cannot serve us as it is now: it loads its data (LOADING), is or became a replica (READONLY, MASTERDOWN,
 * UNBLOCKED), waits for a script to end (BUSY), or is a node of a cluster that has not our keys, or not all of them (MOVED, ASK, TRYAGAIN,
 * CLUSTERDOWN). Then all outstanding calls get the error, in order, and on_lost is called last. Who wants another connection makes one
 * (protocol/link), and sends again what was not answered: none of it was done, or nobody knows.
 */
#ifndef PROTOCOL_REDIS_H
#define PROTOCOL_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/bufferevent.h>
#include <hiredis/hiredis.h>

#include "common/error.h"
#include "protocol/scripts.h"

struct redis;
typedef void redis_reply_fn(const redisReply *reply, const struct error *err, void *owner);
typedef void redis_lost_fn(const struct error *err, void *owner);

/* Takes the connected stream over and frees it in the end. `patience_ms`: how long a script may take to be answered. */
struct redis *redis_new(struct bufferevent *stream, int64_t patience_ms, redis_lost_fn *on_lost, void *owner);

/* Sends a command of `count` words. on_reply may be NULL: nobody cares. `patience_ms`: how long the reply may take, from now. */
void redis_call(struct redis *redis, size_t count, const char *const *words, const size_t *lengths, int64_t patience_ms,
    redis_reply_fn *on_reply, void *owner);

/*
 * Runs a script with one key. `words` are key and arguments. The first call on a connection tells Redis the script (EVAL), the others name it
 * (EVALSHA), so that calls are run in the order of sending. Only one that Redis has forgotten since (SCRIPT FLUSH) is sent again behind the others.
 */
void redis_eval(struct redis *redis, const struct script *script, size_t count, const char *const *words,
    const size_t *lengths, redis_reply_fn *on_reply, void *owner);

/* The owner goes away: its outstanding replies are dropped when they come. */
void redis_forget(struct redis *redis, const void *owner);
void redis_free(struct redis *redis); /* takes NULL */

/* How many calls were answered so far; one that is answered because the connection is lost does not count. */
size_t redis_answered(const struct redis *redis);

/* "host:port", where Redis sent us with MOVED; the host may be empty: this one. NULL unless the connection was lost for that reason. */
const char *redis_moved_to(const struct redis *redis);

/* Whether it is an error of this code, as "OOM"; also if a script ran into it, which Redis before 7 wraps in an error of its own. */
bool redis_reply_is_error(const redisReply *reply, const char *code);

/* False, with what Redis said, if there is no reply or it is an error: ERROR_LOST, ERROR_DENIED or ERROR_REFUSED. */
bool redis_check_reply(const redisReply *reply, const struct error *lost, struct error *err) MUST_CHECK;

#endif
