/*
 * stalled: looks for jobs whose worker died, at once when Redis is there and then every stalled_ms, and has them put back.
 *
 * All workers of a queue share one throttle in Redis; a look within somebody else's interval finds nothing and costs nothing.
 */
#ifndef CONSUMER_STALLED_H
#define CONSUMER_STALLED_H

#include "consumer/locks.h"

struct stalled;

/* Before each look our own locks are renewed: after a long sleep of this machine we would else put back what we are running. */
struct stalled *stalled_new(const struct consumer *consumer, struct locks *locks);
void stalled_look(struct stalled *stalled); /* now */
void stalled_free(struct stalled *stalled); /* takes NULL */

#endif
