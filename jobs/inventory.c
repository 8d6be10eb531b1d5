#include "jobs/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/history.h"
#include "jobs/stop.h"

/* The columns of history_list_dumps(). */
enum { COLUMN_ID, COLUMN_TIME, COLUMN_DUMP, COLUMN_MANIFEST, COLUMN_CONFIG, COLUMN_SIZE, COLUMN_LEVEL };

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

static void
read_item(const struct inventory *inventory, size_t row, struct store *store, const char *config_id,
    struct inventory_item *item)
{
    const struct database_rows *rows = inventory->rows;
    const char *manifest_path = database_rows_value(rows, row, COLUMN_MANIFEST);
    struct error err = ERROR_EMPTY;
    struct error ignored; /* something that is no file: when it is to be deleted, that is told */

    item->id = database_rows_value(rows, row, COLUMN_ID);
    item->owner = owner_of(database_rows_value(rows, row, COLUMN_CONFIG), config_id);
    item->retention.has_time = database_rows_value(rows, row, COLUMN_TIME) != NULL;
    item->retention.time.ms = database_rows_number(rows, row, COLUMN_TIME);
    item->size_bytes = -1;
    if (!store_resolve(store, database_rows_value(rows, row, COLUMN_DUMP), item->name, &err) ||
        (manifest_path != NULL && !store_resolve(store, manifest_path, item->manifest, &err))) {
        item->problem = memory_copy_string(err.text);
        return;
    }
    if (!store_find(store, item->name, &item->size_bytes, &ignored))
        item->size_bytes = -1;
    item->is_missing = item->size_bytes == -1;
    item->retention.is_proven = is_proof(database_rows_value(rows, row, COLUMN_LEVEL)) && !item->is_missing &&
                                item->size_bytes == database_rows_number(rows, row, COLUMN_SIZE);
}

bool
inventory_read(
    struct database *database, struct store *store, const char *config_id, struct inventory *out, struct error *err)
{
    size_t count;

    *out = (struct inventory){ .items = NULL };
    if (!history_list_dumps(database, &out->rows, err))
        return false;
    count = database_rows_count(out->rows);
    out->items = memory_new((count + 1) * sizeof(*out->items));
    for (; out->count < count; out->count++) {
        if (!stop_glance(err))
            return false;
        read_item(out, out->count, store, config_id, &out->items[out->count]);
    }
    return true;
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

static int
compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

struct inventory_names
inventory_names(const struct inventory *inventory, bool only_those_that_stay)
{
    struct inventory_names names = { .list = memory_new((2 * inventory->count + 1) * sizeof(*names.list)) };

    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_item *item = &inventory->items[i];

        if (only_those_that_stay && item->goes)
            continue;
        if (item->name[0] != '\0')
            names.list[names.count++] = item->name;
        if (item->manifest[0] != '\0')
            names.list[names.count++] = item->manifest;
    }
    qsort(names.list, names.count, sizeof(*names.list), compare_names);
    return names;
}

bool
inventory_names_have(const struct inventory_names *names, const char *name)
{
    return bsearch(&name, names->list, names->count, sizeof(*names->list), compare_names) != NULL;
}
