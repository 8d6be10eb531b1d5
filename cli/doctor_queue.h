/*
 * doctor_queue: what `doctor` asks of Redis: is it fit for a queue, and who works on this one?
 *
 * One table of checks, as in jobs/doctor, which has the other half and is given the snapshot of the queue that is taken here.
 */
#ifndef CLI_DOCTOR_QUEUE_H
#define CLI_DOCTOR_QUEUE_H

#include "common/finding.h"
#include "common/settings.h"

typedef void doctor_queue_found_fn(const struct finding *finding, void *owner);

/* `settings` NULL: they are wrong. `snapshot` stays empty if the queue cannot be asked. */
void doctor_queue_look(
    const struct settings *settings, doctor_queue_found_fn *on_found, void *owner, struct text *snapshot);

#endif
