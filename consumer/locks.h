/*
 * locks: keeps the locks of the active jobs.
 *
 * Every half of a lock's life, all of them in one command; also at once when Redis is there again. A lock that somebody else holds is told
 * to its slot (slot_lose).
 */
#ifndef CONSUMER_LOCKS_H
#define CONSUMER_LOCKS_H

#include "consumer/slot.h"

struct locks;

struct locks *locks_new(
    const struct consumer *consumer, struct slot *const *slots, size_t count); /* both stay the caller's */
void locks_renew(struct locks *locks);                                         /* now */
void locks_free(struct locks *locks);                                          /* takes NULL */

#endif
