/*
 * session: what the commands begin with that ask Postgres or look into the backup directory: the settings, signals that stop
 * them, and a session with the database.
 *
 * A command may go on for as long as a job of the queue may (BACKUP_JOB_LOCK_MINUTES). What is wrong is said with the command's name, and is an exit status. The log is silent: whatever a person should know, the command says.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>

#include "common/error.h"
#include "common/settings.h"
#include "jobs/database.h"

struct session {
    const char *command;
    struct settings settings;
    struct database *database;
};

/* False: *status says why. The caller closes it in either case. */
bool session_open(struct session *session, const char *command, int *status) MUST_CHECK;

/* Tells the error, unless the person has stopped it, and hands back the exit status. */
int session_fail(const struct session *session, const struct error *err);
void session_close(struct session *session);

#endif
