#include "cli/verify.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "common/clock.h"
#include "common/log.h"
#include "jobs/stop.h"
#include "jobs/verify.h"

#define NOT_PROVEN 1

static const char details[] =
    "FILE is an archive of pg_dump's custom format, wherever it lies. Size and SHA-256 are compared with its "
    "manifest,\n"
    "X.manifest.json beside X.dump; so are the rows of each table, if the manifest lists them. Then nothing was lost "
    "or\n"
    "changed since the dump was made. Without a manifest, damage that pg_restore notices is told; but that nothing is\n"
    "missing cannot be proven.\n"
    "\n"
    "The result goes to standard output, why it is not proven to standard error, each in one line. On a terminal, a "
    "bar\n"
    "shows how far it is. Neither Redis nor, below level restore, Postgres is needed; pg_restore is.\n"
    "\n"
    "With --json: file, level, proven, reason (null if it is proven), manifest (its path, or null), sizeBytes, "
    "sha256,\n"
    "tables, rows, largeObjects, sequences (null at level toc), durationMs.\n"
    "\n"
    "Environment, for level restore: BACKUP_DRILL_URL, or else DATABASE_URL, says on which server; its user must be\n"
    "allowed to create databases. The throw-away database is named weavestream_drill_<8 hex digits> and is dropped at\n"
    "the end; one that a killed drill left behind is dropped by the next. BACKUP_MIN_FREE_MB is left free.\n"
    "\n"
    "Exit status: 0 proven (at level toc: readable, and as the manifest says), 1 not proven, 64 wrong usage, 66 no "
    "such\n"
    "file, or none that can be read, 78 wrong settings, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  weavestream-backup verify /backups/weavestream-postgres-2026-11-22T03-00-00Z.dump\n"
    "  BACKUP_DRILL_URL=postgresql://me@localhost/postgres weavestream-backup verify --level restore copy.dump";

struct arguments {
    const char *file;
    const char *manifest;
    enum settings_verify level;
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
    const struct command command = { "verify", "[OPTION]... FILE",
        "Prove that a dump is whole: read it back, and compare it with its manifest.", options, details, 1, 1 };

    *out = (struct arguments){ .level = SETTINGS_VERIFY_FULL };
    if (!command_read(&command, argc, argv, status))
        return false;
    out->file = argv[optind];
    *status = EX_USAGE;
    return level == NULL || take_level(level, &out->level);
}

static void
on_progress(const char *phase, int64_t bytes, int64_t whole, void *owner)
{
    progress_tell(owner, phase, bytes, whole);
}

static void
add_string(struct text *out, const char *key, const char *value)
{
    text_format(out, ",\"%s\":", key);
    if (value == NULL)
        text_add(out, "null");
    else
        text_add_json(out, value, strlen(value));
}

static void
add_number(struct text *out, const char *key, bool known, int64_t value)
{
    text_format(out, known ? ",\"%s\":%" PRId64 : ",\"%s\":null", key, value);
}

/* `reason` is NULL if all is as it should be. */
static void
print_json(
    const struct arguments *arguments, const struct verify_result *result, const char *reason, int64_t duration_ms)
{
    const struct archive_proof *proof = &result->proof;
    bool read = proof->size_bytes > 0;
    bool counted = read && arguments->level != SETTINGS_VERIFY_TOC;
    bool proven = reason == NULL && counted;
    struct text out = TEXT_EMPTY;

    text_add(&out, "{\"file\":");
    text_add_json(&out, arguments->file, strlen(arguments->file));
    add_string(&out, "level", settings_verify_name(arguments->level));
    text_format(&out, ",\"proven\":%s", proven ? "true" : "false");
    add_string(&out, "reason", reason);
    add_string(&out, "manifest", result->manifest.length > 0 ? result->manifest.data : NULL);
    add_number(&out, "sizeBytes", read, proof->size_bytes);
    add_string(&out, "sha256", read ? proof->sha256 : NULL);
    add_number(&out, "tables", counted, (int64_t)proof->contents.count);
    add_number(&out, "rows", counted, proof->contents.rows);
    add_number(&out, "largeObjects", counted, proof->contents.large_objects);
    add_number(&out, "sequences", counted, proof->contents.sequences);
    add_number(&out, "durationMs", true, duration_ms);
    text_add(&out, "}");
    (void)puts(text_string(&out));
    text_clear(&out);
}

static void
add_count(struct text *out, int64_t count, const char *what)
{
    text_format(out, "%" PRId64 " %s%s", count, what, count == 1 ? "" : "s");
}

static void
add_contents(const struct archive_contents *contents, struct text *out)
{
    add_count(out, (int64_t)contents->count, "table");
    text_add(out, " with ");
    add_count(out, contents->rows, "row");
    text_add(out, ", ");
    add_count(out, contents->large_objects, "large object");
    text_add(out, ", ");
    add_count(out, contents->sequences, "sequence");
}

/* What programs and servers say may have several lines. */
static void
print_reason(const char *file, const char *reason)
{
    (void)fprintf(stderr, "weavestream-backup verify: %s: ", file);
    for (const char *c = reason; *c != '\0'; c++)
        (void)fputc(*c == '\n' ? ' ' : *c, stderr);
    (void)fputc('\n', stderr);
}

static void
print_result(const struct arguments *arguments, const struct verify_result *result)
{
    struct text out = TEXT_EMPTY;

    text_format(&out, "%s: ", arguments->file);
    if (arguments->level == SETTINGS_VERIFY_TOC)
        text_add(&out, "table of contents readable, size and SHA-256 as in the manifest");
    else {
        text_add(&out, "proven");
        if (arguments->level == SETTINGS_VERIFY_RESTORE)
            text_add(&out, " by a restore");
        text_add(&out, ": ");
        add_contents(&result->proof.contents, &out);
        text_add(&out, result->facts.has_contents ? ", as in the manifest"
                                                  : "; size and SHA-256 as in the manifest, which lists no tables");
    }
    (void)puts(text_string(&out));
    text_clear(&out);
}

/* What was found is worth telling even where it proves nothing. */
static void
add_reason(
    const struct arguments *arguments, const struct verify_result *result, const struct error *err, struct text *out)
{
    if (err->code != ERROR_CONFLICT)
        text_add(out, "not proven: ");
    else if (arguments->level == SETTINGS_VERIFY_TOC)
        text_add(out, "table of contents readable, but ");
    else {
        text_add(out, arguments->level == SETTINGS_VERIFY_RESTORE ? "restored (" : "whole and readable (");
        add_contents(&result->proof.contents, out);
        text_add(out, "), but ");
    }
    text_add(out, err->text);
}

static int
exit_status(bool ok, const struct verify_result *result, const struct error *err)
{
    if (ok)
        return EX_OK;
    if (result->stage == VERIFY_OPENING)
        return EX_NOINPUT;
    return err->code == ERROR_CONFIG ? EX_UNAVAILABLE : NOT_PROVEN;
}

static int
verify(const struct arguments *arguments, const struct settings *settings)
{
    struct progress progress = { .drawn = false };
    struct verify_order order = { .file = arguments->file,
        .manifest = arguments->manifest,
        .level = arguments->level,
        .settings = settings,
        .on_progress = on_progress,
        .owner = &progress };
    struct verify_result result = VERIFY_RESULT_EMPTY;
    struct moment start = moment_now();
    struct text reason = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    bool ok = stop_start((struct moment){ .ns = STOP_NEVER_NS }, &err) && verify_file(&order, &result, &err);
    int status = exit_status(ok, &result, &err);

    progress_erase(&progress);
    if (stop_signal() != 0)
        status = 128 + stop_signal();
    else {
        if (!ok) {
            add_reason(arguments, &result, &err, &reason);
            print_reason(arguments->file, text_string(&reason));
        } else if (!arguments->json)
            print_result(arguments, &result);
        if (arguments->json)
            print_json(arguments, &result, ok ? NULL : text_string(&reason), moment_ms_between(start, moment_now()));
    }
    text_clear(&reason);
    verify_result_clear(&result);
    return status;
}

int
cli_verify(int argc, char **argv)
{
    struct arguments arguments;
    struct settings settings;
    struct text problems = TEXT_EMPTY;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    log_start("weavestream-backup-job", LOG_LEVEL_WARN);
    if (!settings_load(&settings, arguments.level == SETTINGS_VERIFY_RESTORE ? SETTINGS_DRILL : 0, &problems))
        status = EX_CONFIG;
    else if (arguments.level == SETTINGS_VERIFY_RESTORE && settings.drill.count == 0 && settings.database.count == 0) {
        text_add(&problems,
            "weavestream-backup verify: --level=restore needs a server: set BACKUP_DRILL_URL or DATABASE_URL\n");
        status = EX_CONFIG;
    } else
        status = verify(&arguments, &settings);
    (void)fputs(text_string(&problems), stderr);
    text_clear(&problems);
    settings_clear(&settings);
    return status == EX_OK ? command_finish("verify") : status;
}
