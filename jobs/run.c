#include "jobs/run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "jobs/backup.h"
#include "jobs/history.h"
#include "jobs/lock.h"
#include "jobs/outcome.h"
#include "jobs/payload.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/verdict.h"

#define RECORD_MS 300000  /* to write down what is done */
#define CLEAN_UP_MS 15000 /* to write down what failed */
#define REVIVE_MS 60000   /* for a server that is restarting */
#define ABANDONED "interrupted: the worker died during the backup"
#define HANDED_BACK "interrupted: the worker was stopped, the job went back to the queue"
#define CONCURRENT "Another backup is already running for this instance."

struct run {
    const struct settings *settings;
    const struct payload *payload;
    struct report *verdict; /* set: the run is over */
    struct moment began;
    struct history_config config;
    struct database *database;
    struct store *store;
    struct lock_holder holder; /* who has the lock instead of us */

    char id[UUID_SIZE]; /* of the row; "": none yet */
    bool row_is_made;   /* by this attempt; else it came with the job */
    bool started;       /* the row is running since `started_at` */
    struct wall started_at;
    struct wall finished_at;

    struct backup backup;
    bool was_done_before;
};

static void
skip(struct run *run, const char *why)
{
    struct text returnvalue = TEXT_EMPTY;

    text_format(&returnvalue, "{\"skipped\":\"%s\"}", why);
    reporter_log("Skipped: %s", why);
    verdict_complete(run->verdict, text_string(&returnvalue));
    text_clear(&returnvalue);
}

static bool
connect_database(struct run *run, struct error *err)
{
    run->database = database_open(&run->settings->database, DATABASE_APPLICATION " run", err);
    return run->database != NULL;
}

static bool
find_config(struct run *run, struct error *err)
{
    bool found = false;

    if (!history_find_config(run->database, run->payload->config_id, &run->config, &found, err))
        return false;
    if (!found) {
        log_warn(LOG_EVENT("unknown config"), LOG_TEXT("config", run->payload->config_id));
        skip(run, "unknown config");
    } else if (!run->config.enabled && run->payload->run_id[0] == '\0') {
        log_info(LOG_EVENT("config disabled"), LOG_TEXT("config", run->payload->config_id));
        skip(run, "disabled");
    }
    return true;
}

/* The size of the dump that a successful row names, if it is in place; -1 otherwise. */
static int64_t
dump_in_place(const struct run *run, const struct history_run *row)
{
    char name[STORE_NAME_SIZE];
    struct error ignored; /* a path that means nothing here is not in place */
    int64_t size = -1;

    if (row->status != HISTORY_SUCCESS || row->dump_path == NULL ||
        !store_resolve(run->store, row->dump_path, name, &ignored) || !store_find(run->store, name, &size, &ignored) ||
        size != row->size_bytes)
        return -1;
    return size;
}

static void
complete(struct run *run, const char *filename, int64_t size_bytes, const char *sha256, int64_t duration_ms)
{
    struct text returnvalue = TEXT_EMPTY;

    text_format(&returnvalue, "{\"backupRunId\":\"%s\",\"filename\":", run->id);
    text_add_json(&returnvalue, filename, strlen(filename));
    text_format(&returnvalue, ",\"sizeBytes\":%" PRId64 ",\"sha256\":", size_bytes);
    text_add_json(&returnvalue, sha256, strlen(sha256));
    text_format(&returnvalue, ",\"durationMs\":%" PRId64 "}", duration_ms);
    verdict_complete(run->verdict, text_string(&returnvalue));
    text_clear(&returnvalue);
}

/* Cannot be added twice: the id of the job is the run's. */
static void
add_prune_job(const struct run *run)
{
    struct text data = TEXT_EMPTY;
    struct text options = TEXT_EMPTY;

    text_format(&data, "{\"kind\":\"prune\",\"configId\":\"%s\"}", run->payload->config_id);
    text_format(&options,
        "{\"jobId\":\"prune-%s\",\"attempts\":1,\"removeOnComplete\":{\"age\":3600},\"removeOnFail\":{\"age\":86400}}",
        run->id);
    reporter_add("prune", text_string(&data), text_string(&options));
    text_clear(&data);
    text_clear(&options);
}

/* An earlier attempt did everything but say so. */
static void
complete_again(struct run *run, const struct history_run *row, int64_t size_bytes)
{
    json_t *manifest = row->manifest == NULL ? NULL : json_loads(row->manifest, 0, NULL);
    const char *sha256 = json_string_value(json_object_get(manifest, "sha256"));
    const char *filename = strrchr(row->dump_path, '/') + 1; /* it resolved, so it has one */

    log_info(LOG_EVENT("backup was done before"), LOG_TEXT("run", run->id), LOG_TEXT("file", filename));
    reporter_log("Row %s is done already, and its dump %s is in place", run->id, filename);
    run->was_done_before = true;
    add_prune_job(run);
    complete(run, filename, size_bytes, sha256 == NULL ? "" : sha256,
        json_integer_value(json_object_get(manifest, "durationMs")));
    json_decref(manifest);
}

/* The row that came with the job. Looked at before the lock, and under it: whoever had the lock may have finished it. */
static bool
look_at_given_row(struct run *run, struct error *err)
{
    struct history_run row = { .id = "" };
    bool found = false;
    int64_t size;

    if (!history_find_run(run->database, run->payload->run_id, &row, &found, err))
        return false;
    if (!found) {
        log_warn(LOG_EVENT("unknown run"), LOG_TEXT("run", run->payload->run_id));
        skip(run, "unknown run");
        return true;
    }
    (void)snprintf(run->id, sizeof(run->id), "%s", row.id);
    size = run->store == NULL ? -1 : dump_in_place(run, &row);
    if (size >= 0)
        complete_again(run, &row, size);
    history_run_clear(&row);
    return true;
}

static bool
find_row(struct run *run, struct error *err)
{
    char id[UUID_SIZE];

    if (run->payload->run_id[0] != '\0')
        return look_at_given_row(run, err);
    if (!uuid_make(id, err) || !history_insert_run(run->database, id, run->payload->config_id, err))
        return false;
    memcpy(run->id, id, sizeof(run->id));
    run->row_is_made = true;
    return true;
}

static bool
open_store(struct run *run, struct error *err)
{
    run->store = store_open(run->settings->storage_directory, err);
    return run->store != NULL;
}

static bool
look_again(struct run *run, struct error *err)
{
    return run->row_is_made || look_at_given_row(run, err);
}

static bool
tell_start(struct run *run, struct error *err)
{
    (void)err; /* whoever cannot be told does not keep the run from beginning */
    outcome_tell_start(run->settings);
    return true;
}

static bool
take_lock(struct run *run, struct error *err)
{
    return lock_take_for_run(run->database, payload_was_taken_before(run->payload), &run->holder, err);
}

/* Whatever a dead holder of the lock left behind. */
static bool
tidy_up(struct run *run, struct error *err)
{
    size_t rows = 0;
    size_t files = 0;

    if (!history_close_abandoned(run->database, run->id, ABANDONED, &rows, err))
        return false;
    store_remove_stale(run->store, &files);
    if (rows > 0 || files > 0)
        reporter_log("Tidied up after dead runs: rows closed: %zu, temporary files removed: %zu", rows, files);
    return true;
}

static bool
start_row(struct run *run, struct error *err)
{
    run->started_at = wall_now();
    if (!history_last_size(run->database, run->payload->config_id, &run->backup.previous_bytes, err) ||
        !history_start_run(run->database, run->id, run->started_at, err))
        return false;
    run->started = true;
    log_info(LOG_EVENT("backup started"), LOG_TEXT("run", run->id), LOG_TEXT("config", run->payload->config_id));
    return true;
}

static bool
write_dump(struct run *run, struct error *err)
{
    run->backup.settings = run->settings;
    run->backup.database = run->database;
    run->backup.store = run->store;
    run->backup.run_id = run->id;
    run->backup.started = run->started_at;
    return backup_write(&run->backup, err);
}

static bool
prove_dump(struct run *run, struct error *err)
{
    return backup_prove(&run->backup, err);
}

/*
 * The lock lives as long as the session. If that broke beside a long dump, take the lock again; what somebody else may have done meanwhile
 * shows in the row and in the file.
 */
static bool
confirm_lock(struct run *run, struct error *err)
{
    bool ours = false;

    if (!history_is_ours(run->database, run->id, run->started_at, &ours, err)) {
        if ((err->code != ERROR_LOST && err->code != ERROR_TIMEOUT) || stop_is_overdue())
            return false;
        log_warn(LOG_EVENT("session lost"), LOG_TEXT("run", run->id), LOG_ERROR(err));
        if (!database_revive(run->database, REVIVE_MS, err) ||
            !lock_take_for_run(run->database, true, &run->holder, err) ||
            !history_is_ours(run->database, run->id, run->started_at, &ours, err))
            return error_add(err, "the session with the backup lock was lost");
    }
    if (!ours)
        return error_set(err, ERROR_REFUSED, "the row is no longer this run's: somebody else has closed it meanwhile");
    return store_draft_is_intact(run->backup.draft, err);
}

static bool
publish_dump(struct run *run, struct error *err)
{
    if (!backup_publish(&run->backup, err))
        return false;
    stop_shield(moment_add_ms(moment_now(), RECORD_MS)); /* from here on the run is done, whoever wants to stop it */
    return true;
}

static bool
record_success(struct run *run, struct error *err)
{
    struct text dump_path = TEXT_EMPTY;
    struct text manifest_path = TEXT_EMPTY;
    struct history_success success = { .started = run->started_at,
        .finished = run->finished_at,
        .size_bytes = run->backup.proof.size_bytes,
        .manifest = text_string(&run->backup.manifest) };
    bool changed = false;
    bool ok;

    text_format(&dump_path, "%s/%s", store_directory(run->store), run->backup.names.dump);
    text_format(&manifest_path, "%s/%s", store_directory(run->store), run->backup.names.manifest);
    success.dump_path = text_string(&dump_path);
    success.manifest_path = text_string(&manifest_path);
    ok = database_revive(run->database, REVIVE_MS, err) &&
         history_succeed(run->database, run->id, &success, &changed, err);
    if (ok && !changed)
        ok = error_set(err, ERROR_REFUSED, "it is no longer running, or was deleted");
    text_clear(&dump_path);
    text_clear(&manifest_path);
    return ok;
}

static bool
can_retry(const struct error *err)
{
    if (stop_is_overdue())
        return false; /* it would be just as long the next time */
    return err->code == ERROR_LOST || err->code == ERROR_TIMEOUT || err->code == ERROR_INPUT;
}

/* What fails from here on is told, but the dump stays. */
static bool
record_run(struct run *run, struct error *err)
{
    const char *config_id = run->payload->config_id;
    int64_t duration_ms;

    run->finished_at = wall_now();
    if (!record_success(run, err)) {
        (void)error_add(err, "the dump is in place as '%s', but its row could not be written", run->backup.names.dump);
        log_error(LOG_EVENT("row not written"), LOG_TEXT("run", run->id), LOG_ERROR(err));
        reporter_log("%s", err->text);
        if (stop_was_requested())
            verdict_interrupt(
                run->verdict, err->text); /* there was no time to wait for Postgres: the next attempt has it */
        else
            verdict_fail(run->verdict, err->text, can_retry(err));
        return true;
    }
    if (!history_touch_config(run->database, config_id, run->finished_at, err)) {
        log_warn(LOG_EVENT("config not updated"), LOG_TEXT("config", config_id), LOG_ERROR(err));
        reporter_log("The backup is done, but the config's last run was not noted: %s", err->text);
    }
    if (!history_audit_completed(
            run->database, run->id, config_id, run->backup.proof.size_bytes, run->backup.names.dump, err)) {
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", run->id), LOG_ERROR(err));
        reporter_log("The backup is done, but its audit row was not written: %s", err->text);
    }
    add_prune_job(run);
    duration_ms = moment_ms_between(run->began, moment_now());
    log_info(LOG_EVENT("backup completed"), LOG_TEXT("run", run->id), LOG_TEXT("file", run->backup.names.dump),
        LOG_NUMBER("bytes", run->backup.proof.size_bytes), LOG_NUMBER("dumpMs", run->backup.dump_ms),
        LOG_NUMBER("syncMs", run->backup.sync_ms), LOG_NUMBER("hashMs", run->backup.proof.hash_ms),
        LOG_NUMBER("verifyMs", run->backup.proof.read_ms), LOG_NUMBER("durationMs", duration_ms));
    complete(run, run->backup.names.dump, run->backup.proof.size_bytes, run->backup.proof.sha256, duration_ms);
    return true;
}

/* Closes the row as failed, with its audit row. A row that somebody else closed or restarted meanwhile is let be. */
static void
close_row(struct run *run, const char *reason, const char *audit_reason)
{
    struct error err;
    bool changed = false;

    if (run->id[0] == '\0')
        return;
    if (!database_revive(run->database, REVIVE_MS, &err) ||
        !history_fail(run->database, run->id, run->started ? &run->started_at : NULL, reason, &changed, &err)) {
        log_error(LOG_EVENT("row not closed"), LOG_TEXT("run", run->id), LOG_ERROR(&err));
        return;
    }
    if (changed && !history_audit_failed(run->database, run->id, run->payload->config_id, audit_reason, &err))
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", run->id), LOG_ERROR(&err));
}

static void
end_stopped(struct run *run)
{
    struct error err;
    bool changed = false;

    log_info(LOG_EVENT("backup interrupted"), LOG_TEXT("run", run->id));
    reporter_log("Interrupted: the worker was stopped, the job goes back to the queue");
    if (run->row_is_made)
        close_row(run, HANDED_BACK, HANDED_BACK);
    else if (run->started && (!database_revive(run->database, REVIVE_MS, &err) ||
                                 !history_requeue(run->database, run->id, run->started_at, &changed, &err)))
        log_error(LOG_EVENT("row not requeued"), LOG_TEXT("run", run->id), LOG_ERROR(&err));
    verdict_interrupt(run->verdict, "the worker was stopped");
}

static void
end_concurrent(struct run *run, const struct error *err)
{
    log_warn(LOG_EVENT("concurrent"), LOG_TEXT("run", run->id), LOG_NUMBER("holder", run->holder.pid),
        LOG_TEXT("application", run->holder.application), LOG_NUMBER("ageSeconds", run->holder.age_seconds));
    reporter_log(CONCURRENT " (%s)", err->text);
    close_row(run, "concurrent", CONCURRENT);
    verdict_fail(run->verdict, "concurrent", false);
}

static void
end_badly(struct run *run, const struct error *err)
{
    backup_abandon(&run->backup); /* first of all: the disk may be full */
    stop_shield(moment_add_ms(moment_now(), CLEAN_UP_MS));
    if (err->code == ERROR_STOPPED) {
        end_stopped(run);
        return;
    }
    if (err->code == ERROR_CONFLICT && !run->started) {
        end_concurrent(run, err);
        return;
    }
    log_error(LOG_EVENT("backup failed"), LOG_TEXT("run", run->id), LOG_TEXT("config", run->payload->config_id),
        LOG_ERROR(err));
    reporter_log("Failed: %s", err->text);
    close_row(run, err->text, err->text);
    verdict_fail(run->verdict, err->text, can_retry(err));
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct run *run, struct error *err) = { connect_database, find_config, find_row,
    open_store, look_again, tell_start, take_lock, look_again, tidy_up, start_row, write_dump, prove_dump, confirm_lock,
    publish_dump, record_run };

void
run_perform(const struct settings *settings, const struct payload *payload, struct report *verdict)
{
    struct run run = { .settings = settings, .payload = payload, .verdict = verdict, .began = moment_now() };
    struct outcome outcome = { .payload = payload, .verdict = verdict, .began = run.began, .backup = &run.backup };
    struct error err = ERROR_EMPTY;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&run, &err))
            break;
    if (verdict->type == REPORT_NONE)
        end_badly(&run, &err);
    backup_abandon(&run.backup);
    outcome.config_name = run.config.name;
    outcome.run_id = run.id;
    outcome.was_done_before = run.was_done_before;
    outcome_tell(run.database, settings, &outcome);
    store_close(run.store);
    database_close(run.database);
    history_config_clear(&run.config);
    backup_clear(&run.backup);
}
