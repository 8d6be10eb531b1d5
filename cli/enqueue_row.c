#include "cli/enqueue_row.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "common/log.h"
#include "common/settings.h"
#include "jobs/config_find.h"
#include "jobs/history.h"
#include "jobs/stop.h"

#define NAME "enqueue" /* the command that people know */

static bool
make_row(struct database *database, const char *config, struct error *err)
{
    struct config_found found = CONFIG_FOUND_EMPTY;
    char id[UUID_SIZE];
    bool ok = config_find(database, config, &found, err) && uuid_make(id, err) &&
              history_insert_manual_run(database, id, found.id, err);

    if (ok)
        answer_print(
            json_pack("{s:s, s:s, s:o}", "runId", id, "configId", found.id, "configName", answer_text(found.name)));
    config_found_clear(&found);
    return ok;
}

/* Whoever has changed the row meanwhile, has it. Nobody else need be told: the person is at the terminal. */
static bool
close_row(struct database *database, const char *run_id, const char *reason, struct error *err)
{
    bool changed;

    return history_close_queued(database, run_id, reason, false, &changed, err);
}

static int
perform(const struct settings *settings, const char *closed_run, const char *operand)
{
    struct database *database = NULL;
    struct error err = ERROR_EMPTY;
    bool ok;

    ok = stop_start((struct moment){ .ns = STOP_NEVER_NS }, &err) &&
         (database = database_open(&settings->database, DATABASE_APPLICATION " enqueue", &err)) != NULL &&
         (closed_run == NULL ? make_row(database, operand, &err) : close_row(database, closed_run, operand, &err));
    database_close(database);
    if (ok)
        return command_finish(NAME);
    if (stop_signal() != 0)
        return 128 + stop_signal();
    return command_complain(NAME, err.code == ERROR_INPUT ? EX_NOINPUT : EX_UNAVAILABLE, "%s", err.text);
}

int
cli_enqueue_row(int argc, char **argv)
{
    const char *closed_run = NULL;
    const struct command_option options[] = {
        { 0, "close", "RUN", "close this row instead; the operand is the reason", .text = &closed_run },
        COMMAND_END,
    };
    const struct command command = { "enqueue-row", "[--close=RUN] NAME|ID|REASON",
        "Make the row of a run that is about to be enqueued.", options, "weavestream-backup enqueue starts this.", 1,
        1 };
    struct text problems = TEXT_EMPTY;
    struct settings settings;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    log_start("weavestream-backup-job", LOG_LEVEL_WARN);
    if (settings_load(&settings, SETTINGS_JOB, &problems))
        status = perform(&settings, closed_run, argv[optind]);
    else {
        (void)fputs(text_string(&problems), stderr);
        status = EX_CONFIG;
    }
    text_clear(&problems);
    settings_clear(&settings);
    return status;
}
