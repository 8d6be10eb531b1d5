/* sql: how the SQL of runs writes times, states and numbers, and a statement that changes rows. */
#ifndef JOBS_SQL_H
#define JOBS_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"
#include "jobs/database.h"

/* Unix milliseconds to Prisma's timestamp(3), exactly; and back, null for a time that is none (infinity). */
#define SQL_AT(parameter) "(timestamp 'epoch' + " parameter "::bigint * interval '1 millisecond')"
#define SQL_MS(column) "CASE WHEN isfinite(" column ") THEN floor(extract(epoch FROM " column ") * 1000)::bigint END"
/* Milliseconds since that time, by Postgres' clock. */
#define SQL_AGE(column)                                                                                                \
    "CASE WHEN isfinite(" column ") THEN "                                                                             \
    "floor(extract(epoch FROM (clock_timestamp() AT TIME ZONE 'UTC') - " column ") * 1000)::bigint END"
#define SQL_STATUS(name) "'" name "'::\"BackupRunStatus\""

#define SQL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SQL_NUMBER_SIZE 24
const char *sql_number(int64_t number, char out[SQL_NUMBER_SIZE]);

/* For a column of text: well-formed, and without characters that the database may lack. */
void sql_add_text(const struct database *database, const char *string, struct text *out);

/* *changed: whether it changed any row. */
bool sql_change(struct database *database, const char *sql, size_t count, const char *const *values, bool *changed,
    struct error *err) MUST_CHECK;

#endif
