#include "jobs/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *
sql_number(int64_t number, char out[SQL_NUMBER_SIZE])
{
    (void)snprintf(out, SQL_NUMBER_SIZE, "%" PRId64, number);
    return out;
}

void
sql_add_text(const struct database *database, const char *string, struct text *out)
{
    size_t start = out->length;

    text_add_utf8(out, string, strlen(string));
    if (database_takes_any_text(database))
        return;
    for (size_t i = start; i < out->length; i++)
        if ((unsigned char)out->data[i] > 127)
            out->data[i] = '?';
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
