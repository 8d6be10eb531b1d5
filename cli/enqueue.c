#include "cli/enqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/enqueue_job.h"
#include "cli/follow.h"
#include "cli/job_program.h"
#include "cli/queue_look.h"
#include "cli/screen.h"
#include "common/memory.h"

#define NAME "enqueue"
#define NOT_BACKED_UP 1
#define TIMEOUT_MOST 86400

static const char details[] =
    "As 'Run now' in the app: a row of kind MANUAL is made in Postgres, and a job added to the queue; whichever\n"
    "worker takes it makes the backup. If the queue refuses the job, the row is closed again, as failed; if the\n"
    "connection is cut meanwhile, the queue is asked again, for half a minute, whether it has the job.\n"
    "\n"
    "The job is followed to its end. On a terminal, a bar shows how far it is. ^C and --timeout end following, not\n"
    "the job, which waits for a worker as long as none is connected; that is said at once. If Redis goes away\n"
    "meanwhile, it is waited for, five minutes at most.\n"
    "\n"
    "With --json: jobId, runId, configId, configName, outcome (success, failed, skipped; null: not followed to\n"
    "the end), error (why it failed, was skipped or could not be followed), file, sizeBytes, sha256, durationMs.\n"
    "What there is not is null.\n"
    "\n"
    "Environment: REDIS_URL, REDIS_TLS_CA, DATABASE_URL.\n"
    "\n"
    "Exit status: 0 backed up (--no-follow: enqueued), 1 not backed up, 64 wrong usage, 66 no such schedule, 69\n"
    "Redis or Postgres is away, 75 --timeout is over, 77 one of them does not let us in, 78 wrong settings, or no\n"
    "such database or tables, 130 not followed to the end.\n"
    "\n"
    "Example:\n"
    "  weavestream-backup enqueue --config Nightly";

struct arguments {
    const char *config;
    int64_t timeout_seconds; /* 0: none */
    bool no_follow;
    bool json;
};

/* A run that was enqueued, and what became of it as far as it was followed. */
struct enqueued {
    json_t *row; /* runId, configId, configName */
    char *job_id;
    const char *outcome; /* NULL: not known */
    char *reason;        /* NULL: none */
    json_t *value;       /* what the job has returned; NULL: nothing */
};

static bool
read_arguments(int argc, char **argv, struct arguments *out, int *status)
{
    const struct command_option options[] = {
        { 'c', "config", "NAME|ID", "the schedule whose backup to make; required", .text = &out->config },
        { 'n', "no-follow", NULL, "do not wait for the end", .flag = &out->no_follow },
        { 't', "timeout", "SECONDS", "follow it so long at most, 1 to 86400 (default: to its end)",
            .number = &out->timeout_seconds, .least = 1, .most = TIMEOUT_MOST },
        { 'j', "json", NULL, "print the result as one JSON object", .flag = &out->json },
        COMMAND_END,
    };
    const struct command command = { NAME, "--config NAME|ID [OPTION]...",
        "Have a backup made now, by a worker, and follow it to its end.", options, details, 0, 0 };

    *out = (struct arguments){ .config = NULL };
    if (!command_read(&command, argc, argv, status))
        return false;
    if (out->config == NULL)
        *status = command_complain(NAME, EX_USAGE, "--config is missing: the name or id of a schedule");
    return out->config != NULL;
}

static const char *
row_text(const struct enqueued *run, const char *key)
{
    const char *text = json_string_value(json_object_get(run->row, key));

    return text == NULL ? "" : text;
}

/* --- The row --- */

static bool
make_row(const char *config, struct enqueued *run, int *status)
{
    const char *words[] = { "enqueue-row", "--", config, NULL };
    struct text output = TEXT_EMPTY;
    bool ok = job_program_ask(NAME, words, &output, status) && *status == EX_OK;

    if (ok) {
        run->row = json_loads(text_string(&output), 0, NULL);
        ok = run->row != NULL;
        if (!ok)
            *status = command_complain(NAME, EX_SOFTWARE, JOB_PROGRAM " did not say which row it made");
    }
    text_clear(&output);
    return ok;
}

/* If that fails too, the ledger closes it. */
static void
close_row(const struct enqueued *run, const struct error *why)
{
    struct text reason = TEXT_EMPTY;
    struct text output = TEXT_EMPTY;
    const char *words[] = { "enqueue-row", "--close", row_text(run, "runId"), "--", NULL, NULL };
    int status;

    if (why->code == ERROR_STOPPED)
        text_format(&reason, "interrupted: %s before its job was in the queue", why->text);
    else
        text_format(&reason, "the queue did not take the job: %s", why->text);
    words[4] = text_string(&reason);
    if (!job_program_ask(NAME, words, &output, &status) || status != EX_OK)
        (void)command_complain(NAME, status, "the row of run %s could not be closed", row_text(run, "runId"));
    text_clear(&reason);
    text_clear(&output);
}

/* --- Its end --- */

/* A worker on Node does not say what became of the backup, and its job completes even where that failed: the row tells. */
static void
look_at_row(struct enqueued *run)
{
    const char *words[] = { "enqueue-row", "--look", row_text(run, "runId"), NULL };
    struct text output = TEXT_EMPTY;
    const char *state;
    int status;

    json_decref(run->value);
    run->value = job_program_ask(NAME, words, &output, &status) && status == EX_OK
                     ? json_loads(text_string(&output), 0, NULL)
                     : NULL;
    state = json_string_value(json_object_get(run->value, "status"));
    if (state != NULL && strcmp(state, "success") == 0)
        run->outcome = "success";
    else if (state != NULL && strcmp(state, "failed") == 0) {
        run->outcome = "failed";
        run->reason = memory_copy_string(json_string_value(json_object_get(run->value, "error")));
    } else
        run->reason = memory_copy_string("the worker did not say what became of it, nor does the row of the run");
    text_clear(&output);
}

static void
take_value(const char *value, struct enqueued *run)
{
    const json_t *skipped;

    run->value = value == NULL ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);
    skipped = json_object_get(run->value, "skipped");
    if (json_is_string(json_object_get(run->value, "filename")))
        run->outcome = "success";
    else if (skipped != NULL) {
        run->outcome = "skipped";
        run->reason = memory_copy_string(json_string_value(skipped));
    } else
        look_at_row(run);
}

static void
take_end(struct follow_end *end, struct enqueued *run)
{
    if (end->outcome == FOLLOW_FAILED) {
        run->outcome = "failed";
        run->reason = end->value;
        return;
    }
    if (end->outcome == FOLLOW_GONE) {
        run->reason = memory_copy_string("the job was removed from the queue; 'weavestream-backup list' may know more");
        return;
    }
    take_value(end->value, run);
    free(end->value);
}

static int
exit_status(const struct enqueued *run)
{
    return run->outcome != NULL && strcmp(run->outcome, "success") == 0 ? EX_OK : NOT_BACKED_UP;
}

/* Who may not ask who is connected, is not told. */
static void
tell_if_alone(struct queue *queue, const struct enqueued *run)
{
    struct overview_workers workers = OVERVIEW_WORKERS_EMPTY;
    struct error unknown;

    if (queue_look_workers(queue, &workers, &unknown) && workers.count == 0)
        (void)command_complain(NAME, EX_OK, "no worker is connected: job %s waits for one", run->job_id);
    overview_workers_clear(&workers);
}

/* Until a signal comes, or the time is over; then it is said what becomes of the job. */
static int
follow(struct queue *queue, const struct arguments *arguments, struct enqueued *run)
{
    struct follow_end end;
    struct error err;

    if (follow_job(queue, run->job_id, arguments->timeout_seconds * 1000, &end, &err)) {
        take_end(&end, run);
        return exit_status(run);
    }
    if (err.code == ERROR_STOPPED || err.code == ERROR_TIMEOUT)
        return command_complain(NAME, err.code == ERROR_TIMEOUT ? EX_TEMPFAIL : 128 + queue_signal(queue),
            "no longer followed; job %s %s, 'weavestream-backup status' shows it", run->job_id,
            end.has_begun ? "goes on" : "stays in the queue until a worker takes it");
    run->reason = memory_copy_string(err.text);
    return command_complain(NAME, EX_UNAVAILABLE, "what becomes of job %s is not known: %s", run->job_id, err.text);
}

static void
print_json(const struct enqueued *run)
{
    json_t *object = json_object();
    const char *const copied[] = { "sizeBytes", "sha256", "durationMs" };
    const json_t *file = json_object_get(run->value, "filename");

    (void)json_object_set_new(object, "jobId", answer_text(run->job_id));
    (void)json_object_update(object, run->row);
    (void)json_object_set_new(object, "outcome", answer_text(run->outcome));
    (void)json_object_set_new(object, "error", answer_text(run->reason));
    (void)json_object_set_new(object, "file", answer_text(json_string_value(file)));
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        json_t *value = json_object_get(run->value, copied[i]);

        (void)json_object_set_new(object, copied[i], value == NULL ? json_null() : json_incref(value));
    }
    answer_print(object);
}

/* "Nightly: weavestream-postgres-….dump, 1.18 MiB in 2.1 s" */
static void
print_success(const struct enqueued *run)
{
    struct text out = TEXT_EMPTY;
    const char *file = json_string_value(json_object_get(run->value, "filename"));

    (void)screen_add_line(&out, row_text(run, "configName"), SCREEN_ENDLESS);
    text_add(&out, ": ");
    (void)screen_add_line(&out, file == NULL ? "backed up" : file, SCREEN_ENDLESS);
    if (file != NULL) {
        text_add(&out, ", ");
        text_add_size(&out, json_integer_value(json_object_get(run->value, "sizeBytes")));
        text_add(&out, " in ");
        screen_add_duration(&out, json_integer_value(json_object_get(run->value, "durationMs")));
    }
    (void)puts(text_string(&out));
    text_clear(&out);
}

/* Hands the status back. */
static int
tell_end(const struct arguments *arguments, const struct enqueued *run, int status)
{
    if (status == NOT_BACKED_UP)
        (void)command_complain(NAME, status, "'%s' %s: %s", row_text(run, "configName"),
            run->outcome == NULL ? "cannot be followed" : run->outcome,
            run->reason == NULL ? "no reason given" : run->reason);
    if (arguments->json)
        print_json(run);
    else if (status == EX_OK && run->outcome != NULL)
        print_success(run);
    else if (status == EX_OK)
        (void)printf("enqueued as job %s, run %s\n", run->job_id, row_text(run, "runId"));
    return status;
}

static int
complain(const struct queue *queue, const struct error *err)
{
    if (err->code == ERROR_STOPPED)
        return command_complain(NAME, 128 + queue_signal(queue), "not enqueued: %s", err->text);
    return queue_complain(NAME, err);
}

/* No job is in the queue, and `err` says why; but its connection was cut, and a worker may have been faster than our second look. */
static int
end_without_job(struct queue *queue, const struct arguments *arguments, struct enqueued *run, const struct error *err)
{
    int status;

    look_at_row(run);
    if (run->outcome != NULL)
        return tell_end(arguments, run, exit_status(run));
    status = complain(queue, err);
    close_row(run, err);
    return status;
}

static int
add_and_follow(struct queue *queue, const struct arguments *arguments, struct enqueued *run)
{
    struct error err;
    int status;

    switch (enqueue_job_add(queue, row_text(run, "configId"), row_text(run, "runId"), &run->job_id, &err)) {
    case ENQUEUE_JOB_ADDED:
        tell_if_alone(queue, run);
        return tell_end(arguments, run, arguments->no_follow ? EX_OK : follow(queue, arguments, run));
    case ENQUEUE_JOB_ABSENT:
        return end_without_job(queue, arguments, run, &err);
    case ENQUEUE_JOB_REFUSED:
        status = complain(queue, &err);
        close_row(run, &err);
        return status;
    case ENQUEUE_JOB_UNKNOWN:
        break;
    }
    return command_complain(NAME, err.code == ERROR_STOPPED ? 128 + queue_signal(queue) : EX_UNAVAILABLE,
        "whether the queue has the job of run %s is not known: %s; if it has not, a worker closes the run's row within "
        "the hour",
        row_text(run, "runId"), err.text);
}

static int
enqueue(struct queue *queue, void *context)
{
    const struct arguments *arguments = context;
    struct enqueued run = { .job_id = NULL };
    struct error err;
    int status;

    queue_take_signals(queue);       /* a row is not left behind without its job */
    if (!queue_connect(queue, &err)) /* before there is a row */
        return complain(queue, &err);
    if (make_row(arguments->config, &run, &status))
        status = add_and_follow(queue, arguments, &run);
    json_decref(run.row);
    json_decref(run.value);
    free(run.job_id);
    free(run.reason);
    return status;
}

int
cli_enqueue(int argc, char **argv)
{
    struct arguments arguments;
    int status;

    return read_arguments(argc, argv, &arguments, &status) ? queue_command(NAME, SETTINGS_WORKER, enqueue, &arguments)
                                                           : status;
}
