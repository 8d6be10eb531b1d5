#include "cli/job_program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/error.h"
#include "common/memory.h"

char *
job_program_find(const char *command)
{
    static const char *const ways[] = { "",
        WAY_TO_LIBEXEC "/" }; /* from the front door's folder: as built, as installed */
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct text path = TEXT_EMPTY;

    while (length > 0 && self[length - 1] != '/')
        length--;
    for (size_t i = 0; length > 0 && i < sizeof(ways) / sizeof(ways[0]); i++) {
        text_reset(&path);
        text_format(&path, "%.*s%s%s", (int)length, self, ways[i], JOB_PROGRAM);
        if (access(text_string(&path), X_OK) == 0)
            return text_take(&path);
    }
    (void)command_complain(command, EX_UNAVAILABLE, "%s is not there: it belongs beside this program, or to '%s'",
        JOB_PROGRAM, text_string(&path));
    text_clear(&path);
    return NULL;
}

int
job_program_become(int argc, char **argv)
{
    char *program = job_program_find(argv[0]);
    char **arguments;
    int status;

    if (program == NULL)
        return EX_UNAVAILABLE;
    arguments = memory_new(((size_t)argc + 2) * sizeof(*arguments));
    arguments[0] = program;
    memcpy(arguments + 1, argv, (size_t)argc * sizeof(*argv));
    (void)execv(program, arguments);
    status = command_complain(argv[0], EX_UNAVAILABLE, "start '%s': %s", program, strerror(errno));
    free(arguments);
    free(program);
    return status;
}

#define WORDS_MAX 14

/* A file in memory, which the other side reads at its own pace. -1: failed. */
static int
open_input(const struct text *input, struct error *err)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t written = 0;
    ssize_t count = 0;

    while (fd != -1 && count != -1 && written < input->length) {
        count = write(fd, input->data + written, input->length - written);
        written += count == -1 ? 0 : (size_t)count;
    }
    if (fd != -1 && count != -1 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    (void)error_set_errno(err, errno, "hand over its input");
    if (fd != -1)
        (void)close(fd);
    return -1;
}

static bool
start(const char *program, const char *const *words, int input, int output, pid_t *pid, struct error *err)
{
    char *arguments[WORDS_MAX + 2] = { memory_copy_string(program) };
    posix_spawn_file_actions_t actions;
    size_t count = 1;
    int failure;

    for (; words[count - 1] != NULL && count <= WORDS_MAX; count++)
        arguments[count] = memory_copy_string(words[count - 1]);
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) != 0)
        abort(); /* out of memory */
    failure = posix_spawn(pid, program, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    while (count > 0)
        free(arguments[--count]);
    return failure == 0 || error_set_errno(err, failure, "start '%s'", program);
}

/* What is done with its output. */
struct listener {
    struct text *output;          /* all of it, or what is no whole line yet */
    job_program_line_fn *on_line; /* NULL: nobody wants lines */
    void *owner;
};

static void
hand_over_lines(const struct listener *listener)
{
    struct text *output = listener->output;
    char *line = output->data;
    char *end;

    while (listener->on_line != NULL && line != NULL && (end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        listener->on_line(line, listener->owner);
        line = end + 1;
    }
    if (line != output->data) {
        output->length -= (size_t)(line - output->data);
        memmove(output->data, line, output->length + 1);
    }
}

static bool
read_output(int fd, const struct listener *listener, struct error *err)
{
    char bytes[16384];
    ssize_t count;

    while ((count = read(fd, bytes, sizeof(bytes))) != 0) {
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            return error_set_errno(err, errno, "read what it says");
        text_add_bytes(listener->output, bytes, (size_t)count);
        hand_over_lines(listener);
    }
    return true;
}

/* Starts it, reads what it says, waits for its end. */
static bool
run(const char *program, const char *const *words, const struct text *input, const struct listener *listener,
    int *wait_status, struct error *err)
{
    int pipe_fds[2] = { -1, -1 };
    int input_fd = open_input(input, err);
    pid_t pid = -1;
    bool ok = input_fd != -1;

    if (ok && pipe2(pipe_fds, O_CLOEXEC) == -1)
        ok = error_set_errno(err, errno, "open a pipe");
    ok = ok && start(program, words, input_fd, pipe_fds[1], &pid, err);
    if (pipe_fds[1] != -1)
        (void)close(pipe_fds[1]);
    ok = ok && read_output(pipe_fds[0], listener, err);
    if (pipe_fds[0] != -1)
        (void)close(pipe_fds[0]);
    if (input_fd != -1)
        (void)close(input_fd);
    while (pid != -1 && waitpid(pid, wait_status, 0) == -1 && errno == EINTR)
        ;
    return ok;
}

/* What goes wrong is said, and is the status. */
static bool
find_and_run(const char *command, const char *const *words, const struct text *input, const struct listener *listener,
    int *status)
{
    char *program = job_program_find(command);
    int wait_status = 0;
    struct error err;
    bool ok = program != NULL && run(program, words, input, listener, &wait_status, &err);

    *status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    if (!ok && program != NULL)
        (void)command_complain(command, EX_UNAVAILABLE, "%s: %s", JOB_PROGRAM, err.text);
    if (!ok)
        *status = EX_UNAVAILABLE;
    free(program);
    return ok;
}

bool
job_program_ask(const char *command, const char *const *words, struct text *output, int *status)
{
    const struct listener listener = { .output = output };

    return find_and_run(command, words, &TEXT_EMPTY, &listener, status);
}

bool
job_program_listen(const char *command, const char *word, const struct text *input, job_program_line_fn *on_line,
    void *owner, int *status)
{
    const char *const words[] = { word, NULL };
    struct text rest = TEXT_EMPTY;
    const struct listener listener = { .output = &rest, .on_line = on_line, .owner = owner };
    bool ok = find_and_run(command, words, input, &listener, status);

    text_clear(&rest);
    return ok;
}

/* Line by line, up to the verdict or to a line that breaks the protocol. */
static bool
read_reports(
    const struct text *output, job_program_report_fn *on_report, void *owner, struct report *verdict, struct error *err)
{
    const char *line = text_string(output);

    while (*line != '\0' && verdict->type == REPORT_NONE) {
        struct report report = REPORT_EMPTY;
        size_t length = strcspn(line, "\n");

        if (!report_parse(line, length, &report, err))
            return false;
        if (report_is_verdict(report.type))
            *verdict = report;
        else {
            if (on_report != NULL)
                on_report(&report, owner);
            report_clear(&report);
        }
        line += length + (line[length] == '\n');
    }
    return true;
}

void
job_program_report(const char *command, const char *word, const struct text *input, job_program_report_fn *on_report,
    void *owner, struct report *verdict)
{
    const char *const words[] = { word, NULL };
    char *program = job_program_find(command);
    struct text output = TEXT_EMPTY;
    const struct listener listener = { .output = &output };
    int wait_status = 0;
    struct error err;

    *verdict = REPORT_EMPTY;
    if (program == NULL)
        (void)error_set(&err, ERROR_CONFIG, "%s is not installed", JOB_PROGRAM);
    if (program == NULL || !run(program, words, input, &listener, &wait_status, &err))
        *verdict = (struct report){ .type = REPORT_FAILED, .text = memory_copy_string(err.text) };
    else if (read_reports(&output, on_report, owner, verdict, &err))
        (void)report_judge(verdict, wait_status, NULL);
    else
        (void)report_judge(verdict, wait_status, &err);
    text_clear(&output);
    free(program);
}
