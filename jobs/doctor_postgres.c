/* What doctor asks of the Postgres server itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "jobs/archive_head.h"
#include "jobs/doctor_checks.h"
#include "jobs/drill_database.h"
#include "jobs/dump.h"
#include "jobs/facts.h"
#include "jobs/lock.h"

#define QUERY_MS 5000

/* --- Is it there? --- */

static void
read_facts(struct doctor *doctor)
{
    struct report verdict = REPORT_EMPTY;

    facts_perform(doctor->settings, NULL, 0, &verdict);
    if (verdict.type == REPORT_COMPLETED)
        doctor->facts = json_loads(verdict.value, 0, NULL);
    report_clear(&verdict);
}

/* Who we are, and whether anything can be written there. */
static bool
find_role(struct doctor *doctor, bool *read_only, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(
            doctor->database, "SELECT current_user, current_setting('transaction_read_only')", 0, NULL, &rows, err))
        return false;
    doctor->role = memory_copy_string(database_rows_value(rows, 0, 0));
    *read_only = strcmp(database_rows_value(rows, 0, 1), "on") == 0;
    database_rows_free(rows);
    return true;
}

static bool
connect_database(struct doctor *doctor, bool *read_only, struct error *err)
{
    doctor->database = database_open(&doctor->settings->database, DATABASE_APPLICATION " doctor", err);
    if (doctor->database == NULL)
        return false;
    database_set_query_limit(doctor->database, QUERY_MS);
    if (find_role(doctor, read_only, err))
        return true;
    database_close(doctor->database);
    doctor->database = NULL;
    return false;
}

static const char *
advice_for(enum error_code code)
{
    if (code == ERROR_LOST || code == ERROR_TIMEOUT || code == ERROR_STOPPED)
        return "see that the server is up, and that host and port in DATABASE_URL lead to it";
    if (code == ERROR_CONFIG)
        return "see that DATABASE_URL names the app's database: that server has none of this name";
    return "the server said no: see that DATABASE_URL is the app's, and the role still exists";
}

void
doctor_check_server(struct doctor *doctor, struct finding *finding)
{
    struct moment began = moment_now();
    bool read_only = false;
    struct error err;

    if (!connect_database(doctor, &read_only, &err)) {
        finding_bad(finding, "%s", err.text);
        finding_advise(finding, "%s", advice_for(err.code));
        return;
    }
    if (read_only) {
        finding_bad(finding, "nothing can be written there, so no run can be recorded: is it a replica?");
        finding_advise(finding, "lead DATABASE_URL to the primary server; see default_transaction_read_only");
    } else
        finding_ok(finding, "PostgreSQL %s, connected in %" PRId64 " ms",
            database_server_version_text(doctor->database), moment_ms_between(began, moment_now()));
    read_facts(doctor);
}

/* --- Is a session ours? --- */

static bool
find_backend(struct database *database, int64_t *pid, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database, "SELECT pg_backend_pid()", 0, NULL, &rows, err))
        return false;
    *pid = database_rows_number(rows, 0, 0);
    database_rows_free(rows);
    return true;
}

/*
 * A pooler that lends out a connection for a transaction at a time gives the other session, which stays in one, the connection that was used last:
 * the next statement of the first session then meets another backend, or none.
 */
static bool
keeps_its_backend(struct database *first, struct database *other, bool *kept, struct error *err)
{
    int64_t before = 0;
    int64_t after = 0;

    if (!find_backend(first, &before, err) || !database_query(other, "BEGIN", 0, NULL, NULL, err) ||
        !database_query(other, "SELECT 1", 0, NULL, NULL, err) || !find_backend(first, &after, err))
        return false;
    *kept = before == after;
    return true;
}

void
doctor_check_session(struct doctor *doctor, struct finding *finding)
{
    static const char advice[] = "the lock against two backups at once needs sessions of their own: lead DATABASE_URL "
                                 "to Postgres itself, or set "
                                 "pool_mode = session for this database";
    const struct postgres_url *url = &doctor->settings->database;
    struct database *first = NULL;
    struct database *other = NULL;
    struct error err;
    bool kept = false;
    bool known = (first = database_open(url, DATABASE_APPLICATION " doctor", &err)) != NULL &&
                 (other = database_open(url, DATABASE_APPLICATION " doctor", &err)) != NULL;

    if (known) {
        database_set_query_limit(first, QUERY_MS);
        database_set_query_limit(other, QUERY_MS);
        known = keeps_its_backend(first, other, &kept, &err);
    }
    if (known && kept)
        finding_ok(finding, "each session has a server process of its own");
    else if (known)
        finding_bad(
            finding, "two statements of one session met different server processes: a connection pooler is in between");
    else
        finding_bad(finding, "two sessions at once do not work: %s", err.text);
    if (finding->verdict != FINDING_OK)
        finding_advise(finding, "%s", advice);
    database_close(other);
    database_close(first);
}

void
doctor_check_lock(struct doctor *doctor, struct finding *finding)
{
    struct lock_holder holder;
    struct text advice = TEXT_EMPTY;
    struct error err;

    if (!lock_find_holder(doctor->database, &holder, &err)) {
        finding_bad(finding, "who holds the backup lock cannot be asked: %s", err.text);
        return;
    }
    lock_add_advice(&holder, doctor->settings->job_lock_minutes, &advice);
    if (holder.pid == 0)
        finding_ok(finding, "nobody holds the backup lock");
    else if (advice.length == 0)
        finding_ok(finding, "'%s' holds the backup lock, for %" PRId64 " s", holder.application, holder.age_seconds);
    else {
        finding_bad(finding, "'%s' (process %" PRId64 " of the server) holds the backup lock, for %" PRId64 " s",
            holder.application, holder.pid, holder.age_seconds);
        finding_advise(finding, "%s", text_string(&advice));
    }
    text_clear(&advice);
}

/* --- Does it agree with us? --- */

void
doctor_check_clock(struct doctor *doctor, struct finding *finding)
{
    struct database_rows *rows = NULL;
    int64_t before_ms = wall_now().ms;
    int64_t skew_ms;
    struct error err;

    if (!database_query(doctor->database, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint", 0, NULL,
            &rows, &err)) {
        finding_bad(finding, "its clock cannot be asked: %s", err.text);
        return;
    }
    skew_ms = database_rows_number(rows, 0, 0) - (before_ms + wall_now().ms) / 2;
    database_rows_free(rows);
    finding_judge_skew(finding, "Postgres", skew_ms);
}

/* What pg_dump writes, pg_restore reads back. */
static bool
find_programs(struct text *dumper, struct error *err)
{
    char reader[ARCHIVE_HEAD_VERSION_SIZE] = "";

    if (!dump_find_version(dumper, err) || !archive_head_find_reader(reader, err))
        return false;
    return archive_head_major(reader) >= archive_head_major(text_string(dumper)) ||
           error_set(err, ERROR_CONFIG, "pg_restore is %s: it does not read what pg_dump %s writes", reader,
               text_string(dumper));
}

static void
judge_pg_dump(const struct doctor *doctor, const char *version, struct finding *finding)
{
    const char *there = database_server_version_text(doctor->database);
    int server = archive_head_major(there);
    int here = archive_head_major(version);
    struct error err;

    if (!dump_check_compression(doctor->settings->compression, version, &err)) {
        finding_bad(finding, "%s", err.text);
        finding_advise(finding, "set BACKUP_COMPRESSION as this pg_dump takes it, or not at all");
    } else if (here < server)
        finding_bad(
            finding, "pg_dump is %s: it does not dump a server that is newer, and this one is %s", version, there);
    else if (here > server)
        finding_warn(finding, "pg_dump is %s, and the server %s: the server's own pg_restore may not read the dumps",
            version, there);
    else
        finding_ok(finding, "pg_dump is %s", version);
}

void
doctor_check_pg_dump(struct doctor *doctor, struct finding *finding)
{
    struct text version = TEXT_EMPTY;
    struct error err;

    if (find_programs(&version, &err))
        judge_pg_dump(doctor, text_string(&version), finding);
    else
        finding_bad(finding, "%s", err.text);
    if (finding->verdict != FINDING_OK && finding->advice.length == 0)
        finding_advise(finding, "install PostgreSQL's client programs, version %d",
            archive_head_major(database_server_version_text(doctor->database)));
    text_clear(&version);
}

/* --- Can it restore? --- */

void
doctor_check_drill(struct doctor *doctor, struct finding *finding)
{
    const struct postgres_url *drill = &doctor->settings->drill;
    const struct postgres_url *url = drill->count > 0 ? drill : &doctor->settings->database;
    struct database *session = NULL;
    struct error err;

    if (doctor->settings->verify != SETTINGS_VERIFY_RESTORE)
        finding_ok(finding, "dumps are not restored for their proof (BACKUP_VERIFY=%s)",
            settings_verify_name(doctor->settings->verify));
    else if ((session = database_open(url, DATABASE_APPLICATION " doctor", &err)) == NULL ||
             !drill_database_check_right(session, &err)) {
        finding_bad(finding, "dumps cannot be restored for their proof (BACKUP_VERIFY=restore): %s", err.text);
        finding_advise(
            finding, "set BACKUP_DRILL_URL to a server on which databases may be created, or BACKUP_VERIFY=full");
    } else
        finding_ok(finding, "dumps can be restored for their proof");
    database_close(session);
}
