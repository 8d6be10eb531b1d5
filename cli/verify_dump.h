/* verify_dump: one dump proven, or not, and told: what the commands `verify` and `drill` have in common. */
#ifndef CLI_VERIFY_DUMP_H
#define CLI_VERIFY_DUMP_H

#include <jansson.h>

#include "common/settings.h"

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

/* Whether there is a server for level restore. False: said, and *status is the exit status. */
bool verify_dump_has_server(const char *command, const struct settings *settings, int *status);

#endif
