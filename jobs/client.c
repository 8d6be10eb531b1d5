#include "jobs/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "jobs/files.h"

bool
client_check_password(const char *password, struct error *err)
{
    return strpbrk(password, "\r\n") == NULL ||
           error_set(err, ERROR_CONFIG,
               "the database password has a line break, which PostgreSQL's programs cannot be given");
}

bool
client_add_password_line(const char *password, struct text *out, struct error *err)
{
    if (!client_check_password(password, err))
        return false;
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

    if (!client_add_password_line(password, &line, err))
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
 * The session settings go in `options`, behind those that the URL (or else PGOPTIONS) brings: the program would ignore PGOPTIONS next to
 * the URL's. It turns off by itself the timeouts that it knows; the rest is here, as far as the server knows it.
 */
static void
add_options(struct text *out, const struct database *database)
{
    const char *given = postgres_url_value(database_url(database), "options");
    int version = database_server_version(database);

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
    if (database_server_watches_clients(database))
        text_add(out, " -c client_connection_check_interval=1s");
    text_add(out, "'");
}

static void
add_connection(struct text *out, const struct client_command *command)
{
    postgres_url_add_conninfo(database_url(command->database), out);
    if (command->dbname != NULL) { /* of two, the last counts */
        text_add(out, " dbname='");
        add_quoted(out, command->dbname);
        text_add(out, "'");
    }
    text_add(out, " keepalives_idle='" DATABASE_KEEPALIVES_IDLE "' keepalives_interval='" DATABASE_KEEPALIVES_INTERVAL
                  "' keepalives_count='" DATABASE_KEEPALIVES_COUNT "'");
    add_options(out, command->database);
}

/* What the programs say when the server or the way to it went away; their exit status is 1 for everything. */
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

struct running {
    const struct client_command *command;
    struct process *process;
};

static bool
on_tick(void *owner, struct error *err)
{
    const struct running *running = owner;
    const struct client_command *command = running->command;

    if (command->bytes_read != NULL)
        *command->bytes_read = process_bytes_read(running->process);
    return command->on_tick == NULL || command->on_tick(command->owner, err);
}

static bool
run_process(
    const struct client_command *command, const struct process_command *start, struct text *words, struct error *err)
{
    struct process *process = process_start(start, err);
    struct running running = { command, process };
    bool ok;

    if (process == NULL)
        return false;
    ok = process_finish(process, on_tick, &running, err);
    if (ok)
        text_add(words, process_words(process));
    else if (err->code == ERROR_REFUSED && is_connection_trouble(process_words(process)))
        err->code = ERROR_LOST;
    process_free(process);
    return ok;
}

/* The program, its connection, its other arguments. */
static const char **
make_argv(const char *const *given, const char *connection)
{
    size_t count = 0;
    const char **argv;

    while (given[count] != NULL)
        count++;
    argv = memory_new((count + 3) * sizeof(*argv));
    argv[0] = given[0];
    argv[1] = "--no-password";
    argv[2] = connection;
    memcpy(argv + 3, given + 1, count * sizeof(*argv)); /* the NULL as well */
    return argv;
}

bool
client_run(const struct client_command *command, struct text *words, struct error *err)
{
    const char *password = database_password(command->database);
    struct text application = TEXT_EMPTY;
    struct text connection = TEXT_EMPTY;
    struct text password_file = TEXT_EMPTY;
    const char *environment[] = { NULL, NULL, NULL };
    const char **argv = NULL;
    struct process_command start = {
        .environment = environment, .handed_down = PROCESS_NO_FD, .input = command->input
    };
    bool ok = false;

    text_format(&application, "PGAPPNAME=%s", command->application);
    environment[0] = text_string(&application);
    text_add(&connection, "--dbname=");
    add_connection(&connection, command);
    if (*password != '\0') {
        start.handed_down = open_password_file(password, err);
        if (start.handed_down == -1)
            goto out;
        text_format(&password_file, "PGPASSFILE=/proc/self/fd/%d", start.handed_down);
        environment[1] = text_string(&password_file);
    }
    argv = make_argv(command->argv, text_string(&connection));
    start.argv = argv;
    ok = run_process(command, &start, words, err);
out:
    if (start.handed_down != PROCESS_NO_FD)
        (void)close(start.handed_down); /* memory: nothing to lose */
    free(argv);
    text_clear(&password_file);
    text_clear(&connection);
    text_clear(&application);
    return ok;
}
