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
