/*
 * archive_contents: what a dump holds, or ought to hold: tables with their rows, large objects, sequences.
 *
 * Filled from the catalog (what the database had), from the archive's own script (what was read back), from a manifest (what was read back
 * once), or from a restored database. Names are as they are, not quoted. Those of a dump in another encoding than UTF-8 are in ASCII: each other
 * byte is written as \\x and two digits, and so is a backslash. That way they are the same for all of these, and fit into any database.
 */
#ifndef JOBS_ARCHIVE_CONTENTS_H
#define JOBS_ARCHIVE_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/text.h"

struct archive_table {
    char *schema;
    char *name;
    int64_t rows; /* 0 where only the names are known */
    size_t parts; /* how often it was added: 1, but of a table that is loaded through its root (jobs/catalog) */
};

struct archive_contents {
    struct archive_table *tables; /* by schema, then name, in the order of their bytes; each once when sorted */
    size_t count;
    int64_t rows; /* of all tables */
    int64_t large_objects;
    int64_t sequences;
    char encoding[32]; /* of the names when they are added, as Postgres calls it; "": UTF-8 */
};

#define ARCHIVE_CONTENTS_EMPTY ((struct archive_contents){ .tables = NULL })

/* In any order; archive_contents_sort() comes after the last one. */
void archive_contents_add(struct archive_contents *contents, const char *schema, size_t schema_length, const char *name,
    size_t name_length, int64_t rows);
/* `public."Odd name"`, as SQL has it, from the front of the bytes: how many it took; 0: they begin with no such name, none was added. */
size_t archive_contents_add_quoted(struct archive_contents *contents, const char *bytes, size_t length, int64_t rows);
void archive_contents_add_rows(struct archive_contents *contents, int64_t rows); /* to the table that was added last */
void archive_contents_sort(struct archive_contents *contents);
void archive_contents_clear(struct archive_contents *contents); /* empty, memory freed */

/* Whether the dump has all the tables of `expected`, with all parts, and as many large objects and sequences. ERROR_INPUT. */
bool archive_contents_cover(
    const struct archive_contents *found, const struct archive_contents *expected, struct error *err) MUST_CHECK;

/* Whether both have the same tables with the same rows. The names are for the error text: "the manifest". ERROR_INPUT: they have not. */
bool archive_contents_agree(const struct archive_contents *one, const char *whose, const struct archive_contents *other,
    const char *whose_other, struct error *err) MUST_CHECK;

/* "2 tables with 10 rows, 0 large objects, 1 sequence" */
void archive_contents_add_summary(const struct archive_contents *contents, struct text *out);
void archive_table_add_name(const struct archive_table *table, struct text *out); /* public."Odd name" */

/* One of the names as it was added. */
void archive_contents_add_raw(const struct archive_contents *contents, const char *name, struct text *out);

#endif
