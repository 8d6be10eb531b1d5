/*
 * hook: BACKUP_AFTER_SUCCESS, a shell command that is run once a dump is in place: to copy it elsewhere, say.
 *
 * It gets our environment without our secrets, and the facts in BACKUP_FILE, BACKUP_MANIFEST, BACKUP_RUN_ID, BACKUP_CONFIG_ID, BACKUP_CONFIG_NAME,
 * BACKUP_SIZE_BYTES, BACKUP_SHA256 and BACKUP_DIRECTORY. It is killed, with its process group, when the worker stops the job or its time is over; its
 * last words go to the job's log.
 */
#ifndef JOBS_HOOK_H
#define JOBS_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"

struct hook_facts {
    const char *directory; /* absolute */
    const char *dump;      /* names of files there */
    const char *manifest;
    const char *run_id;
    const char *config_id;
    const char *config_name;
    int64_t size_bytes;
    const char *sha256;
};

/* True also if there is no command. */
bool hook_run(const struct settings *settings, const struct hook_facts *facts, struct error *err) MUST_CHECK;

#endif
