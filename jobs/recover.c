#include "jobs/recover.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/aftermath.h"
#include "jobs/history.h"
#include "jobs/lock.h"
#include "jobs/manifest.h"
#include "jobs/news.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/tidy.h"
#include "jobs/untold.h"
#include "jobs/verdict.h"

#define NOT_RUN "BACKUP_AFTER_SUCCESS was not run: the backup was done, but its process ended before it could note that"

struct recover {
    const struct settings *settings;
    struct report *verdict; /* set: it is over */
    struct payload payload;
    bool has_rows;      /* it is a run */
    char id[UUID_SIZE]; /* the row of the attempt; "": not known */
    struct report_failure failure;
    char *reason;
    char *phase; /* in which it failed; NULL: not known */
    struct database *database;
    struct store *store;
    bool has_succeeded; /* that row turned out a success */
    bool is_tidy;       /* or somebody else sees to it */
};

/* A job that is none of ours has left nothing in particular. */
static bool
read_input(struct recover *recover, const char *bytes, size_t length, struct error *err)
{
    json_error_t why;
    json_t *job = json_loadb(bytes, length, JSON_ALLOW_NUL, &why);
    const json_t *failure = json_object_get(job, "failure");
    const char *reason = json_string_value(json_object_get(failure, "reason"));
    const char *phase = json_string_value(json_object_get(json_object_get(failure, "progress"), "phase"));
    struct error none;
    bool ok = reason != NULL;

    if (ok) {
        recover->reason = memory_copy_string(reason);
        recover->phase = phase == NULL ? NULL : memory_copy_string(phase);
        recover->failure = (struct report_failure){ .reason = recover->reason,
            .is_final = json_is_true(json_object_get(failure, "final")),
            .began_ms = json_integer_value(json_object_get(failure, "began")),
            .at_ms = json_integer_value(json_object_get(failure, "at")),
            .is_told = json_is_true(json_object_get(failure, "told")) };
        recover->has_rows =
            payload_parse(bytes, length, &recover->payload, &none) && recover->payload.kind == PAYLOAD_RUN;
        if (!recover->has_rows || !payload_row(&recover->payload, recover->id))
            recover->id[0] = '\0';
    } else
        (void)error_set(err, ERROR_INPUT, "standard input is no job with its failure: %s",
            job == NULL ? why.text : "'failure' is missing");
    json_decref(job);
    return ok;
}

static bool
connect_database(struct recover *recover, struct error *err)
{
    recover->database = database_open(&recover->settings->database, DATABASE_APPLICATION " recover", err);
    return recover->database != NULL;
}

static bool
open_store(struct recover *recover, struct error *err)
{
    bool made; /* as the run would have done that died before it: its row is to be closed all the same */

    recover->store = store_make(recover->settings->storage_directory, &made, err);
    return recover->store != NULL;
}

/* --- The rows of the job --- */

static bool
close_dead(struct recover *recover, const struct aftermath_row *row, struct error *err)
{
    struct text reason = TEXT_EMPTY;
    enum tidy_end end;
    bool ok;

    if (row->status == HISTORY_RUNNING) {
        text_format(&reason, "interrupted: %s", recover->reason);
        if (recover->phase != NULL)
            text_format(&reason, ", in phase '%s'", recover->phase);
    } else
        text_add(&reason, recover->reason);
    ok = tidy_close(recover->database, recover->store, row, text_string(&reason), &end, err);
    recover->has_succeeded = recover->has_succeeded || (end == TIDY_SUCCEEDED && strcmp(row->id, recover->id) == 0);
    text_clear(&reason);
    return ok;
}

/* An attempt before this one has failed it, and this one has not come to touch it. */
static bool
fail_again(const struct recover *recover, const struct aftermath_row *row, struct error *err)
{
    const char *config_id = recover->payload.config_id;
    struct error audit;
    bool changed = false;

    if (!history_fail(recover->database, row->id, NULL, recover->reason, true, &changed, err))
        return false;
    if (changed && !history_audit_failed(recover->database, row->id, config_id, recover->reason, &audit))
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", row->id), LOG_ERROR(&audit));
    return true;
}

static bool
close_row(struct recover *recover, const struct aftermath_row *row, struct error *err)
{
    const struct report_failure *failure = &recover->failure;
    bool is_given = recover->payload.run_id[0] != '\0'; /* each attempt works on it; else each has its own */
    bool for_good = failure->is_final && strcmp(row->id, recover->id) == 0;

    switch (row->status) {
    case HISTORY_RUNNING:
        return row->started.ms > failure->at_ms || close_dead(recover, row, err);
    case HISTORY_QUEUED:
        return (is_given && !for_good) || close_dead(recover, row, err);
    case HISTORY_FAILED:
        return !for_good || row->is_untold || row->finished.ms >= failure->began_ms || fail_again(recover, row, err);
    case HISTORY_SUCCESS:
        break;
    }
    return true;
}

static bool
insert_row(const struct recover *recover, struct error *err)
{
    const char *config_id = recover->payload.config_id;
    struct error audit;
    bool inserted = false;

    if (!recover->failure.is_final || recover->payload.run_id[0] != '\0' || recover->id[0] == '\0')
        return true;
    if (!aftermath_insert(recover->database, recover->id, config_id, recover->reason, &inserted, err))
        return false;
    if (inserted && !history_audit_failed(recover->database, recover->id, config_id, recover->reason, &audit))
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", recover->id), LOG_ERROR(&audit));
    return true;
}

static bool
close_rows(struct recover *recover, struct error *err)
{
    struct aftermath found = { .count = 0 };
    struct text ids = TEXT_EMPTY;
    bool has_own = false;
    bool ok = true;

    if (recover->has_rows) {
        payload_add_rows(&recover->payload, true, &ids);
        ok = aftermath_find(recover->database, text_string(&ids), &found, err);
    }
    for (size_t i = 0; ok && i < found.count; i++) {
        has_own = has_own || strcmp(found.rows[i].id, recover->id) == 0;
        ok = close_row(recover, &found.rows[i], err);
    }
    if (ok && recover->has_rows && !has_own)
        ok = insert_row(recover, err);
    aftermath_clear(&found);
    text_clear(&ids);
    return ok;
}

/* Nobody runs the command: who copies the dump, and how long that takes, is not for a recovery. */
static void
tell_success(const struct recover *recover, const struct aftermath_row *row)
{
    struct manifest_facts facts = MANIFEST_FACTS_EMPTY;
    struct error err;

    if (manifest_read(row->manifest, strlen(row->manifest), &facts, &err))
        (void)news_tell(recover->database, recover->settings,
            &(struct news){ .kind = NEWS_COMPLETED,
                .config_id = recover->payload.config_id,
                .run_id = row->id,
                .filename = facts.filename,
                .size_bytes = facts.size_bytes,
                .sha256 = facts.sha256,
                .verified = facts.verified_level,
                .duration_ms = facts.duration_ms,
                .after_success = recover->settings->after_success == NULL ? NULL : NOT_RUN });
    else
        log_warn(LOG_EVENT("success not told"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
    manifest_facts_clear(&facts);
}

static bool
tell(struct recover *recover, struct error *err)
{
    struct aftermath found = { .count = 0 };
    struct text ids = TEXT_EMPTY;
    bool ok = true;

    if (!recover->failure.is_final || recover->id[0] == '\0')
        return true;
    payload_add_rows(&recover->payload, false, &ids);
    ok = aftermath_unmark(recover->database, text_string(&ids), err);
    text_reset(&ids);
    text_format(&ids, "{%s}", recover->id);
    ok = ok && aftermath_find(recover->database, text_string(&ids), &found, err);
    if (ok && found.count > 0 && recover->has_succeeded && found.rows[0].manifest != NULL)
        tell_success(recover, &found.rows[0]);
    else if (ok && found.count > 0 && found.rows[0].is_untold)
        untold_tell(recover->database, recover->settings,
            &(struct news){ .kind = NEWS_FAILED,
                .config_id = recover->payload.config_id,
                .run_id = recover->id,
                .error = found.rows[0].error,
                .only_people = recover->failure.is_told });
    aftermath_clear(&found);
    text_clear(&ids);
    return ok;
}

/* --- Everything else --- */

static bool
tidy(struct recover *recover, struct error *err)
{
    struct tidy tidy = {
        .settings = recover->settings, .database = recover->database, .store = recover->store, .but_id = ""
    };

    recover->is_tidy = tidy_up(&tidy, err);
    return recover->is_tidy;
}

/* Before people are told, which may take long: the disk may be full. */
static bool
tidy_at_once(struct recover *recover, struct error *err)
{
    bool taken = false;

    return lock_try(recover->database, &taken, err) &&
           (!taken || (tidy(recover, err) && lock_release(recover->database, err)));
}

/* A run that has the lock has tidied up before it began; anybody else may hold it for long. */
static bool
take_lock(struct recover *recover, struct error *err)
{
    struct lock_holder holder;

    if (recover->is_tidy || lock_take_for_run(recover->database, false, &holder, err))
        return true;
    if (err->code != ERROR_CONFLICT || !lock_holder_is_run(&holder))
        return false;
    recover->is_tidy = true;
    return true;
}

static bool
tidy_patiently(struct recover *recover, struct error *err)
{
    if (!take_lock(recover, err) || (!recover->is_tidy && !tidy(recover, err)))
        return false;
    verdict_complete(recover->verdict, "null");
    return true;
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct recover *recover, struct error *err) = { connect_database, open_store, close_rows,
    tidy_at_once, tell, tidy_patiently };

void
recover_perform(const struct settings *settings, const char *bytes, size_t length, struct report *verdict)
{
    struct recover recover = { .settings = settings, .verdict = verdict };
    struct error err = ERROR_EMPTY;
    bool ok = read_input(&recover, bytes, length, &err);

    for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        ok = stop_check(&err) && steps[i](&recover, &err);
    if (!ok && err.code == ERROR_STOPPED)
        verdict_interrupt(verdict, err.text);
    else if (!ok) {
        log_error(LOG_EVENT("recovery failed"), LOG_ERROR(&err));
        verdict_fail(verdict, err.text, true);
    }
    store_close(recover.store);
    database_close(recover.database);
    free(recover.reason);
    free(recover.phase);
}
