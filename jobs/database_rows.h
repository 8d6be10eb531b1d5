/*
 * database_rows: what jobs/database hands out; nobody else looks inside.
 */
#ifndef JOBS_DATABASE_ROWS_H
#define JOBS_DATABASE_ROWS_H

#include <libpq-fe.h>

struct database_rows {
    PGresult *result;
};

#endif
