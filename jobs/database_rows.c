#include "jobs/database_rows.h"

#include <stdlib.h>

#include "jobs/database.h"

size_t
database_rows_count(const struct database_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t
database_rows_changed(const struct database_rows *rows)
{
    return (size_t)strtoull(PQcmdTuples(rows->result), NULL, 10);
}

const char *
database_rows_value(const struct database_rows *rows, size_t row, int column)
{
    return PQgetisnull(rows->result, (int)row, column) ? NULL : PQgetvalue(rows->result, (int)row, column);
}

int64_t
database_rows_number(const struct database_rows *rows, size_t row, int column)
{
    const char *value = database_rows_value(rows, row, column);

    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

void
database_rows_free(struct database_rows *rows)
{
    if (rows == NULL)
        return;
    PQclear(rows->result);
    free(rows);
}
