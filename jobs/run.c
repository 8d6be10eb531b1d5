#include "jobs/run.h"

#include <inttypes.h>
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
#include "jobs/run_row.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/store_draft.h"
#include "jobs/store_name.h"
#include "jobs/tidy.h"
#include "jobs/verdict.h"

#define RECORD_MS 300000  /* to write down what is done */
#define CLEAN_UP_MS 15000 /* to write down what failed */
#define REVIVE_MS 60000   /* for a server that is restarting */
#define CONCURRENT "Another backup is already running for this instance."

struct run {
    const struct settings *settings;
    const struct payload *payload;
    struct report *verdict; /* set: the run is over */
    struct moment began;
    struct history_config config;
    struct database *database;
    struct store *store;
    struct error no_store;     /* why there is none */
    struct lock_holder holder; /* who has the lock instead of us */
    struct run_row row;
    struct wall finished_at;
    struct text explanation; /* of a failure, for people */

    struct backup backup;
    struct run_row_done done; /* by an earlier attempt */
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
    run->row.database = run->database;
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

static void
complete(struct run *run, const char *filename, int64_t size_bytes, const char *sha256, int64_t duration_ms)
{
    struct text returnvalue = TEXT_EMPTY;

    text_format(&returnvalue, "{\"backupRunId\":\"%s\",\"filename\":", run->row.id);
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

    if (run->payload->is_alone)
        return;
    text_format(&data, "{\"kind\":\"prune\",\"configId\":\"%s\"}", run->payload->config_id);
    text_format(&options,
        "{\"jobId\":\"prune-%s\",\"attempts\":1,\"removeOnComplete\":{\"age\":3600},\"removeOnFail\":{\"age\":86400}}",
        run->row.id);
    reporter_add("prune", text_string(&data), text_string(&options));
    text_clear(&data);
    text_clear(&options);
}

/* As if this attempt had made the dump: the one that did may not have come to what follows. */
static void
take_over(struct run *run, const struct run_row_done *done)
{
    struct backup *backup = &run->backup;
    int stem = (int)(strlen(done->filename) - strlen(STORE_NAME_DUMP_SUFFIX));

    backup->store = run->store;
    (void)snprintf(backup->names.dump, sizeof(backup->names.dump), "%s", done->filename);
    (void)snprintf(backup->names.manifest, sizeof(backup->names.manifest), "%.*s" STORE_NAME_MANIFEST_SUFFIX, stem,
        done->filename);
    backup->proof.size_bytes = done->size_bytes;
    (void)snprintf(backup->proof.sha256, sizeof(backup->proof.sha256), "%s", done->sha256);
    run->began = moment_add_ms(moment_now(), -done->duration_ms);
}

/* An earlier attempt did everything but say so. Another job, which names a run that is done, is no attempt at it. */
static void
complete_again(struct run *run)
{
    const struct run_row_done *done = &run->done;

    log_info(LOG_EVENT("backup was done before"), LOG_TEXT("run", run->row.id), LOG_TEXT("file", done->filename));
    reporter_log("Row %s is done already, and its dump %s is in place", run->row.id, done->filename);
    if (payload_was_taken_before(run->payload))
        take_over(run, done);
    add_prune_job(run);
    complete(run, done->filename, done->size_bytes, done->sha256, done->duration_ms);
}

/* One that cannot be opened must not keep the row from being found, or that could not be failed. */
static bool
open_store(struct run *run, struct error *err)
{
    bool made;

    (void)err; /* need_store() has it */
    run->store = store_make(run->settings->storage_directory, &made, &run->no_store);
    if (run->store != NULL && made)
        reporter_log("Made the backup directory '%s'; if that should be a mounted volume, it is not mounted",
            store_directory(run->store));
    return true;
}

/* Looked at before the lock, and under it: whoever had the lock may have finished it. */
static bool
look_at_row(struct run *run, struct error *err)
{
    bool found = false;

    if (!run_row_find(&run->row, run->store, &run->done, &found, err))
        return false;
    if (run->done.is_done)
        complete_again(run);
    else if (!found && run->payload->run_id[0] != '\0') {
        log_warn(LOG_EVENT("unknown run"), LOG_TEXT("run", run->payload->run_id));
        skip(run, "unknown run");
    }
    return true;
}

static bool
find_row(struct run *run, struct error *err)
{
    if (!look_at_row(run, err))
        return false;
    return run->verdict->type != REPORT_NONE || run->row.id[0] != '\0' || run_row_make(&run->row, err);
}

static bool
need_store(struct run *run, struct error *err)
{
    if (run->store == NULL)
        *err = run->no_store;
    return run->store != NULL;
}

static bool
look_again(struct run *run, struct error *err)
{
    return run->row.is_made || look_at_row(run, err);
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
tidy(struct run *run, struct error *err)
{
    struct tidy tidy = {
        .settings = run->settings, .database = run->database, .store = run->store, .but_id = run->row.id
    };

    if (!run_row_close_earlier(&run->row, run->store, err) || !tidy_up(&tidy, err))
        return false;
    if (tidy.rows > 0 || tidy.files > 0)
        reporter_log(
            "Tidied up after dead runs: rows closed: %zu, temporary files removed: %zu", tidy.rows, tidy.files);
    return true;
}

static bool
start_row(struct run *run, struct error *err)
{
    if (!history_last_size(run->database, run->payload->config_id, &run->backup.previous_bytes, err) ||
        !run_row_start(&run->row, err))
        return false;
    log_info(LOG_EVENT("backup started"), LOG_TEXT("run", run->row.id), LOG_TEXT("config", run->payload->config_id));
    return true;
}

static bool
write_dump(struct run *run, struct error *err)
{
    run->backup.settings = run->settings;
    run->backup.database = run->database;
    run->backup.store = run->store;
    run->backup.run_id = run->row.id;
    run->backup.started = run->row.started_at;
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

    if (!run_row_is_ours(&run->row, &ours, err)) {
        if ((err->code != ERROR_LOST && err->code != ERROR_TIMEOUT) || stop_is_overdue())
            return false;
        log_warn(LOG_EVENT("session lost"), LOG_TEXT("run", run->row.id), LOG_ERROR(err));
        if (!database_revive(run->database, REVIVE_MS, err) ||
            !lock_take_for_run(run->database, true, &run->holder, err) || !run_row_is_ours(&run->row, &ours, err))
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
can_retry(const struct error *err)
{
    if (stop_is_overdue())
        return false; /* it would be just as long the next time */
    return err->code == ERROR_LOST || err->code == ERROR_TIMEOUT || err->code == ERROR_INPUT;
}

static void
fail(struct run *run, const char *reason, bool retry)
{
    verdict_fail(run->verdict, reason, retry);
    run->verdict->unclean = run->row.is_lost;
}

/* What fails from here on is told, but the dump stays. */
static bool
record_run(struct run *run, struct error *err)
{
    const char *config_id = run->payload->config_id;
    int64_t duration_ms;

    run->finished_at = wall_now();
    if (!run_row_succeed(&run->row, &run->backup, run->finished_at, err)) {
        (void)error_add(err, "the dump is in place as '%s', but its row could not be written", run->backup.names.dump);
        log_error(LOG_EVENT("row not written"), LOG_TEXT("run", run->row.id), LOG_ERROR(err));
        reporter_log("%s", err->text);
        if (stop_was_requested())
            verdict_interrupt(
                run->verdict, err->text); /* there was no time to wait for Postgres: the next attempt has it */
        else
            fail(run, err->text, can_retry(err));
        return true;
    }
    if (!history_touch_config(run->database, config_id, run->finished_at, err)) {
        log_warn(LOG_EVENT("config not updated"), LOG_TEXT("config", config_id), LOG_ERROR(err));
        reporter_log("The backup is done, but the config's last run was not noted: %s", err->text);
    }
    if (!history_audit_completed(
            run->database, run->row.id, config_id, run->backup.proof.size_bytes, run->backup.names.dump, err)) {
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", run->row.id), LOG_ERROR(err));
        reporter_log("The backup is done, but its audit row was not written: %s", err->text);
    }
    add_prune_job(run);
    duration_ms = moment_ms_between(run->began, moment_now());
    log_info(LOG_EVENT("backup completed"), LOG_TEXT("run", run->row.id), LOG_TEXT("file", run->backup.names.dump),
        LOG_NUMBER("bytes", run->backup.proof.size_bytes), LOG_NUMBER("dumpMs", run->backup.dump_ms),
        LOG_NUMBER("syncMs", run->backup.sync_ms), LOG_NUMBER("hashMs", run->backup.proof.hash_ms),
        LOG_NUMBER("verifyMs", run->backup.proof.read_ms), LOG_NUMBER("durationMs", duration_ms));
    complete(run, run->backup.names.dump, run->backup.proof.size_bytes, run->backup.proof.sha256, duration_ms);
    return true;
}

static void
end_stopped(struct run *run)
{
    log_info(LOG_EVENT("backup interrupted"), LOG_TEXT("run", run->row.id));
    if (!run->payload->is_alone)
        reporter_log("Interrupted: the worker was stopped, the job goes back to the queue");
    run_row_hand_back(&run->row);
    if (run->payload->is_alone && !run->row.is_lost)
        reporter_log("Interrupted: no dump is left, and the row says failed");
    verdict_interrupt(run->verdict, "the worker was stopped");
}

static void
end_concurrent(struct run *run, const struct error *err)
{
    struct text advice = TEXT_EMPTY;

    lock_add_advice(&run->holder, run->settings->job_lock_minutes, &advice);
    text_format(
        &run->explanation, CONCURRENT " (%s%s%s)", err->text, advice.length > 0 ? "; " : "", text_string(&advice));
    log_warn(LOG_EVENT("concurrent"), LOG_TEXT("run", run->row.id), LOG_NUMBER("holder", run->holder.pid),
        LOG_TEXT("application", run->holder.application), LOG_NUMBER("ageSeconds", run->holder.age_seconds),
        LOG_TEXT("advice", text_string(&advice)));
    reporter_log("%s", text_string(&run->explanation));
    run_row_fail(&run->row, HISTORY_CONCURRENT, CONCURRENT, true);
    fail(run, HISTORY_CONCURRENT, false);
    text_clear(&advice);
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
    if (err->code == ERROR_CONFLICT && !run->row.started) {
        end_concurrent(run, err);
        return;
    }
    log_error(LOG_EVENT("backup failed"), LOG_TEXT("run", run->row.id), LOG_TEXT("config", run->payload->config_id),
        LOG_ERROR(err));
    reporter_log("Failed: %s", err->text);
    run_row_fail(&run->row, err->text, err->text, run->payload->is_last || !can_retry(err));
    fail(run, err->text, can_retry(err));
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct run *run, struct error *err) = { connect_database, find_config, open_store,
    find_row, need_store, tell_start, take_lock, look_again, tidy, start_row, write_dump, prove_dump, confirm_lock,
    publish_dump, record_run };

void
run_perform(const struct settings *settings, const struct payload *payload, struct report *verdict)
{
    struct run run = { .settings = settings,
        .payload = payload,
        .verdict = verdict,
        .began = moment_now(),
        .row = { .payload = payload } };
    struct outcome outcome = { .payload = payload, .verdict = verdict, .backup = &run.backup, .row = &run.row };
    struct error err = ERROR_EMPTY;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&run, &err))
            break;
    if (verdict->type == REPORT_NONE)
        end_badly(&run, &err);
    backup_abandon(&run.backup);
    outcome.config_name = run.config.name;
    outcome.began = run.began;
    outcome.explanation = run.explanation.length > 0 ? text_string(&run.explanation) : NULL;
    outcome.was_done_before = run.done.is_done;
    outcome.verified = run.done.is_done ? run.done.verified : settings_verify_name(run.backup.verified_level);
    outcome_tell(run.database, settings, &outcome);
    run_row_done_clear(&run.done);
    store_close(run.store);
    database_close(run.database);
    history_config_clear(&run.config);
    text_clear(&run.explanation);
    backup_clear(&run.backup);
}
