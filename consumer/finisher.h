/*
 * finisher: outcomes that are ready at the same time are written by one call, which also takes as many jobs anew (protocol/commands).
 *
 * An outcome waits until the end of the loop's turn at most, and no longer than until half of the busy slots wait: so Redis has the one half
 * while we have the other. A call that Redis refuses as a whole is made again for each of its jobs alone, so that one that is broken does not hold
 * up the others; a script that fails in the middle has written some of them by then.
 */
#ifndef CONSUMER_FINISHER_H
#define CONSUMER_FINISHER_H

#include "consumer/consumer.h"

/* One outcome. It stays the owner's, unchanged, until it is answered or forgotten. */
struct finisher_item {
    struct commands_finish finish;
    /* With the answer for this job; or with NULL or an error reply, as protocol/redis has them. */
    redis_reply_fn *on_reply;
    void *owner;
    bool is_repeated; /* ours: it was sent before, together with others, and refused; it may have been written */
};

struct finisher;

struct finisher *finisher_new(const struct consumer *consumer);
void finisher_add_busy(struct finisher *finisher, int change); /* +1: a slot has a job now; -1: it has none any more */
void finisher_put(struct finisher *finisher, struct finisher_item *item); /* only while there is a connection */
void finisher_forget(struct finisher *finisher, const void *owner); /* who goes away, and is not answered any more */
void finisher_free(struct finisher *finisher);                      /* takes NULL */

#endif
