#include "jobs/sql.h"

#include <inttypes.h>
#include <stdio.h>

const char *
sql_number(int64_t number, char out[SQL_NUMBER_SIZE])
{
    (void)snprintf(out, SQL_NUMBER_SIZE, "%" PRId64, number);
    return out;
}

bool
sql_change(struct database *database, const char *sql, size_t count, const char *const *values, bool *changed,
    struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database, sql, count, values, &rows, err))
        return false;
    *changed = database_rows_changed(rows) > 0;
    database_rows_free(rows);
    return true;
}
