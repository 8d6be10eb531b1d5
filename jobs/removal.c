#include "jobs/removal.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/text.h"
#include "jobs/history.h"
#include "jobs/stop.h"

#define FINISH_MS 15000

struct entry {
    struct inventory_item *item;
    bool is_shared;
    bool is_done; /* so far */
};

struct batch {
    struct entry entries[REMOVAL_BATCH];
    size_t count;
};

/* While Postgres changes the rows of one batch, the dumps of the next are deleted. */
struct work {
    const struct removal *removal;
    struct inventory_names needed;
    struct batch batches[2];
    struct batch *open;
    struct batch *sent; /* its rows are being changed; NULL: none is */
};

static void
give_up(const struct work *work, struct entry *entry, const struct error *problem)
{
    entry->is_done = false;
    work->removal->on_result(entry->item, entry->is_shared, problem, work->removal->owner);
}

static bool
remove_unless_needed(const struct work *work, const char *name, struct error *err)
{
    return inventory_names_find(&work->needed, name) != NULL || store_remove(work->removal->store, name, err);
}

/* Neither file is deleted where one cannot be. The listing said what is in the way of a manifest; what is in a dump's place is looked at. */
static bool
can_go(const struct store *store, const struct inventory_item *item, struct error *err)
{
    int64_t size;

    if (item->is_blocked)
        return error_set(err, ERROR_REFUSED, "'%s' is no regular file", item->manifest);
    return !item->is_missing || store_find(store, item->name, &size, err);
}

static void
remove_dump(struct work *work, struct inventory_item *item)
{
    struct entry *entry = &work->open->entries[work->open->count++];
    struct error problem;

    *entry = (struct entry){ .item = item, .is_shared = inventory_names_find(&work->needed, item->name) != NULL };
    entry->is_done = can_go(work->removal->store, item, &problem) && remove_unless_needed(work, item->name, &problem);
    if (!entry->is_done)
        give_up(work, entry, &problem);
}

static void
remove_manifests(const struct work *work)
{
    struct error problem;

    for (size_t i = 0; i < work->open->count; i++) {
        struct entry *entry = &work->open->entries[i];

        if (entry->is_done && entry->item->manifest[0] != '\0' &&
            !remove_unless_needed(work, entry->item->manifest, &problem))
            give_up(work, entry, &problem);
    }
}

/* What is not done does not count any more. */
static void
drop_failed(struct batch *batch)
{
    size_t done = 0;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i].is_done)
            batch->entries[done++] = batch->entries[i];
    batch->count = done;
}

static bool
add_rows_left(const struct batch *batch, struct error *err)
{
    return error_add(err, "%zu dumps are deleted, but their rows still name them", batch->count);
}

/* The rows of the batch that was sent are changed. */
static bool
settle(struct work *work, struct error *err)
{
    struct batch *batch = work->sent;

    if (batch == NULL)
        return true;
    work->sent = NULL;
    if (!history_await_forget_paths(work->removal->database, err))
        return add_rows_left(batch, err);
    for (size_t i = 0; i < batch->count; i++) {
        batch->entries[i].item->is_gone = true;
        work->removal->on_result(batch->entries[i].item, batch->entries[i].is_shared, NULL, work->removal->owner);
    }
    batch->count = 0;
    return true;
}

static bool
send_rows(struct work *work, struct error *err)
{
    struct batch *batch = work->open;
    struct text ids = TEXT_EMPTY;
    bool ok;

    drop_failed(batch);
    if (batch->count == 0)
        return true;
    for (size_t i = 0; i < batch->count; i++)
        text_format(&ids, "%s%s", i == 0 ? "{" : ",", batch->entries[i].item->id);
    text_add(&ids, "}");
    ok = history_send_forget_paths(work->removal->database, text_string(&ids), err);
    text_clear(&ids);
    if (!ok)
        return add_rows_left(batch, err);
    work->sent = batch;
    work->open = batch == &work->batches[0] ? &work->batches[1] : &work->batches[0];
    return true;
}

/* The open batch: its dumps are deleted. */
static bool
close_batch(struct work *work, struct error *err)
{
    const struct removal *removal = work->removal;

    if (work->open->count == 0)
        return true;
    if (!store_sync(removal->store, err))
        return error_add(err, "dumps were deleted");
    remove_manifests(work);
    return store_sync(removal->store, err) && settle(work, err) && send_rows(work, err);
}

static bool
perform(struct work *work, struct error *err)
{
    struct inventory *inventory = work->removal->inventory;

    for (size_t i = 0; i < inventory->count; i++) {
        if (!inventory->items[i].goes)
            continue;
        if (!stop_glance(err))
            return false;
        remove_dump(work, &inventory->items[i]);
        if (work->open->count == REMOVAL_BATCH && !close_batch(work, err))
            return false;
    }
    return close_batch(work, err) && settle(work, err);
}

/* After a failure: what is begun. A directory that could not be synced is not tried again: that it can be then proves nothing. */
static void
finish(struct work *work, struct error *err)
{
    struct error problem;

    stop_shield(moment_add_ms(moment_now(), FINISH_MS));
    if (err->code != ERROR_SYSTEM && !close_batch(work, &problem))
        error_also(err, "%s", problem.text);
    if (!settle(work, &problem))
        error_also(err, "%s", problem.text);
}

bool
removal_perform(const struct removal *removal, struct error *err)
{
    struct work work = { .removal = removal, .needed = inventory_names(removal->inventory, INVENTORY_STAYING) };
    bool ok;

    work.open = &work.batches[0];
    ok = perform(&work, err);
    if (!ok)
        finish(&work, err);
    free(work.needed.list);
    return ok;
}
