#include "jobs/removal.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/stop.h"

#define FINISH_MS 15000

struct entry {
    const struct inventory_item *item;
    bool is_shared;
    bool is_done; /* so far */
};

struct batch {
    const struct removal *removal;
    const struct inventory_names *needed;
    struct entry entries[REMOVAL_BATCH];
    size_t count;
};

static void
give_up(const struct batch *batch, struct entry *entry, const struct error *problem)
{
    entry->is_done = false;
    batch->removal->on_result(entry->item, entry->is_shared, problem, batch->removal->owner);
}

static bool
remove_unless_needed(const struct batch *batch, const char *name, struct error *err)
{
    return inventory_names_have(batch->needed, name) || store_remove(batch->removal->store, name, err);
}

/* Both files are looked at before either is deleted; the dump was, if it was found. */
static void
remove_dump(struct batch *batch, const struct inventory_item *item)
{
    const struct store *store = batch->removal->store;
    struct entry *entry = &batch->entries[batch->count++];
    struct error problem;
    int64_t size;

    *entry = (struct entry){ .item = item, .is_shared = inventory_names_have(batch->needed, item->name) };
    entry->is_done = (!item->is_missing || store_find(store, item->name, &size, &problem)) &&
                     (item->manifest[0] == '\0' || store_find(store, item->manifest, &size, &problem)) &&
                     remove_unless_needed(batch, item->name, &problem);
    if (!entry->is_done)
        give_up(batch, entry, &problem);
}

static void
remove_manifests(struct batch *batch)
{
    struct error problem;

    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];

        if (entry->is_done && entry->item->manifest[0] != '\0' &&
            !remove_unless_needed(batch, entry->item->manifest, &problem))
            give_up(batch, entry, &problem);
    }
}

static bool
forget_paths(const struct batch *batch, struct error *err)
{
    struct text ids = TEXT_EMPTY;
    size_t count = 0;
    bool ok;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i].is_done)
            text_format(&ids, "%s%s", count++ == 0 ? "{" : ",", batch->entries[i].item->id);
    text_add(&ids, "}");
    ok = count == 0 || history_forget_paths(batch->removal->database, text_string(&ids), err) ||
         error_add(err, "%zu dumps are deleted, but their rows still name them", count);
    text_clear(&ids);
    return ok;
}

static bool
finish(struct batch *batch, struct error *err)
{
    const struct removal *removal = batch->removal;

    if (batch->count == 0)
        return true;
    if (!store_sync(removal->store, err))
        return error_add(err, "dumps were deleted");
    remove_manifests(batch);
    if (!store_sync(removal->store, err) || !forget_paths(batch, err))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i].is_done)
            removal->on_result(batch->entries[i].item, batch->entries[i].is_shared, NULL, removal->owner);
    batch->count = 0;
    return true;
}

static bool
perform(struct batch *batch, struct error *err)
{
    const struct inventory *inventory = batch->removal->inventory;
    struct error finish_error;

    for (size_t i = 0; i < inventory->count; i++) {
        if (!inventory->items[i].goes)
            continue;
        if (!stop_check(err)) {
            stop_shield(moment_add_ms(moment_now(), FINISH_MS));
            if (!finish(batch, &finish_error))
                error_also(err, "%s", finish_error.text);
            return false;
        }
        remove_dump(batch, &inventory->items[i]);
        if (batch->count == REMOVAL_BATCH && !finish(batch, err))
            return false;
    }
    return finish(batch, err);
}

bool
removal_perform(const struct removal *removal, struct error *err)
{
    struct inventory_names needed = inventory_names(removal->inventory, true);
    struct batch batch = { .removal = removal, .needed = &needed };
    bool ok = perform(&batch, err);

    free(needed.list);
    return ok;
}
