/* weavestream-backup: the front door. The first word chooses the command; each has a room of its own. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/cron.h"
#include "cli/doctor.h"
#include "cli/enqueue.h"
#include "cli/health.h"
#include "cli/job_program.h"
#include "cli/schedules.h"
#include "cli/screen.h"
#include "cli/status.h"
#include "cli/suggest.h"
#include "cli/worker.h"
#include "common/text.h"

static int print_help(int argc, char **argv);
static int print_version(int argc, char **argv);

/* In the order of the help. `summary` is NULL where it is only another name. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* returns the exit status */
    const char *summary;
} commands[] = {
    { "worker", cli_worker, "take the jobs of the queue, until told to stop" },
    { "run", job_program_become, "make a backup at once, without the queue" },
    { "list", job_program_become, "print the history of runs" },
    { "prune", job_program_become, "delete the dumps that retention does not keep, or tell which" },
    { "enqueue", cli_enqueue, "have a backup made now, by a worker, and follow it to its end" },
    { "status", cli_status, "show how things stand: queue, workers, schedules, lock, disk" },
    { "schedules", cli_schedules, "compare the schedules of the app with those in the queue, and repair them" },
    { "verify", job_program_become, "prove a dump: read it back, compare it with its manifest" },
    { "restore", job_program_become, "put a dump into a database, after a look at both" },
    { "drill", job_program_become, "restore the newest dump into a throw-away database, and compare" },
    { "doctor", cli_doctor, "see whether this installation is fit for backups" },
    { "health", cli_health, "ask the running worker how it is" },
    { "cron", cli_cron, "print when a cron pattern fires next" },
    { "version", print_version, "print the version and exit" },
    { "help", print_help, "print this help, or that of a command, and exit" },
    { "--version", print_version, NULL },
    { "-V", print_version, NULL },
    { "--help", print_help, NULL },
    { "-h", print_help, NULL },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void
add_usage(struct text *out)
{
    text_add(out, "Usage: weavestream-backup COMMAND [OPTION]...\n"
                  "The backup worker of Weavestream: takes jobs from a BullMQ queue, dumps Postgres, proves the dump,\n"
                  "prunes old ones; and what its operators need.\n"
                  "\n"
                  "Commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].summary != NULL)
            text_format(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    text_add(out, "\n'weavestream-backup COMMAND --help' tells more about a command.\n");
}

static int
complain_of_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    const char *closest;
    struct text line = TEXT_EMPTY;
    size_t count = 0;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].summary != NULL)
            names[count++] = commands[i].name;
    closest = suggest_closest(name, names, count);
    text_add(&line, "weavestream-backup: '");
    (void)screen_add_line(&line, name, SCREEN_ENDLESS);
    text_add(&line, "' is no command; ");
    if (closest != NULL)
        text_format(&line, "did you mean '%s'?", closest);
    else
        text_add(&line, "try 'weavestream-backup help'");
    (void)fprintf(stderr, "%s\n", text_string(&line));
    text_clear(&line);
    return EX_USAGE;
}

static int
run_command(int argc, char **argv)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    return complain_of_command(argv[0]);
}

static int
print_help(int argc, char **argv)
{
    static const struct command_option options[] = { COMMAND_END };
    static const struct command command = { "help", "[OPTION]... [COMMAND]",
        "Print what there is, or the help of a command.", options,
        "Exit status: 0 printed, 64 no such command, 74 it cannot be written.", 0, 1 };
    char option[] = "--help";
    struct text out = TEXT_EMPTY;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    if (optind < argc)
        return run_command(2, (char *[]){ argv[optind], option, NULL });
    add_usage(&out);
    (void)fputs(text_string(&out), stdout);
    text_clear(&out);
    return command_finish("help");
}

static int
print_version(int argc, char **argv)
{
    static const struct command_option options[] = { COMMAND_END };
    static const struct command command = { "version", "[OPTION]...", "Print the version.", options,
        "Exit status: 0 printed, 64 wrong usage, 74 it cannot be written.", 0, 0 };
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    (void)puts("weavestream-backup " WEAVESTREAM_VERSION_TEXT);
    return command_finish("version");
}

int
main(int argc, char **argv)
{
    struct text usage = TEXT_EMPTY;

    if (argc >= 2)
        return run_command(argc - 1, argv + 1);
    add_usage(&usage);
    (void)fputs(text_string(&usage), stderr);
    text_clear(&usage);
    return EX_USAGE;
}
