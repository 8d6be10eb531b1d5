#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs/stop.h"

/* What becomes of a process whose deadline was STOP_KILL_AFTER_MS ago, all but 50 ms, when it then does `hang`. */
static int
status_of_an_overdue_process(void (*hang)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        struct error err;
        if (!stop_start(moment_add_ms(moment_now(), 50 - STOP_KILL_AFTER_MS), &err))
            _exit(1);
        hang();
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

static void
stop_oneself(void)
{
    (void)raise(SIGSTOP);
}

static void
who_hangs_beyond_its_deadline_is_killed(void **state)
{
    int status = status_of_an_overdue_process(wait_for_ever);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
who_was_stopped_is_killed_all_the_same(void **state)
{
    int status = status_of_an_overdue_process(stop_oneself);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
past_the_deadline_every_wait_ends_with_the_reason(void **state)
{
    struct error err;

    (void)state;
    assert_true(stop_start(moment_add_ms(moment_now(), -1), &err));
    assert_false(stop_wait(-1, 0, moment_add_ms(moment_now(), 60000), &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.text, "the job ran longer than BACKUP_JOB_LOCK_MINUTES allows");
    assert_true(stop_is_overdue());
    stop_name_deadline("there was no answer");
    assert_false(stop_check(&err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.text, "there was no answer");
}

static void
behind_a_shield_that_was_lowered_a_signal_ends_waits_again(void **state)
{
    struct error err;

    (void)state;
    assert_true(stop_start(moment_add_ms(moment_now(), 60000), &err));
    stop_shield(moment_add_ms(moment_now(), 50000));
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(stop_check(&err));
    stop_unshield();
    assert_false(stop_check(&err));
    assert_int_equal(err.code, ERROR_STOPPED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_hangs_beyond_its_deadline_is_killed),
        cmocka_unit_test(who_was_stopped_is_killed_all_the_same),
        cmocka_unit_test(past_the_deadline_every_wait_ends_with_the_reason),
        cmocka_unit_test(behind_a_shield_that_was_lowered_a_signal_ends_waits_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
