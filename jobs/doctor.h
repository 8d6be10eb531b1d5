/*
 * doctor: is this installation fit for backups? What can be asked of Postgres, the backup directory and the mail server.
 *
 * One table of checks (doctor.c); each looks at one thing, in some seconds, and has one finding. What a check needs that is not there, such as
 * Postgres, makes it FINDING_UNKNOWN: the others go on. Nothing is changed, but for an empty temporary file that is made and removed again.
 *
 * The other half, what Redis knows, is the front door's (cli/doctor_queue); the snapshot of the queue comes from there.
 */
#ifndef JOBS_DOCTOR_H
#define JOBS_DOCTOR_H

#include "common/finding.h"
#include "common/settings.h"

#define DOCTOR_LIMIT_MS 60000 /* for all of it; each thing that is waited for has less */
#define DOCTOR_INPUT_MAX ((size_t)64 * 1024 * 1024)

typedef void doctor_found_fn(const struct finding *finding, void *owner);

struct doctor_order {
    const struct settings *settings; /* of SETTINGS_JOB */
    bool settings_are_good;          /* false: only what hangs on none but the directory is checked */
    const char *snapshot;            /* of the queue (protocol/snapshot.h), `length` bytes; 0: there is none */
    size_t length;
    doctor_found_fn *on_found; /* as they come */
    void *owner;
};

void doctor_look(const struct doctor_order *order);

#endif
