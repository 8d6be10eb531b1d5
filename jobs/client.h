/*
 * client: pg_dump, pg_restore and psql on a database, connected as our own sessions are.
 *
 * The password never stands in an argument list or an environment: the program reads it from a password file that exists only as an open
 * descriptor of ours. Its sessions have the same settings as ours (jobs/database), whatever the URL's own `options` say.
 */
#ifndef JOBS_CLIENT_H
#define JOBS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"
#include "jobs/database.h"
#include "jobs/process.h"

struct client_command {
    const char *const *argv;         /* without the connection; NULL at its end */
    const char *application;         /* the name of its sessions */
    const struct database *database; /* open: where to connect, the server's version and the password are its */
    const char *dbname;              /* another database of that server; NULL: the same */
    int input;                       /* as struct process_command has it */
    int64_t *bytes_read;      /* by the program so far, at each tick; -1: not known. NULL: nobody wants to know */
    process_tick_fn *on_tick; /* as process_finish() has it */
    void *owner;
};

/*
 * Runs the program to its end; `words` gets what it said although it succeeded. ERROR_LOST: the connection or the program itself was killed;
 * try again.
 */
bool client_run(const struct client_command *command, struct text *words, struct error *err) MUST_CHECK;

/* Whether the programs can be given this password. ERROR_CONFIG: it has a line break. */
bool client_check_password(const char *password, struct error *err) MUST_CHECK;

/* One line of a password file, for any server. Errors as above. */
bool client_add_password_line(const char *password, struct text *out, struct error *err) MUST_CHECK;

#endif
