#include "jobs/run_row.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/aftermath.h"
#include "jobs/history.h"
#include "jobs/lock.h"
#include "jobs/tidy.h"

#define REVIVE_MS 60000 /* for a server that is restarting */
#define HANDED_BACK "interrupted: the worker was stopped, the job went back to the queue"
#define STOPPED "interrupted: it was stopped before its dump was in place"
#define NOT_BEGUN "interrupted: the worker died before the backup began"
#define INTERRUPTED "interrupted: " /* how all begin that close the row of a run which is not their own */

/* --- Found or made --- */

/* The size of the dump that a successful row names, if it is in place; -1 otherwise. */
static int64_t
dump_in_place(struct store *store, const struct aftermath_row *row)
{
    char name[STORE_NAME_SIZE];
    struct error ignored; /* a path that means nothing here is not in place */
    int64_t size = -1;

    if (store == NULL || row->status != HISTORY_SUCCESS || row->dump_path == NULL ||
        !store_resolve(store, row->dump_path, name, &ignored) || !store_find(store, name, &size, &ignored) ||
        size != row->size_bytes)
        return -1;
    return size;
}

static void
take_done(const struct aftermath_row *row, int64_t size_bytes, struct run_row_done *done)
{
    json_t *manifest = row->manifest == NULL ? NULL : json_loads(row->manifest, 0, NULL);
    const char *sha256 = json_string_value(json_object_get(manifest, "sha256"));
    const char *verified = json_string_value(json_object_get(json_object_get(manifest, "verified"), "level"));

    *done = (struct run_row_done){ .is_done = true,
        .filename = memory_copy_string(strrchr(row->dump_path, '/') + 1), /* it resolved, so it has one */
        .size_bytes = size_bytes,
        .sha256 = memory_copy_string(sha256 == NULL ? "" : sha256),
        .duration_ms = json_integer_value(json_object_get(manifest, "durationMs")),
        .verified = memory_copy_string(verified) };
    json_decref(manifest);
}

void
run_row_done_clear(struct run_row_done *done)
{
    free(done->filename);
    free(done->sha256);
    free(done->verified);
    *done = (struct run_row_done){ .filename = NULL };
}

/* Rows of dead attempts whose dump is published; *looked: there may have been some, whoever closed them. */
static bool
close_published(struct run_row *row, struct store *store, const struct aftermath *rows, bool *looked, struct error *err)
{
    enum tidy_end end;

    *looked = false;
    if (store == NULL || !payload_was_taken_before(row->payload))
        return true;
    for (size_t i = 0; i < rows->count; i++) {
        if (!tidy_close_published(row->database, store, &rows->rows[i], &end, err))
            return false;
        *looked = *looked || rows->rows[i].status == HISTORY_RUNNING;
    }
    return true;
}

static void
note_failure(struct run_row *row, const struct aftermath_row *earlier)
{
    if (earlier->is_untold)
        row->has_untold = true;
    else if (earlier->status == HISTORY_FAILED && row->payload->stalled_counter > 0)
        row->has_told = true;
}

bool
run_row_find(struct run_row *row, struct store *store, struct run_row_done *done, bool *found, struct error *err)
{
    bool is_given = row->payload->run_id[0] != '\0';
    struct aftermath rows = { .count = 0 };
    struct text ids = TEXT_EMPTY;
    bool looked = false;
    bool ok;

    *done = (struct run_row_done){ .is_done = false };
    payload_add_rows(row->payload, is_given, &ids);
    ok = aftermath_find(row->database, text_string(&ids), &rows, err) &&
         close_published(row, store, &rows, &looked, err);
    if (ok && looked) {
        aftermath_clear(&rows);
        ok = aftermath_find(row->database, text_string(&ids), &rows, err);
    }
    *found = ok && rows.count > 0;
    if (*found && is_given)
        memcpy(row->id, row->payload->run_id, UUID_SIZE);
    for (size_t i = 0; ok && i < rows.count; i++)
        note_failure(row, &rows.rows[i]);
    for (size_t i = 0; ok && i < rows.count && !done->is_done; i++) {
        int64_t size = dump_in_place(store, &rows.rows[i]);

        if (size >= 0) {
            memcpy(row->id, rows.rows[i].id, UUID_SIZE);
            take_done(&rows.rows[i], size, done);
        }
    }
    aftermath_clear(&rows);
    text_clear(&ids);
    return ok;
}

/* Under the id that follows from the attempt; a random one if that is not known, or taken because somebody has set attempts back. */
bool
run_row_make(struct run_row *row, struct error *err)
{
    char id[UUID_SIZE];
    bool inserted = false;

    if (payload_row(row->payload, id) &&
        !history_insert_run(row->database, id, row->payload->config_id, &inserted, err))
        return false;
    while (!inserted)
        if (!uuid_make(id, err) || !history_insert_run(row->database, id, row->payload->config_id, &inserted, err))
            return false;
    memcpy(row->id, id, sizeof(row->id));
    row->is_made = true;
    return true;
}

bool
run_row_close_earlier(const struct run_row *row, struct store *store, struct error *err)
{
    struct aftermath rows = { .count = 0 };
    struct text ids = TEXT_EMPTY;
    enum tidy_end end;
    bool ok;

    payload_add_rows(row->payload, false, &ids);
    ok = aftermath_find(row->database, text_string(&ids), &rows, err);
    for (size_t i = 0; ok && i < rows.count; i++)
        if (rows.rows[i].status == HISTORY_QUEUED)
            ok = tidy_close(row->database, store, &rows.rows[i], NOT_BEGUN, &end, err);
    aftermath_clear(&rows);
    text_clear(&ids);
    return ok;
}

bool
run_row_start(struct run_row *row, struct error *err)
{
    row->started_at = wall_now();
    row->started = history_start_run(row->database, row->id, row->started_at, err);
    return row->started;
}

bool
run_row_is_ours(const struct run_row *row, bool *ours, struct error *err)
{
    return history_is_ours(row->database, row->id, row->started_at, ours, err);
}

/* --- Ended --- */

/* What has become of it, if it is not as this attempt left it: NULL if it is gone. The caller clears `found`. */
static const struct aftermath_row *
look_at(const struct run_row *row, struct aftermath *found)
{
    struct text ids = TEXT_EMPTY;
    struct error ignored; /* then nothing is known */
    bool ok;

    text_format(&ids, "{%s}", row->id);
    ok = aftermath_find(row->database, text_string(&ids), found, &ignored);
    text_clear(&ids);
    return ok && found->count > 0 ? &found->rows[0] : NULL;
}

/* Somebody who looked at what a dead attempt had published may have been quicker. */
static bool
has_succeeded(const struct run_row *row, const char *dump_path)
{
    struct aftermath found = { .count = 0 };
    const struct aftermath_row *now = look_at(row, &found);
    bool has = now != NULL && now->status == HISTORY_SUCCESS && now->dump_path != NULL &&
               strcmp(now->dump_path, dump_path) == 0;

    aftermath_clear(&found);
    return has;
}

static bool
was_closed_as_dead(const struct run_row *row)
{
    struct aftermath found = { .count = 0 };
    const struct aftermath_row *now = look_at(row, &found);
    bool was = now != NULL && now->status == HISTORY_FAILED && now->error != NULL &&
               strncmp(now->error, INTERRUPTED, strlen(INTERRUPTED)) == 0;

    aftermath_clear(&found);
    return was;
}

bool
run_row_succeed(struct run_row *row, const struct backup *backup, struct wall finished, struct error *err)
{
    struct text dump_path = TEXT_EMPTY;
    struct text manifest_path = TEXT_EMPTY;
    struct history_success success = { .started = row->started_at,
        .finished = finished,
        .size_bytes = backup->proof.size_bytes,
        .manifest = text_string(&backup->manifest) };
    bool changed = false;
    bool ok;

    text_format(&dump_path, "%s/%s", store_directory(backup->store), backup->names.dump);
    text_format(&manifest_path, "%s/%s", store_directory(backup->store), backup->names.manifest);
    success.dump_path = text_string(&dump_path);
    success.manifest_path = text_string(&manifest_path);
    ok = database_revive(row->database, REVIVE_MS, err) &&
         history_succeed(row->database, row->id, &success, &changed, err);
    row->is_lost = !ok;
    if (ok && !changed && !has_succeeded(row, success.dump_path)) {
        ok = error_set(err, ERROR_REFUSED, "it is no longer running, or was deleted");
        row->is_untold = was_closed_as_dead(row);
    }
    text_clear(&dump_path);
    text_clear(&manifest_path);
    return ok;
}

/* Whose mark is on it, and whose lock we do not get, is being told by somebody else; *marked: there are any with a mark. */
static bool
look_for_tellers(const struct run_row *row, const char *ids, bool *marked, bool *claimed, struct error *err)
{
    struct aftermath rows = { .count = 0 };
    bool taken = false;
    bool ok = aftermath_find(row->database, ids, &rows, err);

    *marked = false;
    for (size_t i = 0; ok && i < rows.count; i++) {
        if (!rows.rows[i].is_untold)
            continue;
        *marked = true;
        ok = lock_try_to_tell(row->database, rows.rows[i].id, &taken, err);
        *claimed = *claimed || (ok && !taken);
    }
    aftermath_clear(&rows);
    return ok;
}

/* Meanwhile, or just now. Looks again once the locks are ours: whoever told has taken the mark off before he let go. */
static bool
was_told(const struct run_row *row)
{
    struct text ids = TEXT_EMPTY;
    struct error ignored; /* then it is told, rather twice than never */
    bool is_marked = false;
    bool is_claimed = false;
    bool ok;

    if (row->has_told || !row->has_untold)
        return row->has_told;
    payload_add_rows(row->payload, true, &ids);
    ok = look_for_tellers(row, text_string(&ids), &is_marked, &is_claimed, &ignored) &&
         (!is_marked || is_claimed || look_for_tellers(row, text_string(&ids), &is_marked, &is_claimed, &ignored));
    text_clear(&ids);
    return ok && (is_claimed || !is_marked);
}

void
run_row_fail(struct run_row *row, const char *reason, const char *audit_reason, bool for_good)
{
    struct error err;
    bool changed = false;
    bool ok;

    if (row->id[0] == '\0') { /* there was no session, or Postgres refused to show or to make one */
        row->is_lost = for_good;
        return;
    }
    ok = database_revive(row->database, REVIVE_MS, &err);
    row->is_told = ok && for_good && was_told(row);
    ok = ok && history_fail(row->database, row->id, row->started ? &row->started_at : NULL, reason, !row->is_told,
                   &changed, &err);
    if (!ok) {
        log_error(LOG_EVENT("row not closed"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
        row->is_lost = row->started || for_good;
        return;
    }
    row->is_untold = changed ? for_good && !row->is_told : was_closed_as_dead(row);
    if (changed && !history_audit_failed(row->database, row->id, row->payload->config_id, audit_reason, &err))
        log_warn(LOG_EVENT("audit row not written"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
}

static void
unmark(const struct run_row *row, bool with_this)
{
    struct text ids = TEXT_EMPTY;
    struct error err;

    payload_add_rows(row->payload, with_this, &ids);
    if (ids.length > 2 && !aftermath_unmark(row->database, text_string(&ids), &err))
        log_warn(LOG_EVENT("failed attempts not settled"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
    text_clear(&ids);
}

void
run_row_hand_back(struct run_row *row)
{
    struct error err;
    bool changed = false;

    if (row->payload->is_alone) {
        run_row_fail(row, STOPPED, STOPPED, false);
        unmark(row, true); /* whoever has stopped it knows */
    } else if (row->is_made)
        run_row_fail(row, HANDED_BACK, HANDED_BACK, false);
    else if (row->started && (!database_revive(row->database, REVIVE_MS, &err) ||
                                 !history_requeue(row->database, row->id, row->started_at, &changed, &err)))
        log_error(LOG_EVENT("row not requeued"), LOG_TEXT("run", row->id), LOG_ERROR(&err));
}

void
run_row_settle_earlier(const struct run_row *row)
{
    unmark(row, false);
}
