#include "cli/drill.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/verify_dump.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/text.h"
#include "jobs/dump_files.h"
#include "jobs/stop.h"

static const char details[] =
    "FILE is by default the newest dump in the backup directory. It is read back, compared with its manifest, and\n"
    "restored into a throw-away database, in which the rows of every table are counted; then that database is "
    "dropped.\n"
    "What is told at the end is how long a restore takes: the same as `weavestream-backup verify --level=restore "
    "FILE`.\n"
    "\n"
    "With --json, what `verify --json` tells; restoreMs is the time of the restore, countMs that of the counting.\n"
    "\n"
    "Environment: BACKUP_STORAGE_DIR, where the dumps are. BACKUP_DRILL_URL, or else DATABASE_URL, says on which "
    "server\n"
    "to restore; its user must be allowed to create databases. BACKUP_MIN_FREE_MB is left free.\n"
    "\n"
    "Exit status: 0 it restores, and everything is there; 1 it does not; 64 wrong usage, 66 no such file, or no dump,\n"
    "69 no pg_restore, or the server is away, 78 wrong settings, 130 interrupted.\n"
    "\n"
    "Example, once a week, on a server of its own:\n"
    "  BACKUP_DRILL_URL=postgresql://me@spare/postgres weavestream-backup drill";

struct arguments {
    const char *file;
    bool json;
};

static int
drill_file(const struct arguments *arguments, const char *file, const struct settings *settings)
{
    struct verify_dump what = { "drill", file, NULL, SETTINGS_VERIFY_RESTORE, settings };
    json_t *answer = NULL;
    int status = verify_dump(&what, arguments->json ? &answer : NULL);

    if (answer != NULL)
        answer_print(answer);
    return status;
}

static int
drill_newest(const struct arguments *arguments, const struct settings *settings)
{
    struct dump_files files = DUMP_FILES_EMPTY;
    struct error err;
    int status;

    if (!dump_files_list(settings->storage_directory, &files, &err))
        status = command_complain("drill", EX_NOINPUT, "%s", err.text);
    else if (files.count == 0)
        status = command_complain(
            "drill", EX_NOINPUT, "there is no dump in '%s': is BACKUP_STORAGE_DIR right?", files.directory);
    else
        status = drill_file(arguments, files.paths[files.count - 1], settings);
    dump_files_clear(&files);
    return status;
}

int
cli_drill(int argc, char **argv)
{
    struct arguments arguments = { .file = NULL };
    const struct command_option options[] = {
        { 'j', "json", NULL, "print the result as one JSON object", .flag = &arguments.json },
        COMMAND_END,
    };
    const struct command command = { "drill", "[OPTION]... [FILE]",
        "Restore a dump into a throw-away database, and see whether everything is there.", options, details, 0, 1 };
    struct text problems = TEXT_EMPTY;
    struct settings settings;
    struct error err;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    arguments.file = argv[optind];
    log_start("weavestream-backup-job", LOG_LEVEL_WARN);
    status = EX_CONFIG;
    if (!settings_load(&settings, SETTINGS_DRILL | SETTINGS_STORE, &problems))
        (void)fputs(text_string(&problems), stderr);
    else if (!verify_dump_has_server("drill", &settings, &status))
        ; /* said */
    else if (!stop_start((struct moment){ .ns = STOP_NEVER_NS }, &err))
        status = command_complain("drill", EX_OSERR, "%s", err.text);
    else
        status = arguments.file == NULL ? drill_newest(&arguments, &settings)
                                        : drill_file(&arguments, arguments.file, &settings);
    text_clear(&problems);
    settings_clear(&settings);
    return status == EX_OK ? command_finish("drill") : status;
}
