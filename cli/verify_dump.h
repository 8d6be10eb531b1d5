/* verify_dump: a dump proven, or not, and told: what the commands `verify` and `drill` have in common. */
#ifndef CLI_VERIFY_DUMP_H
#define CLI_VERIFY_DUMP_H

#include <jansson.h>

#include "common/settings.h"
#include "jobs/dump_files.h"

struct verify_dump {
    const char *command;  /* who complains */
    const char *file;     /* as it is told */
    const char *manifest; /* NULL: the one beside the file */
    enum settings_verify level;
    const struct settings *settings;
};

#define VERIFY_DUMP_NOT_PROVEN 1

/*
 * The result goes to standard output, or, if `answer` is not NULL, into a JSON object, the caller's; why it is not proven goes to standard error in
 * either case. Returns the exit status; after a signal (128 and up), nothing has been told, and there is no answer.
 */
int verify_dump(const struct verify_dump *what, json_t **answer);

/* The same, with the answer printed: one JSON object, or a line for people. */
int verify_dump_print(const struct verify_dump *what, bool json);

/* Those of the backup directory; the caller clears `files` in either case. False: there is none, that was said, and *status is the exit status. */
bool verify_dump_list(const char *command, const struct settings *settings, struct dump_files *files, int *status);

/*
 * A command from its settings, with SETTINGS_DRILL in `scopes` if it restores, to its exit status: that of `work`, or what kept it from being
 * begun, which is said.
 */
typedef int verify_dump_work_fn(const struct settings *settings, const void *context);
int verify_dump_command(const char *command, unsigned scopes, verify_dump_work_fn *work, const void *context);

#endif
