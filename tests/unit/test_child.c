#include "tests/unit/test.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/child.h"
#include "tests/unit/fake_redis.h"

/* Real /bin/sh children. What they report is noted as lines, their verdict apart. */
struct fixture {
    struct event_base *base;
    struct children *children;
    struct child *child; /* NULL once it is done */
    struct text reports;
    size_t report_count;
    struct text verdict; /* its line */
    bool is_done;
    size_t pause_at; /* stop reading when so many reports have come; 0: never */
};

static void
on_report(struct report *report, void *owner)
{
    struct fixture *fixture = owner;

    assert_false(fixture->is_done);
    report_add_line(report, &fixture->reports);
    fixture->report_count++;
    if (fixture->report_count == fixture->pause_at)
        child_set_reading(fixture->child, false);
}

static void
on_done(struct report *verdict, void *owner)
{
    struct fixture *fixture = owner;

    assert_false(fixture->is_done);
    fixture->is_done = true;
    fixture->child = NULL;
    report_add_line(verdict, &fixture->verdict);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->children = children_new(fixture->base);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->child != NULL) { /* only after a failure */
        (void)kill(-child_pid(fixture->child), SIGKILL);
        (void)waitpid(child_pid(fixture->child), NULL, 0);
    }
    children_free(fixture->children);
    event_base_free(fixture->base);
    text_clear(&fixture->reports);
    text_clear(&fixture->verdict);
    free(fixture);
    return 0;
}

static void
start(struct fixture *fixture, const char *script, const char *job, size_t job_length)
{
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = fixture };
    char *copy = memory_copy_string(script);
    char sh[] = "sh";
    char c[] = "-c";
    char *argv[] = { sh, c, copy, NULL };
    struct error err = ERROR_EMPTY;

    if (!child_start(fixture->children, argv, job, job_length, &events, &fixture->child, &err))
        fail_msg("%s", err.text);
    free(copy);
}

static void
run(struct fixture *fixture, const char *script)
{
    start(fixture, script, "{}\n", 3);
    RUN_UNTIL(fixture->base, fixture->is_done);
}

static void
assert_verdict(struct fixture *fixture, const char *expected)
{
    assert_string_equal(text_string(&fixture->verdict), expected);
}

/* It failed, of the process and not of the job. */
static void
assert_crash(struct fixture *fixture, const char *reason)
{
    struct text expected = TEXT_EMPTY;

    text_format(&expected, "{\"type\":\"failed\",\"reason\":\"%s\",\"retry\":true}\n", reason);
    assert_verdict(fixture, expected.data);
    text_clear(&expected);
}

/* It died of being stopped, without a word of its own. */
static void
assert_interrupted(struct fixture *fixture, const char *reason)
{
    struct text expected = TEXT_EMPTY;

    text_format(&expected, "{\"type\":\"interrupted\",\"reason\":\"%s\"}\n", reason);
    assert_verdict(fixture, expected.data);
    text_clear(&expected);
}

#define COMPLETED "printf '{\"type\":\"completed\",\"returnvalue\":1}\\n' >&3; "
#define IS_COMPLETED "{\"type\":\"completed\",\"returnvalue\":1}\n"
#define LOG(text) "printf '{\"type\":\"log\",\"text\":\"" text "\"}\\n' >&3; "
#define IS_LOG(row) "{\"type\":\"log\",\"text\":\"" row "\"}\n"

static void
a_completed_job_is_completed(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, LOG("a") "printf '{\"type\":\"progress\",\"value\":50}\\n' >&3; " LOG("b") COMPLETED);
    assert_verdict(fixture, IS_COMPLETED);
    assert_string_equal(
        text_string(&fixture->reports), IS_LOG("a") "{\"type\":\"progress\",\"value\":50}\n" IS_LOG("b"));
}

static void
the_descriptor_of_the_report_is_in_the_environment_or_three(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "test -e /proc/self/fd/3 && " COMPLETED);
    assert_verdict(fixture, IS_COMPLETED);
}

static void
every_verdict_comes_as_it_was_said(void **state)
{
    static const char *const verdicts[] = { "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":true}",
        "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":false}", "{\"type\":\"interrupted\",\"reason\":\"x\"}",
        "{\"type\":\"delay\",\"until\":1795382600905}" };

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        struct fixture *fixture;
        struct text script = TEXT_EMPTY;
        struct text expected = TEXT_EMPTY;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        text_format(&script, "echo '%s' >&3; exit 1", verdicts[i]); /* only `completed` needs a good status */
        text_format(&expected, "%s\n", verdicts[i]);
        run(fixture, script.data);
        assert_verdict(fixture, expected.data);
        text_clear(&script);
        text_clear(&expected);
    }
}

static void
dying_by_a_signal_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "kill -SEGV $$");
    assert_crash(fixture, "the job process was killed by SIGSEGV without a verdict");
}

static void
a_bad_status_after_success_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, COMPLETED "exit 1");
    assert_crash(fixture, "the job process ended with exit status 1 after it had reported success");
}

static void
no_verdict_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, LOG("a") "exit 0");
    assert_crash(fixture, "the job process ended with exit status 0 without a verdict");
    assert_string_equal(text_string(&fixture->reports), IS_LOG("a"));
}

static void
a_line_after_the_verdict_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, COMPLETED LOG("more") "sleep 60");
    assert_crash(fixture, "the job process broke the child protocol: there is a line after the verdict");
}

static void
a_second_verdict_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, COMPLETED COMPLETED);
    assert_crash(fixture, "the job process broke the child protocol: there is a line after the verdict");
}

static void
a_line_that_is_no_json_is_a_crash_and_ends_the_process(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, LOG("a") "echo oops >&3; " COMPLETED "sleep 60");
    assert_crash(fixture, "the job process broke the child protocol: a report line: no JSON from byte 1 on, at 'oops'");
    assert_string_equal(text_string(&fixture->reports), IS_LOG("a"));
}

/* Who breaks the protocol was not stopped by anybody: the job fails, and does not go back to the queue. */
static void
who_breaks_the_protocol_does_not_count_as_stopped(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "echo oops >&3; sleep 60", "", 0);
    RUN_UNTIL(fixture->base, fixture->is_done || kill(child_pid(fixture->child), 0) == 0);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_non_null(strstr(text_string(&fixture->verdict), "\"type\":\"failed\""));
}

static void
a_line_that_is_too_long_is_a_crash(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "head -c 2000000 /dev/zero | tr '\\0' x >&3; sleep 60");
    assert_crash(fixture, "the job process broke the child protocol: a report line is longer than 1048576 bytes");
}

static void
the_longest_line_is_taken(void **state)
{
    struct fixture *fixture = *state;

    /* 22 bytes before the text, 2 behind it */
    run(fixture, "printf '{\"type\":\"log\",\"text\":\"' >&3; head -c 1048552 /dev/zero | tr '\\0' x >&3; printf "
                 "'\"}\\n' >&3; " COMPLETED);
    assert_verdict(fixture, IS_COMPLETED);
    assert_int_equal(fixture->reports.length, 1048576 + 1);
}

static void
a_last_line_needs_no_newline_and_empty_lines_count_for_nothing(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "printf '\\n\\n{\"type\":\"completed\",\\r\\n' | tr -d '\\n' >&3; printf '\"returnvalue\":1}' >&3");
    assert_verdict(fixture, IS_COMPLETED);
}

static void
a_program_that_cannot_be_executed_fails_without_a_retry(void **state)
{
    struct fixture *fixture = *state;
    struct runner_events events = { .on_report = on_report, .on_done = on_done, .owner = fixture };
    char program[] = "/nonexistent/job \"x\"";
    char *argv[] = { program, NULL };
    struct error err;

    assert_true(child_start(fixture->children, argv, "{}", 2, &events, &fixture->child, &err));
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture,
        "{\"type\":\"failed\",\"reason\":\"the job program '/nonexistent/job \\\"x\\\"' cannot be executed: is it "
        "there, and "
        "may it be run?\",\"retry\":false}\n");
}

static void
the_job_is_on_standard_input_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    enum { LENGTH = 300000 };
    char *job = memory_new(LENGTH);

    memset(job, 'x', LENGTH);
    start(fixture, "n=$(wc -c); echo '{\"type\":\"completed\",\"returnvalue\":'$n'}' >&3", job, LENGTH);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, "{\"type\":\"completed\",\"returnvalue\":300000}\n");
    free(job);
}

static void
a_big_job_need_not_be_read(void **state)
{
    struct fixture *fixture = *state;
    enum { LENGTH = 10 * 1024 * 1024 };
    char *job = memory_new(LENGTH);

    start(fixture, "exec 0<&-; " LOG("closed") COMPLETED, job, LENGTH);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, IS_COMPLETED);
    free(job);
}

static void
a_grandchild_that_holds_the_pipe_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    run(fixture, "sleep 60 & printf '{\"type\":\"completed\"}' >&3; exit 0"); /* without its newline */
    assert_verdict(fixture, "{\"type\":\"completed\",\"returnvalue\":null}\n");
    assert_in_range(moment_ms_between(started, moment_now()), 900, 3000);
}

static void
a_grandchild_may_have_the_last_word_for_a_moment(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "(sleep 0.2; " COMPLETED ") & exit 0");
    assert_verdict(fixture, IS_COMPLETED);
}

static void
a_child_that_is_asked_to_stop_may_say_so(void **state)
{
    struct fixture *fixture = *state;

    start(fixture,
        "trap 'echo \"{\\\"type\\\":\\\"interrupted\\\",\\\"reason\\\":\\\"as told\\\"}\" >&3; exit 0' TERM; " LOG(
            "ready") "while :; do sleep 0.01; done",
        "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 4000);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, "{\"type\":\"interrupted\",\"reason\":\"as told\"}\n");
}

static void
success_that_crosses_the_signal_wins(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap '' TERM; " LOG("ready") "sleep 0.2; " COMPLETED "exit 0", "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 4000);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, IS_COMPLETED);
}

static void
who_ignores_sigterm_gets_sigkill_with_all_its_group(void **state)
{
    struct fixture *fixture = *state;

    log_start("test", LOG_LEVEL_FATAL);
    start(fixture, "trap '' TERM; sleep 60 & " LOG("ready") "while :; do sleep 60; done", "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 50);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_interrupted(fixture, "the job process was killed by SIGKILL without a verdict");
}

static void
stopping_again_can_only_shorten_the_grace_time(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap '' TERM; " LOG("ready") "while :; do sleep 60; done", "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 60000);
    child_stop(fixture->child, 120000);
    child_stop(fixture->child, 50);
    child_stop(fixture->child, 60000);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_interrupted(fixture, "the job process was killed by SIGKILL without a verdict");
}

static void
no_grace_time_is_sigkill_now(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap 'exit 0' TERM; " LOG("ready") "while :; do sleep 60; done", "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 0);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_interrupted(fixture, "the job process was killed by SIGKILL without a verdict");
}

static void
a_stopped_process_is_woken_to_stop(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    start(fixture, LOG("ready") "kill -STOP $$; sleep 60", "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_stop(fixture->child, 30000);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_interrupted(fixture, "the job process was killed by SIGTERM without a verdict");
    assert_true(moment_ms_between(started, moment_now()) < 4000);
}

/* It has ended, and is not reaped yet or is being reaped. */
static bool
has_exited(const struct fixture *fixture)
{
    siginfo_t info = { .si_pid = 0 };

    return fixture->is_done ||
           waitid(P_PID, (id_t)child_pid(fixture->child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

static void
back_pressure_leaves_the_report_in_the_pipe(void **state)
{
    struct fixture *fixture = *state;
    size_t count;

    fixture->pause_at = 1;
    start(fixture, "i=0; while [ $i -lt 20000 ]; do " LOG("row") "i=$((i+1)); done; " COMPLETED, "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    count = fixture->report_count;
    fake_run(fixture->base, 100);
    assert_int_equal(fixture->report_count, count); /* and the child is held up by its full pipe */
    assert_false(has_exited(fixture));
    child_set_reading(fixture->child, true);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, IS_COMPLETED);
    assert_int_equal(fixture->report_count, 20000);
}

/* Nobody read for a while, and the child came to its end meanwhile: what it said counts all the same. */
static void
a_child_that_ends_while_nobody_reads_keeps_its_verdict(void **state)
{
    struct fixture *fixture = *state;

    fixture->pause_at = 1;
    run(fixture, LOG("a") LOG("b") LOG("c") "sleep 0.1; " LOG("d") COMPLETED);
    assert_verdict(fixture, IS_COMPLETED);
    assert_string_equal(text_string(&fixture->reports), IS_LOG("a") IS_LOG("b") IS_LOG("c") IS_LOG("d"));
}

/* The end of the report is there, and its last lines make somebody ask for a pause: they are still lines. */
static void
a_pause_among_the_last_lines_does_not_run_them_together(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, LOG("a") "sleep 0.1; " LOG("b") LOG("c") COMPLETED, "", 0);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    child_set_reading(fixture->child, false);
    /* The whole rest waits in the pipe, and its end too. */
    RUN_UNTIL(fixture->base, has_exited(fixture));
    fixture->pause_at = 2;
    if (!fixture->is_done)
        child_set_reading(fixture->child, true);
    RUN_UNTIL(fixture->base, fixture->is_done);
    assert_verdict(fixture, IS_COMPLETED);
    assert_string_equal(text_string(&fixture->reports), IS_LOG("a") IS_LOG("b") IS_LOG("c"));
}

static void
signals_are_as_a_program_expects_them(void **state)
{
    struct fixture *fixture = *state;

    /* blocked, ignored: nothing; SIGPIPE, which we ignore, is not inherited */
    run(fixture,
        "b=$(awk '/SigBlk/ { print $2 }' /proc/self/status); i=$(awk '/SigIgn/ { print $2 }' /proc/self/status); "
        "echo '{\"type\":\"completed\",\"returnvalue\":\"'$b $i'\"}' >&3");
    assert_verdict(fixture, "{\"type\":\"completed\",\"returnvalue\":\"0000000000000000 0000000000000000\"}\n");
}

static void
a_child_has_only_its_own_descriptors_and_group(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, "for f in 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && exit 1; done; "
                 "[ $(awk '{ print $5 }' /proc/$$/stat) = $$ ] && " COMPLETED);
    assert_verdict(fixture, IS_COMPLETED);
}

static void
many_children_end_each_for_itself(void **state)
{
    enum { MANY = 8 };
    struct fixture fixtures[MANY];
    struct fixture *own = *state;

    for (size_t i = 0; i < MANY; i++) {
        fixtures[i] = (struct fixture){ .base = own->base, .children = own->children };
        start(&fixtures[i], i % 2 == 0 ? COMPLETED : "exit 3", "{}", 2);
    }
    for (size_t i = 0; i < MANY; i++) {
        RUN_UNTIL(own->base, fixtures[i].is_done);
        if (i % 2 == 0)
            assert_verdict(&fixtures[i], IS_COMPLETED);
        else
            assert_crash(&fixtures[i], "the job process ended with exit status 3 without a verdict");
        text_clear(&fixtures[i].verdict);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD); /* no zombie is left */
}

static bool
is_gone(pid_t pid)
{
    return kill(pid, 0) == -1 && errno == ESRCH; /* a zombie still is there */
}

static void
orphans_that_are_left_to_process_one_are_reaped(void **state)
{
    struct fixture *fixture = *state;
    pid_t orphan;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* as process 1 is to all */
    run(fixture, "sleep 60 3>&- & echo '{\"type\":\"completed\",\"returnvalue\":'$!'}' >&3");
    orphan =
        (pid_t)strtol(text_string(&fixture->verdict) + strlen("{\"type\":\"completed\",\"returnvalue\":"), NULL, 10);
    assert_true(orphan > 1);
    assert_int_equal(kill(orphan, SIGKILL), 0);
    RUN_UNTIL(fixture->base, is_gone(orphan));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void
children_may_be_freed_while_they_run(void **state)
{
    struct fixture *fixture = *state;
    pid_t pid;

    start(fixture, LOG("ready") "sleep 60", "{}", 2);
    RUN_UNTIL(fixture->base, fixture->report_count == 1);
    pid = child_pid(fixture->child);
    children_free(fixture->children);
    fixture->children = NULL;
    fixture->child = NULL;
    (void)kill(-pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_completed_job_is_completed),
        TEST(the_descriptor_of_the_report_is_in_the_environment_or_three),
        TEST(every_verdict_comes_as_it_was_said),
        TEST(dying_by_a_signal_is_a_crash),
        TEST(a_bad_status_after_success_is_a_crash),
        TEST(no_verdict_is_a_crash),
        TEST(a_line_after_the_verdict_is_a_crash),
        TEST(a_second_verdict_is_a_crash),
        TEST(a_line_that_is_no_json_is_a_crash_and_ends_the_process),
        TEST(who_breaks_the_protocol_does_not_count_as_stopped),
        TEST(a_line_that_is_too_long_is_a_crash),
        TEST(the_longest_line_is_taken),
        TEST(a_last_line_needs_no_newline_and_empty_lines_count_for_nothing),
        TEST(a_program_that_cannot_be_executed_fails_without_a_retry),
        TEST(the_job_is_on_standard_input_to_its_end),
        TEST(a_big_job_need_not_be_read),
        TEST(a_grandchild_that_holds_the_pipe_is_not_waited_for),
        TEST(a_grandchild_may_have_the_last_word_for_a_moment),
        TEST(a_child_that_is_asked_to_stop_may_say_so),
        TEST(success_that_crosses_the_signal_wins),
        TEST(who_ignores_sigterm_gets_sigkill_with_all_its_group),
        TEST(stopping_again_can_only_shorten_the_grace_time),
        TEST(no_grace_time_is_sigkill_now),
        TEST(a_stopped_process_is_woken_to_stop),
        TEST(back_pressure_leaves_the_report_in_the_pipe),
        TEST(a_child_that_ends_while_nobody_reads_keeps_its_verdict),
        TEST(a_pause_among_the_last_lines_does_not_run_them_together),
        TEST(signals_are_as_a_program_expects_them),
        TEST(a_child_has_only_its_own_descriptors_and_group),
        TEST(many_children_end_each_for_itself),
        TEST(orphans_that_are_left_to_process_one_are_reaped),
        TEST(children_may_be_freed_while_they_run),
    };

    (void)signal(SIGPIPE, SIG_IGN);                                 /* as the worker does */
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC); /* what we inherited ourselves does not count */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
