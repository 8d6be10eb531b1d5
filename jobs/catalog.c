#include "jobs/catalog.h"

#include <string.h>

/* Of pg_class `c` in pg_namespace `n`. Extensions with an id below 16384 belong to the system. */
#define IS_DUMPED                                                                                                      \
    " c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"                           \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"         \
    " WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0"             \
    " AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'"                           \
    " AND (e.oid < 16384 OR e.extconfig IS NULL OR c.oid <> ALL (e.extconfig)))"

#define FROM_RELATIONS " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"

/* The root of `c`, if one of the tables above it is partitioned by the hash of an enum; else itself. */
#define LOADED_AS                                                                                                      \
    "CASE WHEN c.relispartition AND EXISTS ("                                                                          \
    "SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN pg_catalog.pg_partitioned_table p"                    \
    " ON p.partrelid = a.relid JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass)"                              \
    " JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod WHERE m.amname = 'hash' AND o.opcname = 'enum_ops'"               \
    " AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace)"                                                     \
    " THEN pg_catalog.pg_partition_root(c.oid) ELSE c.oid END"

static const char tables_query[] =
    "SELECT ln.nspname, l.relname" FROM_RELATIONS " JOIN pg_catalog.pg_class l ON l.oid = " LOADED_AS
    " JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace WHERE c.relkind = 'r' AND" IS_DUMPED;

static const char numbers_query[] = "SELECT (SELECT count(*)" FROM_RELATIONS " WHERE c.relkind = 'S' AND" IS_DUMPED "),"
                                    " (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata)";

bool
catalog_read(struct database *database, struct archive_contents *out, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database, tables_query, 0, NULL, &rows, err))
        return error_add(err, "read which tables there are");
    for (size_t i = 0; i < database_rows_count(rows); i++) {
        const char *schema = database_rows_value(rows, i, 0);
        const char *name = database_rows_value(rows, i, 1);

        archive_contents_add(out, schema, strlen(schema), name, strlen(name), 0);
    }
    archive_contents_sort(out);
    database_rows_free(rows);
    if (!database_query(database, numbers_query, 0, NULL, &rows, err))
        return error_add(err, "count sequences and large objects");
    out->sequences = database_rows_number(rows, 0, 0);
    out->large_objects = database_rows_number(rows, 0, 1);
    database_rows_free(rows);
    return true;
}

#define NAME "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)"

/* A right to a large object can only be asked for from PostgreSQL 18 on: before, it is found out from its list. */
static const char unreadable_query[] =
    "SELECT " NAME FROM_RELATIONS
    " WHERE c.relkind IN ('r', 'p', 'S') AND NOT (has_schema_privilege(n.oid, 'USAGE') AND"
    " CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') "
    "END)"
    " AND" IS_DUMPED " UNION ALL"
    " SELECT 'large objects: ' || count(*) FROM pg_catalog.pg_largeobject_metadata m"
    " WHERE current_setting('lo_compat_privileges') = 'off' AND NOT pg_has_role(m.lomowner, 'USAGE')"
    " AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'"
    " AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))) HAVING count(*) > 0 ORDER BY 1";

static const char row_security_query[] =
    "SELECT " NAME FROM_RELATIONS " WHERE c.relkind IN ('r', 'p') AND row_security_active(c.oid) AND" IS_DUMPED
    " ORDER BY 1";

bool
catalog_list_unreadable(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database, unreadable_query, 0, NULL, rows, err) ||
           error_add(err, "read which tables may be read");
}

bool
catalog_list_row_security(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database, row_security_query, 0, NULL, rows, err) ||
           error_add(err, "read which tables have row security");
}
