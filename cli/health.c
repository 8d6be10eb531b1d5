#include "cli/health.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/clock.h"
#include "common/settings.h"
#include "consumer/request.h"

#define NAME "health"
#define SECONDS 5 /* for an answer; it takes none */
#define STUCK "its loop does not turn"
#define ANSWER_BYTES_MAX ((size_t)1024 * 1024)

struct arguments {
    bool live;
    bool json;
    int64_t seconds;
};

static const char details[] =
    "Asks the worker that listens at BACKUP_HTTP_LISTEN, on this host, whether it is ready: a job that came now would "
    "be\n"
    "taken, and nothing is known that would make it fail. What speaks against it is printed, one reason a line. A\n"
    "paused queue is somebody's wish, and no reason. With --live, the worker need only answer.\n"
    "\n"
    "Environment: BACKUP_HTTP_LISTEN (required), as the worker has it.\n"
    "Exit status: 0 ready, 1 not ready, 64 wrong usage, 69 nobody answers, 78 wrong settings.";

static bool
wait_for(int fd, short events, struct moment deadline, struct error *err)
{
    struct pollfd polled = { .fd = fd, .events = events };
    int64_t left_ms = moment_ms_between(moment_now(), deadline);
    int ready = poll(&polled, 1, left_ms < 0 ? 0 : (int)left_ms);

    if (ready == -1 && errno != EINTR)
        return error_set_errno(err, errno, "wait for the worker");
    return ready != 0 || error_set(err, ERROR_TIMEOUT, "no answer in time: " STUCK);
}

static int
connect_to(const struct listen_address *address, struct moment deadline, struct error *err)
{
    struct sockaddr_storage reach = listen_address_reach(address);
    int fd = socket(reach.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int errnum = 0;
    socklen_t length = sizeof(errnum);

    if (fd == -1) {
        (void)error_set_errno(err, errno, "make a socket");
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&reach, address->length) == 0)
        return fd;
    errnum = errno;
    if (errnum == EINPROGRESS) {
        errnum = 0;
        if (!wait_for(fd, POLLOUT, deadline, err))
            goto failed;
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &length);
    }
    if (errnum == 0)
        return fd;
    if (errnum == EAGAIN) /* a socket's queue is full; TCP would let us wait */
        (void)error_set(err, ERROR_TIMEOUT, "too many wait for an answer already: " STUCK);
    else
        (void)error_set_errno(err, errnum, "connect");
failed:
    (void)close(fd);
    return -1;
}

/* Up to the end of the connection. */
static bool
read_answer(int fd, struct moment deadline, struct text *out, struct error *err)
{
    while (out->length < ANSWER_BYTES_MAX) {
        char bytes[4096];
        ssize_t count = read(fd, bytes, sizeof(bytes));

        if (count == 0)
            return true;
        if (count > 0)
            text_add_bytes(out, bytes, (size_t)count);
        else if (errno != EAGAIN && errno != EINTR)
            return error_set_errno(err, errno, "read its answer");
        else if (!wait_for(fd, POLLIN, deadline, err))
            return false;
    }
    return error_set(err, ERROR_INPUT, "its answer does not end");
}

/* The status, and where the body begins; 0: this is not how a worker answers. */
static int64_t
read_status(const struct text *answer, const char **body)
{
    const char *text = text_string(answer);
    const char *end = strstr(text, "\r\n\r\n");
    int64_t status = 0;

    if (strncmp(text, "HTTP/1.", 7) != 0 || end == NULL || strstr(text, REQUEST_SERVER) == NULL ||
        !text_parse_integer(text + 9, 3, 100, 599, &status))
        return 0;
    *body = end + 4;
    return status;
}

static bool
ask(const struct listen_address *address, const struct arguments *arguments, struct text *answer, struct error *err)
{
    struct moment deadline = moment_add_ms(moment_now(), arguments->seconds * 1000);
    int fd = connect_to(address, deadline, err);
    struct text request = TEXT_EMPTY;
    bool ok = fd != -1;

    text_format(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: %s\r\n\r\n",
        arguments->live ? "/healthz" : "/readyz", arguments->json ? "application/json" : "text/plain");
    if (ok && send(fd, text_string(&request), request.length, MSG_NOSIGNAL) != (ssize_t)request.length)
        ok = error_set_errno(err, errno, "ask");
    ok = ok && read_answer(fd, deadline, answer, err);
    if (fd != -1)
        (void)close(fd);
    text_clear(&request);
    return ok;
}

static int
tell(const struct listen_address *address, const struct arguments *arguments)
{
    struct text answer = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    const char *body = "";
    int64_t status = 0;
    int out = EX_UNAVAILABLE;

    if (!ask(address, arguments, &answer, &err))
        (void)command_complain(NAME, EX_UNAVAILABLE, "the worker at '%s' does not answer: %s", address->text, err.text);
    else if ((status = read_status(&answer, &body)) != 200 && status != 503)
        (void)command_complain(NAME, EX_UNAVAILABLE, "what answers at '%s' is no worker", address->text);
    else {
        (void)fputs(body, stdout);
        out = command_finish(NAME);
        if (out == EX_OK && status == 503)
            out = 1;
    }
    text_clear(&answer);
    return out;
}

int
cli_health(int argc, char **argv)
{
    struct arguments arguments = { .seconds = SECONDS };
    const struct command_option options[] = {
        { 'l', "live", NULL, "ask only whether the worker's loop turns", .flag = &arguments.live },
        { 'j', "json", NULL, "print one JSON object", .flag = &arguments.json },
        { 't', "timeout", "SECONDS", "how long to wait for the answer (default: 5)", .number = &arguments.seconds,
            .least = 1, .most = 3600 },
        COMMAND_END,
    };
    const struct command command = { NAME, "[OPTION]...", "Ask the running worker how it is.", options, details, 0, 0 };
    struct text problems = TEXT_EMPTY;
    struct settings settings;
    int status;

    if (!command_read(&command, argc, argv, &status))
        return status;
    if (!settings_load(&settings, SETTINGS_HEALTH, &problems)) {
        status = command_complain_of_settings(NAME, &problems);
    } else if (settings.http_listen.length == 0)
        status = command_complain(NAME, EX_CONFIG,
            "BACKUP_HTTP_LISTEN is not set: the worker listens nowhere; set it for both, as in 127.0.0.1:9466");
    else
        status = tell(&settings.http_listen, &arguments);
    settings_clear(&settings);
    text_clear(&problems);
    return status;
}
