#include "jobs/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs/files.h"
#include "jobs/process.h"

#define APPLICATION DATABASE_APPLICATION " dump"

bool
dump_add_password_line(const char *password, struct text *out, struct error *err)
{
    if (strpbrk(password, "\r\n") != NULL)
        return error_set(err, ERROR_CONFIG, "the database password holds a line break, which pg_dump cannot be given");
    text_add(out, "*:*:*:*:");
    for (const char *c = password; *c != '\0'; c++) {
        if (*c == ':' || *c == '\\')
            text_add(out, "\\");
        text_add_bytes(out, c, 1);
    }
    text_add(out, "\n");
    return true;
}

/* A password file without a name; -1: failed. libpq refuses one that others may read. */
static int
open_password_file(const char *password, struct error *err)
{
    struct text line = TEXT_EMPTY;
    bool ok = false;
    int fd = -1;

    if (!dump_add_password_line(password, &line, err))
        goto out;
    fd = memfd_create("pgpass", MFD_CLOEXEC);
    if (fd == -1) {
        (void)error_set_errno(err, errno, "memfd_create");
        goto out;
    }
    if (fchmod(fd, 0600) == -1) {
        (void)error_set_errno(err, errno, "fchmod");
        goto out;
    }
    ok = files_write(fd, line.data, line.length, err);
out:
    if (!ok && fd != -1) {
        (void)close(fd);
        fd = -1;
    }
    if (line.data != NULL)
        explicit_bzero(line.data, line.capacity);
    text_clear(&line);
    return fd;
}

static void
add_quoted(struct text *out, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            text_add(out, "\\");
        text_add_bytes(out, c, 1);
    }
}

/*
 * The session settings go in `options`, behind those that the URL (or else PGOPTIONS) brings: pg_dump would ignore PGOPTIONS next to
 * the URL's. pg_dump itself turns off the timeouts that it knows; the rest is here, as far as the server knows it.
 */
static void
add_options(struct text *out, const struct dump_order *order)
{
    const char *given = postgres_url_value(order->url, "options");
    int version = database_server_version(order->database);

    if (given == NULL)
        given = getenv("PGOPTIONS");
    text_add(out, " options='");
    add_quoted(out, given == NULL ? "" : given);
    text_add(out,
        " -c tcp_keepalives_idle=" DATABASE_KEEPALIVES_IDLE " -c tcp_keepalives_interval=" DATABASE_KEEPALIVES_INTERVAL
        " -c tcp_keepalives_count=" DATABASE_KEEPALIVES_COUNT);
    if (version >= 140000)
        text_add(out, " -c idle_session_timeout=0");
    if (version >= 170000)
        text_add(out, " -c transaction_timeout=0");
    if (database_server_watches_clients(order->database))
        text_add(out, " -c client_connection_check_interval=1s");
    text_add(out, "'");
}

static void
add_connection(struct text *out, const struct dump_order *order)
{
    postgres_url_add_conninfo(order->url, out);
    text_add(out, " keepalives_idle='" DATABASE_KEEPALIVES_IDLE "' keepalives_interval='" DATABASE_KEEPALIVES_INTERVAL
                  "' keepalives_count='" DATABASE_KEEPALIVES_COUNT "'");
    add_options(out, order);
}

static bool
on_tick(void *owner, struct error *err)
{
    const struct dump_order *order = owner;
    struct stat file;

    if (fstat(order->fd, &file) == -1)
        return error_set_errno(err, errno, "look at '%s'", order->path);
    return order->on_tick(file.st_size, order->owner, err);
}

/* What pg_dump says when the server or the way to it went away; its exit status is 1 for everything. */
static bool
is_connection_trouble(const char *words)
{
    static const char *const signs[] = { "connection to server", "server closed the connection",
        "terminating connection", "could not receive data from server", "could not send data to server",
        "SSL SYSCALL error", "the database system is", "too many clients", "remaining connection slots" };
    static const char *const lasting[] = { "authentication failed", "does not exist", "no pg_hba.conf entry" };

    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        if (strstr(words, lasting[i]) != NULL)
            return false;
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strstr(words, signs[i]) != NULL)
            return true;
    return false;
}

/* The session that held the snapshot was lost before pg_dump had taken it over. Servers differ in their words. */
static bool
is_snapshot_trouble(const char *words)
{
    return strstr(words, "invalid snapshot identifier") != NULL ||
           strstr(words, "could not import the requested snapshot") != NULL ||
           (strstr(words, "snapshot \"") != NULL && strstr(words, "does not exist") != NULL);
}

static bool
run_pg_dump(
    const struct dump_order *order, const struct process_command *command, struct text *warnings, struct error *err)
{
    struct process *process = process_start(command, err);
    struct dump_order copy = *order;
    bool ok;

    if (process == NULL)
        return false;
    ok = process_finish(process, on_tick, &copy, err);
    if (ok)
        text_add(warnings, process_words(process));
    else if (err->code == ERROR_REFUSED &&
             (is_connection_trouble(process_words(process)) || is_snapshot_trouble(process_words(process))))
        err->code = ERROR_LOST;
    process_free(process);
    return ok;
}

bool
dump_write(const struct dump_order *order, struct text *warnings, struct error *err)
{
    const char *password = database_password(order->database);
    struct text connection = TEXT_EMPTY;
    struct text file = TEXT_EMPTY;
    struct text snapshot = TEXT_EMPTY;
    struct text encoding = TEXT_EMPTY;
    struct text compression = TEXT_EMPTY;
    struct text password_variable = TEXT_EMPTY;
    int password_fd = PROCESS_NO_FD;
    bool ok = false;

    text_add(&connection, "--dbname=");
    add_connection(&connection, order);
    text_format(&file, "--file=%s", order->path);
    if (order->snapshot != NULL) {
        text_format(&snapshot, "--snapshot=%s", order->snapshot->id);
        text_format(&encoding, "--encoding=%s", order->snapshot->encoding);
    }
    if (order->compression != NULL)
        text_format(&compression, "--compress=%s", order->compression);
    if (*password != '\0') {
        password_fd = open_password_file(password, err);
        if (password_fd == -1)
            goto out;
        text_format(&password_variable, "PGPASSFILE=/proc/self/fd/%d", password_fd);
    }
    {
        const char *argv[12] = { "pg_dump", "--format=custom", "--no-owner", "--no-acl", "--no-password",
            text_string(&file), text_string(&connection) };
        const char *const optional[] = { snapshot.data, encoding.data, compression.data };
        size_t count = 7;
        const char *const environment[] = { "PGAPPNAME=" APPLICATION,
            password_fd == PROCESS_NO_FD ? NULL : text_string(&password_variable), NULL };
        struct process_command command = { .argv = argv, .environment = environment, .handed_down = password_fd };

        for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
            if (optional[i] != NULL)
                argv[count++] = optional[i];
        ok = run_pg_dump(order, &command, warnings, err);
    }
out:
    if (password_fd != PROCESS_NO_FD)
        (void)close(password_fd); /* memory: nothing to lose */
    text_clear(&password_variable);
    text_clear(&encoding);
    text_clear(&snapshot);
    text_clear(&compression);
    text_clear(&file);
    text_clear(&connection);
    return ok;
}

bool
dump_find_version(struct text *version, struct error *err)
{
    const char *const argv[] = { "pg_dump", "--version", NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD };
    struct process *process = process_start(&command, err);
    bool ok;

    if (process == NULL)
        return false;
    ok = process_finish(process, NULL, NULL, err);
    if (ok) {
        /* "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" */
        const char *words = process_words(process);
        const char *number = strpbrk(words, "0123456789");
        text_add(version, number == NULL ? words : number);
    }
    process_free(process);
    return ok;
}

bool
dump_check_compression(const char *compression, const char *version, struct error *err)
{
    if (compression == NULL || strspn(compression, "0123456789") == strlen(compression) || atoi(version) >= 16)
        return true;
    return error_set(err, ERROR_CONFIG,
        "BACKUP_COMPRESSION=%s needs pg_dump 16 or newer, and this one is %s: set it to a level, 0 to 9", compression,
        version);
}
