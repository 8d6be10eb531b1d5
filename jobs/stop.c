#include "jobs/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* poll takes an int; whoever waits longer just waits again. */
#define LONGEST_WAIT_MS 3600000
#define LOOK_EVERY_MS 1

static int signals_fd = -1;
static int requested; /* the first signal; 0: none */
static bool shielded;
static const char *overdue = "the job ran longer than BACKUP_JOB_LOCK_MINUTES allows";
static struct moment whole_deadline = { .ns = STOP_NEVER_NS };
static struct moment deadline_now = { .ns = STOP_NEVER_NS };

/* The kernel's timer: it lives as long as the process, and kills it. */
static bool
start_killer(struct moment when, struct error *err)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    int64_t wait_ms = moment_ms_between(moment_now(), when);
    struct itimerspec spec;
    timer_t timer;

    if (wait_ms < 1)
        wait_ms = 1;
    spec = (struct itimerspec){ .it_value = { .tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000 } };
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == -1 || timer_settime(timer, 0, &spec, NULL) == -1)
        return error_set_errno(err, errno, "start the timer of the job");
    return true;
}

static bool
is_ignored(int signal_number)
{
    struct sigaction action;

    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool
stop_start(struct moment deadline, struct error *err)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    if (!is_ignored(SIGHUP)) /* as nohup wants it: it would be read all the same */
        (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGCHLD);
    (void)signal(SIGCHLD, SIG_DFL); /* if whoever started us ignores it, waitpid would never see a child */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) == -1)
        return error_set_errno(err, errno, "block signals");
    signals_fd = signalfd(signals_fd, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_fd == -1)
        return error_set_errno(err, errno, "signalfd");
    if (!start_killer(moment_add_ms(deadline, STOP_KILL_AFTER_MS), err))
        return false;
    requested = 0;
    shielded = false;
    whole_deadline = deadline;
    deadline_now = deadline;
    return true;
}

/* Shielded and told to stop: not much time is left. */
static void
shorten_deadline(void)
{
    struct moment soon = moment_add_ms(moment_now(), STOP_CLEAN_UP_MS);

    if (soon.ns < deadline_now.ns)
        deadline_now = soon;
}

/* True if there were any. */
static bool
read_signals(void)
{
    struct signalfd_siginfo signal;
    bool any = false;

    while (signals_fd != -1 && read(signals_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        any = true;
        if (signal.ssi_signo == SIGCHLD)
            continue;
        if (requested == 0)
            requested = (int)signal.ssi_signo;
        if (shielded)
            shorten_deadline();
    }
    return any;
}

static bool
may_go_on(struct error *err)
{
    if (requested != 0 && !shielded)
        return error_set(err, ERROR_STOPPED, "the worker was stopped");
    if (moment_is_past(deadline_now))
        return error_set(err, ERROR_TIMEOUT, "%s", shielded ? "it took too long to finish" : overdue);
    return true;
}

void
stop_name_deadline(const char *words)
{
    overdue = words;
}

bool
stop_check(struct error *err)
{
    (void)read_signals();
    return may_go_on(err);
}

bool
stop_glance(struct error *err)
{
    static struct moment look_again;
    struct moment now = moment_now();

    if (now.ns < look_again.ns)
        return may_go_on(err);
    look_again = moment_add_ms(now, LOOK_EVERY_MS);
    return stop_check(err);
}

bool
stop_wait(int fd, short events, struct moment until, struct error *err)
{
    struct pollfd polled[2] = { { .fd = signals_fd, .events = POLLIN }, { .fd = fd, .events = events } };
    struct moment earliest = until.ns < deadline_now.ns ? until : deadline_now;
    int64_t wait_ms;

    /* A SIGCHLD that is read here must not be slept over: the caller looked at its child before it came. */
    if (read_signals() || !may_go_on(err))
        return may_go_on(err);
    wait_ms = moment_ms_between(moment_now(), earliest);
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > LONGEST_WAIT_MS)
        wait_ms = LONGEST_WAIT_MS;
    if (poll(polled, 2, (int)wait_ms) == -1 && errno != EINTR)
        return error_set_errno(err, errno, "poll");
    return stop_check(err);
}

void
stop_shield(struct moment deadline)
{
    shielded = true;
    deadline_now = deadline;
    if (requested != 0)
        shorten_deadline();
}

void
stop_unshield(void)
{
    shielded = false;
    deadline_now = whole_deadline;
}

bool
stop_was_requested(void)
{
    (void)read_signals();
    return requested != 0;
}

int
stop_signal(void)
{
    (void)read_signals();
    return requested;
}

bool
stop_is_overdue(void)
{
    return moment_is_past(whole_deadline);
}
