/* queue_look: what commands see of the queue: how it stands, who works on it, and all that a ledger must know. */
#ifndef CLI_QUEUE_LOOK_H
#define CLI_QUEUE_LOOK_H

#include "cli/queue.h"
#include "common/text.h"
#include "protocol/overview.h"

/* Errors as queue_ask() has them. The caller clears what could be read. */
bool queue_look_overview(struct queue *queue, struct overview *out, struct error *err) MUST_CHECK;
bool queue_look_workers(struct queue *queue, struct overview_workers *out, struct error *err) MUST_CHECK;

/* As snapshot_describe() writes it, in place of what is in `out`; after a failure nothing is. */
bool queue_look_snapshot(struct queue *queue, struct text *out, struct error *err) MUST_CHECK;

#endif
