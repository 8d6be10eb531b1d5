#include "consumer/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/libc.h"
#include "common/report.h"

/* -1: closed, or handed over. */
struct pipes {
    int input[2];
    int report[2];
};

static void
pipes_close(struct pipes *pipes)
{
    int *ends[] = { &pipes->input[0], &pipes->input[1], &pipes->report[0], &pipes->report[1] };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (*ends[i] != -1)
            (void)close(*ends[i]);
        *ends[i] = -1;
    }
}

/* Our ends do not block, the child's do. */
static bool
pipes_open(struct pipes *pipes, struct error *err)
{
    *pipes = (struct pipes){ .input = { -1, -1 }, .report = { -1, -1 } };
    if (pipe2(pipes->input, O_CLOEXEC) == -1 || pipe2(pipes->report, O_CLOEXEC) == -1 ||
        fcntl(pipes->input[1], F_SETFL, O_NONBLOCK) == -1 || fcntl(pipes->report[0], F_SETFL, O_NONBLOCK) == -1) {
        (void)error_set_errno(err, errno, "make pipes for a job process");
        pipes_close(pipes);
        return false;
    }
    return true;
}

/*
 * Between fork and exec: only calls that are safe in a signal handler. Never returns. `refusal` is the report line for the case that exec
 * comes back, with room at its end for nothing more.
 */
static _Noreturn void
become(const struct pipes *pipes, char *const *argv, pid_t parent, const sigset_t *mask, const char *refusal,
    size_t length)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    int input = fcntl(pipes->input[0], F_DUPFD, REPORT_DESCRIPTOR + 1);
    int report = fcntl(pipes->report[1], F_DUPFD, REPORT_DESCRIPTOR + 1);

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    if (input == -1 || report == -1 || dup2(input, STDIN_FILENO) == -1 || dup2(report, REPORT_DESCRIPTOR) == -1)
        _exit(EXIT_FAILURE);
    (void)close(input);
    (void)close(report);
    /* Everything of ours is close-on-exec, but libevent opens a socket before it can be made so. Fails on kernels before 5.9 only. */
    (void)close_range(REPORT_DESCRIPTOR + 1, ~0U, 0);
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* fails for SIGKILL and SIGSTOP, as it must */
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    (void)execvp(argv[0], argv);
    (void)!write(
        REPORT_DESCRIPTOR, refusal, length); /* shorter than a pipe's buffer; if nobody reads it, nobody wants it */
    _exit(127);
}

static pid_t
fork_child(const struct pipes *pipes, char *const *argv)
{
    struct report refusal = { .type = REPORT_FAILED, .retry = false };
    struct text reason = TEXT_EMPTY;
    struct text line = TEXT_EMPTY;
    sigset_t all;
    sigset_t before;
    pid_t parent = getpid();
    pid_t pid;

    text_format(&reason, "the job program '%s' cannot be executed: is it there, and may it be run?", argv[0]);
    refusal.text = text_take(&reason);
    report_add_line(&refusal, &line);
    report_clear(&refusal);

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        become(pipes, argv, parent, &before, line.data, line.length);
    if (pid > 0)
        (void)setpgid(pid, pid); /* whoever comes first; it fails once the child has executed its program */
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    text_clear(&line);
    return pid;
}

bool
spawn(char *const *argv, struct spawned *out, struct error *err)
{
    struct pipes pipes;

    if (!pipes_open(&pipes, err))
        return false;
    out->pid = fork_child(&pipes, argv);
    if (out->pid == -1)
        (void)error_set_errno(err, errno, "start a job process");
    else {
        out->input = pipes.input[1];
        out->report = pipes.report[0];
        pipes.input[1] = -1;
        pipes.report[0] = -1;
    }
    pipes_close(&pipes);
    return out->pid != -1;
}
