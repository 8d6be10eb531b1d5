/*
 * command: what all commands have in common: their options, the help about them, and how a wrong command line is told.
 *
 *     struct arguments { const char *config; bool json; } arguments = { .json = false };
 *     const struct command_option options[] = {
 *         { 'c', "config", "NAME|ID", "only runs of this schedule", .text = &arguments.config },
 *         { 'j', "json", NULL, "print one JSON object", .flag = &arguments.json },
 *         COMMAND_END,
 *     };
 *     const struct command command = { "list", "[OPTION]...", "Print the history of runs.", options, more };
 *
 *     if (!command_read(&command, argc, argv, &status))
 *         return status;
 *
 * --help is added to all. What a command prints goes to standard output, what it complains of to standard error, with its name in front.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/error.h"
#include "common/text.h"

#define COMMAND_VALUES_MAX 64

struct command_values {
    const char *list[COMMAND_VALUES_MAX];
    size_t count;
};

struct command_option {
    char letter;       /* 0: it has only a name */
    const char *name;  /* without its dashes; NULL: the end of the list */
    const char *value; /* what --help calls the value; NULL: a flag */
    const char *help;  /* may have several lines */

    /* where it goes: the last one given counts. Exactly one of them is set */
    bool *flag;
    const char **text;
    struct command_values *values; /* but of these, each one given does */
    int64_t *number;
    int64_t least; /* of `number` */
    int64_t most;
};

/* clang-format off */
#define COMMAND_END { 0, NULL, NULL, NULL, .flag = NULL }
/* clang-format on */

#define COMMAND_OPERANDS_MANY INT_MAX /* as many as are given: the command judges them itself */

struct command {
    const char *name;
    const char *synopsis; /* what follows the name in a command line */
    const char *summary;  /* one or more whole lines, without the last '\n' */
    const struct command_option *options;
    const char *details; /* printed below the options: exit statuses and so on, whole lines without the last '\n' */
    int operands_least;
    int operands_most; /* those are at argv[optind] */
};

/* False: the command is over, well (--help) or not, with this status, and what there is to say has been said. */
bool command_read(const struct command *command, int argc, char **argv, int *status) MUST_CHECK;

/* "weavestream-backup NAME: ..." in one line on standard error, whatever foreign text is in it; hands the status back. */
int command_complain(const char *name, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Each of several lines so, about settings that are missing or wrong. */
int command_complain_of_settings(const char *name, const struct text *problems);

/* What an error means for whoever called: 77 credentials or rights, 78 wrong settings, 69 a server is away. */
int command_status(enum error_code code);

/* At the very end: EX_OK, or EX_IOERR, said, if standard output could not be written. */
int command_finish(const char *name);

#endif
