#include "cli/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "jobs/config_find.h"
#include "jobs/history.h"
#include "jobs/payload.h"
#include "jobs/prune.h"
#include "jobs/stop.h"

#define NOT_PRUNED 1

static const char details[] =
    "What the prune job of the queue does after each run, at once and without the queue: by the retention of each\n"
    "schedule. With --dry-run, nothing is deleted, no lock is taken, and a backup may be running meanwhile;\n"
    "without, one that is running is waited for, for five seconds.\n"
    "\n"
    "Each dump is a line: keep or remove, and why. The newest dump stays, and so does the newest that was proven,\n"
    "however old they are. 'failed' could not be removed; 'skip' is a row whose path leads outside of the backup\n"
    "directory; 'stray' is a dump of a deleted schedule, or a file that no row names: the first go with\n"
    "BACKUP_PRUNE_ORPHANS=1, the others never.\n"
    "\n"
    "With --json: dryRun, schedules, dumps, freedBytes. Of each schedule: configId, configName, kept, removed,\n"
    "failed, skipped, freedBytes, error (null, or why nothing or not everything was pruned). Of each dump:\n"
    "configId and configName (null: a stray), runId (null: no row names it), file, startedAt, sizeBytes (null: it\n"
    "is not there), fate (keep, remove, failed, skip, stray), reason.\n"
    "\n"
    "Environment: DATABASE_URL, BACKUP_STORAGE_DIR, BACKUP_PRUNE_ORPHANS.\n"
    "\n"
    "Exit status: 0 pruned, or all is told, 1 a schedule could not be pruned, or a dump not removed, 64 wrong\n"
    "usage, 66 no such schedule, 69 Postgres is away, 74 the answer cannot be written, 75 a backup is running, 77\n"
    "Postgres does not let us in, 78 wrong settings, or no such database or tables, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  weavestream-backup prune --dry-run\n"
    "  weavestream-backup prune --config Nightly";

struct arguments {
    const char *config; /* NULL: all */
    bool dry_run;
    bool json;
};

static const char *const fates[] = { [PRUNE_KEPT] = "keep",
    [PRUNE_REMOVED] = "remove",
    [PRUNE_FAILED] = "failed",
    [PRUNE_SKIPPED] = "skip",
    [PRUNE_LEFT] = "stray" };

#define FATES (sizeof(fates) / sizeof(fates[0]))

static const enum screen_style styles[] = { [PRUNE_KEPT] = SCREEN_GOOD,
    [PRUNE_REMOVED] = SCREEN_WARN,
    [PRUNE_FAILED] = SCREEN_BAD,
    [PRUNE_SKIPPED] = SCREEN_BAD,
    [PRUNE_LEFT] = SCREEN_DIM };

static const struct table_column columns[] = { { .title = "FATE" }, { .title = "FILE" }, { .title = "STARTED" },
    { .title = "SIZE", .right = true }, { .title = "WHY", .cut = true } };

/* One schedule's. */
struct pruning {
    const char *config_id;
    const char *config;
    bool tells_strays; /* they are the same for all schedules */
    int64_t counts[FATES];
    int64_t freed_bytes;
    struct table table;
    json_t *dumps; /* of all schedules */
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'c', "config", "NAME|ID", "only the dumps of this schedule", .text = &out->config },
        { 'n', "dry-run", NULL, "only tell what would be deleted", .flag = &out->dry_run },
        { 'j', "json", NULL, "print the result as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { "prune", "[OPTION]...",
        "Delete the dumps that retention does not keep, and say of each why it stays or goes.", options, details, 0,
        0 };

    *out = (struct arguments){ .json = false };
    return command_read(&command, argc, argv, status);
}

/* --- One schedule --- */

static void
add_row(struct table *table, const struct prune_decision *decision)
{
    table_add(table, styles[decision->fate], fates[decision->fate]);
    table_add(table, SCREEN_PLAIN, decision->file);
    if (decision->has_time)
        table_add_time(table, decision->started);
    else
        table_add(table, SCREEN_PLAIN, NULL);
    if (decision->size_bytes >= 0)
        table_add_size(table, decision->size_bytes);
    else
        table_add(table, SCREEN_PLAIN, NULL);
    table_add(table, SCREEN_PLAIN, decision->reason);
}

static json_t *
dump_object(const struct pruning *pruning, const struct prune_decision *decision)
{
    json_t *dump = json_object();

    (void)json_object_set_new(dump, "configId", answer_text(decision->is_stray ? NULL : pruning->config_id));
    (void)json_object_set_new(dump, "configName", answer_text(decision->is_stray ? NULL : pruning->config));
    (void)json_object_set_new(dump, "runId", answer_text(decision->run_id));
    (void)json_object_set_new(dump, "file", answer_text(decision->file));
    (void)json_object_set_new(dump, "startedAt", answer_time(decision->has_time, decision->started));
    (void)json_object_set_new(dump, "sizeBytes", answer_number(decision->size_bytes >= 0, decision->size_bytes));
    (void)json_object_set_new(dump, "fate", answer_text(fates[decision->fate]));
    (void)json_object_set_new(dump, "reason", answer_text(decision->reason));
    return dump;
}

static void
on_decision(const struct prune_decision *decision, void *owner)
{
    struct pruning *pruning = owner;

    if (decision->is_stray && !pruning->tells_strays)
        return;
    pruning->counts[decision->fate]++;
    pruning->freed_bytes += decision->freed_bytes;
    add_row(&pruning->table, decision);
    (void)json_array_append_new(pruning->dumps, dump_object(pruning, decision));
}

static json_t *
schedule_object(const struct pruning *pruning, const char *error)
{
    json_t *schedule = json_object();

    (void)json_object_set_new(schedule, "configId", answer_text(pruning->config_id));
    (void)json_object_set_new(schedule, "configName", answer_text(pruning->config));
    (void)json_object_set_new(schedule, "kept", json_integer(pruning->counts[PRUNE_KEPT]));
    (void)json_object_set_new(schedule, "removed", json_integer(pruning->counts[PRUNE_REMOVED]));
    (void)json_object_set_new(schedule, "failed", json_integer(pruning->counts[PRUNE_FAILED]));
    (void)json_object_set_new(schedule, "skipped", json_integer(pruning->counts[PRUNE_SKIPPED]));
    (void)json_object_set_new(schedule, "freedBytes", json_integer(pruning->freed_bytes));
    (void)json_object_set_new(schedule, "error", answer_text(error));
    return schedule;
}

/* "Nightly: 3 kept, 2 removed: 2.36 MiB freed" above its table. */
static void
print_schedule(const struct pruning *pruning, bool dry_run)
{
    struct text out = TEXT_EMPTY;
    int64_t removed = pruning->counts[PRUNE_REMOVED];

    screen_add_styled(&out, SCREEN_BOLD, pruning->config);
    text_format(&out, ": %" PRId64 " kept, %" PRId64 "%s removed", pruning->counts[PRUNE_KEPT], removed,
        dry_run ? " would be" : "");
    if (removed > 0) {
        text_add(&out, dry_run ? ", which would free " : ", which freed ");
        text_add_size(&out, pruning->freed_bytes);
    }
    if (pruning->counts[PRUNE_SKIPPED] > 0)
        text_format(&out, "; %" PRId64 " skipped", pruning->counts[PRUNE_SKIPPED]);
    if (pruning->counts[PRUNE_FAILED] > 0)
        text_format(&out, "; %" PRId64 " could not be removed", pruning->counts[PRUNE_FAILED]);
    (void)puts(text_string(&out));
    table_print(&pruning->table);
    text_clear(&out);
}

/* The exit status of one verdict; what went wrong is told. */
static int
judge(const struct pruning *pruning, const struct report *verdict)
{
    if (verdict->type == REPORT_INTERRUPTED || stop_signal() != 0)
        return 128 + stop_signal();
    if (verdict->type != REPORT_FAILED)
        return pruning->counts[PRUNE_FAILED] > 0 ? NOT_PRUNED : EX_OK;
    return command_complain(
        "prune", verdict->retry ? EX_TEMPFAIL : NOT_PRUNED, "'%s': %s", pruning->config, verdict->text);
}

static int
prune_one(
    const struct arguments *arguments, const struct settings *settings, struct pruning *pruning, json_t *schedules)
{
    struct payload payload = { .kind = PAYLOAD_PRUNE, .is_last = true, .is_alone = true };
    struct prune_watcher watcher = { .only_looks = arguments->dry_run, .on_decision = on_decision, .owner = pruning };
    struct report verdict = REPORT_EMPTY;
    int status;

    memcpy(payload.config_id, pruning->config_id, UUID_SIZE);
    pruning->table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    prune_perform_for(settings, &payload, &watcher, &verdict);
    status = judge(pruning, &verdict);
    (void)json_array_append_new(
        schedules, schedule_object(pruning, verdict.type == REPORT_COMPLETED ? NULL : verdict.text));
    if (!arguments->json && verdict.type == REPORT_COMPLETED)
        print_schedule(pruning, arguments->dry_run);
    table_clear(&pruning->table);
    report_clear(&verdict);
    return status;
}

/* --- All of them --- */

static int
prune_listed(const struct arguments *arguments, const struct settings *settings, const struct database_rows *rows)
{
    json_t *schedules = json_array();
    json_t *dumps = json_array();
    int64_t freed_bytes = 0;
    int status = EX_OK;

    for (size_t row = 0; row < database_rows_count(rows) && stop_signal() == 0; row++) {
        struct pruning pruning = { .config_id = database_rows_value(rows, row, 0),
            .config = database_rows_value(rows, row, 1),
            .tells_strays = row == 0,
            .dumps = dumps };
        int one = prune_one(arguments, settings, &pruning, schedules);

        status = one == EX_OK ? status : one;
        freed_bytes += pruning.freed_bytes;
    }
    if (arguments->json && stop_signal() == 0)
        answer_print(json_pack("{s:b,s:O,s:O,s:I}", "dryRun", arguments->dry_run, "schedules", schedules, "dumps",
            dumps, "freedBytes", (json_int_t)freed_bytes));
    else if (database_rows_count(rows) == 0)
        (void)puts("No schedules.");
    json_decref(schedules);
    json_decref(dumps);
    return status;
}

static int
prune(const struct arguments *arguments, const struct session *session)
{
    struct config_found config = CONFIG_FOUND_EMPTY;
    struct database_rows *rows = NULL;
    struct error err;
    int status;

    if ((arguments->config != NULL && !config_find(session->database, arguments->config, &config, &err)) ||
        !history_list_configs(session->database, arguments->config == NULL ? NULL : config.id, &rows, &err))
        status = session_fail(session, &err);
    else
        status = prune_listed(arguments, &session->settings, rows);
    database_rows_free(rows);
    config_found_clear(&config);
    return status;
}

int
cli_prune(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    if (session_open(&session, "prune", &status))
        status = prune(&arguments, &session);
    session_close(&session);
    return status == EX_OK ? command_finish("prune") : status;
}
