#include "jobs/drill_database.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/stop.h"

#define PREFIX "weavestream_drill_"
#define KEEPER DATABASE_APPLICATION " drill "
#define DIGITS 8
#define REVIVE_MS 60000 /* for a server that is restarting */
#define CLEAN_UP_MS 15000
#define STOPPED_MS (STOP_CLEAN_UP_MS / 2) /* the other half is for the row */

struct drill_database {
    struct database *keeper;
    bool made; /* or it may be */
    char name[sizeof(PREFIX) + DIGITS];
    char application[sizeof(KEEPER) + DIGITS];
};

static bool
choose_name(struct drill_database *drill, struct error *err)
{
    unsigned char random[DIGITS / 2];
    char digits[DIGITS + 1];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return error_set(err, ERROR_SYSTEM, "there are no random numbers");
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(digits + 2 * i, 3, "%02x", random[i]);
    (void)snprintf(drill->name, sizeof(drill->name), PREFIX "%s", digits);
    (void)snprintf(drill->application, sizeof(drill->application), KEEPER "%s", digits);
    return true;
}

/* What a statement answers in its one row and column; NULL: it failed, or the answer is null. */
static char *
ask(struct database *session, const char *sql, const char *value, struct error *err)
{
    struct database_rows *rows = NULL;
    char *answer;

    if (!database_query(session, sql, value == NULL ? 0 : 1, &value, &rows, err))
        return NULL;
    answer = memory_copy_string(database_rows_count(rows) == 0 ? NULL : database_rows_value(rows, 0, 0));
    database_rows_free(rows);
    if (answer == NULL)
        (void)error_set(err, ERROR_REFUSED, "postgres: no answer");
    return answer;
}

/* The server writes the statement: it quotes as it reads. `sql` gives it for the name $1. */
static bool
perform(struct database *session, const char *sql, const char *name, struct error *err)
{
    char *statement = ask(session, sql, name, err);
    bool ok = statement != NULL && database_query(session, statement, 0, NULL, NULL, err);

    free(statement);
    return ok;
}

bool
drill_database_check_right(struct database *session, struct error *err)
{
    /* clang-format off */
    char *refusal = ask(session,
        "SELECT CASE WHEN rolcreatedb OR rolsuper THEN '' ELSE pg_catalog.format('the user %I may not create databases, "
        "which a restore needs: allow it (ALTER ROLE %1$I CREATEDB), or set BACKUP_DRILL_URL to a server where the user may', "
        "rolname) END FROM pg_catalog.pg_roles WHERE rolname = current_user", NULL, err);
    /* clang-format on */
    bool ok = refusal != NULL && (refusal[0] == '\0' || error_set(err, ERROR_DENIED, "%s", refusal));

    free(refusal);
    return ok;
}

static bool
drop(struct database *session, const char *name, struct error *err)
{
    /* Those of pg_restore, if it was killed a moment ago; the DROP waits some seconds for their ends. */
    return database_query(session,
               "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
               "WHERE datname = $1 AND usename = current_user AND pid <> pg_catalog.pg_backend_pid()",
               1, &name, NULL, err) &&
           perform(session, "SELECT pg_catalog.format('DROP DATABASE IF EXISTS %I', $1::text)", name, err);
}

bool
drill_database_remove_leftovers(struct database *session, size_t *removed, struct error *err)
{
    struct database_rows *rows = NULL;
    struct error why;

    *removed = 0;
    if (!database_query(session,
            "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname ~ '^" PREFIX "[0-9a-f]{8}$' "
            "AND pg_catalog.pg_has_role(d.datdba, 'USAGE') AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a "
            "WHERE a.application_name = '" KEEPER "' || pg_catalog.right(d.datname::text, 8))",
            0, NULL, &rows, err))
        return error_add(err, "look for databases of dead drills");
    for (size_t i = 0; i < database_rows_count(rows); i++) {
        const char *name = database_rows_value(rows, i, 0);

        if (drop(session, name, &why)) {
            (*removed)++;
            log_info(LOG_EVENT("drill database removed"), LOG_TEXT("database", name));
        } else
            log_warn(LOG_EVENT("drill database left"), LOG_TEXT("database", name), LOG_ERROR(&why));
    }
    database_rows_free(rows);
    return true;
}

/* How CREATE DATABASE is told of the locale's provider depends on the version. */
static const char *
provider_expression(int version)
{
    if (version >= 170000)
        return "CASE datlocprovider WHEN 'i' THEN pg_catalog.format('LOCALE_PROVIDER icu ICU_LOCALE %L', datlocale) "
               "WHEN 'b' THEN pg_catalog.format('LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', datlocale) "
               "ELSE 'LOCALE_PROVIDER libc' END";
    if (version >= 150000)
        return "CASE datlocprovider WHEN 'i' THEN pg_catalog.format('LOCALE_PROVIDER icu ICU_LOCALE %L', daticulocale) "
               "ELSE 'LOCALE_PROVIDER libc' END";
    return "''";
}

static bool
create(struct drill_database *drill, struct error *err)
{
    struct text sql = TEXT_EMPTY;

    text_format(&sql,
        "SELECT pg_catalog.format('CREATE DATABASE %%I TEMPLATE template0 ENCODING %%L LC_COLLATE %%L LC_CTYPE %%L "
        "%%s', "
        "$1::text, pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, %s) "
        "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
        provider_expression(database_server_version(drill->keeper)));
    drill->made = perform(drill->keeper, text_string(&sql), drill->name, err);
    text_clear(&sql);
    if (drill->made) /* what it will hold is nobody else's business */
        return perform(drill->keeper, "SELECT pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1::text)",
            drill->name, err);
    drill->made = err->code != ERROR_REFUSED &&
                  err->code != ERROR_DENIED; /* given up while it was being made, it may be there all the same */
    return false;
}

struct drill_database *
drill_database_create(const struct postgres_url *url, enum drill_database_fate *fate, struct error *err)
{
    struct drill_database *drill = memory_new(sizeof(*drill));
    size_t removed;

    *fate = DRILL_DATABASE_NEVER_MADE;
    if (!choose_name(drill, err))
        goto failed;
    drill->keeper = database_open(url, drill->application, err);
    if (drill->keeper == NULL || !drill_database_check_right(drill->keeper, err) ||
        !drill_database_remove_leftovers(drill->keeper, &removed, err))
        goto failed;
    if (create(drill, err))
        return drill;
    (void)error_add(err, "create the database '%s'", drill->name);
failed:
    if (drill->made)
        *fate = drill_database_abandon(drill);
    drill_database_free(drill);
    return NULL;
}

const char *
drill_database_name(const struct drill_database *drill)
{
    return drill->name;
}

struct database *
drill_database_keeper(const struct drill_database *drill)
{
    return drill->keeper;
}

bool
drill_database_drop(struct drill_database *drill, struct error *err)
{
    return (database_revive(drill->keeper, REVIVE_MS, err) && drop(drill->keeper, drill->name, err)) ||
           error_add(err, "the throw-away database '%s' could not be dropped", drill->name);
}

enum drill_database_fate
drill_database_abandon(struct drill_database *drill)
{
    struct error err;

    stop_shield(moment_add_ms(moment_now(), stop_was_requested() ? STOPPED_MS : CLEAN_UP_MS));
    if (drill_database_drop(drill, &err))
        return DRILL_DATABASE_DROPPED;
    log_warn(LOG_EVENT("drill database left"), LOG_TEXT("database", drill->name), LOG_ERROR(&err));
    return DRILL_DATABASE_LEFT;
}

void
drill_database_free(struct drill_database *drill)
{
    if (drill == NULL)
        return;
    database_close(drill->keeper);
    free(drill);
}
