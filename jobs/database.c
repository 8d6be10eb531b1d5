#include "jobs/database.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/database_rows.h"
#include "jobs/stop.h"

#define CONNECT_SECONDS 10 /* unless the URL says otherwise */
#define QUERY_MS 300000    /* what deals with rows takes no time; a migration may hold a table for a while */
#define CANCEL_MS 500      /* for a cancelled query to come back */
#define REVIVE_PAUSE_MS 500
#define KEYWORDS (POSTGRES_URL_KEYWORDS + 10)

struct database {
    const struct postgres_url *url;
    const char *name; /* of the database; NULL: as the URL has it */
    const char *application;
    int64_t query_ms;
    PGconn *connection;
    struct moment deadline; /* of the statement that is under way */
    bool watches_clients;
};

static void
on_notice(void *owner, const PGresult *notice)
{
    const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

    (void)owner;
    log_debug(LOG_EVENT("postgres notice"), LOG_TEXT("severity", PQresultErrorField(notice, PG_DIAG_SEVERITY)),
        LOG_TEXT("message", text));
}

/* Several lines of libpq as one, every run of blanks as one. */
static void
add_one_line(struct text *out, const char *bytes, size_t length)
{
    bool blank = out->length > 0;

    for (size_t i = 0; i < length; i++)
        if (isspace((unsigned char)bytes[i]))
            blank = true;
        else {
            if (blank && out->length > 0)
                text_add(out, " ");
            blank = false;
            text_add_bytes(out, bytes + i, 1);
        }
}

/*
 * A failed connection has no result to ask for its SQLSTATE, only a text; asked for at its most verbose, the text holds it: "FATAL:  28P01:
 * password ...", and a line "LOCATION: ..." that nobody wants. Takes both out; `state` is "" if there is none.
 */
static void
read_connect_failure(const char *message, struct text *out, char state[6])
{
    state[0] = '\0';
    for (const char *at = message; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        const char *mark = memmem(at, length, ":  ", 3);
        size_t before = mark == NULL ? 0 : (size_t)(mark - at);

        if (strncmp(at, "LOCATION:", 9) == 0 || *at == '\t')
            ; /* where in the server's source that is; and what libpq guesses: "Is the server running ...?" */
        else if (mark != NULL && before + 10 <= length && memcmp(mark + 8, ": ", 2) == 0) {
            memcpy(state, mark + 3, 5);
            state[5] = '\0';
            add_one_line(out, at, before);
            text_add(out, ": ");
            text_add_bytes(out, mark + 10, length - before - 10);
        } else
            add_one_line(out, at, length);
        at += length + (at[length] == '\n');
    }
}

/* Whether trying again later may help with what the server refused: it is starting, stopping, full, or broke the connection. */
static bool
is_passing(const char *state)
{
    return strncmp(state, "08", 2) == 0 || strncmp(state, "53", 2) == 0 || strncmp(state, "57P0", 4) == 0;
}

/* Who may mend what the server refused with this SQLSTATE. */
static enum error_code
code_of(const char *state)
{
    if (is_passing(state))
        return ERROR_LOST;
    if (strncmp(state, "28", 2) == 0 || strcmp(state, "42501") == 0)
        return ERROR_DENIED;
    if (strcmp(state, "3D000") == 0 || strcmp(state, "42P01") == 0)
        return ERROR_CONFIG; /* no such database, no such table: it is not the app's */
    return ERROR_REFUSED;
}

static bool
set_connect_failure(struct database *database, struct error *err)
{
    enum error_code silent = PQconnectionNeedsPassword(database->connection) ? ERROR_DENIED : ERROR_LOST;
    struct text text = TEXT_EMPTY;
    char state[6];

    read_connect_failure(PQerrorMessage(database->connection), &text, state);
    (void)error_set(err, state[0] == '\0' ? silent : code_of(state), "postgres: %s", text_string(&text));
    text_clear(&text);
    return false;
}

static bool
set_query_failure(struct database *database, const PGresult *result, struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *message = PQerrorMessage(database->connection);
    bool lost = PQstatus(database->connection) == CONNECTION_BAD;
    struct text text = TEXT_EMPTY;

    if (primary != NULL)
        text_add(&text, primary);
    else
        add_one_line(&text, message, strcspn(message, "\n")); /* the lines behind it guess */
    if (state != NULL)
        text_format(&text, " (SQLSTATE %s)", state);
    (void)error_set(err, lost ? ERROR_LOST : code_of(state == NULL ? "" : state), "postgres: %s", text_string(&text));
    text_clear(&text);
    return false;
}

static PGconn *
start_connecting(const struct database *database)
{
    const char *keywords[KEYWORDS];
    const char *values[KEYWORDS];
    size_t count = 0;
    /* clang-format off */
    const char *const ours[][2] = {
        { "dbname", database->name },
        { "application_name", database->application },
        { "client_encoding", "UTF8" },
        { "keepalives_idle", DATABASE_KEEPALIVES_IDLE },
        { "keepalives_interval", DATABASE_KEEPALIVES_INTERVAL },
        { "keepalives_count", DATABASE_KEEPALIVES_COUNT },
        { "tcp_user_timeout", DATABASE_UNANSWERED_MS },
        { "password", secret_reveal(&database->url->password) },
    };
    /* clang-format on */

    for (; count < database->url->count; count++) {
        keywords[count] = database->url->keywords[count];
        values[count] = database->url->values[count];
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ours[i][1] != NULL) {
            keywords[count] = ours[i][0];
            values[count++] = ours[i][1];
        }
    keywords[count] = NULL;
    values[count] = NULL;
    return PQconnectStartParams(keywords, values, 0);
}

static struct moment
connect_deadline(const struct database *database)
{
    const char *given = postgres_url_value(database->url, "connect_timeout");
    int64_t seconds = CONNECT_SECONDS;

    if (given != NULL && (!text_parse_integer(given, strlen(given), 1, 3600, &seconds)))
        seconds = CONNECT_SECONDS; /* 0 means for ever, which we never do */
    return moment_add_ms(moment_now(), seconds * 1000);
}

static bool
connect_session(struct database *database, struct error *err)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    struct moment deadline = connect_deadline(database);

    database->connection = start_connecting(database);
    if (database->connection == NULL)
        return error_set(err, ERROR_SYSTEM, "postgres: out of memory");
    (void)PQsetErrorVerbosity(database->connection, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(database->connection, on_notice, NULL);
    if (PQstatus(database->connection) == CONNECTION_BAD)
        return set_connect_failure(database, err);
    while (next != PGRES_POLLING_OK) {
        short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd polled = { .fd = PQsocket(database->connection), .events = events };

        if (!stop_wait(polled.fd, events, deadline, err))
            return false;
        if (poll(&polled, 1, 0) == 1)
            next = PQconnectPoll(database->connection);
        else if (moment_is_past(deadline))
            return error_set(err, ERROR_LOST, "postgres: no connection to the server within its time");
        if (next == PGRES_POLLING_FAILED)
            return set_connect_failure(database, err);
    }
    (void)PQsetErrorVerbosity(database->connection, PQERRORS_DEFAULT);
    return true;
}

/* A session of ours may sit idle for hours beside pg_dump, whatever limits the server or the role have. */
static bool
set_up_session(struct database *database, struct error *err)
{
    const char *schema = database->url->schema;
    int version = database_server_version(database);
    struct error ignored;

    if (!database_query(database,
            "SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), "
            "set_config('idle_in_transaction_session_timeout', '0', false), set_config('TimeZone', 'UTC', false), "
            "set_config('tcp_keepalives_idle', '" DATABASE_KEEPALIVES_IDLE "', false), "
            "set_config('tcp_keepalives_interval', '" DATABASE_KEEPALIVES_INTERVAL "', false), "
            "set_config('tcp_keepalives_count', '" DATABASE_KEEPALIVES_COUNT "', false)",
            0, NULL, NULL, err))
        return false;
    if (version >= 140000 && !database_query(database, "SET idle_session_timeout = 0", 0, NULL, NULL, err))
        return false;
    if (version >= 170000 && !database_query(database, "SET transaction_timeout = 0", 0, NULL, NULL, err))
        return false;
    /* Not on every platform: there the lock of a killed session lasts to the end of its query. */
    database->watches_clients =
        version >= 140000 &&
        database_query(database, "SET client_connection_check_interval = '1s'", 0, NULL, NULL, &ignored);
    return schema == NULL ||
           database_query(database, "SELECT set_config('search_path', quote_ident($1), false)", 1, &schema, NULL, err);
}

struct database *
database_open(const struct postgres_url *url, const char *application, struct error *err)
{
    return database_open_named(url, NULL, application, err);
}

struct database *
database_open_named(const struct postgres_url *url, const char *name, const char *application, struct error *err)
{
    struct database *database = memory_new(sizeof(*database));

    database->url = url;
    database->name = name;
    database->application = application;
    database->query_ms = QUERY_MS;
    if (connect_session(database, err) && set_up_session(database, err))
        return database;
    database_close(database);
    return NULL;
}

void
database_set_query_limit(struct database *database, int64_t limit_ms)
{
    database->query_ms = limit_ms;
}

void
database_close(struct database *database)
{
    if (database == NULL)
        return;
    PQfinish(database->connection);
    free(database);
}

static bool
send_all(struct database *database, struct error *err)
{
    int left;

    while ((left = PQflush(database->connection)) == 1) {
        if (!stop_wait(PQsocket(database->connection), POLLIN | POLLOUT, database->deadline, err))
            return false;
        if (moment_is_past(database->deadline))
            return error_set(err, ERROR_TIMEOUT, "postgres: the server does not take the query");
        if (PQconsumeInput(database->connection) == 0)
            break;
    }
    return left == 0 || set_query_failure(database, NULL, err);
}

static bool
wait_for_result(struct database *database, struct error *err)
{
    while (PQisBusy(database->connection) == 1) {
        if (!stop_wait(PQsocket(database->connection), POLLIN, database->deadline, err))
            return false;
        if (PQconsumeInput(database->connection) == 0)
            return set_query_failure(database, NULL, err);
        if (PQisBusy(database->connection) == 1 && moment_is_past(database->deadline))
            return error_set(
                err, ERROR_TIMEOUT, "postgres: no answer to a query within %d s", (int)(database->query_ms / 1000));
    }
    return true;
}

/* Takes what still comes of a cancelled query. False: it did not end in time. */
static bool
drain_query(struct database *database, struct moment deadline)
{
    struct pollfd polled = { .fd = PQsocket(database->connection), .events = POLLIN };
    PGresult *result;

    do {
        while (PQisBusy(database->connection) == 1) {
            int64_t wait_ms = moment_ms_between(moment_now(), deadline);

            if (wait_ms <= 0 || poll(&polled, 1, (int)wait_ms) != 1 || PQconsumeInput(database->connection) == 0)
                return false;
        }
        result = PQgetResult(database->connection);
        PQclear(result);
    } while (result != NULL);
    return true;
}

/*
 * If waiting for it was given up, leaves the session without a query under way, so that cleaning up can use it; or none at all, if the server
 * does not answer.
 */
static void
abandon_query(struct database *database, const struct error *err)
{
    PGcancel *cancel;
    char why[256];

    if (err->code != ERROR_STOPPED && err->code != ERROR_TIMEOUT)
        return;
    cancel = PQgetCancel(database->connection);
    if (cancel != NULL)
        (void)PQcancel(cancel, why, sizeof(why)); /* if it does not arrive, nothing comes back below */
    PQfreeCancel(cancel);
    if (drain_query(database, moment_add_ms(moment_now(), CANCEL_MS)))
        return;
    PQfinish(database->connection);
    database->connection = NULL;
}

/* The statement's one result, after the session is ready for the next statement. NULL: failed. */
static PGresult *
collect_result(struct database *database, struct error *err)
{
    PGresult *first = NULL;
    PGresult *next = NULL;

    do {
        if (!wait_for_result(database, err)) {
            PQclear(first);
            return NULL;
        }
        next = PQgetResult(database->connection);
        if (first == NULL)
            first = next;
        else
            PQclear(next);
    } while (next != NULL);
    if (first == NULL)
        (void)set_query_failure(database, NULL, err);
    return first;
}

bool
database_send(struct database *database, const char *sql, size_t count, const char *const *values, struct error *err)
{
    database->deadline = moment_add_ms(moment_now(), database->query_ms);
    if (database->connection == NULL)
        return error_set(err, ERROR_LOST, "postgres: there is no session");
    if (!stop_check(err))
        return false;
    if (PQsendQueryParams(database->connection, sql, (int)count, NULL, values, NULL, NULL, 0) == 0)
        return set_query_failure(database, NULL, err);
    if (send_all(database, err))
        return true;
    abandon_query(database, err);
    return false;
}

bool
database_receive(struct database *database, struct database_rows **rows, struct error *err)
{
    PGresult *result = collect_result(database, err);
    ExecStatusType status = PQresultStatus(result);

    if (result == NULL) {
        abandon_query(database, err);
        return false;
    }
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        (void)set_query_failure(database, result, err);
        PQclear(result);
        return false;
    }
    if (rows == NULL) {
        PQclear(result);
        return true;
    }
    *rows = memory_new(sizeof(**rows));
    (*rows)->result = result;
    return true;
}

bool
database_query(struct database *database, const char *sql, size_t count, const char *const *values,
    struct database_rows **rows, struct error *err)
{
    return database_send(database, sql, count, values, err) && database_receive(database, rows, err);
}

static bool
reopen(struct database *database, struct error *err)
{
    PQfinish(database->connection);
    database->connection = NULL;
    return connect_session(database, err) && set_up_session(database, err);
}

bool
database_revive(struct database *database, int64_t patience_ms, struct error *err)
{
    struct moment until = moment_add_ms(moment_now(), patience_ms);
    struct error stopped;

    if (database_query(database, "SELECT 1", 0, NULL, NULL, err))
        return true;
    while (err->code == ERROR_LOST || err->code == ERROR_TIMEOUT) {
        if (reopen(database, err))
            return true;
        if (moment_is_past(until))
            return false;
        if (!stop_wait(-1, 0, moment_add_ms(moment_now(), REVIVE_PAUSE_MS), &stopped)) {
            if (stopped.code == ERROR_STOPPED)
                *err = stopped; /* otherwise, why there is no session says more */
            return false;
        }
    }
    return false;
}

const struct postgres_url *
database_url(const struct database *database)
{
    return database->url;
}

int
database_server_version(const struct database *database)
{
    return PQserverVersion(database->connection);
}

const char *
database_server_version_text(const struct database *database)
{
    const char *text = PQparameterStatus(database->connection, "server_version");

    return text == NULL ? "unknown" : text;
}

const char *
database_password(const struct database *database)
{
    const char *password = PQpass(database->connection);

    return password == NULL ? "" : password;
}

bool
database_takes_any_text(const struct database *database)
{
    const char *encoding = PQparameterStatus(database->connection, "server_encoding");

    return encoding != NULL && strcmp(encoding, "UTF8") == 0;
}

bool
database_server_watches_clients(const struct database *database)
{
    return database->watches_clients;
}
