/*
 * migrations: which steps the app's database schema has been through, by a directory of the app, or by a dump.
 *
 * Each is a directory with a migration.sql in it. Prisma writes those that it applied into the table _prisma_migrations, which is in every dump.
 */
#ifndef JOBS_MIGRATIONS_H
#define JOBS_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/text.h"

struct migrations {
    char **names; /* in code-unit order */
    size_t count;
};

#define MIGRATIONS_EMPTY ((struct migrations){ .names = NULL })

/* The directories in `folder`. The caller clears `out` in either case. */
bool migrations_list(const char *folder, struct migrations *out, struct error *err) MUST_CHECK;
/*
 * Those that were applied, from a script with the rows of _prisma_migrations, as pg_restore writes it: finished, and not rolled back. A last
 * row without its end is left out. False: they are not in it.
 */
bool migrations_read_script(const char *script, struct migrations *out) MUST_CHECK;
bool migrations_have(const struct migrations *migrations, const char *name);
void migrations_clear(struct migrations *migrations);

/*
 * "sha256:<hex>" over the app's migrations: for each directory in `folder`, in code-unit order of its name, the name, a newline, and the
 * bytes of its migration.sql if there is one. "unknown:<why>" where that is not to be had.
 */
void migrations_add_hash(const char *folder, struct text *out);

/* The same for the first of the places where the app keeps its migrations that exists. */
void migrations_add_app_hash(struct text *out);

#endif
