#include "jobs/run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "jobs/archive.h"
#include "jobs/dump.h"
#include "jobs/history.h"
#include "jobs/lock.h"
#include "jobs/manifest.h"
#include "jobs/outcome.h"
#include "jobs/payload.h"
#include "jobs/reporter.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/verdict.h"

#define RECORD_MS 300000  /* to write down what is done */
#define CLEAN_UP_MS 15000 /* to write down what failed */
#define REVIVE_MS 60000   /* for a server that is restarting */
#define PUBLISH_TRIES 10  /* names that somebody else may snatch */
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

    char id[UUID_SIZE];     /* of the row; "": none yet */
    bool row_is_made;       /* by this attempt; else it came with the job */
    bool started;           /* the row is running since `started_at` */
    struct wall started_at; /* also the time in the dump's name */
    struct wall finished_at;
    int64_t previous_bytes; /* the config's last good dump; 0: none */

    struct store_draft *draft;
    struct text pg_dump_version;
    int64_t dump_ms;
    struct archive_proof proof;
    struct store_names names;
    struct text manifest; /* compact, for the row */
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
    if (!history_last_size(run->database, run->payload->config_id, &run->previous_bytes, err) ||
        !history_start_run(run->database, run->id, run->started_at, err))
        return false;
    run->started = true;
    log_info(LOG_EVENT("backup started"), LOG_TEXT("run", run->id), LOG_TEXT("config", run->payload->config_id));
    return true;
}

static void
on_dump_progress(int64_t bytes, void *owner)
{
    const struct run *run = owner;
    int64_t percent = REPORTER_NO_PERCENT;

    if (run->previous_bytes > 0)
        percent = bytes >= run->previous_bytes ? 99 : bytes * 100 / run->previous_bytes;
    reporter_progress("dump", bytes, percent > 99 ? 99 : (int)percent);
}

static bool
write_dump(struct run *run, struct error *err)
{
    struct dump_order order = {
        .url = &run->settings->database, .database = run->database, .on_progress = on_dump_progress, .owner = run
    };
    struct moment start = moment_now();
    struct text warnings = TEXT_EMPTY;
    bool ok = false;

    if (!dump_find_version(&run->pg_dump_version, err))
        return false;
    run->draft = store_create_draft(run->store, run->started_at, err);
    if (run->draft == NULL)
        return false;
    reporter_log("Dumping with pg_dump %s, from server %s, to %s", text_string(&run->pg_dump_version),
        database_server_version_text(run->database), store_directory(run->store));
    order.path = store_draft_path(run->draft);
    order.fd = store_draft_fd(run->draft);
    ok = dump_write(&order, &warnings, err) && store_draft_is_intact(run->draft, err);
    run->dump_ms = moment_ms_between(start, moment_now());
    if (warnings.length > 0)
        reporter_log("pg_dump said: %s", text_string(&warnings));
    text_clear(&warnings);
    return ok;
}

static void
on_proof_progress(int64_t bytes, int64_t size_bytes, void *owner)
{
    (void)owner;
    reporter_progress("verify", bytes, bytes >= size_bytes ? 99 : (int)(bytes * 100 / size_bytes));
}

static bool
prove_dump(struct run *run, struct error *err)
{
    struct archive_proof *proof = &run->proof;

    if (!archive_prove(store_draft_fd(run->draft), store_draft_path(run->draft), on_proof_progress, run, proof, err))
        return false;
    reporter_log("Dumped %" PRId64 " bytes in %.1f s, synced to disk in %.1f s", proof->size_bytes,
        (double)run->dump_ms / 1000, (double)proof->sync_ms / 1000);
    reporter_log("Read back from disk in %.1f s: pg_restore finds it whole; SHA-256 %s", (double)proof->read_ms / 1000,
        proof->sha256);
    return true;
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
    return store_draft_is_intact(run->draft, err);
}

static void
make_manifest(struct run *run, const char *migration_hash, struct text *indented)
{
    struct manifest manifest = { .weavestream_version = run->settings->weavestream_version,
        .migration_hash = migration_hash,
        .password_key_id = run->settings->password_key_id,
        .database_hostname = run->settings->database.hostname,
        .generated = wall_now(),
        .filename = run->names.dump,
        .size_bytes = run->proof.size_bytes,
        .sha256 = run->proof.sha256,
        .run_id = run->id,
        .pg_dump_version = text_string(&run->pg_dump_version),
        .server_version = database_server_version_text(run->database),
        .duration_ms = run->dump_ms + run->proof.sync_ms + run->proof.read_ms };

    text_reset(&run->manifest);
    manifest_add_json(&manifest, true, indented);
    manifest_add_json(&manifest, false, &run->manifest);
}

static bool
publish_dump(struct run *run, struct error *err)
{
    struct text migration_hash = TEXT_EMPTY;
    struct text indented = TEXT_EMPTY;
    bool ok = false;

    reporter_progress("publish", run->proof.size_bytes, 100);
    manifest_add_app_migration_hash(&migration_hash);
    for (int i = 0; !ok && i < PUBLISH_TRIES && (i == 0 || err->code == ERROR_CONFLICT); i++) {
        if (!store_choose_names(run->store, run->started_at, &run->names, err))
            break;
        text_reset(&indented);
        make_manifest(run, text_string(&migration_hash), &indented);
        ok = store_publish(run->store, run->draft, &run->names, text_string(&indented), err);
    }
    if (ok) {
        stop_shield(
            moment_add_ms(moment_now(), RECORD_MS)); /* from here on the run is done, whoever wants to stop it */
        reporter_log("Published as %s, with its manifest", run->names.dump);
    }
    text_clear(&migration_hash);
    text_clear(&indented);
    return ok;
}

static bool
record_success(struct run *run, struct error *err)
{
    struct text dump_path = TEXT_EMPTY;
    struct text manifest_path = TEXT_EMPTY;
    struct history_success success = { .started = run->started_at,
        .finished = run->finished_at,
        .size_bytes = run->proof.size_bytes,
        .manifest = text_string(&run->manifest) };
    bool changed = false;
    bool ok;

    text_format(&dump_path, "%s/%s", store_directory(run->store), run->names.dump);
    text_format(&manifest_path, "%s/%s", store_directory(run->store), run->names.manifest);
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
        (void)error_add(err, "the dump is in place as '%s', but its row could not be written", run->names.dump);
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
    if (!history_audit_completed(run->database, run->id, config_id, run->proof.size_bytes, run->names.dump, err)) {
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", run->id), LOG_ERROR(err));
        reporter_log("The backup is done, but its audit row was not written: %s", err->text);
    }
    add_prune_job(run);
    duration_ms = moment_ms_between(run->began, moment_now());
    log_info(LOG_EVENT("backup completed"), LOG_TEXT("run", run->id), LOG_TEXT("file", run->names.dump),
        LOG_NUMBER("bytes", run->proof.size_bytes), LOG_NUMBER("dumpMs", run->dump_ms),
        LOG_NUMBER("syncMs", run->proof.sync_ms), LOG_NUMBER("hashMs", run->proof.hash_ms),
        LOG_NUMBER("verifyMs", run->proof.read_ms), LOG_NUMBER("durationMs", duration_ms));
    complete(run, run->names.dump, run->proof.size_bytes, run->proof.sha256, duration_ms);
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
    store_draft_free(run->draft); /* first of all: the disk may be full */
    run->draft = NULL;
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
    open_store, look_again, take_lock, look_again, tidy_up, start_row, write_dump, prove_dump, confirm_lock,
    publish_dump, record_run };

void
run_perform(const struct settings *settings, const struct payload *payload, struct report *verdict)
{
    struct run run = { .settings = settings, .payload = payload, .verdict = verdict, .began = moment_now() };
    struct outcome outcome = { .payload = payload, .verdict = verdict };
    struct error err = ERROR_EMPTY;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&run, &err))
            break;
    if (verdict->type == REPORT_NONE)
        end_badly(&run, &err);
    store_draft_free(run.draft);
    store_close(run.store);
    outcome.filename = run.names.dump;
    outcome.size_bytes = run.proof.size_bytes;
    outcome_tell(run.database, settings, &outcome);
    database_close(run.database);
    history_config_clear(&run.config);
    text_clear(&run.pg_dump_version);
    text_clear(&run.manifest);
}
