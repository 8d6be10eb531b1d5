#include "jobs/server_space.h"

#include <sys/stat.h>

#include "jobs/space.h"

/* Seen is the same directory, if it was changed in the same second. */
bool
server_space_look(struct database *session, struct text *directory, int64_t *free_bytes)
{
    struct database_rows *rows = NULL;
    struct error ignored; /* the user may not ask: then it cannot be seen */
    struct stat seen;
    const char *path;
    bool ok;

    if (!database_query(session,
            "SELECT s.setting, extract(epoch FROM f.modification)::bigint FROM pg_catalog.pg_settings s, "
            "pg_catalog.pg_stat_file(s.setting) f WHERE s.name = 'data_directory'",
            0, NULL, &rows, &ignored))
        return false;
    path = database_rows_count(rows) == 1 ? database_rows_value(rows, 0, 0) : NULL;
    ok = path != NULL && stat(path, &seen) == 0 && seen.st_mtim.tv_sec == database_rows_number(rows, 0, 1) &&
         space_look(path, free_bytes, &ignored);
    if (ok)
        text_add(directory, path);
    database_rows_free(rows);
    return ok;
}
