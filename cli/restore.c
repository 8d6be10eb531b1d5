#include "cli/restore.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/restore_show.h"
#include "common/log.h"
#include "common/settings.h"
#include "jobs/client.h"
#include "jobs/dump_files.h"
#include "jobs/restore.h"
#include "jobs/stop.h"

#define NAME "restore"
#define FAILED 1
#define MB (INT64_C(1024) * 1024)

static const char details[] =
    "First it looks at the dump and at the target, and says what it found, one line per check: ok, warn (go\n"
    "on, but know), or refused. With --plan that is all; without, nothing is restored if anything is refused:\n"
    "\n"
    "  checksum    size and SHA-256 are those of the manifest beside the dump\n"
    "  archive     all of it can be read, and it has the rows that the manifest lists\n"
    "  tables      those named with --table are in it\n"
    "  server      the target is not of an older major version than the server that was dumped\n"
    "  target      the database is there, and empty; else --clean is needed; it has the schemas of single\n"
    "              tables, and with --clean no views or foreign keys of others that hang on them\n"
    "  sessions    nobody else is in it; while it is empty, that is only a warning\n"
    "  space       there is room, if that can be seen: the server is on this host, and the user may ask\n"
    "  migrations  the app with --migrations is not older than the dump's\n"
    "  passwords   the --env-file has the key of the dump's stored passwords\n"
    "\n"
    "Then it does what the user guide says: pg_restore --no-owner --no-acl, in one transaction, so that a\n"
    "restore that fails has changed nothing; with --clean also --clean --if-exists. Whoever comes into the\n"
    "database meanwhile and holds what is to be dropped is waited for ten seconds; then the restore ends, and\n"
    "says who it is. The rows of every table are counted afterwards, and what is left to do is listed. Roles\n"
    "are not in a dump: everything belongs to the user of the URL.\n"
    "\n"
    "A FILE that is a bare name and not in the current folder is looked for in BACKUP_STORAGE_DIR. One packed\n"
    "by gzip is a script (pg_dump | gzip), and goes through psql in one transaction. It has no manifest: that\n"
    "nothing is missing in it cannot be checked, and rows cannot be compared.\n"
    "\n"
    "The URL is Prisma's, as in DATABASE_URL. A password in --to can be seen by others in the list of\n"
    "processes until this program has overwritten it; better leave it out and set PGPASSWORD, or name a\n"
    "variable with --to-env. No other program is ever given it on its command line.\n"
    "\n"
    "With --json: file, host, database, planOnly, checks (name, verdict, text), refused (how many), restored,\n"
    "compared, reason, warnings (what pg_restore or psql said although it succeeded), tables, rows,\n"
    "restoreMs, countMs, checklist (text, done). Where there is a reason, standard error has it as well.\n"
    "\n"
    "Exit status: 0 restored, with all rows (with --plan: nothing is refused), 1 refused or failed, 64 wrong\n"
    "usage, 66 no such file, or none that can be read, 69 the server is away, or no pg_restore (psql, gzip)\n"
    "is here, 74 the answer cannot be written, 77 the server does not let us in, 78 wrong settings, or no\n"
    "such database, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  weavestream-backup restore --plan --to-env DATABASE_URL --env-file .env \\\n"
    "      weavestream-postgres-2026-11-22T03-00-00Z.dump\n"
    "  PGPASSWORD=... weavestream-backup restore --to postgresql://weavestream@localhost/weavestream copy.dump";

struct arguments {
    const char *file;
    const char *to;
    const char *to_env;
    const char *env_file;
    const char *migrations;
    struct command_values tables;
    int64_t jobs;
    bool plan;
    bool clean;
    bool json;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 't', "to", "URL", "the target, as postgresql://user@host:5432/database", .text = &out->to },
        { 0, "to-env", "NAME", "the target is in this environment variable", .text = &out->to_env },
        { 'p', "plan", NULL, "only look, and say what would be", .flag = &out->plan },
        { 'c', "clean", NULL, "drop in the target what the dump brings, before it does", .flag = &out->clean },
        { 'n', "jobs", "N",
            "restore over N connections at once: faster, but not in one transaction: what fails\n"
            "leaves behind what was done",
            .number = &out->jobs, .least = 1, .most = 64 },
        { 'T', "table", "NAME",
            "only this table, as assets or public.assets, and its rows; no indexes, constraints or\n"
            "triggers, so best into a database of its own; may be given again",
            .values = &out->tables },
        { 'e', "env-file", "FILE", "the new host's .env (-: standard input), to look for the dump's password key",
            .text = &out->env_file },
        { 'm', "migrations", "DIR", "the new host's packages/db/prisma/migrations, to compare with the dump's",
            .text = &out->migrations },
        { 'j', "json", NULL, "print the result as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { NAME, "[OPTION]... {--to=URL|--to-env=NAME} FILE",
        "Put a dump into a database, after a look at both.", options, details, 1, 1 };

    *out = (struct arguments){ .jobs = 1 };
    if (!command_read(&command, argc, argv, status))
        return false;
    out->file = argv[optind];
    if ((out->to == NULL) != (out->to_env == NULL))
        return true;
    *status = command_complain(NAME, EX_USAGE, "one of --to=URL and --to-env=NAME is wanted; try --help");
    return false;
}

/* A value is the end of an argument: `--to URL`, `--to=URL` or `-tURL`. */
static void
overwrite(int argc, char **argv, const char *value)
{
    size_t length = strlen(value);

    for (int i = 0; i < argc; i++) {
        size_t whole = strlen(argv[i]);

        if (whole >= length && argv[i] + whole - length == value)
            memset(argv[i] + whole - length, '*', length);
    }
}

/* The URL's password, or else the one that libpq takes. */
static bool
check_password(const struct postgres_url *url, struct error *err)
{
    const char *password = secret_reveal(&url->password);

    if (password == NULL)
        password = getenv("PGPASSWORD");
    return password == NULL || client_check_password(password, err);
}

static bool
find_target(int argc, char **argv, const struct arguments *arguments, struct postgres_url *url, int *status)
{
    const char *string = arguments->to != NULL ? arguments->to : getenv(arguments->to_env);
    struct error err;
    bool ok;

    *status = arguments->to != NULL ? EX_USAGE : EX_CONFIG;
    if (string == NULL || *string == '\0') {
        (void)command_complain(NAME, *status, "--to-env: the environment variable '%s' is not set", arguments->to_env);
        return false;
    }
    ok = postgres_url_parse(string, url, &err) && check_password(url, &err);
    if (arguments->to != NULL)
        overwrite(argc, argv, arguments->to);
    if (!ok)
        (void)command_complain(NAME, *status, "%s: %s", arguments->to != NULL ? "--to" : arguments->to_env, err.text);
    return ok;
}

struct show {
    struct progress progress;
    bool json;
};

static void
on_check(const struct restore_check *check, void *owner)
{
    struct show *show = owner;

    progress_erase(&show->progress);
    if (!show->json)
        restore_show_check(check);
}

static void
on_progress(const char *phase, int64_t bytes, int64_t whole, void *owner)
{
    struct show *show = owner;

    progress_tell(&show->progress, phase, bytes, whole);
}

static int
refuse(const struct restore_plan *plan, struct text *reason)
{
    text_format(reason, "nothing was restored: %zu check%s refused", plan->refused, plan->refused == 1 ? "" : "s");
    if (plan->file_missing)
        return EX_NOINPUT;
    if (plan->server_failure != ERROR_NONE && plan->server_failure != ERROR_REFUSED)
        return command_status(plan->server_failure);
    return plan->client_missing ? EX_UNAVAILABLE : FAILED;
}

/* What a person has to know of the database. */
static const char *
state_of(const struct restore_result *result)
{
    if (result->restored)
        return "everything is restored, but not all of it was counted";
    return result->is_half ? "the database is half restored: restore again with --clean"
                           : "nothing was changed in the database";
}

static int
fail(const struct restore_result *result, const struct error *err, struct text *reason)
{
    if (stop_signal() != 0)
        text_format(reason, "interrupted: %s", state_of(result));
    else if (result->restored)
        text_format(reason, "restored, but not as it should be: %s", err->text);
    else
        text_format(reason, "not restored: %s; %s", err->text, state_of(result));
    if (stop_signal() != 0)
        return 128 + stop_signal();
    if (err->code == ERROR_LOST || (err->code == ERROR_CONFIG && !result->restored)) /* no pg_restore, psql or gzip */
        return EX_UNAVAILABLE;
    return FAILED;
}

static int
restore(const struct arguments *arguments, const struct restore_order *order, struct show *show)
{
    struct restore_plan plan = RESTORE_PLAN_EMPTY;
    struct restore_result result = RESTORE_RESULT_EMPTY;
    struct text reason = TEXT_EMPTY;
    struct error err;
    bool ok = restore_plan_make(order, &plan, &err);
    int status = EX_OK;

    if (ok && plan.refused == 0 && !arguments->plan)
        ok = restore_perform(order, &plan, &result, &err);
    if (!ok)
        status = fail(&result, &err, &reason);
    else if (plan.refused > 0)
        status = refuse(&plan, &reason);
    progress_erase(&show->progress);
    {
        struct restore_told told = { order, &plan, &result, arguments->plan,
            reason.length > 0 ? text_string(&reason) : NULL };

        if (arguments->json)
            restore_show_json(&told);
        else
            restore_show_outcome(&told);
    }
    if (reason.length > 0)
        (void)command_complain(NAME, status, "%s", text_string(&reason));
    text_clear(&reason);
    restore_result_clear(&result);
    restore_plan_clear(&plan);
    return status;
}

static int
restore_as_told(const struct arguments *arguments, const struct postgres_url *url, const struct settings *settings)
{
    struct show show = { .json = arguments->json };
    char *file = dump_files_resolve(settings->storage_directory, arguments->file);
    struct restore_order order = { .file = file,
        .url = url,
        .clean = arguments->clean,
        .jobs = arguments->jobs,
        .tables = arguments->tables.list,
        .table_count = arguments->tables.count,
        .migrations = arguments->migrations,
        .env_file = arguments->env_file,
        .min_free_bytes = settings->min_free_mb * MB,
        .on_check = on_check,
        .on_progress = on_progress,
        .owner = &show };
    struct error err;
    int status;

    (void)signal(SIGPIPE, SIG_IGN); /* what was begun is brought to its end, though nobody may read on */
    if (stop_start((struct moment){ .ns = STOP_NEVER_NS }, &err))
        status = restore(arguments, &order, &show);
    else
        status = command_complain(NAME, EX_OSERR, "%s", err.text);
    free(file);
    return status;
}

int
cli_restore(int argc, char **argv)
{
    struct arguments arguments;
    struct settings settings;
    struct postgres_url url = { .count = 0 };
    struct text problems = TEXT_EMPTY;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    log_start("weavestream-backup-job", LOG_LEVEL_WARN);
    if (!settings_load(&settings, SETTINGS_DRILL | SETTINGS_STORE, &problems)) {
        status = command_complain_of_settings(NAME, &problems);
    } else if (find_target(argc, argv, &arguments, &url, &status))
        status = restore_as_told(&arguments, &url, &settings);
    postgres_url_clear(&url);
    text_clear(&problems);
    settings_clear(&settings);
    return status == EX_OK ? command_finish(NAME) : status;
}
