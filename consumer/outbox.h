/*
 * outbox: what a job entails in Redis while it runs, in order, kept until Redis has said yes: the next job of its schedule, and what its
 * process reports.
 *
 * Entries are sent as soon as there is a connection, in a pipeline. When the connection is lost, those without an answer are sent again over
 * the next one, and what Redis refuses only for now (out of memory, say) a second later, then maybe behind what came after it. Adding a job is
 * safe to repeat if it has an id of its own, as the next of a schedule has, and so are schedules; log rows and progress at worst stand there twice.
 */
#ifndef CONSUMER_OUTBOX_H
#define CONSUMER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/report.h"
#include "consumer/consumer.h"

struct outbox;

/* on_change: an answer came; the outbox may be empty now, or small enough again. Not called from inside the functions below. */
struct outbox *outbox_new(const struct consumer *consumer, void (*on_change)(void *owner), void *owner);
void outbox_open(struct outbox *outbox,
    const struct job *job); /* whose job it is from now on; stays the caller's until it is empty */
/* The job that follows this one, if one does and is not waiting here already: before anything else, and whenever Redis may have lost it. */
void outbox_put_renewal(struct outbox *outbox);
void outbox_put(struct outbox *outbox, struct report *report); /* anything but a verdict; takes its members over */
void outbox_send(struct outbox *outbox);  /* there is a connection (again): sends what is not on its way */
void outbox_close(struct outbox *outbox); /* the job is over: progress waits no longer for its second */
bool outbox_is_empty(const struct outbox *outbox);
bool outbox_is_full(const struct outbox *outbox); /* more than a megabyte: read no more from the child for now */
void outbox_drop(struct outbox *outbox);          /* the job is not ours any more: nothing is written */
void outbox_free(struct outbox *outbox);          /* takes NULL */

#endif
