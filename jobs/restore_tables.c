#include "jobs/restore_tables.h"

#include <inttypes.h>
#include <string.h>

static bool
is_meant(const char *asked, const struct archive_table *table)
{
    size_t length = strlen(table->schema);

    if (strcmp(asked, table->name) == 0)
        return true;
    return strncmp(asked, table->schema, length) == 0 && asked[length] == '.' &&
           strcmp(asked + length + 1, table->name) == 0;
}

static bool
is_asked_for(const struct restore_order *order, const struct archive_table *table)
{
    for (size_t i = 0; i < order->table_count; i++)
        if (is_meant(order->tables[i], table))
            return true;
    return order->table_count == 0;
}

/* The names are in ASCII or UTF-8 already: the encoding comes last. */
static void
choose(const struct restore_order *order, struct restore_plan *plan)
{
    const struct archive_contents *all = &plan->dump.proof.contents;

    for (size_t i = 0; i < all->count; i++) {
        const struct archive_table *table = &all->tables[i];

        if (is_asked_for(order, table))
            archive_contents_add(
                &plan->wanted, table->schema, strlen(table->schema), table->name, strlen(table->name), table->rows);
    }
    archive_contents_sort(&plan->wanted);
    memcpy(plan->wanted.encoding, all->encoding, sizeof(all->encoding));
    plan->wanted.large_objects = all->large_objects;
    plan->wanted.sequences = all->sequences;
}

static size_t
find(const struct restore_plan *plan, const char *asked, struct text *found)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->wanted.count; i++) {
        const struct archive_table *table = &plan->wanted.tables[i];

        if (is_meant(asked, table))
            text_format(found, "%s%s.%s", count++ == 0 ? "" : ", ", table->schema, table->name);
    }
    return count;
}

static bool
means_one(const struct restore_plan *plan, const char *asked, struct text *problem)
{
    struct text found = TEXT_EMPTY;
    size_t count = find(plan, asked, &found);

    if (count == 0)
        text_format(problem,
            "the dump has no table '%s' (names are without quotes; a schema may stand before them, as in "
            "public.assets)",
            asked);
    else if (count > 1)
        text_format(problem, "'%s' is more than one table of the dump: name one of %s", asked, text_string(&found));
    text_clear(&found);
    return count == 1;
}

/* Whether pg_restore would take this one for the sake of the others. */
static bool
comes_along(const struct restore_order *order, const struct restore_plan *plan, const struct archive_table *table)
{
    bool schema = false;
    bool name = false;

    for (size_t i = 0; i < plan->wanted.count; i++) {
        schema = schema || strcmp(plan->wanted.tables[i].schema, table->schema) == 0;
        name = name || strcmp(plan->wanted.tables[i].name, table->name) == 0;
    }
    return schema && name && !is_asked_for(order, table);
}

static bool
stands_alone(const struct restore_order *order, const struct restore_plan *plan, struct text *problem)
{
    const struct archive_contents *all = &plan->dump.proof.contents;

    for (size_t i = 0; i < all->count; i++)
        if (comes_along(order, plan, &all->tables[i])) {
            text_format(problem,
                "pg_restore would restore '%s.%s' along with them: restore these tables one after the other",
                all->tables[i].schema, all->tables[i].name);
            return false;
        }
    return true;
}

static bool
can_be_chosen(const struct restore_order *order, const struct restore_plan *plan, struct text *problem)
{
    if (plan->is_script) {
        text_add(problem, "single tables cannot be taken out of a script: restore all of it into an empty database");
        return false;
    }
    for (size_t i = 0; i < order->table_count; i++)
        if (!means_one(plan, order->tables[i], problem))
            return false;
    return stands_alone(order, plan, problem);
}

void
restore_tables_check(const struct restore_order *order, struct restore_plan *plan)
{
    struct text problem = TEXT_EMPTY;

    choose(order, plan);
    if (order->table_count == 0)
        return;
    if (can_be_chosen(order, plan, &problem))
        restore_plan_add(plan, order, "tables", RESTORE_OK,
            "%zu of %zu tables, with %" PRId64 " rows; without indexes, constraints and triggers", plan->wanted.count,
            plan->dump.proof.contents.count, plan->wanted.rows);
    else
        restore_plan_add(plan, order, "tables", RESTORE_REFUSED, "%s", text_string(&problem));
    text_clear(&problem);
}

/* --- What the target has --- */

/* With a name of the dump as bytes in hexadecimal digits ($1), and what they are encoded in ($2). */
static const char schema_query[] =
    "SELECT pg_catalog.quote_ident(wanted) FROM pg_catalog.convert_from($1::bytea, $2) wanted"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = wanted)";

/* Of whatever hangs on the table ($3, in the schema $1): its schema and name, or those of the table that it belongs to; and how people call it. */
static const char dependents_query[] =
    "SELECT n.nspname, c.relname, pg_catalog.format(o.what, o.name, n.nspname, c.relname) FROM ("
    "SELECT r.ev_class AS owner, d.refobjid AS needed, NULL::pg_catalog.name AS name, 'the view %2$I.%3$I' AS what"
    " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid"
    " WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " UNION SELECT conrelid, confrelid, conname, 'the foreign key %I of %I.%I' FROM pg_catalog.pg_constraint"
    " WHERE contype = 'f' AND conrelid <> confrelid) o"
    " JOIN pg_catalog.pg_class c ON c.oid = o.owner JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_class t ON t.oid = o.needed JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace"
    " WHERE tn.nspname = pg_catalog.convert_from($1::bytea, $2) AND t.relname = pg_catalog.convert_from($3::bytea, $2)"
    " ORDER BY 3";

static void
add_bytea(const struct restore_plan *plan, const char *name, struct text *out)
{
    struct text raw = TEXT_EMPTY;

    archive_contents_add_raw(&plan->wanted, name, &raw);
    text_add(out, "\\x");
    for (const char *c = text_string(&raw); *c != '\0'; c++)
        text_format(out, "%02x", (unsigned char)*c);
    text_clear(&raw);
}

static bool
find_missing_schema(
    const struct restore_plan *plan, const char *const *values, struct text *obstacle, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(plan->session, schema_query, 2, values, &rows, err))
        return error_add(err, "look for the schemas of the tables");
    if (database_rows_count(rows) > 0)
        text_format(obstacle, "it has no schema %s, which single tables do not bring: make it first: CREATE SCHEMA %s",
            database_rows_value(rows, 0, 0), database_rows_value(rows, 0, 0));
    database_rows_free(rows);
    return true;
}

/* pg_restore drops tables from the last to the first, by their names. */
static bool
is_dropped_before(const struct restore_plan *plan, size_t place, const char *schema, const char *name)
{
    for (size_t i = place + 1; i < plan->wanted.count; i++)
        if (strcmp(plan->wanted.tables[i].schema, schema) == 0 && strcmp(plan->wanted.tables[i].name, name) == 0)
            return true;
    return false;
}

static bool
find_dependents(
    const struct restore_plan *plan, size_t place, const char *const *values, struct text *obstacle, struct error *err)
{
    struct database_rows *rows = NULL;
    struct text names = TEXT_EMPTY;

    if (!database_query(plan->session, dependents_query, 3, values, &rows, err))
        return error_add(err, "look for what hangs on the tables");
    for (size_t i = 0; i < database_rows_count(rows); i++)
        if (!is_dropped_before(plan, place, database_rows_value(rows, i, 0), database_rows_value(rows, i, 1)))
            text_format(&names, "%s%s", names.length == 0 ? "" : ", ", database_rows_value(rows, i, 2));
    if (names.length > 0) {
        archive_table_add_name(&plan->wanted.tables[place], obstacle);
        text_format(obstacle,
            " cannot be dropped while others hang on it (%s): drop them first, and make them anew afterwards",
            text_string(&names));
    }
    text_clear(&names);
    database_rows_free(rows);
    return true;
}

bool
restore_tables_find_obstacle(
    const struct restore_order *order, const struct restore_plan *plan, struct text *obstacle, struct error *err)
{
    const char *encoding = plan->wanted.encoding[0] == '\0' ? "UTF8" : plan->wanted.encoding;
    bool ok = true;

    if (order->table_count == 0)
        return true;
    for (size_t i = 0; ok && obstacle->length == 0 && i < plan->wanted.count; i++) {
        const struct archive_table *table = &plan->wanted.tables[i];
        struct text schema = TEXT_EMPTY;
        struct text name = TEXT_EMPTY;

        add_bytea(plan, table->schema, &schema);
        add_bytea(plan, table->name, &name);
        {
            const char *const values[] = { text_string(&schema), encoding, text_string(&name) };

            ok = find_missing_schema(plan, values, obstacle, err) &&
                 (!order->clean || obstacle->length > 0 || find_dependents(plan, i, values, obstacle, err));
        }
        text_clear(&name);
        text_clear(&schema);
    }
    return ok;
}
