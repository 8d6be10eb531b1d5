#include "jobs/missing.h"

#include "common/finding.h"
#include "jobs/history.h"

struct missing
missing_find(const struct database_rows *rows, struct store *store)
{
    struct missing missing = { .count = 0 };

    for (size_t i = 0; i < database_rows_count(rows); i++) {
        const char *path = database_rows_value(rows, i, HISTORY_DUMP_PATH);

        if (!store_lacks(store, path))
            continue;
        missing.has_newest = missing.has_newest || i == 0;
        missing.first = missing.count == 0 ? path : missing.first;
        finding_add_name(&missing.names, missing.count++, path);
    }
    finding_end_names(&missing.names, missing.count);
    return missing;
}

void
missing_clear(struct missing *missing)
{
    text_clear(&missing->names);
}
