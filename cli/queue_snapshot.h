/* queue_snapshot: the whole queue at one moment (protocol/snapshot.h), for a command. */
#ifndef CLI_QUEUE_SNAPSHOT_H
#define CLI_QUEUE_SNAPSHOT_H

#include "cli/queue.h"
#include "common/text.h"

/* `out` gets it; it is empty if there was none to have. Errors are those of queue_ask(). */
bool queue_snapshot_take(struct queue *queue, struct text *out, struct error *err) MUST_CHECK;

#endif
