#include "cli/run.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "jobs/config_find.h"
#include "jobs/history.h"
#include "jobs/payload.h"
#include "jobs/prune.h"
#include "jobs/reporter.h"
#include "jobs/run.h"
#include "jobs/stop.h"

#define FAILED 1
#define FAILED_ROW "Failed: " /* the verdict says it, too */
#define STOPPED "interrupted: it was stopped before it began"

static const char details[] =
    "The same as the app's 'Run now', at once: the row that the app shows (MANUAL), the dump, the proof that\n"
    "BACKUP_VERIFY asks for, the manifest, mail, pings and what BACKUP_AFTER_SUCCESS does; but neither Redis nor\n"
    "a worker is needed. A disabled schedule is run as well. While another backup is running, this one fails\n"
    "(concurrent), after three seconds in which that may end; a prune or a recovery is waited for.\n"
    "\n"
    "Older dumps are not pruned, since there is no queue to take a prune job: --prune does that right after a\n"
    "success, as 'weavestream-backup prune' would.\n"
    "\n"
    "What it does goes to standard error; there, on a terminal, a bar shows how far each step is. The outcome\n"
    "goes to standard output in one line: file, size, duration, and how far it was proven. Why it failed goes to\n"
    "standard error.\n"
    "\n"
    "With --json: runId, configId, configName, outcome (success, failed), file, sizeBytes, sha256, durationMs,\n"
    "verified (toc, full, restore), error, pruned (how many dumps; null without --prune), pruneError. What there\n"
    "is not is null.\n"
    "\n"
    "Environment: all settings of backup jobs; DATABASE_URL is required.\n"
    "\n"
    "Exit status: 0 the dump is in place, 1 it is not, or --prune failed, 64 wrong usage, 66 no such schedule, 69\n"
    "Postgres is away, 74 the answer cannot be written, 77 Postgres does not let us in, 78 wrong settings, or no\n"
    "such database or tables, 129, 130, 143 interrupted: then no file is left, and the row says failed; but if the\n"
    "dump was in place already, it stays, and is told, as is which of what follows it (BACKUP_AFTER_SUCCESS,\n"
    "--prune) was not done.\n"
    "\n"
    "Example:\n"
    "  weavestream-backup run --config Nightly --prune";

struct arguments {
    const char *config;
    bool prune;
    bool json;
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'c', "config", "NAME|ID", "the schedule to be run; required", .text = &out->config },
        { 'p', "prune", NULL, "after a success, delete the older dumps that its retention does not keep",
            .flag = &out->prune },
        { 'j', "json", NULL, "print the outcome as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { "run", "--config=NAME|ID [OPTION]...",
        "Make a backup of a schedule at once, without the queue.", options, details, 0, 0 };

    *out = (struct arguments){ .json = false };
    if (!command_read(&command, argc, argv, status))
        return false;
    if (out->config != NULL)
        return true;
    *status =
        command_complain("run", EX_USAGE, "which schedule? --config=NAME|ID is wanted; try 'weavestream-backup list'");
    return false;
}

/* --- While it runs --- */

static void
on_report(const struct report *report, void *owner)
{
    struct progress *progress = owner;
    struct text line = TEXT_EMPTY;

    if (report->type == REPORT_PROGRESS)
        progress_tell_report(progress, report->value);
    if (report->type != REPORT_LOG || strncmp(report->text, FAILED_ROW, strlen(FAILED_ROW)) == 0)
        return;
    progress_erase(progress);
    (void)screen_add_line(&line, report->text, SCREEN_ENDLESS);
    (void)fprintf(stderr, "%s\n", text_string(&line));
    text_clear(&line);
}

/* --- What has come of it --- */

/* A run, and with --prune what followed it. */
struct ending {
    const char *run_id;
    const struct config_found *config;
    json_t *value;        /* what the job hands back; NULL: it failed */
    const char *verified; /* how far */
    const char *error;    /* NULL: the dump is in place */
    struct report pruned; /* REPORT_NONE: nothing was pruned */
};

/* A run whose schedule or row was deleted meanwhile completes as well, with nothing done. */
static void
take_verdict(const struct report *verdict, struct ending *ending)
{
    const char *skipped;

    if (verdict->type != REPORT_COMPLETED) {
        ending->error = verdict->text;
        return;
    }
    ending->value = json_loads(verdict->value, 0, NULL);
    skipped = json_string_value(json_object_get(ending->value, "skipped"));
    ending->error = skipped;
}

static const char *
file_of(const struct ending *ending)
{
    return json_string_value(json_object_get(ending->value, "filename"));
}

static int64_t
number_of(const struct ending *ending, const char *key)
{
    return json_integer_value(json_object_get(ending->value, key));
}

/* Why older dumps may be left; NULL: they are not, or nobody asked. */
static const char *
prune_error(const struct ending *ending)
{
    if (ending->pruned.type == REPORT_INTERRUPTED)
        return "interrupted";
    return ending->pruned.type == REPORT_FAILED ? ending->pruned.text : NULL;
}

static void
print_json(const struct ending *ending)
{
    bool good = ending->error == NULL;
    json_t *pruned = ending->pruned.type == REPORT_COMPLETED ? json_loads(ending->pruned.value, 0, NULL) : NULL;
    json_t *out = json_object();

    (void)json_object_set_new(out, "runId", answer_text(ending->run_id));
    (void)json_object_set_new(out, "configId", answer_text(ending->config->id));
    (void)json_object_set_new(out, "configName", answer_text(ending->config->name));
    (void)json_object_set_new(out, "outcome", answer_text(good ? "success" : "failed"));
    (void)json_object_set_new(out, "file", answer_text(file_of(ending)));
    (void)json_object_set_new(out, "sizeBytes", answer_number(good, number_of(ending, "sizeBytes")));
    (void)json_object_set_new(out, "sha256", answer_text(json_string_value(json_object_get(ending->value, "sha256"))));
    (void)json_object_set_new(out, "durationMs", answer_number(good, number_of(ending, "durationMs")));
    (void)json_object_set_new(out, "verified", answer_text(good ? ending->verified : NULL));
    (void)json_object_set_new(out, "error", answer_text(ending->error));
    (void)json_object_set_new(
        out, "pruned", answer_number(pruned != NULL, json_integer_value(json_object_get(pruned, "pruned"))));
    (void)json_object_set_new(out, "pruneError", answer_text(prune_error(ending)));
    answer_print(out);
    json_decref(pruned);
}

static void
print_success(const struct ending *ending)
{
    struct text out = TEXT_EMPTY;

    (void)screen_add_line(&out, ending->config->name, SCREEN_ENDLESS);
    text_format(&out, ": %s, ", file_of(ending));
    text_add_size(&out, number_of(ending, "sizeBytes"));
    text_add(&out, " in ");
    screen_add_duration(&out, number_of(ending, "durationMs"));
    text_format(&out, ", verified: %s", ending->verified);
    (void)puts(text_string(&out));
    text_clear(&out);
}

/* The exit status. */
static int
tell_ending(const struct arguments *arguments, const struct ending *ending)
{
    bool is_refused =
        ending->error != NULL && strcmp(ending->error, HISTORY_CONCURRENT) == 0; /* by whom, has been told */
    int status = EX_OK;

    if (arguments->json)
        print_json(ending);
    else if (ending->error == NULL)
        print_success(ending);
    if (ending->error != NULL)
        status = command_complain("run", FAILED, "the backup of '%s' failed: %s", ending->config->name,
            is_refused ? HISTORY_CONCURRENT_WORDS : ending->error);
    if (prune_error(ending) != NULL)
        status =
            command_complain("run", FAILED, "the backup is done, but older dumps may be left: %s", prune_error(ending));
    return ending->error == NULL && stop_signal() != 0 ? 128 + stop_signal() : status;
}

/* --- What is done --- */

static void
prune(const struct settings *settings, const struct payload *run, struct report *verdict)
{
    struct payload payload = *run;

    payload.kind = PAYLOAD_PRUNE;
    stop_unshield(); /* the run is over; a signal ends things again */
    prune_perform(settings, &payload, verdict);
}

/* It may have ended before it had a session of its own: then the row is queued still, and nobody would ever take it. */
static void
close_row(struct database *database, const char *run_id, const struct report *verdict)
{
    struct error err;
    bool changed;

    if (verdict->type != REPORT_COMPLETED &&
        !history_close_queued(
            database, run_id, verdict->type == REPORT_FAILED ? verdict->text : STOPPED, false, &changed, &err))
        (void)command_complain("run", FAILED, "the row of run %s could not be closed: %s", run_id, err.text);
}

static int
perform(const struct arguments *arguments, const struct session *session, const struct config_found *config,
    const struct payload *payload)
{
    const struct settings *settings = &session->settings;
    struct report verdict = REPORT_EMPTY;
    struct progress progress = { .drawn = false };
    struct ending ending = { .run_id = payload->run_id,
        .config = config,
        .verified = settings_verify_name(settings->verify),
        .pruned = REPORT_EMPTY };
    int status;

    reporter_listen(on_report, &progress);
    run_perform(settings, payload, &verdict);
    close_row(session->database, payload->run_id, &verdict);
    take_verdict(&verdict, &ending);
    if (ending.error == NULL && arguments->prune)
        prune(settings, payload, &ending.pruned);
    reporter_listen(NULL, NULL);
    progress_erase(&progress);
    if (verdict.type == REPORT_INTERRUPTED)
        status = 128 + stop_signal();
    else
        status = tell_ending(arguments, &ending);
    json_decref(ending.value);
    report_clear(&ending.pruned);
    report_clear(&verdict);
    return status;
}

/* As the API does it. */
static bool
make_row(struct database *database, const char *config_id, struct payload *payload, struct error *err)
{
    *payload = (struct payload){ .kind = PAYLOAD_RUN, .is_last = true, .is_alone = true, .added = wall_now() };
    memcpy(payload->config_id, config_id, UUID_SIZE);
    return uuid_make(payload->run_id, err) && history_insert_manual_run(database, payload->run_id, config_id, err);
}

static int
run(const struct arguments *arguments, const struct session *session)
{
    struct config_found config = CONFIG_FOUND_EMPTY;
    struct payload payload;
    struct error err;
    int status;

    if (!config_find(session->database, arguments->config, &config, &err) ||
        !make_row(session->database, config.id, &payload, &err))
        status = session_fail(session, &err);
    else
        status = perform(arguments, session, &config, &payload);
    config_found_clear(&config);
    return status;
}

int
cli_run(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    int status;

    if (!read_arguments(argc, argv, &arguments, &status))
        return status;
    if (session_open(&session, "run", &status))
        status = run(&arguments, &session);
    session_close(&session);
    return status == EX_OK ? command_finish("run") : status;
}
