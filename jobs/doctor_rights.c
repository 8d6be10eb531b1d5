/* What doctor asks about the role that we are: it reads everything, and writes the history of runs. */
#include "common/text.h"
#include "jobs/catalog.h"
#include "jobs/doctor_checks.h"

/* The first column of all rows, as names in a sentence. */
static void
add_names(const struct database_rows *rows, struct text *out)
{
    size_t count = database_rows_count(rows);

    for (size_t i = 0; i < count; i++)
        finding_add_name(out, i, database_rows_value(rows, i, 0));
    finding_end_names(out, count);
}

/* --- The app's tables --- */

#define NEEDED                                                                                                         \
    "(VALUES ('backup_config', 'SELECT'), ('backup_config', 'UPDATE'), ('backup_run', 'SELECT'), "                     \
    "('backup_run', 'INSERT'), ('backup_run', 'UPDATE'), ('audit_log', 'INSERT'), ('email_settings', 'SELECT')) "      \
    "AS needed (name, privilege)"

static bool
find_missing_tables(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database, "SELECT DISTINCT name FROM " NEEDED " WHERE to_regclass(name) IS NULL ORDER BY 1",
        0, NULL, rows, err);
}

static bool
find_missing_rights(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database,
        "SELECT privilege || ' on ' || name FROM " NEEDED
        " WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name), privilege) ORDER BY 1",
        0, NULL, rows, err);
}

void
doctor_check_tables(struct doctor *doctor, struct finding *finding)
{
    struct database_rows *missing = NULL;
    struct database_rows *denied = NULL;
    struct text names = TEXT_EMPTY;
    struct error err;
    bool known =
        find_missing_tables(doctor->database, &missing, &err) && find_missing_rights(doctor->database, &denied, &err);

    doctor->has_tables = known && database_rows_count(missing) == 0;
    if (!known)
        finding_bad(finding, "the app's tables cannot be looked for: %s", err.text);
    else if (database_rows_count(missing) > 0) {
        add_names(missing, &names);
        finding_bad(finding, "tables of the app are not there: %s", text_string(&names));
        finding_advise(finding,
            "lead DATABASE_URL to the app's database, and with 'schema=' to its schema; or start the app, "
            "which makes them");
    } else if (database_rows_count(denied) > 0) {
        add_names(denied, &names);
        finding_bad(finding, "'%s' lacks rights to record backups: %s", doctor->role, text_string(&names));
        finding_advise(finding, "grant these to '%s', or use the app's own DATABASE_URL", doctor->role);
    } else
        finding_ok(finding, "the app's tables are there, and runs can be recorded in them");
    text_clear(&names);
    database_rows_free(denied);
    database_rows_free(missing);
}

/* --- All that is dumped --- */

void
doctor_check_rights(struct doctor *doctor, struct finding *finding)
{
    struct database_rows *rows = NULL;
    struct text names = TEXT_EMPTY;
    struct error err;

    if (!catalog_list_unreadable(doctor->database, &rows, &err))
        finding_bad(finding, "%s", err.text);
    else if (database_rows_count(rows) > 0) {
        add_names(rows, &names);
        finding_bad(finding, "'%s' may not read %s: every dump will fail", doctor->role, text_string(&names));
        finding_advise(
            finding, "grant USAGE on the schema and SELECT on these to '%s', or let it own them", doctor->role);
    } else
        finding_ok(finding, "'%s' may read everything that is dumped", doctor->role);
    text_clear(&names);
    database_rows_free(rows);
}

void
doctor_check_row_security(struct doctor *doctor, struct finding *finding)
{
    struct database_rows *rows = NULL;
    struct text names = TEXT_EMPTY;
    struct error err;

    if (!catalog_list_row_security(doctor->database, &rows, &err))
        finding_bad(finding, "%s", err.text);
    else if (database_rows_count(rows) > 0) {
        add_names(rows, &names);
        finding_bad(finding, "row security hides rows from '%s' in %s: every dump will fail", doctor->role,
            text_string(&names));
        finding_advise(finding,
            "ALTER ROLE \"%s\" BYPASSRLS, or let it own these tables without FORCE ROW LEVEL SECURITY", doctor->role);
    } else
        finding_ok(finding, "row security hides nothing from '%s'", doctor->role);
    text_clear(&names);
    database_rows_free(rows);
}
