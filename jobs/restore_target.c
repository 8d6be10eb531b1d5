#include "jobs/restore_target.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/archive_head.h"
#include "jobs/catalog.h"
#include "jobs/restore_tables.h"
#include "jobs/server_space.h"

#define NAMES_SHOWN 3

/* Of relations, types and functions, those that neither the system nor an extension made. */
static const char objects_query[] =
    "SELECT count(*) FROM ("
    "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, oid, relnamespace AS namespace FROM "
    "pg_catalog.pg_class"
    " WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relpersistence <> 't'"
    " UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid, typnamespace FROM pg_catalog.pg_type"
    " WHERE typtype IN ('e', 'd', 'r')"
    " UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, pronamespace FROM pg_catalog.pg_proc) o"
    " JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = "
    "'e')";

/* A check that could not be made because the server did not answer. False: stopped. */
static bool
refuse(const struct restore_order *order, struct restore_plan *plan, const char *name, const struct error *err)
{
    if (restore_plan_was_stopped(err))
        return false;
    plan->server_failure = err->code;
    restore_plan_add(plan, order, name, RESTORE_REFUSED, "%s", err->text);
    return true;
}

static void
check_server(const struct restore_order *order, struct restore_plan *plan, const char *reader)
{
    const char *here = database_server_version_text(plan->session);
    const char *there = plan->server_version;
    int target = archive_head_major(here);
    int source = archive_head_major(there);

    if (source == 0)
        restore_plan_add(plan, order, "server", RESTORE_WARN,
            "PostgreSQL %s; the dump does not say which version it comes from", here);
    else if (source > target)
        restore_plan_add(plan, order, "server", RESTORE_REFUSED,
            "PostgreSQL %s is older than the dump's %s: restore into a server of version %d or newer", here, there,
            source);
    else if (archive_head_major(reader) > target)
        restore_plan_add(plan, order, "server", RESTORE_WARN,
            "PostgreSQL %s; pg_restore %s is newer, and may use what that server does not know", here, reader);
    else
        restore_plan_add(plan, order, "server", RESTORE_OK, "PostgreSQL %s takes a dump of PostgreSQL %s", here, there);
}

static bool
is_wanted(const struct restore_plan *plan, const struct archive_table *table)
{
    for (size_t i = 0; i < plan->wanted.count; i++)
        if (strcmp(plan->wanted.tables[i].schema, table->schema) == 0 &&
            strcmp(plan->wanted.tables[i].name, table->name) == 0)
            return true;
    return false;
}

/* "3 tables (public.a, public.b, ...)": those of the target that are among the dump's, or are not. */
static size_t
add_tables(const struct restore_plan *plan, const struct archive_contents *found, bool wanted, struct text *out)
{
    struct text names = TEXT_EMPTY;
    size_t count = 0;

    for (size_t i = 0; i < found->count; i++) {
        if (is_wanted(plan, &found->tables[i]) != wanted)
            continue;
        if (++count > NAMES_SHOWN)
            continue;
        if (count > 1)
            text_add(&names, ", ");
        archive_table_add_name(&found->tables[i], &names);
    }
    text_add_count(out, (int64_t)count, "table");
    if (count > 0)
        text_format(out, " (%s%s)", text_string(&names), count > NAMES_SHOWN ? ", ..." : "");
    text_clear(&names);
    return count;
}

static void
tell_replacement(const struct restore_order *order, struct restore_plan *plan, const struct archive_contents *found,
    const char *name)
{
    struct text gone = TEXT_EMPTY;
    struct text stays = TEXT_EMPTY;

    (void)add_tables(plan, found, true, &gone);
    if (plan->is_script)
        restore_plan_add(plan, order, "target", RESTORE_WARN,
            "database '%s' is not empty: what the script drops is replaced, the rest stays", name);
    else if (add_tables(plan, found, false, &stays) == 0)
        restore_plan_add(plan, order, "target", RESTORE_WARN,
            "database '%s' is not empty: %s will be dropped and replaced, with all their rows", name,
            text_string(&gone));
    else
        restore_plan_add(plan, order, "target", RESTORE_WARN,
            "database '%s' is not empty: %s will be dropped and replaced, with all their rows; %s that the restore "
            "does "
            "not bring will stay",
            name, text_string(&gone), text_string(&stays));
    text_clear(&stays);
    text_clear(&gone);
}

static void
judge_target(const struct restore_order *order, struct restore_plan *plan, const struct archive_contents *found,
    int64_t objects, const char *name, const char *obstacle)
{
    struct text there = TEXT_EMPTY;
    struct text objects_there = TEXT_EMPTY;

    text_add_count(&objects_there, (int64_t)found->count, "table");
    text_add(&objects_there, ", ");
    text_add_count(&objects_there, objects, "object");
    plan->target_is_empty = objects == 0 && found->large_objects == 0;
    if (*obstacle != '\0')
        restore_plan_add(plan, order, "target", RESTORE_REFUSED, "database '%s': %s", name, obstacle);
    else if (plan->target_is_empty)
        restore_plan_add(plan, order, "target", RESTORE_OK, "database '%s' is empty", name);
    else if (order->table_count > 0 && add_tables(plan, found, true, &there) == 0)
        restore_plan_add(
            plan, order, "target", RESTORE_OK, "database '%s' has none of the tables that are asked for", name);
    else if (plan->is_script && !plan->script.drops)
        restore_plan_add(plan, order, "target", RESTORE_REFUSED,
            "database '%s' is not empty, and the script does not drop what it makes: drop the database and create it "
            "anew",
            name);
    else if (!order->clean)
        restore_plan_add(plan, order, "target", RESTORE_REFUSED,
            "database '%s' is not empty: it has %s in all: name an empty one, or give --clean to replace what is in it",
            name, text_string(&objects_there));
    else
        tell_replacement(order, plan, found, name);
    text_clear(&objects_there);
    text_clear(&there);
}

static bool
check_target(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    struct archive_contents found = ARCHIVE_CONTENTS_EMPTY;
    struct database_rows *rows = NULL;
    struct database_rows *name = NULL;
    struct text obstacle = TEXT_EMPTY;
    bool ok = database_query(plan->session, objects_query, 0, NULL, &rows, err) &&
              database_query(plan->session, "SELECT pg_catalog.current_database()", 0, NULL, &name, err) &&
              catalog_read(plan->session, &found, err) && restore_tables_find_obstacle(order, plan, &obstacle, err);

    if (ok)
        judge_target(order, plan, &found, database_rows_number(rows, 0, 0), database_rows_value(name, 0, 0),
            text_string(&obstacle));
    else
        ok = refuse(order, plan, "target", err);
    text_clear(&obstacle);
    database_rows_free(name);
    database_rows_free(rows);
    archive_contents_clear(&found);
    return ok;
}

static bool
check_sessions(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    struct database_rows *rows = NULL;
    int64_t count;

    if (!database_query(plan->session,
            "SELECT count(*), pg_catalog.string_agg(DISTINCT coalesce(nullif(application_name, ''), usename), "
            "', ') FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() "
            "AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL " /* else one of the server's own */
            "AND coalesce(backend_type, 'client backend') = 'client backend'",
            0, NULL, &rows, err))
        return refuse(order, plan, "sessions", err);
    count = database_rows_number(rows, 0, 0);
    if (count == 0)
        restore_plan_add(plan, order, "sessions", RESTORE_OK, "nobody else is in the database");
    else
        restore_plan_add(plan, order, "sessions", plan->target_is_empty ? RESTORE_WARN : RESTORE_REFUSED,
            "%" PRId64
            " other session%s in the database (%s): stop whatever uses it (docker compose stop api web worker)",
            count, count == 1 ? " is" : "s are", database_rows_value(rows, 0, 1));
    database_rows_free(rows);
    return true;
}

static void
check_space(const struct restore_order *order, struct restore_plan *plan)
{
    int64_t needed = plan->is_script ? plan->script.bytes : plan->size_bytes;
    struct text directory = TEXT_EMPTY;
    struct text have = TEXT_EMPTY;
    struct text want = TEXT_EMPTY;
    int64_t free_bytes = 0;
    bool known = server_space_look(plan->session, &directory, &free_bytes);

    text_add_size(&have, free_bytes);
    text_add_size(&want, needed);
    if (!known)
        restore_plan_add(plan, order, "space", RESTORE_WARN,
            "how much the server has cannot be seen from here; the dump has %s, restored it will be larger",
            text_string(&want));
    else
        restore_plan_add(plan, order, "space",
            free_bytes >= needed + order->min_free_bytes ? RESTORE_OK : RESTORE_REFUSED,
            "%s are free in '%s', and the restore takes %s at least, beside what BACKUP_MIN_FREE_MB reserves",
            text_string(&have), text_string(&directory), text_string(&want));
    text_clear(&want);
    text_clear(&have);
    text_clear(&directory);
}

bool
restore_target_check(const struct restore_order *order, struct restore_plan *plan, struct error *err)
{
    char reader[ARCHIVE_HEAD_VERSION_SIZE] = "";

    plan->session = database_open(order->url, DATABASE_APPLICATION " restore", err);
    if (plan->session == NULL)
        return refuse(order, plan, "target", err);
    if (!plan->is_script && !archive_head_find_reader(reader, err) && restore_plan_was_stopped(err))
        return false; /* that it is not there, the archive's check has told */
    check_server(order, plan, reader);
    if (!check_target(order, plan, err) || !check_sessions(order, plan, err))
        return false;
    check_space(order, plan);
    return true;
}
