#include "jobs/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/aftermath.h"
#include "jobs/sql.h"

bool
history_find_config(
    struct database *database, const char *id, struct history_config *out, bool *found, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(
            database, "SELECT name, enabled, retention FROM backup_config WHERE id = $1::uuid", 1, &id, &rows, err))
        return error_add(err, "read the backup config");
    *found = database_rows_count(rows) > 0;
    if (*found) {
        out->name = memory_copy_string(database_rows_value(rows, 0, 0));
        out->enabled = strcmp(database_rows_value(rows, 0, 1), "t") == 0;
        out->retention = memory_copy_string(database_rows_value(rows, 0, 2));
    }
    database_rows_free(rows);
    return true;
}

void
history_config_clear(struct history_config *config)
{
    free(config->name);
    free(config->retention);
    *config = (struct history_config){ .name = NULL };
}

enum history_status
history_status_of(const char *name)
{
    if (strcmp(name, "queued") == 0)
        return HISTORY_QUEUED;
    if (strcmp(name, "running") == 0)
        return HISTORY_RUNNING;
    return strcmp(name, "success") == 0 ? HISTORY_SUCCESS : HISTORY_FAILED;
}

bool
history_insert_run(struct database *database, const char *id, const char *config_id, bool *inserted, struct error *err)
{
    const char *values[] = { id, config_id };

    return sql_change(database,
               "INSERT INTO backup_run (id, config_id, kind, status) VALUES ($1::uuid, $2::uuid, "
               "'SCHEDULED'::\"BackupRunKind\", " SQL_STATUS("queued") ") ON CONFLICT DO NOTHING",
               SQL_COUNT(values), values, inserted, err) ||
           error_add(err, "insert the backup run's row");
}

bool
history_insert_manual_run(struct database *database, const char *id, const char *config_id, struct error *err)
{
    const char *values[] = { id, config_id };

    return database_query(database,
               "INSERT INTO backup_run (id, config_id, kind, status) VALUES ($1::uuid, $2::uuid, "
               "'MANUAL'::\"BackupRunKind\", " SQL_STATUS("queued") ")",
               SQL_COUNT(values), values, NULL, err) ||
           error_add(err, "insert the backup run's row");
}

bool
history_start_run(struct database *database, const char *id, struct wall started, struct error *err)
{
    char started_text[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(started.ms, started_text) };
    bool changed = false;

    if (!sql_change(database,
            "UPDATE backup_run SET status = " SQL_STATUS("running") ", started_at = " SQL_AT(
                "$2") ", finished_at = NULL, "
                      "size_bytes = NULL, manifest = CASE WHEN manifest = '" AFTERMATH_UNTOLD
                      "'::jsonb THEN manifest END, dump_path = NULL, manifest_path = NULL, error = NULL "
                      "WHERE id = $1::uuid",
            SQL_COUNT(values), values, &changed, err))
        return error_add(err, "set the backup run's row to running");
    return changed || error_set(err, ERROR_REFUSED, "the backup run's row has vanished");
}

bool
history_is_ours(struct database *database, const char *id, struct wall started, bool *ours, struct error *err)
{
    char started_text[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(started.ms, started_text) };
    struct database_rows *rows = NULL;

    if (!database_query(database,
            "SELECT 1 FROM backup_run WHERE id = $1::uuid AND status = " SQL_STATUS(
                "running") " AND started_at = " SQL_AT("$2"),
            SQL_COUNT(values), values, &rows, err))
        return error_add(err, "read the backup run's row");
    *ours = database_rows_count(rows) > 0;
    database_rows_free(rows);
    return true;
}

bool
history_succeed(
    struct database *database, const char *id, const struct history_success *success, bool *changed, struct error *err)
{
    char started[SQL_NUMBER_SIZE];
    char finished[SQL_NUMBER_SIZE];
    char size[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(success->started.ms, started), sql_number(success->finished.ms, finished),
        sql_number(success->size_bytes, size), success->dump_path, success->manifest_path, success->manifest };

    return sql_change(database,
               "UPDATE backup_run SET status = " SQL_STATUS("success") ", finished_at = " SQL_AT(
                   "$3") ", "
                         "size_bytes = $4::bigint, dump_path = $5, manifest_path = $6, manifest = $7::jsonb, error = "
                         "NULL "
                         "WHERE id = $1::uuid AND status = " SQL_STATUS("running") " AND started_at = " SQL_AT("$2"),
               SQL_COUNT(values), values, changed, err) ||
           error_add(err, "set the backup run's row to success");
}

bool
history_fail(struct database *database, const char *id, const struct wall *started, const char *reason, bool untold,
    bool *changed, struct error *err)
{
    struct text clean = TEXT_EMPTY;
    char now[SQL_NUMBER_SIZE];
    char started_text[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(wall_now().ms, now), NULL,
        started == NULL ? NULL : sql_number(started->ms, started_text), untold ? AFTERMATH_UNTOLD : NULL };
    bool ok;

    sql_add_text(database, reason, &clean);
    values[2] = text_string(&clean);
    ok = sql_change(database,
             "UPDATE backup_run SET status = " SQL_STATUS("failed") ", finished_at = " SQL_AT(
                 "$2") ", error = $3, manifest = $5::jsonb "
                       "WHERE id = $1::uuid AND ((status = " SQL_STATUS("running") " AND started_at = " SQL_AT(
                           "$4") ") "
                                 "OR ($4::bigint IS NULL AND status IN (" SQL_STATUS("queued") ", " SQL_STATUS(
                                     "failed") ")))",
             SQL_COUNT(values), values, changed, err) ||
         error_add(err, "set the backup run's row to failed");
    text_clear(&clean);
    return ok;
}

bool
history_requeue(struct database *database, const char *id, struct wall started, bool *changed, struct error *err)
{
    char started_text[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(started.ms, started_text) };

    return sql_change(database,
               "UPDATE backup_run SET status = " SQL_STATUS(
                   "queued") ", started_at = NULL, finished_at = NULL, "
                             "error = NULL WHERE id = $1::uuid AND status = " SQL_STATUS(
                                 "running") " AND started_at = " SQL_AT("$2"),
               SQL_COUNT(values), values, changed, err) ||
           error_add(err, "set the backup run's row back to queued");
}

bool
history_touch_config(struct database *database, const char *id, struct wall last_run, struct error *err)
{
    char last[SQL_NUMBER_SIZE];
    char now[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(last_run.ms, last), sql_number(wall_now().ms, now) };

    return database_query(database,
               "UPDATE backup_config SET last_run_at = " SQL_AT("$2") ", updated_at = " SQL_AT(
                   "$3") " WHERE id = $1::uuid",
               SQL_COUNT(values), values, NULL, err) ||
           error_add(err, "set the backup config's last_run_at");
}

bool
history_last_size(struct database *database, const char *config_id, int64_t *size_bytes, struct error *err)
{
    struct database_rows *rows = NULL;

    if (!database_query(database,
            "SELECT size_bytes FROM backup_run WHERE config_id = $1::uuid AND status = " SQL_STATUS(
                "success") " "
                           "AND size_bytes IS NOT NULL ORDER BY started_at DESC NULLS LAST LIMIT 1",
            1, &config_id, &rows, err))
        return error_add(err, "read the last successful run");
    *size_bytes = database_rows_count(rows) > 0 ? database_rows_number(rows, 0, 0) : 0;
    database_rows_free(rows);
    return true;
}

/* An infinite timestamp is no time. */
bool
history_list_schedules(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database,
               "SELECT id, enabled, cron, timezone, floor(extract(epoch FROM now - attempt) * 1000)::bigint, "
               "floor(extract(epoch FROM now - good) * 1000)::bigint, name "
               "FROM (SELECT *, clock_timestamp() AT TIME ZONE 'UTC' AS now, "
               "(SELECT max(created_at) FROM backup_run r "
               "WHERE r.config_id = c.id AND kind = 'SCHEDULED' AND isfinite(created_at)) AS attempt, "
               "(SELECT max(coalesce(started_at, created_at)) FROM backup_run r WHERE r.config_id = c.id "
               "AND status IN ('success', 'running') AND isfinite(coalesce(started_at, created_at))) AS good "
               "FROM backup_config c) AS schedules ORDER BY name, id",
               0, NULL, rows, err) ||
           error_add(err, "read the schedules");
}

bool
history_list_queued(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_query(database,
               "SELECT id, config_id, kind = 'SCHEDULED', "
               "floor(extract(epoch FROM (clock_timestamp() AT TIME ZONE 'UTC') - created_at) * 1000)::bigint "
               "FROM backup_run WHERE status = 'queued' AND isfinite(created_at) ORDER BY created_at LIMIT 1000",
               0, NULL, rows, err) ||
           error_add(err, "read the queued runs");
}

bool
history_close_queued(
    struct database *database, const char *id, const char *reason, bool untold, bool *changed, struct error *err)
{
    struct text clean = TEXT_EMPTY;
    char now[SQL_NUMBER_SIZE];
    const char *values[] = { id, sql_number(wall_now().ms, now), NULL, untold ? AFTERMATH_UNTOLD : NULL };
    bool ok;

    sql_add_text(database, reason, &clean);
    values[2] = text_string(&clean);
    ok = sql_change(database,
             "UPDATE backup_run SET status = " SQL_STATUS("failed") ", finished_at = " SQL_AT(
                 "$2") ", error = $3, manifest = $4::jsonb WHERE id = $1::uuid AND status = " SQL_STATUS("queued"),
             SQL_COUNT(values), values, changed, err) ||
         error_add(err, "close the queued row");
    text_clear(&clean);
    return ok;
}

static bool
insert_audit(struct database *database, const char *action, const char *run_id, const char *after, struct error *err)
{
    char id[UUID_SIZE];
    const char *values[] = { id, action, run_id, after };

    return (uuid_make(id, err) &&
               database_query(database,
                   "INSERT INTO audit_log (id, actor_id, action, entity_type, entity_id, ip, user_agent, after) "
                   "VALUES ($1::uuid, NULL, $2, 'BackupRun', $3, '127.0.0.1', 'weavestream-worker/backup', $4::jsonb)",
                   SQL_COUNT(values), values, NULL, err)) ||
           error_add(err, "write the audit row");
}

static void
add_config_id(struct text *out, const char *config_id)
{
    if (config_id == NULL)
        text_add(out, "{\"configId\":null");
    else
        text_format(out, "{\"configId\":\"%s\"", config_id);
}

bool
history_audit_completed(struct database *database, const char *id, const char *config_id, int64_t size_bytes,
    const char *filename, struct error *err)
{
    struct text after = TEXT_EMPTY;
    bool ok;

    add_config_id(&after, config_id);
    text_format(&after, ",\"sizeBytes\":%" PRId64 ",\"filename\":", size_bytes);
    text_add_json(&after, filename, strlen(filename));
    text_add(&after, "}");
    ok = insert_audit(database, "backup.run.completed", id, text_string(&after), err);
    text_clear(&after);
    return ok;
}

bool
history_audit_failed(
    struct database *database, const char *id, const char *config_id, const char *reason, struct error *err)
{
    struct text after = TEXT_EMPTY;
    bool ok;

    add_config_id(&after, config_id);
    text_add(&after, ",\"error\":");
    text_add_json(&after, reason, strlen(reason));
    text_add(&after, "}");
    ok = insert_audit(database, "backup.run.failed", id, text_string(&after), err);
    text_clear(&after);
    return ok;
}

/* An infinite started_at is no time: it counts as none, so that its dump is never deleted. */
bool
history_send_list_dumps(struct database *database, struct error *err)
{
    return database_send(database,
               "SELECT id, CASE WHEN isfinite(started_at) THEN floor(extract(epoch FROM started_at) * 1000)::bigint "
               "END, "
               "dump_path, manifest_path, config_id, size_bytes, manifest #>> '{verified,level}' FROM backup_run "
               "WHERE status = " SQL_STATUS(
                   "success") " AND dump_path IS NOT NULL ORDER BY started_at DESC NULLS LAST, id",
               0, NULL, err) ||
           error_add(err, "read the successful runs");
}

bool
history_await_list_dumps(struct database *database, struct database_rows **rows, struct error *err)
{
    return database_receive(database, rows, err) || error_add(err, "read the successful runs");
}

bool
history_list_dumps(struct database *database, struct database_rows **rows, struct error *err)
{
    return history_send_list_dumps(database, err) && history_await_list_dumps(database, rows, err);
}

bool
history_list_runs(struct database *database, const char *config_id, bool only_failed, int64_t limit,
    struct database_rows **rows, struct error *err)
{
    char most[SQL_NUMBER_SIZE];
    const char *values[] = { config_id, only_failed ? "failed" : NULL, sql_number(limit, most) };

    return database_query(database,
               "SELECT r.id, r.config_id, c.name, r.kind, r.status, " SQL_MS("r.created_at") ", " SQL_MS(
                   "r.started_at") ", " SQL_MS("r.finished_at") ", r.size_bytes, r.dump_path, "
                                                                "r.manifest #>> '{verified,level}', r.error "
                                                                "FROM backup_run r LEFT JOIN backup_config c ON c.id = "
                                                                "r.config_id "
                                                                "WHERE ($1::uuid IS NULL OR r.config_id = $1::uuid) "
                                                                "AND ($2::\"BackupRunStatus\" IS NULL OR r.status = "
                                                                "$2::\"BackupRunStatus\") "
                                                                "ORDER BY r.created_at DESC, r.id LIMIT $3::bigint",
               SQL_COUNT(values), values, rows, err) ||
           error_add(err, "read the runs");
}

bool
history_read_run(struct database *database, const char *id, struct database_rows **rows, struct error *err)
{
    return database_query(database,
               "SELECT status, error, dump_path, size_bytes, manifest ->> 'sha256', " SQL_MS(
                   "finished_at") " - " SQL_MS("started_at") " FROM backup_run WHERE id = $1::uuid",
               1, &id, rows, err) ||
           error_add(err, "read the run's row");
}

bool
history_list_configs(struct database *database, const char *id, struct database_rows **rows, struct error *err)
{
    return database_query(database,
               "SELECT id, name FROM backup_config WHERE $1::uuid IS NULL OR id = $1::uuid ORDER BY name, id", 1, &id,
               rows, err) ||
           error_add(err, "read the schedules");
}

bool
history_send_forget_paths(struct database *database, const char *ids, struct error *err)
{
    return database_send(database,
               "UPDATE backup_run SET dump_path = NULL, manifest_path = NULL WHERE id = ANY ($1::uuid[])", 1, &ids,
               err) ||
           error_add(err, "take the paths off pruned rows");
}

bool
history_await_forget_paths(struct database *database, struct error *err)
{
    return database_receive(database, NULL, err) || error_add(err, "take the paths off pruned rows");
}
