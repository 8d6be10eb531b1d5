#include "cli/drill.h"

#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/verify_dump.h"

static const char details[] =
    "FILE is by default the newest dump in the backup directory, where a bare name is looked for, too. It is\n"
    "read back, compared with its manifest, and restored into a throw-away database, in which the rows of\n"
    "every table are counted; then that database is dropped. What is told at the end is how long a restore\n"
    "takes: the same as `weavestream-backup verify --level=restore FILE`.\n"
    "\n"
    "With --json, what `verify --json` tells; restoreMs is the time of the restore, countMs that of the\n"
    "counting.\n"
    "\n"
    "Environment: BACKUP_STORAGE_DIR, where the dumps are. BACKUP_DRILL_URL, or else DATABASE_URL, says on\n"
    "which server to restore; its user must be allowed to create databases. BACKUP_MIN_FREE_MB is left free.\n"
    "\n"
    "Exit status: 0 it restores, and everything is there; 1 it does not; 64 wrong usage, 66 no such file, or\n"
    "no dump, 69 no pg_restore, or the server is away, 77 it does not let us in, or not create a database,\n"
    "78 wrong settings, or no such database, 130 interrupted.\n"
    "\n"
    "Example, once a week, on a server of its own:\n"
    "  BACKUP_DRILL_URL=postgresql://me@spare/postgres weavestream-backup drill";

struct arguments {
    const char *file; /* NULL: the newest */
    bool json;
};

static int
drill(const struct settings *settings, const void *context)
{
    const struct arguments *arguments = context;
    struct verify_dump what = { "drill", NULL, NULL, SETTINGS_VERIFY_RESTORE, settings };
    struct dump_files files = DUMP_FILES_EMPTY;
    char *file = NULL;
    int status = EX_OK;

    if (arguments->file != NULL)
        what.file = file = dump_files_resolve(settings->storage_directory, arguments->file);
    else if (verify_dump_list("drill", settings, &files, &status))
        what.file = files.paths[files.count - 1];
    if (what.file != NULL)
        status = verify_dump_print(&what, arguments->json);
    dump_files_clear(&files);
    free(file);
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
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    arguments.file = argv[optind];
    return verify_dump_command("drill", SETTINGS_DRILL | SETTINGS_STORE, drill, &arguments);
}
