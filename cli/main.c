/* weavestream-backup: the front door. The first word chooses the command; each has a room of its own. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cron.h"
#include "cli/job_program.h"
#include "cli/worker.h"

static const char usage[] = "Usage: weavestream-backup COMMAND [OPTION]...\n"
                            "The backup worker of Weavestream: takes jobs from a BullMQ queue, dumps Postgres, proves "
                            "the dump, prunes old ones.\n"
                            "\n"
                            "Commands:\n"
                            "  worker     take the jobs of the queue, until told to stop\n"
                            "  verify     prove a dump: read it back, compare it with its manifest\n"
                            "  cron       print when a cron pattern fires next\n"
                            "  version    print the version and exit\n"
                            "  help       print this help and exit\n"
                            "\n"
                            "'weavestream-backup COMMAND --help' tells more about a command.\n";

static int
print_usage(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return fputs(usage, stdout) == EOF ? EX_IOERR : EX_OK;
}

static int
print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return puts("weavestream-backup " WEAVESTREAM_VERSION_TEXT) == EOF ? EX_IOERR : EX_OK;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "worker", cli_worker },
    { "verify", job_program_become },
    { "cron", cli_cron },
    { "version", print_version },
    { "--version", print_version },
    { "-V", print_version },
    { "help", print_usage },
    { "--help", print_usage },
    { "-h", print_usage },
};

int
main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "weavestream-backup: '%s' is no command; try 'weavestream-backup help'\n", argv[1]);
    return EX_USAGE;
}
