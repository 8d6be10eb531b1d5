/*
 * stalled: looks for jobs whose worker died, at once at the start and then every stalled_ms, and has them put back.
 *
 * It also counts the schedulers, for the ledger: by their loss a wiped Redis is noticed.
 *
 * All workers of a queue share one throttle in Redis; a look within somebody else's interval finds nothing and costs nothing.
 */
#ifndef CONSUMER_STALLED_H
#define CONSUMER_STALLED_H

#include "consumer/locks.h"

struct stalled;

/* Before each look our own locks are renewed: after a long sleep of this machine we would else put back what we are running. */
struct stalled *stalled_new(const struct consumer *consumer, struct locks *locks);
/*
 * Redis is there: renews locks, and looks at once, or after a lost connection an interval later. Locks may have expired while Redis was away, and
 * all workers need their time to renew them: whoever is back first must not take the others for dead.
 */
void stalled_connected(struct stalled *stalled);
void stalled_free(struct stalled *stalled); /* takes NULL */

#endif
