#include "jobs/config_find.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define CANDIDATES_TOLD 8

enum { COLUMN_ID, COLUMN_NAME, COLUMN_CRON, COLUMN_ENABLED, COLUMN_MATCHES };

/* Those that match first, then all others, of which some may have been meant. */
static bool
list_configs(struct database *database, const char *name_or_id, struct database_rows **rows, struct error *err)
{
    char id[UUID_SIZE];
    const char *values[] = { name_or_id, uuid_parse(name_or_id, strlen(name_or_id), id) ? id : NULL };

    return database_query(database,
               "SELECT id, name, cron, enabled, coalesce(id = $2::uuid, name = $1) AS matches FROM backup_config "
               "ORDER BY matches DESC, name, id",
               2, values, rows, err) ||
           error_add(err, "look for the schedule '%s'", name_or_id);
}

static bool
is_yes(const struct database_rows *rows, size_t row, int column)
{
    return strcmp(database_rows_value(rows, row, column), "t") == 0;
}

/* "'Nightly' (id, cron, disabled), ... and 3 more" */
static void
add_candidates(const struct database_rows *rows, size_t count, struct text *out)
{
    for (size_t i = 0; i < count && i < CANDIDATES_TOLD; i++)
        text_format(out, "%s'%s' (%s, %s%s)", i == 0 ? "" : ", ", database_rows_value(rows, i, COLUMN_NAME),
            database_rows_value(rows, i, COLUMN_ID), database_rows_value(rows, i, COLUMN_CRON),
            is_yes(rows, i, COLUMN_ENABLED) ? "" : ", disabled");
    if (count > CANDIDATES_TOLD)
        text_format(out, " and %zu more", count - CANDIDATES_TOLD);
}

static bool
refuse(const struct database_rows *rows, size_t matches, const char *name_or_id, struct error *err)
{
    struct text candidates = TEXT_EMPTY;

    add_candidates(rows, matches > 0 ? matches : database_rows_count(rows), &candidates);
    if (matches > 0)
        (void)error_set(err, ERROR_INPUT, "%zu schedules are called '%s', name one by its id: %s", matches, name_or_id,
            text_string(&candidates));
    else if (candidates.length > 0)
        (void)error_set(
            err, ERROR_INPUT, "no schedule is called '%s'; there are: %s", name_or_id, text_string(&candidates));
    else
        (void)error_set(err, ERROR_INPUT,
            "no schedule is called '%s', nor are there others: make one in the app, under Admin, Backups", name_or_id);
    text_clear(&candidates);
    return false;
}

bool
config_find(struct database *database, const char *name_or_id, struct config_found *out, struct error *err)
{
    struct database_rows *rows = NULL;
    size_t matches = 0;
    bool ok;

    *out = CONFIG_FOUND_EMPTY;
    if (!list_configs(database, name_or_id, &rows, err))
        return false;
    while (matches < database_rows_count(rows) && is_yes(rows, matches, COLUMN_MATCHES))
        matches++;
    ok = matches == 1 || refuse(rows, matches, name_or_id, err);
    if (ok) {
        memcpy(out->id, database_rows_value(rows, 0, COLUMN_ID), UUID_SIZE);
        out->name = memory_copy_string(database_rows_value(rows, 0, COLUMN_NAME));
    }
    database_rows_free(rows);
    return ok;
}

void
config_found_clear(struct config_found *found)
{
    free(found->name);
    *found = CONFIG_FOUND_EMPTY;
}
