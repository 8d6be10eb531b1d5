#include "consumer/child.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "consumer/spawn.h"

/* How long a report may stay open after its process is gone. */
#define LINGER_MS 1000
#define LIMIT_GRACE_MS 5000

struct children {
    struct event_base *base;
    struct event *on_exit;
    struct event *orphans; /* activated once ours are reaped */
    struct child *first;
};

struct child {
    struct children *all;
    struct child *next;
    struct runner_events events;
    pid_t pid;
    struct bufferevent *report; /* NULL once it has ended */
    struct bufferevent *input;  /* the job on its way to standard input; NULL once it is written */
    struct event *timer;        /* the limit, SIGKILL after child_stop(), or the end of lingering */
    struct report verdict;      /* REPORT_NONE until there is one */
    struct error broken;        /* the first line that broke the protocol */
    bool reading;
    bool is_reaped;
    bool is_stopped;
    bool is_killed;
    struct moment kill_at; /* with is_stopped */
    int wait_status;       /* with is_reaped */
};

/* Takes it off the list of all. */
static void
child_unlink(struct child *child)
{
    struct child **at = &child->all->first;

    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
}

static void
child_free(struct child *child)
{
    if (child->report != NULL)
        bufferevent_free(child->report);
    if (child->input != NULL)
        bufferevent_free(child->input);
    event_free(child->timer);
    report_clear(&child->verdict);
    free(child);
}

static void
child_set_timer(struct child *child, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

    (void)event_add(child->timer, &wait);
}

/* Both ends are in: the report's and the process's. The child is gone when this returns true. */
static bool
child_finish(struct child *child)
{
    struct report verdict;
    bool crashed;

    if (!child->is_reaped || child->report != NULL)
        return false;
    verdict = child->verdict;
    child->verdict = REPORT_EMPTY;
    crashed = report_judge(&verdict, child->wait_status, child->broken.code == ERROR_NONE ? NULL : &child->broken);
    if (crashed && child->is_stopped)
        verdict.type = REPORT_INTERRUPTED;
    child->events.on_done(&verdict, child->events.owner);
    report_clear(&verdict);
    child_unlink(child);
    child_free(child);
    return true;
}

static void
child_end_report(struct child *child)
{
    if (child->report == NULL)
        return;
    bufferevent_free(child->report);
    child->report = NULL;
}

static void
child_kill(struct child *child)
{
    child->is_killed = true;
    if (!child->is_reaped)
        (void)kill(-child->pid, SIGKILL); /* ESRCH: it is gone already, and about to be reaped */
}

/* Not child_stop(): nobody asked it to stop, it has failed. */
static void
child_break(struct child *child, const struct error *err)
{
    child->broken = *err;
    child_end_report(child);
    child_kill(child);
}

static void
child_take_line(struct child *child, const char *line, size_t length)
{
    struct report report = REPORT_EMPTY;
    struct error err;

    if (report_is_verdict(child->verdict.type)) {
        (void)error_set(&err, ERROR_INPUT, "there is a line after the verdict");
        child_break(child, &err);
        return;
    }
    if (!report_parse(line, length, &report, &err)) {
        child_break(child, &err);
        return;
    }
    if (report_is_verdict(report.type)) {
        child->verdict = report;
        return;
    }
    child->events.on_report(&report, child->events.owner);
    report_clear(&report);
}

/* Takes the whole lines that are there. */
static void
child_take_lines(struct child *child)
{
    while (child->report != NULL && child->reading) {
        size_t length;
        char *line = evbuffer_readln(bufferevent_get_input(child->report), &length, EVBUFFER_EOL_LF);

        if (line == NULL)
            return;
        if (length > 0)
            child_take_line(child, line, length);
        free(line);
    }
}

static void
on_report_readable(struct bufferevent *stream, void *argument)
{
    struct child *child = argument;
    struct error err;

    child_take_lines(child);
    if (child->report != NULL && child->reading &&
        evbuffer_get_length(bufferevent_get_input(stream)) > REPORT_LINE_MAX) {
        (void)error_set(&err, ERROR_INPUT, "a report line is longer than %zu bytes", REPORT_LINE_MAX);
        child_break(child, &err);
    }
    (void)child_finish(child);
}

/* No more will come. What is left is no more than a buffer: it need not wait. */
static void
child_take_rest(struct child *child)
{
    struct evbuffer *input;

    child->reading = true;
    child_take_lines(child);
    if (child->report == NULL)
        return;
    /* A last line without its newline counts: `printf '{"type":"completed"}'` is what people write. */
    input = bufferevent_get_input(child->report);
    if (evbuffer_get_length(input) > 0)
        child_take_line(child, (const char *)evbuffer_pullup(input, -1), evbuffer_get_length(input));
}

static void
on_report_event(struct bufferevent *stream, short what, void *argument)
{
    struct child *child = argument;

    (void)stream;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
        return;
    child_take_rest(child);
    child_end_report(child);
    (void)child_finish(child);
}

static void
on_input_done(struct bufferevent *stream, void *argument)
{
    struct child *child = argument;

    bufferevent_free(stream);
    child->input = NULL;
}

/* The child does not want the rest of its job: that is its own affair. */
static void
on_input_event(struct bufferevent *stream, short what, void *argument)
{
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        on_input_done(stream, argument);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct child *child = argument;

    (void)fd;
    (void)what;
    if (!child->is_reaped && !child->is_stopped) {
        log_warn(LOG_EVENT("process takes too long"), LOG_NUMBER("child", child->pid));
        child_stop(child, LIMIT_GRACE_MS);
        return;
    }
    if (!child->is_reaped) {
        log_warn(LOG_EVENT("job process killed"), LOG_NUMBER("child", child->pid),
            LOG_TEXT("reason", "it did not stop in time"));
        child_kill(child);
        return;
    }
    /* Its group may have members left; the leader is reaped, but the group's number stays taken as long as they live. */
    (void)kill(-child->pid, SIGKILL);
    child_take_rest(child);
    child_end_report(child);
    (void)child_finish(child);
}

void
child_stop(struct child *child, int64_t grace_ms)
{
    struct moment kill_at = moment_add_ms(moment_now(), grace_ms);

    if (child->is_reaped || child->is_killed)
        return;
    if (!child->is_stopped && grace_ms > 0) {
        (void)kill(-child->pid, SIGTERM);
        (void)kill(-child->pid, SIGCONT); /* a stopped process would sleep through its grace time */
    }
    if (child->is_stopped && kill_at.ns >= child->kill_at.ns)
        return;
    child->is_stopped = true;
    child->kill_at = kill_at;
    if (grace_ms > 0)
        child_set_timer(child, grace_ms);
    else
        child_kill(child);
}

void
child_limit(struct child *child, int64_t limit_ms)
{
    if (!child->is_reaped && !child->is_stopped)
        child_set_timer(child, limit_ms);
}

void
child_set_reading(struct child *child, bool reading)
{
    if (child->reading == reading || child->report == NULL || (child->is_reaped && !reading))
        return;
    child->reading = reading;
    if (reading) {
        (void)bufferevent_enable(child->report, EV_READ);
        bufferevent_trigger(
            child->report, EV_READ, BEV_TRIG_DEFER_CALLBACKS); /* lines may be waiting in our own buffer */
    } else
        (void)bufferevent_disable(child->report, EV_READ);
}

pid_t
child_pid(const struct child *child)
{
    return child->pid;
}

static void
child_reap(struct child *child)
{
    if (waitpid(child->pid, &child->wait_status, WNOHANG) != child->pid)
        return;
    child->is_reaped = true;
    (void)event_del(child->timer);
    if (child_finish(child))
        return;
    child_set_reading(child, true); /* what is left is no more than a pipe and a buffer: it need not wait */
    child_set_timer(child, LINGER_MS);
}

static bool
children_have(const struct children *children, pid_t pid)
{
    const struct child *child = children->first;

    while (child != NULL && (child->pid != pid || child->is_reaped))
        child = child->next;
    return child != NULL;
}

/* Process 1 of a container is the parent of all orphans. One of ours that comes up here has died meanwhile, and has its signal on the way. */
static void
on_orphans(evutil_socket_t number, short what, void *argument)
{
    const struct children *children = argument;
    siginfo_t dead = { .si_pid = 0 };

    (void)number;
    (void)what;
    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid != 0 &&
           !children_have(children, dead.si_pid)) {
        (void)waitpid(dead.si_pid, NULL, WNOHANG);
        dead.si_pid = 0;
    }
}

/* One signal may stand for many deaths. */
static void
on_child_exit(evutil_socket_t number, short what, void *argument)
{
    struct children *children = argument;
    struct child *next;

    (void)number;
    (void)what;
    for (struct child *child = children->first; child != NULL; child = next) {
        next = child->next;
        if (!child->is_reaped)
            child_reap(child);
    }
    event_active(children->orphans, 0, 0);
}

bool
child_start(struct children *children, char *const *argv, const char *job, size_t job_length,
    const struct runner_events *events, struct child **out, struct error *err)
{
    struct child *child;
    struct spawned spawned;

    if (!spawn(argv, &spawned, err))
        return false;
    child = memory_new(sizeof(*child));
    *child = (struct child){
        .all = children, .next = children->first, .events = *events, .pid = spawned.pid, .reading = true
    };
    children->first = child;
    child->timer = event_new(children->base, -1, 0, on_timer, child);
    child->report =
        bufferevent_socket_new(children->base, spawned.report, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    child->input = bufferevent_socket_new(children->base, spawned.input, BEV_OPT_CLOSE_ON_FREE);
    if (child->timer == NULL || child->report == NULL || child->input == NULL)
        abort(); /* out of memory */
    bufferevent_setcb(child->report, on_report_readable, NULL, on_report_event, child);
    bufferevent_setwatermark(child->report, EV_READ, 0, REPORT_LINE_MAX + 1);
    (void)bufferevent_enable(child->report, EV_READ);
    bufferevent_setcb(child->input, NULL, on_input_done, on_input_event, child);
    (void)bufferevent_disable(child->input, EV_READ);
    (void)bufferevent_write(child->input, job, job_length); /* fails only without memory */
    *out = child;
    return true;
}

struct children *
children_new(struct event_base *base)
{
    struct children *children = memory_new(sizeof(*children));

    children->base = base;
    children->on_exit = evsignal_new(base, SIGCHLD, on_child_exit, children);
    children->orphans = event_new(base, -1, 0, on_orphans, children);
    if (children->on_exit == NULL || children->orphans == NULL)
        abort(); /* out of memory */
    (void)event_add(children->on_exit, NULL);
    /* The same for all of them, so it is set here and not between fork and exec, where little may be called. */
    if (setenv(REPORT_VARIABLE, REPORT_DESCRIPTOR_TEXT, 1) != 0)
        abort(); /* out of memory */
    return children;
}

void
children_free(struct children *children)
{
    struct child *child;

    if (children == NULL)
        return;
    while ((child = children->first) != NULL) {
        children->first = child->next;
        if (!child->is_reaped)
            (void)kill(-child->pid, SIGTERM);
        child_free(child);
    }
    event_free(children->on_exit);
    event_free(children->orphans);
    free(children);
}
