/* What doctor looks at in the backup directory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/text.h"
#include "jobs/doctor_checks.h"
#include "jobs/history.h"
#include "jobs/missing.h"
#include "jobs/space.h"
#include "jobs/store_draft.h"
#include "jobs/store_name.h"

/* --- Writable --- */

/* A draft is what a dump is written into: in the directory itself, so that publishing it is but a change of its name. */
void
doctor_check_writable(struct doctor *doctor, struct finding *finding)
{
    struct store_draft *draft = NULL;
    struct error err;

    doctor->store = store_open(doctor->settings->storage_directory, &err);
    if (doctor->store != NULL && (draft = store_create_draft(doctor->store, wall_now(), &err)) != NULL)
        finding_ok(finding, "dumps can be written into '%s'", store_directory(doctor->store));
    else {
        finding_bad(finding, "%s", err.text);
        finding_advise(finding, "have BACKUP_STORAGE_DIR lead to a directory in which user %u may write", geteuid());
    }
    store_draft_free(draft);
}

/* --- Readable for the app --- */

static bool
app_may(const struct doctor *doctor, const struct stat *file, mode_t bit)
{
    if (doctor->settings->app_user == 0)
        return true;
    if (file->st_uid == doctor->settings->app_user)
        return (file->st_mode & (bit << 6)) != 0;
    if (file->st_gid == doctor->settings->app_group)
        return (file->st_mode & (bit << 3)) != 0;
    return (file->st_mode & bit) != 0;
}

struct readers {
    const struct doctor *doctor;
    size_t dumps;
    size_t unreadable;
};

static void
on_found(const char *name, void *owner)
{
    struct readers *readers = owner;
    int fd;
    struct stat file;
    struct error ignored; /* one that we cannot open ourselves is no better for the app */

    if (!store_name_is_dump(name))
        return;
    readers->dumps++;
    fd = store_open_file(readers->doctor->store, name, &ignored);
    if (fd == -1 || fstat(fd, &file) == -1 || !app_may(readers->doctor, &file, S_IROTH))
        readers->unreadable++;
    if (fd != -1)
        (void)close(fd);
}

void
doctor_check_readable(struct doctor *doctor, struct finding *finding)
{
    const char *path = store_directory(doctor->store);
    const int64_t app = doctor->settings->app_user;
    struct readers readers = { .doctor = doctor };
    struct stat directory;
    struct error err;

    if (stat(path, &directory) == -1)
        finding_bad(finding, "look at '%s': %s", path, strerror(errno));
    else if (!store_list(doctor->store, on_found, &readers, &err))
        finding_bad(finding, "%s", err.text);
    else if (!app_may(doctor, &directory, S_IXOTH))
        finding_warn(
            finding, "the app, as user %" PRId64 ", may not enter '%s': nobody can download a dump", app, path);
    else if (readers.unreadable > 0)
        finding_warn(finding,
            "%zu of %zu dumps cannot be read by the app, as user %" PRId64 ": nobody can download them",
            readers.unreadable, readers.dumps, app);
    else if (app != 0 && app != geteuid())
        finding_warn(finding, "dumps are written by user %u, for nobody else to read, and the app is user %" PRId64,
            geteuid(), app);
    else
        finding_ok(finding, "the app, as user %" PRId64 ", can read the dumps", app);
    if (finding->verdict != FINDING_OK)
        finding_advise(finding, "run the worker as the app's user, and give it the directory and the dumps (chown); "
                                "BACKUP_UID and BACKUP_GID say "
                                "who that is");
}

/* --- Room --- */

/* Without Postgres they are 0, not known: that there is no room at all can be seen all the same. */
static bool
find_sizes(const struct doctor *doctor, int64_t *last_bytes, int64_t *database_bytes, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!doctor->has_tables)
        return true;
    if (!database_query(doctor->database,
            "SELECT coalesce((SELECT size_bytes FROM backup_run WHERE status = 'success' "
            "ORDER BY started_at DESC NULLS LAST LIMIT 1), 0), pg_database_size(current_database())",
            0, NULL, &rows, err))
        return error_add(err, "ask how large a dump will be");
    *last_bytes = database_rows_number(rows, 0, 0);
    *database_bytes = database_rows_number(rows, 0, 1);
    database_rows_free(rows);
    return true;
}

void
doctor_check_space(struct doctor *doctor, struct finding *finding)
{
    struct space space = { .directory = store_directory(doctor->store),
        .reserved_bytes = doctor->settings->min_free_mb * 1024 * 1024 };
    struct text warning = TEXT_EMPTY;
    struct text text = TEXT_EMPTY;
    int64_t last_bytes = 0;
    int64_t database_bytes = 0;
    struct error err;

    if (!find_sizes(doctor, &last_bytes, &database_bytes, &err) ||
        !space_look(space.directory, &space.free_bytes, &err) ||
        !space_allows_dump(&space, last_bytes, database_bytes, &warning, &err))
        finding_bad(finding, "%s", err.text);
    else if (warning.length > 0)
        finding_warn(finding, "%s", text_string(&warning));
    else {
        text_add_size(&text, space.free_bytes);
        text_add(&text, " are free");
        if (database_bytes > 0) {
            text_add(&text, last_bytes > 0 ? "; the last dump took " : "; the database has ");
            text_add_size(&text, last_bytes > 0 ? last_bytes : database_bytes);
        }
        finding_ok(finding, "%s", text_string(&text));
    }
    if (finding->verdict != FINDING_OK)
        finding_advise(finding, "keep fewer dumps (the schedule's retention), or give the directory a larger volume");
    text_clear(&warning);
    text_clear(&text);
}

/* --- Rows and files --- */

struct strays {
    const struct database_rows *rows;
    struct store *store;
    struct text names;
    size_t count;
};

static bool
is_named_by_row(const struct strays *strays, const char *name)
{
    for (size_t i = 0; i < database_rows_count(strays->rows); i++) {
        char named[STORE_NAME_SIZE];
        struct error none; /* a path to elsewhere names no file of ours */

        if (store_resolve(strays->store, database_rows_value(strays->rows, i, HISTORY_DUMP_PATH), named, &none) &&
            strcmp(named, name) == 0)
            return true;
    }
    return false;
}

static void
on_dump(const char *name, void *owner)
{
    struct strays *strays = owner;

    if (store_name_is_dump(name) && !is_named_by_row(strays, name))
        finding_add_name(&strays->names, strays->count++, name);
}

static void
judge_strays(struct strays *strays, struct finding *finding)
{
    struct missing missing = missing_find(strays->rows, strays->store);

    finding_end_names(&strays->names, strays->count);
    if (missing.has_newest)
        finding_bad(finding, "the newest backup is not in the directory; missing: %s", text_string(&missing.names));
    else if (missing.count > 0)
        finding_warn(finding, "backups that the app lists are not in the directory: %s", text_string(&missing.names));
    else if (strays->count > 0)
        finding_warn(finding, "no run knows these dumps: %s", text_string(&strays->names));
    else
        finding_ok(finding, "each dump has its run, and each run its dump (%zu)", database_rows_count(strays->rows));
    if (missing.count > 0)
        finding_advise(finding,
            "copy them back from where you keep copies; is BACKUP_STORAGE_DIR the directory that the app has?");
    else if (strays->count > 0)
        finding_advise(
            finding, "they are never pruned: 'weavestream-backup verify' them, then remove what nobody needs");
    missing_clear(&missing);
}

void
doctor_check_files(struct doctor *doctor, struct finding *finding)
{
    struct database_rows *rows = NULL;
    struct strays strays = { .store = doctor->store };
    struct error err;

    if (!history_list_dumps(doctor->database, &rows, &err))
        finding_bad(finding, "%s", err.text);
    else {
        strays.rows = rows;
        if (!store_list(doctor->store, on_dump, &strays, &err))
            finding_bad(finding, "%s", err.text);
        else
            judge_strays(&strays, finding);
    }
    text_clear(&strays.names);
    database_rows_free(rows);
}
