/*
 * database: one Postgres session, and the lock that lives as long as it does.
 *
 * Every wait goes through jobs/stop: connecting and querying end early when the job has to, and the session can still be used afterwards,
 * because a query that was left behind is cancelled on the server. Only looking up the host's name blocks (libpq does it by itself).
 *
 * ERROR_LOST: the session is gone, and with it the lock; database_revive() makes a new one. ERROR_REFUSED: the server said no, in its own
 * words and with its SQLSTATE; ERROR_DENIED: because of credentials or rights; ERROR_CONFIG: there is no such database, or no such table. Sessions are named "weavestream-backup <what>": other jobs tell by that name who holds the lock.
 */
#ifndef JOBS_DATABASE_H
#define JOBS_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/postgres_url.h"

#define DATABASE_APPLICATION "weavestream-backup"
#define DATABASE_KEEPALIVES_IDLE "30" /* seconds; the same both ways, and for jobs/client */
#define DATABASE_KEEPALIVES_INTERVAL "10"
#define DATABASE_KEEPALIVES_COUNT "3"
#define DATABASE_UNANSWERED_MS                                                                                         \
    "60000" /* for as long what we send may stay unanswered by the other host; for a request to cancel as well */

struct database;
struct database_rows;

/* `url` and `application` must outlive the session. NULL: failed. */
struct database *database_open(const struct postgres_url *url, const char *application, struct error *err) MUST_CHECK;
/* The same for another database of that server; `name` must outlive the session, too. */
struct database *database_open_named(
    const struct postgres_url *url, const char *name, const char *application, struct error *err) MUST_CHECK;
/*
 * Makes sure that there is a session: the old one, or a new one as soon as the server takes one again, for `patience_ms` at most. A new one
 * does not hold the lock that the old one held.
 */
bool database_revive(struct database *database, int64_t patience_ms, struct error *err) MUST_CHECK;
void database_close(struct database *database); /* NULL is fine */

/*
 * One statement with its parameters ($1...; NULL is null). `rows` may be NULL if nobody wants them; otherwise it is filled only on success
 * and the caller frees it.
 */
bool database_query(struct database *database, const char *sql, size_t count, const char *const *values,
    struct database_rows **rows, struct error *err) MUST_CHECK;
/* The same in two steps, for what can be done meanwhile without this session. A statement that was sent is to be received before the next. */
bool database_send(
    struct database *database, const char *sql, size_t count, const char *const *values, struct error *err) MUST_CHECK;
bool database_receive(struct database *database, struct database_rows **rows, struct error *err) MUST_CHECK;

/* How long a query may take from now on; unless set, some minutes, which are plenty for a row or two. */
void database_set_query_limit(struct database *database, int64_t limit_ms);

size_t database_rows_count(const struct database_rows *rows);
size_t database_rows_changed(const struct database_rows *rows); /* by INSERT, UPDATE, DELETE */
const char *database_rows_value(const struct database_rows *rows, size_t row, int column); /* NULL: null */
int64_t database_rows_number(const struct database_rows *rows, size_t row, int column);    /* 0 for null */
void database_rows_free(struct database_rows *rows);                                       /* NULL is fine */

const struct postgres_url *database_url(const struct database *database);
int database_server_version(const struct database *database);              /* 150018 for 15.18 */
const char *database_server_version_text(const struct database *database); /* "15.18 (Debian ...)" */
const char *database_password(
    const struct database *database);                          /* what was used to connect, wherever from; "" if none */
bool database_takes_any_text(const struct database *database); /* it is in UTF-8: there is no character that it lacks */
bool database_server_watches_clients(const struct database *database); /* it knows client_connection_check_interval */

#endif
