#include "jobs/prune.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/inventory.h"
#include "jobs/lock.h"
#include "jobs/payload.h"
#include "jobs/removal.h"
#include "jobs/reporter.h"
#include "jobs/retention.h"
#include "jobs/stop.h"
#include "jobs/store.h"
#include "jobs/verdict.h"

#define PUT_OFF_MS 60000
#define PUT_OFF_AT_MOST_MS 3600000
#define LINES_ALONE 1000 /* that are rows of the job's log of their own: no retention keeps more dumps */
#define LINES_BYTES 6000 /* of a row with many lines */

struct prune {
    const struct settings *settings;
    const struct payload *payload;
    const struct prune_watcher *watcher;
    struct report *verdict;
    struct history_config config;
    struct database *database;
    struct store *store;
    struct inventory inventory;
    struct inventory_names named; /* files that a row names that is left */
    struct inventory_names going; /* for the watcher: that a row names that goes */
    struct retention retention;   /* of the config */
    struct text limits;           /* the same, for people */
    struct text orphan_limits;

    size_t lines; /* in the job's log */
    struct text lines_to_tell;
    int64_t pruned;
    int64_t kept;
    int64_t failed;
    int64_t skipped;
    int64_t orphans; /* pruned ones */
    int64_t unnamed; /* files that no row names */
};

static void
tell_lines(struct prune *prune)
{
    if (prune->lines_to_tell.length > 0)
        reporter_log("%s", text_string(&prune->lines_to_tell));
    text_reset(&prune->lines_to_tell);
}

static void tell(struct prune *prune, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line in the job's log. Of thousands, many become one row: each row is a call of Redis. */
static void
tell(struct prune *prune, const char *format, ...)
{
    char line[2048];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text_format(&prune->lines_to_tell, "%s%s", prune->lines_to_tell.length > 0 ? "\n" : "", line);
    if (prune->lines++ < LINES_ALONE || prune->lines_to_tell.length > LINES_BYTES)
        tell_lines(prune);
}

/* Of several rows with the same file, the first is said to free it. */
static int64_t
freed_by(const struct prune *prune, const struct inventory_item *item, bool is_shared)
{
    if (is_shared || item->is_missing)
        return 0;
    return inventory_names_find(&prune->going, item->name) == item->name ? item->size_bytes : 0;
}

static void
tell_watcher(const struct prune *prune, enum prune_fate fate, const struct inventory_item *item, int64_t freed_bytes,
    const char *reason)
{
    struct prune_decision decision = { .fate = fate,
        .is_stray = item->owner == INVENTORY_ORPHAN,
        .run_id = item->id,
        .file = item->name[0] == '\0' ? NULL : item->name,
        .has_time = item->retention.has_time,
        .started = item->retention.time,
        .size_bytes = item->size_bytes,
        .freed_bytes = freed_bytes,
        .reason = reason };

    if (prune->watcher->on_decision != NULL)
        prune->watcher->on_decision(&decision, prune->watcher->owner);
}

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

    if (prune->watcher->only_looks || lock_take(prune->database, LOCK_PRUNE_MS, &holder, err))
        return true;
    if (err->code != ERROR_CONFLICT)
        return false;
    if (prune->payload->is_alone)
        return error_add(err, "nothing was pruned");
    if (prune->payload->added.ms != 0 && now.ms - prune->payload->added.ms > PUT_OFF_AT_MOST_MS)
        return error_add(err, "nothing was pruned: not to be had within an hour");
    log_info(LOG_EVENT("prune put off"), LOG_TEXT("config", prune->payload->config_id),
        LOG_NUMBER("holder", holder.pid), LOG_TEXT("application", holder.application),
        LOG_NUMBER("ageSeconds", holder.age_seconds));
    reporter_log("Put off for a minute: %s", err->text);
    verdict_delay(prune->verdict, (struct wall){ .ms = now.ms + PUT_OFF_MS });
    return true;
}

static bool
take_stock(struct prune *prune, struct error *err)
{
    if (!inventory_read(prune->database, prune->store, prune->payload->config_id, &prune->inventory, err))
        return false;
    for (size_t i = 0; i < prune->inventory.count; i++) {
        const struct inventory_item *item = &prune->inventory.items[i];
        if (item->problem == NULL || item->owner != INVENTORY_MINE)
            continue;
        prune->skipped++;
        log_warn(LOG_EVENT("row skipped"), LOG_TEXT("run", item->id), LOG_TEXT("error", item->problem));
        reporter_log("Skipped row %s: %s", item->id, item->problem);
        tell_watcher(prune, PRUNE_SKIPPED, item, 0, item->problem);
    }
    return true;
}

/* --- What stays -------------------------------------------------------------------------------------------------------------------------- */

/*
 * Retention over the items of an owner, with or without those whose file is missing; the outcome counts for those that are missing, or for
 * those that are not. Returns how many it counts for.
 */
static size_t
apply_retention(
    struct inventory *inventory, enum inventory_owner owner, const struct retention *retention, bool for_missing)
{
    struct retention_row *rows = memory_new((inventory->count + 1) * sizeof(*rows));
    size_t *places = memory_new((inventory->count + 1) * sizeof(*places));
    size_t count = 0;
    size_t decided = 0;

    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_item *item = &inventory->items[i];
        if (item->owner != owner || item->problem != NULL || (!for_missing && item->is_missing))
            continue;
        places[count] = i;
        rows[count++] = item->retention;
    }
    retention_apply(retention, rows, count);
    for (size_t i = 0; i < count; i++) {
        struct inventory_item *item = &inventory->items[places[i]];
        if (item->is_missing != for_missing)
            continue;
        item->retention = rows[i];
        decided++;
    }
    free(places);
    free(rows);
    return decided;
}

/* Those that we may not touch because they are elsewhere. */
static size_t
count_outside(const struct inventory *inventory, enum inventory_owner owner)
{
    size_t count = 0;

    for (size_t i = 0; i < inventory->count; i++)
        count +=
            inventory->items[i].owner == owner && inventory->items[i].problem != NULL && inventory->items[i].is_missing;
    return count;
}

static void
tell_kept(struct prune *prune, const struct retention *retention, const struct inventory_item *item)
{
    const char *orphan = item->owner == INVENTORY_ORPHAN ? "orphan " : "";
    struct text why = TEXT_EMPTY;

    retention_add_reasons(retention, &item->retention, &why);
    if (item->is_missing) {
        log_warn(LOG_EVENT("dump is missing"), LOG_TEXT("run", item->id), LOG_TEXT("file", item->name));
        tell(prune, "Kept the row of %s%s (%s), but the file is not there", orphan, item->name, text_string(&why));
        text_add(&why, "; but the file is not there");
    } else
        tell(prune, "Kept %s%s: %s", orphan, item->name, text_string(&why));
    tell_watcher(prune, PRUNE_KEPT, item, 0, text_string(&why));
    text_clear(&why);
}

static bool
decide_for(
    struct prune *prune, enum inventory_owner owner, const struct retention *retention, size_t *kept, struct error *err)
{
    struct inventory *inventory = &prune->inventory;
    size_t away = apply_retention(inventory, owner, retention, true) + count_outside(inventory, owner);
    size_t present = apply_retention(inventory, owner, retention, false);

    *kept = 0;
    if (away > 0 && present == 0)
        return error_set(err, ERROR_REFUSED, "of %zu dump%s none is in '%s'; is the right directory mounted?", away,
            away == 1 ? "" : "s", store_directory(prune->store));
    for (size_t i = 0; i < inventory->count; i++) {
        struct inventory_item *item = &inventory->items[i];
        if (item->owner != owner || item->problem != NULL)
            continue;
        item->goes = item->retention.reasons == 0;
        if (item->goes)
            continue;
        tell_kept(prune, retention, item);
        (*kept)++;
    }
    return true;
}

static bool
decide(struct prune *prune, struct error *err)
{
    size_t kept = 0;

    if (!decide_for(prune, INVENTORY_MINE, &prune->retention, &kept, err))
        return error_add(err, "nothing was pruned");
    prune->kept = (int64_t)kept;
    retention_add_limits(&prune->retention, &prune->limits);
    return true;
}

static void
leave_orphan(struct prune *prune, const struct inventory_item *item)
{
    static const char reason[] =
        "its schedule was deleted; with BACKUP_PRUNE_ORPHANS=1 it would be under the default retention";

    tell(prune, "Orphan %s: %s", item->name, reason);
    tell_watcher(prune, PRUNE_LEFT, item, 0, reason);
}

static bool
decide_on_orphans(struct prune *prune, struct error *err)
{
    const struct retention retention = RETENTION_DEFAULT;
    size_t kept;

    if (prune->settings->prune_orphans == 1) {
        retention_add_limits(&retention, &prune->orphan_limits);
        if (!decide_for(prune, INVENTORY_ORPHAN, &retention, &kept, err))
            reporter_log("No orphan was pruned: %s", err->text);
        return true;
    }
    for (size_t i = 0; i < prune->inventory.count; i++) {
        const struct inventory_item *item = &prune->inventory.items[i];

        if (item->owner == INVENTORY_ORPHAN && item->problem == NULL && !item->is_missing)
            leave_orphan(prune, item);
    }
    return true;
}

/* --- What goes --------------------------------------------------------------------------------------------------------------------------- */

static void
note_removed(struct prune *prune, const struct inventory_item *item, bool is_shared)
{
    bool is_orphan = item->owner == INVENTORY_ORPHAN;
    struct text why = TEXT_EMPTY;

    if (is_orphan)
        prune->orphans++;
    else
        prune->pruned++;
    text_format(&why, "beyond %s", text_string(is_orphan ? &prune->orphan_limits : &prune->limits));
    if (is_shared)
        tell(prune, "Removed row %s's paths, but not %s: another row needs it", item->id, item->name);
    else
        tell(prune, "Removed %s%s%s: %s", is_orphan ? "orphan " : "", item->name,
            item->is_missing ? " (the file was gone already)" : "", text_string(&why));
    text_add(&why, is_shared          ? "; but another row needs the file"
                   : item->is_missing ? "; the file was gone already"
                                      : "");
    if (prune->watcher->on_decision != NULL)
        tell_watcher(prune, PRUNE_REMOVED, item, freed_by(prune, item, is_shared), text_string(&why));
    text_clear(&why);
}

static void
on_removed(const struct inventory_item *item, bool is_shared, const struct error *problem, void *owner)
{
    struct prune *prune = owner;

    if (problem == NULL) {
        log_info(LOG_EVENT("dump pruned"), LOG_TEXT("run", item->id), LOG_TEXT("file", item->name),
            LOG_YES_NO("shared", is_shared), LOG_YES_NO("wasMissing", item->is_missing));
        note_removed(prune, item, is_shared);
        return;
    }
    prune->failed++;
    log_warn(
        LOG_EVENT("dump not deleted"), LOG_TEXT("run", item->id), LOG_TEXT("file", item->name), LOG_ERROR(problem));
    tell(prune, "Could not remove %s, its row keeps the path: %s", item->name, problem->text);
    tell_watcher(prune, PRUNE_FAILED, item, 0, problem->text);
}

/* What would be removed. */
static void
foretell(struct prune *prune)
{
    struct inventory_names needed = inventory_names(&prune->inventory, INVENTORY_STAYING);

    for (size_t i = 0; i < prune->inventory.count; i++) {
        const struct inventory_item *item = &prune->inventory.items[i];
        if (item->goes)
            note_removed(prune, item, inventory_names_find(&needed, item->name) != NULL);
    }
    free(needed.list);
}

static bool
remove_dumps(struct prune *prune, struct error *err)
{
    const struct removal removal = { .database = prune->database,
        .store = prune->store,
        .inventory = &prune->inventory,
        .on_result = on_removed,
        .owner = prune };

    if (prune->watcher->on_decision != NULL)
        prune->going = inventory_names(&prune->inventory, INVENTORY_GOING);
    if (!prune->watcher->only_looks)
        return removal_perform(&removal, err);
    foretell(prune);
    return true;
}

/* --- What is left ------------------------------------------------------------------------------------------------------------------------ */

static void
on_found(const char *name, void *owner)
{
    struct prune *prune = owner;
    struct inventory_item stray = { .owner = INVENTORY_ORPHAN };
    struct error ignored; /* then its size is not known */

    if (inventory_names_find(&prune->named, name) != NULL)
        return;
    (void)snprintf(stray.name, sizeof(stray.name), "%s", name);
    if (!store_find(prune->store, name, &stray.size_bytes, &ignored))
        stray.size_bytes = -1;
    prune->unnamed++;
    tell(prune, "No row names %s: it stays until somebody deletes it", name);
    tell_watcher(prune, PRUNE_LEFT, &stray, 0, "no row names it: it stays until somebody deletes it");
}

static bool
list_unnamed(struct prune *prune, struct error *err)
{
    prune->named = inventory_names(&prune->inventory, INVENTORY_LEFT);
    if (!store_list(prune->store, on_found, prune, err))
        log_warn(LOG_EVENT("backup directory not listed"), LOG_ERROR(err));
    tell_lines(prune);
    return true;
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
    if (prune->orphans > 0)
        text_format(&returnvalue, ",\"orphans\":%" PRId64, prune->orphans);
    text_add(&returnvalue, "}");
    log_info(LOG_EVENT("prune completed"), LOG_TEXT("config", prune->payload->config_id),
        LOG_NUMBER("pruned", prune->pruned), LOG_NUMBER("kept", prune->kept), LOG_NUMBER("failed", prune->failed),
        LOG_NUMBER("skipped", prune->skipped), LOG_NUMBER("orphansPruned", prune->orphans),
        LOG_NUMBER("filesWithoutRow", prune->unnamed));
    verdict_complete(prune->verdict, text_string(&returnvalue));
    text_clear(&returnvalue);
    return true;
}

static void
end_badly(struct prune *prune, const struct error *err)
{
    tell_lines(prune);
    if (err->code == ERROR_STOPPED) {
        log_info(LOG_EVENT("prune interrupted"), LOG_TEXT("config", prune->payload->config_id));
        if (!prune->payload->is_alone)
            reporter_log("Interrupted: the worker was stopped, the job goes back to the queue");
        verdict_interrupt(prune->verdict, err->text);
        return;
    }
    log_error(LOG_EVENT("prune failed"), LOG_TEXT("config", prune->payload->config_id), LOG_ERROR(err));
    reporter_log("Failed: %s", err->text);
    verdict_fail(prune->verdict, err->text,
        err->code == ERROR_LOST || err->code == ERROR_TIMEOUT ||
            (err->code == ERROR_CONFLICT && prune->payload->is_alone));
}

/* In this order; the first that fails, or that sets a verdict, is the last. */
static bool (*const steps[])(struct prune *prune, struct error *err) = { connect_database, find_config, open_store,
    take_lock, take_stock, decide, decide_on_orphans, remove_dumps, list_unnamed, complete };

void
prune_perform(const struct settings *settings, const struct payload *payload, struct report *verdict)
{
    prune_perform_for(settings, payload, &(struct prune_watcher){ .only_looks = false }, verdict);
}

void
prune_perform_for(const struct settings *settings, const struct payload *payload, const struct prune_watcher *watcher,
    struct report *verdict)
{
    struct prune prune = { .settings = settings, .payload = payload, .watcher = watcher, .verdict = verdict };
    struct error err = ERROR_EMPTY;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && verdict->type == REPORT_NONE; i++)
        if (!stop_check(&err) || !steps[i](&prune, &err))
            break;
    if (verdict->type == REPORT_NONE)
        end_badly(&prune, &err);
    text_clear(&prune.lines_to_tell);
    text_clear(&prune.limits);
    text_clear(&prune.orphan_limits);
    free(prune.named.list);
    free(prune.going.list);
    inventory_clear(&prune.inventory);
    store_close(prune.store);
    database_close(prune.database);
    history_config_clear(&prune.config);
}
