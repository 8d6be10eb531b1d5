#include "jobs/prune.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/lock.h"
#include "jobs/payload.h"
#include "jobs/reporter.h"
#include "jobs/retention.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/verdict.h"

#define PUT_OFF_MS 60000
#define PUT_OFF_AT_MOST_MS 3600000
#define BATCH_ROWS 100 /* deleted, then synced and taken off the rows in one go */
#define FINISH_MS 15000

/* The columns of history_list_dumps(). */
enum { COLUMN_ID, COLUMN_TIME, COLUMN_DUMP, COLUMN_MANIFEST, COLUMN_MINE };

enum fate {
    FATE_KEPT = 0,
    FATE_GOES,
    FATE_SKIPPED, /* its paths are none of our business */
};

/* One successful row that names a dump. */
struct dump {
    const char *id;   /* the rows' */
    const char *path; /* the rows' */
    bool mine;        /* of the config that is pruned; the others only say which files they need */
    bool is_missing;  /* its file is not there, or is none */
    enum fate fate;
    char name[STORE_NAME_SIZE];     /* in the directory */
    char manifest[STORE_NAME_SIZE]; /* "": none */
    struct retention_row retention;
};

struct prune {
    const struct settings *settings;
    const struct payload *payload;
    struct report *verdict;
    struct history_config config;
    struct retention retention;
    struct database *database;
    struct store *store;
    struct database_rows *rows;
    struct dump *dumps;
    size_t count;
    const char **needed; /* names of files that rows that stay need, sorted */
    size_t needed_count;

    struct text batch; /* ids whose files are gone, but whose rows still have the paths */
    size_t batch_count;
    int64_t pruned;
    int64_t kept;
    int64_t failed;
    int64_t skipped;
};

static bool
connect_database(struct prune *prune, struct error *err)
{
    prune->database = database_open(&prune->settings->database, DATABASE_APPLICATION " prune", err);
    return prune->database != NULL;
}

static bool
find_config(struct prune *prune, struct error *err)
{
    bool found = false;

    if (!history_find_config(prune->database, prune->payload->config_id, &prune->config, &found, err))
        return false;
    if (found)
        return retention_parse(prune->config.retention, strlen(prune->config.retention), &prune->retention, err) ||
               error_add(err, "nothing was pruned");
    log_warn(LOG_EVENT("unknown config"), LOG_TEXT("config", prune->payload->config_id));
    reporter_log("Skipped: unknown config");
    verdict_complete(prune->verdict, "{\"skipped\":\"unknown config\"}");
    return true;
}

static bool
open_store(struct prune *prune, struct error *err)
{
    prune->store = store_open(prune->settings->storage_directory, err);
    return prune->store != NULL;
}

static bool
take_lock(struct prune *prune, struct error *err)
{
    struct lock_holder holder;
    struct wall now = wall_now();

    if (lock_take(prune->database, LOCK_PRUNE_MS, &holder, err))
        return true;
    if (err->code != ERROR_CONFLICT)
        return false;
    if (prune->payload->added.ms != 0 && now.ms - prune->payload->added.ms > PUT_OFF_AT_MOST_MS)
        return error_add(err, "nothing was pruned: not to be had within an hour");
    log_info(LOG_EVENT("prune put off"), LOG_TEXT("config", prune->payload->config_id),
        LOG_NUMBER("holder", holder.pid), LOG_TEXT("application", holder.application),
        LOG_NUMBER("ageSeconds", holder.age_seconds));
    reporter_log("Put off for a minute: %s", err->text);
    verdict_delay(prune->verdict, (struct wall){ .ms = now.ms + PUT_OFF_MS });
    return true;
}

/* Which files in the directory the row means. False: none that we may touch. */
static bool
resolve(const struct prune *prune, struct dump *dump, const char *manifest_path, struct error *err)
{
    struct error ignored; /* something that is no file: when it is to be deleted, that is told */
    int64_t size;

    if (!store_resolve(prune->store, dump->path, dump->name, err) ||
        (manifest_path != NULL && !store_resolve(prune->store, manifest_path, dump->manifest, err)))
        return false;
    dump->is_missing = !store_find(prune->store, dump->name, &size, &ignored) || size == -1;
    return true;
}

static void
read_dump(struct prune *prune, size_t row, struct dump *dump)
{
    const char *time = database_rows_value(prune->rows, row, COLUMN_TIME);
    struct error err;

    dump->id = database_rows_value(prune->rows, row, COLUMN_ID);
    dump->path = database_rows_value(prune->rows, row, COLUMN_DUMP);
    dump->mine = strcmp(database_rows_value(prune->rows, row, COLUMN_MINE), "t") == 0;
    dump->retention.has_time = time != NULL;
    dump->retention.time.ms = database_rows_number(prune->rows, row, COLUMN_TIME);
    if (resolve(prune, dump, database_rows_value(prune->rows, row, COLUMN_MANIFEST), &err))
        return;
    dump->fate = FATE_SKIPPED;
    if (!dump->mine)
        return;
    prune->skipped++;
    log_warn(LOG_EVENT("row skipped"), LOG_TEXT("run", dump->id), LOG_ERROR(&err));
    reporter_log("Skipped row %s: %s", dump->id, err.text);
}

static bool
list_dumps(struct prune *prune, struct error *err)
{
    if (!history_list_dumps(prune->database, prune->payload->config_id, &prune->rows, err))
        return false;
    prune->count = database_rows_count(prune->rows);
    prune->dumps = memory_new((prune->count + 1) * sizeof(*prune->dumps));
    for (size_t i = 0; i < prune->count; i++) {
        if (!stop_check(err))
            return false;
        read_dump(prune, i, &prune->dumps[i]);
    }
    return true;
}

/*
 * Retention over this config's rows, with or without those whose file is missing; the outcome counts for those that are missing, or for
 * those that are not. Returns how many it counts for.
 */
static size_t
apply_retention(struct prune *prune, bool for_missing)
{
    struct retention_row *rows = memory_new((prune->count + 1) * sizeof(*rows));
    size_t count = 0;
    size_t decided = 0;

    for (size_t i = 0; i < prune->count; i++) {
        const struct dump *dump = &prune->dumps[i];
        if (dump->mine && dump->fate != FATE_SKIPPED && (for_missing || !dump->is_missing))
            rows[count++] = dump->retention;
    }
    retention_apply(&prune->retention, rows, count);
    count = 0;
    for (size_t i = 0; i < prune->count; i++) {
        struct dump *dump = &prune->dumps[i];
        if (!dump->mine || dump->fate == FATE_SKIPPED || (!for_missing && dump->is_missing))
            continue;
        if (dump->is_missing == for_missing) {
            dump->retention = rows[count];
            decided++;
        }
        count++;
    }
    free(rows);
    return decided;
}

static void
tell_kept(struct prune *prune, const struct dump *dump)
{
    struct text why = TEXT_EMPTY;

    retention_add_reasons(&prune->retention, &dump->retention, &why);
    prune->kept++;
    if (dump->is_missing) {
        log_warn(LOG_EVENT("dump is missing"), LOG_TEXT("run", dump->id), LOG_TEXT("file", dump->name));
        reporter_log("Kept the row of %s (%s), but the file is not there", dump->name, text_string(&why));
    } else
        reporter_log("Kept %s: %s", dump->name, text_string(&why));
    text_clear(&why);
}

static bool
decide(struct prune *prune, struct error *err)
{
    size_t missing = apply_retention(prune, true);
    size_t present = apply_retention(prune, false);

    if (missing > 0 && present == 0)
        return error_set(err, ERROR_REFUSED,
            "nothing was pruned: of %zu dumps none is in '%s'; is the right directory mounted?", missing,
            store_directory(prune->store));
    for (size_t i = 0; i < prune->count; i++) {
        struct dump *dump = &prune->dumps[i];
        if (!dump->mine || dump->fate == FATE_SKIPPED)
            continue;
        if (dump->retention.reasons == 0)
            dump->fate = FATE_GOES;
        else
            tell_kept(prune, dump);
    }
    return true;
}

static int
compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* After a restore, or by hand, two rows may name one file. */
static bool
find_needed(struct prune *prune, struct error *err)
{
    (void)err; /* nothing here can fail */
    prune->needed = memory_new((2 * prune->count + 1) * sizeof(*prune->needed));
    for (size_t i = 0; i < prune->count; i++) {
        const struct dump *dump = &prune->dumps[i];
        if (dump->fate == FATE_GOES)
            continue;
        if (dump->name[0] != '\0')
            prune->needed[prune->needed_count++] = dump->name;
        if (dump->manifest[0] != '\0')
            prune->needed[prune->needed_count++] = dump->manifest;
    }
    qsort(prune->needed, prune->needed_count, sizeof(*prune->needed), compare_names);
    return true;
}

static bool
is_needed(const struct prune *prune, const char *name)
{
    return bsearch(&name, prune->needed, prune->needed_count, sizeof(*prune->needed), compare_names) != NULL;
}

/* The files are gone for good before the rows forget them. */
static bool
finish_batch(struct prune *prune, struct error *err)
{
    if (prune->batch_count == 0)
        return true;
    text_add(&prune->batch, "}");
    if (!store_sync(prune->store, err) || !history_forget_paths(prune->database, text_string(&prune->batch), err))
        return error_add(err, "%zu dumps are deleted, but their rows still name them", prune->batch_count);
    prune->pruned += (int64_t)prune->batch_count;
    prune->batch_count = 0;
    text_reset(&prune->batch);
    return true;
}

static void
add_to_batch(struct prune *prune, const char *id)
{
    text_format(&prune->batch, "%s%s", prune->batch_count == 0 ? "{" : ",", id);
    prune->batch_count++;
}

/* Both are looked at before either is deleted. What a row that stays needs counts as done. */
static bool
remove_files(struct prune *prune, const struct dump *dump, struct error *err)
{
    const char *const names[] = { dump->name, dump->manifest };
    int64_t size;

    for (size_t i = 0; i < 2; i++)
        if (names[i][0] != '\0' && !store_find(prune->store, names[i], &size, err))
            return false;
    for (size_t i = 0; i < 2; i++)
        if (names[i][0] != '\0' && !is_needed(prune, names[i]) && !store_remove(prune->store, names[i], err))
            return false;
    return true;
}

static void
remove_dump(struct prune *prune, const struct dump *dump)
{
    bool shared = is_needed(prune, dump->name);
    struct error err;

    if (!remove_files(prune, dump, &err)) {
        prune->failed++;
        log_warn(
            LOG_EVENT("dump not deleted"), LOG_TEXT("run", dump->id), LOG_TEXT("file", dump->name), LOG_ERROR(&err));
        reporter_log("Could not remove %s, its row keeps the path: %s", dump->name, err.text);
        return;
    }
    log_info(LOG_EVENT("dump pruned"), LOG_TEXT("run", dump->id), LOG_TEXT("file", dump->name),
        LOG_YES_NO("shared", shared), LOG_YES_NO("wasMissing", dump->is_missing));
    if (shared)
        reporter_log("Removed row %s's paths, but not %s: another row needs it", dump->id, dump->name);
    else
        reporter_log("Removed %s%s", dump->name, dump->is_missing ? " (the file was gone already)" : "");
    add_to_batch(prune, dump->id);
}

static bool
remove_dumps(struct prune *prune, struct error *err)
{
    struct error finish;

    for (size_t i = 0; i < prune->count; i++) {
        if (prune->dumps[i].fate != FATE_GOES)
            continue;
        if (!stop_check(err)) {
            stop_shield(moment_add_ms(moment_now(), FINISH_MS));
            if (!finish_batch(prune, &finish))
                error_also(err, "%s", finish.text);
            return false;
        }
        remove_dump(prune, &prune->dumps[i]);
        if (prune->batch_count == BATCH_ROWS && !finish_batch(prune, err))
            return false;
    }
    return finish_batch(prune, err);
}

static bool
complete(struct prune *prune, struct error *err)
{
    struct text returnvalue = TEXT_EMPTY;

    (void)err; /* nothing here can fail */
    text_format(&returnvalue, "{\"pruned\":%" PRId64 ",\"kept\":%" PRId64 ",\"failed\":%" PRId64, prune->pruned,
        prune->kept, prune->failed);
    if (prune->skipped > 0)
        text_format(&returnvalue, ",\"skipped\":%" PRId64, prune->skipped);
    text_add(&returnvalue, "}");
    log_info(LOG_EVENT("prune completed"), LOG_TEXT("config", prune->payload->config_id),
        LOG_NUMBER("pruned", prune->pruned), LOG_NUMBER("kept", prune->kept), LOG_NUMBER("failed", prune->failed),
        LOG_NUMBER("skipped", prune->skipped));
    verdict_complete(prune->verdict, text_string(&returnvalue));
    text_clear(&returnvalue);
    return true;
}

static void
end_badly(const struct prune *prune, const struct error *err)
{
    if (err->code == ERROR_STOPPED) {
        log_info(LOG_EVENT("prune interrupted"), LOG_TEXT("config", prune->payload->config_id));
        reporter_log("Interrupted: the worker was stopped, the job goes back to the queue");
        verdict_interrupt(prune->verdict, err->text);
        return;
    }
    log_error(LOG_EVENT("prune failed"), LOG_TEXT("config", prune->payload->config_id), LOG_ERROR(err));
    reporter_log("Failed: %s", err->text);
    verdict_fail(prune->verdict, err->text, err->code == ERROR_LOST || err->code == ERROR_TIMEOUT);
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct prune *prune, struct error *err) = { connect_database, find_config, open_store,
    take_lock, list_dumps, decide, find_needed, remove_dumps, complete };

void
prune_perform(const struct settings *settings, const struct payload *payload, struct report *verdict)
{
    struct prune prune = { .settings = settings, .payload = payload, .verdict = verdict };
    struct error err = ERROR_EMPTY;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&prune, &err))
            break;
    if (verdict->type == REPORT_NONE)
        end_badly(&prune, &err);
    text_clear(&prune.batch);
    free(prune.needed);
    free(prune.dumps);
    database_rows_free(prune.rows);
    store_close(prune.store);
    database_close(prune.database);
    history_config_clear(&prune.config);
}
