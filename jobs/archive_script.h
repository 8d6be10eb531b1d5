/*
 * archive_script: what `pg_restore --data-only` writes, read as it comes: which tables, and how many rows in each.
 *
 *     SET client_encoding = 'UTF8';                      what the names are written in
 *     COPY public.companies (id, name) FROM stdin;       a table; its rows are lines, up to a line `\.`
 *     SELECT pg_catalog.setval('public.a_id_seq', 7);    a sequence
 *     SELECT pg_catalog.lo_open('16402', 131072);        a large object; its bytes follow in calls of lowrite()
 *
 * Everything else is passed over: what we do not know is no error. Names may hold anything, such as line breaks and `FROM stdin;`, so quotes
 * and comments are told apart. Chunks may end anywhere; memory is needed for the front of one statement and for the names of the tables.
 */
#ifndef JOBS_ARCHIVE_SCRIPT_H
#define JOBS_ARCHIVE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "jobs/archive_contents.h"

struct archive_script;

/* What is found is added to `contents`, the caller's. */
struct archive_script *archive_script_new(struct archive_contents *contents);
void archive_script_add(struct archive_script *script, const char *bytes, size_t length);

/* At the end of the script: sorts the contents. ERROR_INPUT: it ends where no script ends, or has a table without a name. */
bool archive_script_finish(struct archive_script *script, struct error *err) MUST_CHECK;
void archive_script_free(struct archive_script *script); /* NULL is fine; the contents stay */

#endif
