/*
 * mail: tells the people of a schedule how its run went.
 *
 * Who gets it is read from the config, how it is sent from the app's row of mail settings. A mail takes MAIL_MS at most, is given up
 * when the worker stops the job, and must hold up nobody: whoever sends one gave the advisory lock back before.
 */
#ifndef JOBS_MAIL_H
#define JOBS_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/settings.h"
#include "jobs/database.h"

#define MAIL_MS 30000

struct mail {
    const char *config_id;
    const char *error;       /* NULL: the run succeeded */
    const char *explanation; /* what else is known of the error; NULL: nothing */
    const char *filename;
    int64_t size_bytes;
    const char
        *after_success; /* why what was to follow a success went wrong: that is told in any case; NULL: it did not */
};

/* True also if there was nothing to send, and nobody to send it to. False: the caller warns; no outcome depends on it. */
bool mail_send(
    struct database *database, const struct settings *settings, const struct mail *mail, struct error *err) MUST_CHECK;

#endif
