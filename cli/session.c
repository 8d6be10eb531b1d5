#include "cli/session.h"

#include <stdio.h>
#include <sysexits.h>

#include "cli/command.h"
#include "common/log.h"
#include "common/text.h"
#include "jobs/stop.h"

static bool
load_settings(struct session *session, int *status)
{
    struct text problems = TEXT_EMPTY;
    bool ok = settings_load(&session->settings, SETTINGS_JOB, &problems);

    if (!ok)
        *status = command_complain_of_settings(session->command, &problems);
    text_clear(&problems);
    return ok;
}

bool
session_open(struct session *session, const char *command, int *status)
{
    struct moment deadline;
    struct error err;

    *session = (struct session){ .command = command };
    log_start("weavestream-backup-job", LOG_LEVEL_FATAL);
    if (!load_settings(session, status))
        return false;
    deadline = moment_add_ms(moment_now(), session->settings.job_lock_minutes * 60 * 1000);
    if (stop_start(deadline, &err))
        session->database = database_open(&session->settings.database, DATABASE_APPLICATION " command", &err);
    if (session->database == NULL)
        *status = session_fail(session, &err);
    return session->database != NULL;
}

int
session_fail(const struct session *session, const struct error *err)
{
    if (stop_signal() != 0)
        return 128 + stop_signal();
    return command_complain(session->command, command_status(err->code), "%s", err->text);
}

void
session_close(struct session *session)
{
    database_close(session->database);
    session->database = NULL;
    settings_clear(&session->settings);
}
