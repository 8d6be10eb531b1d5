/*
 * catalog: what a dump of a database must hold, asked of the database itself.
 *
 * These are the tables, sequences and large objects whose data pg_dump writes when it dumps everything: not those of the system, not
 * temporary ones, of an extension's only those that it declared to be configuration. Partitioned tables, foreign tables and views have no
 * data of their own; with one exception: where rows are spread by the hash of an enum, which is another in every database, pg_dump writes each
 * partition's rows as rows of its root, and so here each partition counts as a part of its root.
 */
#ifndef JOBS_CATALOG_H
#define JOBS_CATALOG_H

#include <stdbool.h>

#include "common/error.h"
#include "jobs/archive_contents.h"
#include "jobs/database.h"

/* Names and numbers; rows are not counted. `out` is empty before; the caller clears it in either case. */
bool catalog_read(struct database *database, struct archive_contents *out, struct error *err) MUST_CHECK;

/*
 * What this session's role may not dump, by name: tables and sequences that it may not read; large objects, as one row with their number; and
 * tables of which row security would hide rows, where pg_dump refuses to go on.
 */
bool catalog_list_unreadable(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;
bool catalog_list_row_security(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;

#endif
