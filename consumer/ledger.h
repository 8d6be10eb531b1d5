/*
 * ledger: runs the ledger program, which compares what should be in the queue with what is there.
 *
 *     IDLE --due, or asked for--> READING the snapshot --> RUNNING the program --over--> WRITING what it said --written--> IDLE
 *
 * It is a child (consumer/child) with a snapshot of the queue (protocol/snapshot) on its standard input. It may say `add`, `schedule` and
 * `unschedule`, and `log`, which goes to our own log. Its verdict: `completed`, it is run again in an hour; `delay`, at that time, an hour at
 * most; anything else, after a minute, which doubles up to an hour.
 *
 * There is never more than one: who asks meanwhile has it run once more, a second later, or a minute later if the last one failed. If Redis goes
 * away in the middle, what was said is written when it is back, and then all of it is done again; but a snapshot that was lost counts as a
 * failure: maybe it is what the connection cannot bear. It is also run when Redis is there for the first time, or is another one than before.
 *
 * All functions but the first take NULL, for a worker without a ledger.
 */
#ifndef CONSUMER_LEDGER_H
#define CONSUMER_LEDGER_H

#include "consumer/child.h"
#include "consumer/consumer.h"

struct ledger;

#define LEDGER_LIMIT_MS 120000
#define LEDGER_RETRY_MS 60000

struct ledger_options {
    struct children *children;
    char *const *argv; /* as child_start() takes it; stays the caller's */
    int64_t limit_ms;  /* how long it may take; then it is stopped */
    int64_t retry_ms;  /* after the first failure; after each further one twice as long, an hour at most */
    void (*on_stopped)(void *owner); /* after ledger_stop(), but not from inside it */
    void *owner;
};

struct ledger *ledger_new(const struct consumer *consumer, const struct ledger_options *options);
void ledger_connected(struct ledger *ledger); /* Redis is there (again) */
void ledger_ask(struct ledger *ledger);       /* something has happened: soon */
void ledger_saw(
    struct ledger *ledger, int64_t schedulers); /* so many there are: fewer than last time, and it is asked for */
void ledger_stop(struct ledger *ledger, int64_t grace_ms); /* for good: SIGTERM, and SIGKILL after that time */
bool ledger_is_stopped(const struct ledger *ledger);
void ledger_free(struct ledger *ledger); /* a child that is still there stays with the children */

#endif
