#include "jobs/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/history.h"
#include "jobs/stop.h"

static bool
is_proof(const char *level)
{
    return level != NULL && (strcmp(level, "full") == 0 || strcmp(level, "restore") == 0);
}

static enum inventory_owner
owner_of(const char *row_config_id, const char *config_id)
{
    if (row_config_id == NULL)
        return INVENTORY_ORPHAN;
    return strcmp(row_config_id, config_id) == 0 ? INVENTORY_MINE : INVENTORY_OTHER;
}

/* The names of what is no file. Of a sane directory there are none. */
struct others {
    char (*names)[STORE_NAME_SIZE];
    size_t count;
};

static void
on_other(const char *name, void *owner)
{
    struct others *others = owner;

    others->names = memory_resize(others->names, (others->count + 1) * sizeof(*others->names));
    (void)snprintf(others->names[others->count++], sizeof(*others->names), "%s", name);
}

static bool
is_among(const struct others *others, const char *name)
{
    for (size_t i = 0; i < others->count; i++)
        if (strcmp(others->names[i], name) == 0)
            return true;
    return false;
}

static void
read_item(const struct inventory *inventory, size_t row, struct store *store, const struct others *others,
    const char *config_id, struct inventory_item *item)
{
    const struct database_rows *rows = inventory->rows;
    const char *manifest_path = database_rows_value(rows, row, HISTORY_DUMP_MANIFEST);
    struct error err = ERROR_EMPTY;
    struct error ignored; /* something that is no file: when it is to be deleted, that is told */

    item->id = database_rows_value(rows, row, HISTORY_DUMP_ID);
    item->owner = owner_of(database_rows_value(rows, row, HISTORY_DUMP_CONFIG), config_id);
    item->retention.has_time = database_rows_value(rows, row, HISTORY_DUMP_TIME) != NULL;
    item->retention.time.ms = database_rows_number(rows, row, HISTORY_DUMP_TIME);
    item->size_bytes = -1;
    if (!store_resolve(store, database_rows_value(rows, row, HISTORY_DUMP_PATH), item->name, &err) ||
        (manifest_path != NULL && !store_resolve(store, manifest_path, item->manifest, &err))) {
        item->problem = memory_copy_string(err.text);
        item->is_missing = store_lacks(store, database_rows_value(rows, row, HISTORY_DUMP_PATH));
        return;
    }
    if (!store_find(store, item->name, &item->size_bytes, &ignored))
        item->size_bytes = -1;
    item->is_missing = item->size_bytes == -1;
    item->is_blocked = is_among(others, item->manifest);
    item->retention.is_proven = is_proof(database_rows_value(rows, row, HISTORY_DUMP_LEVEL)) && !item->is_missing &&
                                item->size_bytes == database_rows_number(rows, row, HISTORY_DUMP_SIZE);
}

static bool
read_items(struct inventory *inventory, struct store *store, const struct others *others, const char *config_id,
    struct error *err)
{
    size_t count = database_rows_count(inventory->rows);

    inventory->items = memory_new((count + 1) * sizeof(*inventory->items));
    for (; inventory->count < count; inventory->count++) {
        if (!stop_glance(err))
            return false;
        read_item(inventory, inventory->count, store, others, config_id, &inventory->items[inventory->count]);
    }
    return true;
}

bool
inventory_read(
    struct database *database, struct store *store, const char *config_id, struct inventory *out, struct error *err)
{
    struct others others = { .count = 0 };
    struct error problem;
    bool listed;
    bool ok;

    *out = (struct inventory){ .items = NULL };
    if (!history_send_list_dumps(database, err))
        return false;
    listed = store_list_others(store, on_other, &others, &problem); /* while Postgres sorts */
    ok = history_await_list_dumps(database, &out->rows, err);
    if (ok && !listed) {
        *err = problem;
        ok = false;
    }
    ok = ok && read_items(out, store, &others, config_id, err);
    free(others.names);
    return ok;
}

void
inventory_clear(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++)
        free(inventory->items[i].problem);
    free(inventory->items);
    database_rows_free(inventory->rows);
    *inventory = (struct inventory){ .items = NULL };
}

/* Equal ones in the order of the items that they lie in. */
static int
compare_names(const void *left, const void *right)
{
    const char *first = *(const char *const *)left;
    const char *second = *(const char *const *)right;
    int order = strcmp(first, second);

    return order != 0 ? order : (first > second) - (first < second);
}

static bool
is_in(const struct inventory_item *item, enum inventory_part part)
{
    switch (part) {
    case INVENTORY_STAYING:
        return !item->goes;
    case INVENTORY_GOING:
        return item->goes;
    case INVENTORY_LEFT:
    default:
        return !item->is_gone;
    }
}

struct inventory_names
inventory_names(const struct inventory *inventory, enum inventory_part part)
{
    struct inventory_names names = { .list = memory_new((2 * inventory->count + 1) * sizeof(*names.list)) };

    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_item *item = &inventory->items[i];

        if (!is_in(item, part))
            continue;
        if (item->name[0] != '\0')
            names.list[names.count++] = item->name;
        if (item->manifest[0] != '\0')
            names.list[names.count++] = item->manifest;
    }
    qsort(names.list, names.count, sizeof(*names.list), compare_names);
    return names;
}

const char *
inventory_names_find(const struct inventory_names *names, const char *name)
{
    size_t first = 0;
    size_t end = names->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (strcmp(names->list[middle], name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first < names->count && strcmp(names->list[first], name) == 0 ? names->list[first] : NULL;
}
