#include "cli/enqueue_row.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/session.h"
#include "jobs/config_find.h"
#include "jobs/history.h"

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

/* With the keys of what a job of ours returns. */
static bool
look_at_row(struct database *database, const char *run_id, struct error *err)
{
    struct database_rows *rows = NULL;
    const char *path;
    const char *slash;

    if (!history_read_run(database, run_id, &rows, err))
        return false;
    if (database_rows_count(rows) == 0) {
        database_rows_free(rows);
        return error_set(err, ERROR_INPUT, "there is no row of run %s", run_id);
    }
    path = database_rows_value(rows, 0, 2);
    slash = path == NULL ? NULL : strrchr(path, '/');
    answer_print(
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "status", answer_text(database_rows_value(rows, 0, 0)), "error",
            answer_text(database_rows_value(rows, 0, 1)), "filename", answer_text(slash == NULL ? path : slash + 1),
            "sizeBytes", answer_number(database_rows_value(rows, 0, 3) != NULL, database_rows_number(rows, 0, 3)),
            "sha256", answer_text(database_rows_value(rows, 0, 4)), "durationMs",
            answer_number(database_rows_value(rows, 0, 5) != NULL, database_rows_number(rows, 0, 5))));
    database_rows_free(rows);
    return true;
}

static int
perform(const struct session *session, const char *closed_run, bool looks, const char *operand)
{
    struct error err;
    bool ok = looks                ? look_at_row(session->database, operand, &err)
              : closed_run == NULL ? make_row(session->database, operand, &err)
                                   : close_row(session->database, closed_run, operand, &err);

    return ok ? EX_OK : session_fail(session, &err);
}

int
cli_enqueue_row(int argc, char **argv)
{
    const char *closed_run = NULL;
    bool looks = false;
    const struct command_option options[] = {
        { 0, "close", "RUN", "close this row instead; the operand is the reason", .text = &closed_run },
        { 0, "look", NULL, "tell what became of a row instead; the operand is the run", .flag = &looks },
        COMMAND_END,
    };
    const struct command command = { "enqueue-row", "[--close=RUN|--look] NAME|ID|REASON|RUN",
        "Make the row of a run that is about to be enqueued.", options, "weavestream-backup enqueue starts this.", 1,
        1 };
    struct session session;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    if (session_open(&session, NAME, &status))
        status = perform(&session, closed_run, looks, argv[optind]);
    session_close(&session);
    return status == EX_OK ? command_finish(NAME) : status;
}
