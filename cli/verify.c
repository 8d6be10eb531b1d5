#include "cli/verify.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/verify_dump.h"

static const char details[] =
    "FILE is an archive of pg_dump's custom format, wherever it lies; a bare name that is not in the current\n"
    "folder is looked for in the backup directory. Size and SHA-256 are compared with its manifest,\n"
    "X.manifest.json beside X.dump; so are the rows of each table, if the manifest lists them. Then nothing\n"
    "was lost or changed since the dump was made. Without a manifest, damage that pg_restore notices is told;\n"
    "but that nothing is missing cannot be proven.\n"
    "\n"
    "The result goes to standard output, why it is not proven to standard error, each in one line. On a\n"
    "terminal, a bar shows how far it is. Neither Redis nor, below level restore, Postgres is needed;\n"
    "pg_restore is.\n"
    "\n"
    "With --all, the oldest dump is the first, and one that is not proven does not keep the next from being\n"
    "read. A summary comes last.\n"
    "\n"
    "With --json: file, level, proven, reason (null if it is proven), manifest (its path, or null),\n"
    "sizeBytes, sha256, tables, rows, largeObjects, sequences (null at level toc), restoreMs, countMs (null\n"
    "below level restore), durationMs. With --all: directory, level, dumps (a list of those), proven,\n"
    "notProven.\n"
    "\n"
    "Environment: BACKUP_STORAGE_DIR, for --all and bare names. For level restore, BACKUP_DRILL_URL, or else\n"
    "DATABASE_URL, says on which server; its user must be allowed to create databases. The throw-away\n"
    "database is named weavestream_drill_<8 hex digits> and is dropped at the end; one that a killed drill\n"
    "left behind is dropped by the next. BACKUP_MIN_FREE_MB is left free.\n"
    "\n"
    "Exit status: 0 proven (at level toc: readable, and as the manifest says), 1 not proven (with --all: one\n"
    "or more), 64 wrong usage, 66 no such file, or none that can be read (with --all: no dump at all), 69 no\n"
    "pg_restore, or the server for a restore is away, 77 it does not let us in, or not create a database,\n"
    "78 wrong settings, or no such database, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  weavestream-backup verify /backups/weavestream-postgres-2026-11-22T03-00-00Z.dump\n"
    "  weavestream-backup verify --all --json\n"
    "  BACKUP_DRILL_URL=postgresql://me@localhost/postgres weavestream-backup verify --level restore copy.dump";

struct arguments {
    const char *file; /* NULL: all */
    const char *manifest;
    enum settings_verify level;
    bool all;
    bool json;
};

static bool
take_level(const char *argument, enum settings_verify *level)
{
    for (enum settings_verify one = SETTINGS_VERIFY_TOC; one <= SETTINGS_VERIFY_RESTORE; one++)
        if (strcmp(argument, settings_verify_name(one)) == 0) {
            *level = one;
            return true;
        }
    (void)command_complain("verify", EX_USAGE, "--level='%s' is not one of toc, full, restore", argument);
    return false;
}

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const char *level = NULL;
    const struct command_option options[] = {
        { 'a', "all", NULL, "every dump in the backup directory, instead of FILE", .flag = &out->all },
        { 'l', "level", "LEVEL",
            "how far to go (default: full)\n"
            "  toc      the table of contents can be read, size and SHA-256 are right; proves no more\n"
            "  full     all of it is read back, and its rows are counted\n"
            "  restore  and it is restored into a throw-away database, which needs a server",
            .text = &level },
        { 'm', "manifest", "FILE", "the manifest, if it is not beside the dump", .text = &out->manifest },
        { 'j', "json", NULL, "print the result as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { "verify", "[OPTION]... FILE|--all",
        "Prove that a dump is whole: read it back, and compare it with its manifest.", options, details, 0, 1 };

    *out = (struct arguments){ .level = SETTINGS_VERIFY_FULL };
    if (!command_read(&command, argc, argv, status))
        return false;
    out->file = argv[optind];
    *status = EX_USAGE;
    if (out->all == (out->file != NULL)) {
        (void)command_complain("verify", EX_USAGE, "one FILE is wanted, or --all; try --help");
        return false;
    }
    if (out->all && out->manifest != NULL) {
        (void)command_complain("verify", EX_USAGE, "--manifest is for one FILE; with --all each has its own");
        return false;
    }
    return level == NULL || take_level(level, &out->level);
}

static void
print_summary(const struct arguments *arguments, const struct dump_files *files, size_t proven, json_t *answers)
{
    const char *directory = files->directory;
    size_t others = files->count - proven;

    if (arguments->json)
        answer_print(json_pack("{s:o, s:s, s:O, s:I, s:I}", "directory", answer_text(directory), "level",
            settings_verify_name(arguments->level), "dumps", answers, "proven", (json_int_t)proven, "notProven",
            (json_int_t)others));
    else
        (void)printf("%zu dump%s in %s: %zu %s, %zu not\n", files->count, files->count == 1 ? "" : "s", directory,
            proven, arguments->level == SETTINGS_VERIFY_TOC ? "readable" : "proven", others);
}

static int
verify_each(const struct arguments *arguments, const struct settings *settings, const struct dump_files *files)
{
    json_t *answers = json_array();
    size_t proven = 0;
    int status = EX_OK;

    for (size_t i = 0; i < files->count && status < 128; i++) {
        struct verify_dump what = { "verify", files->paths[i], NULL, arguments->level, settings };
        json_t *answer = NULL;
        int one = verify_dump(&what, arguments->json ? &answer : NULL);

        if (answer != NULL)
            (void)json_array_append_new(answers, answer);
        if (one == EX_OK)
            proven++;
        else
            status = one == EX_NOINPUT ? VERIFY_DUMP_NOT_PROVEN : one;
    }
    if (status < 128) /* else interrupted */
        print_summary(arguments, files, proven, answers);
    json_decref(answers);
    return status;
}

static int
verify(const struct settings *settings, const void *context)
{
    const struct arguments *arguments = context;
    struct verify_dump what = { "verify", NULL, arguments->manifest, arguments->level, settings };
    struct dump_files files = DUMP_FILES_EMPTY;
    char *file = NULL;
    int status;

    if (!arguments->all) {
        what.file = file = dump_files_resolve(settings->storage_directory, arguments->file);
        status = verify_dump_print(&what, arguments->json);
    } else if (verify_dump_list("verify", settings, &files, &status))
        status = verify_each(arguments, settings, &files);
    dump_files_clear(&files);
    free(file);
    return status;
}

int
cli_verify(int argc, char **argv)
{
    struct arguments arguments;
    unsigned scopes = SETTINGS_STORE;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    if (arguments.level == SETTINGS_VERIFY_RESTORE)
        scopes |= SETTINGS_DRILL;
    return verify_dump_command("verify", scopes, verify, &arguments);
}
