#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/process.h"
#include "jobs/stop.h"
#include "tests/unit/folder.h"

static struct process *
start_shell(const char *script, const char *const *environment)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct process_command command = { .argv = argv, .environment = environment, .handed_down = PROCESS_NO_FD };
    struct error err = ERROR_EMPTY;
    struct process *process = process_start(&command, &err);

    if (process == NULL)
        fail_msg("%s", err.text);
    return process;
}

/* Runs a script to its end and compares the error; NULL: none. */
static void
assert_ends(const char *script, enum error_code code, const char *text)
{
    struct process *process = start_shell(script, NULL);
    struct error err = ERROR_EMPTY;
    bool ok = process_finish(process, NULL, NULL, &err);

    process_free(process);
    assert_int_equal(err.code, code);
    assert_int_equal(ok, code == ERROR_NONE);
    if (text != NULL)
        assert_string_equal(err.text, text);
}

static void
start_anew(void **state)
{
    struct error err;

    (void)state;
    assert_true(stop_start(moment_add_ms(moment_now(), 60000), &err));
}

static void
exit_statuses_signals_and_last_words_are_told(void **state)
{
    start_anew(state);
    assert_ends("exit 0", ERROR_NONE, NULL);
    assert_ends("echo no space left >&2; exit 3", ERROR_REFUSED, "sh: exit status 3: no space left");
    assert_ends("exit 1", ERROR_REFUSED, "sh: exit status 1: it said nothing");
    assert_ends("echo half a word; kill -9 $$", ERROR_LOST, "sh: killed by SIGKILL: half a word");
    assert_ends("printf 'a\\377b\\n\\n'; exit 1", ERROR_REFUSED,
        "sh: exit status 1: a\xEF\xBF\xBD"
        "b");
}

static void
standard_output_can_be_data_for_the_caller(void **state)
{
    const char *const argv[] = { "sh", "-c", "head -c 300000 /dev/zero; echo words >&2", NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD, .piped = true };
    struct error err = ERROR_EMPTY;
    struct process *process;
    char bytes[65536];
    size_t length = 0;
    ssize_t count;

    start_anew(state);
    process = process_start(&command, &err);
    assert_non_null(process);
    while ((count = read(process_data(process), bytes, sizeof(bytes))) != 0) {
        if (count > 0)
            length += (size_t)count;
        else
            assert_int_equal(errno, EAGAIN);
    }
    assert_int_equal(length, 300000);
    assert_true(process_finish(process, NULL, NULL, &err));
    assert_string_equal(process_words(process), "words");
    process_free(process);
}

static void
what_a_program_has_read_so_far_is_known(void **state)
{
    /* by a child that has ended, and by one that is still there */
    static const char *const scripts[] = { "head -c 10000000 /dev/zero >/dev/null; while :; do sleep 1; done",
        "(head -c 10000000 /dev/zero >/dev/null; while :; do sleep 1; done) & wait" };
    struct moment patience = moment_add_ms(moment_now(), 30000);
    struct process *process;

    start_anew(state);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        process = start_shell(scripts[i], NULL);
        while (process_bytes_read(process) < 10000000 && !moment_is_past(patience))
            (void)poll(NULL, 0, 1);
        assert_true(process_bytes_read(process) >= 10000000);
        process_free(process);
    }
}

static void
a_missing_program_says_where_it_was_looked_for(void **state)
{
    const char *const argv[] = { "pg_nothing", NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD };
    char *path = memory_copy_string(getenv("PATH"));
    struct error err = ERROR_EMPTY;

    (void)state;
    (void)setenv("PATH", "/nowhere:/tmp", 1);
    assert_null(process_start(&command, &err));
    assert_string_equal(
        err.text, "pg_nothing: No such file or directory (is the PostgreSQL client installed? PATH=/nowhere:/tmp)");
    assert_int_equal(err.code, ERROR_CONFIG);
    (void)unsetenv("PATH");
    assert_null(process_start(&command, &err));
    assert_string_equal(err.text, "pg_nothing: No such file or directory (is the PostgreSQL client installed? PATH=)");
    (void)setenv("PATH", path, 1);
    free(path);
}

static void
a_program_that_cannot_be_executed_says_why(void **state)
{
    char folder[FOLDER_PATH];
    char path[FOLDER_PATH + 16];
    char expected[2 * FOLDER_PATH];
    const char *const argv[] = { path, NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD };
    struct error err = ERROR_EMPTY;

    start_anew(state);
    folder_make(folder);
    folder_write(folder, "program", "neither a script nor a binary");
    (void)snprintf(path, sizeof(path), "%s/program", folder);
    assert_null(process_start(&command, &err));
    (void)snprintf(expected, sizeof(expected), "start '%s': Permission denied", path);
    assert_string_equal(err.text, expected);
    assert_int_equal(chmod(path, 0700), 0);
    assert_null(process_start(&command, &err));
    (void)snprintf(expected, sizeof(expected), "start '%s': Exec format error", path);
    assert_string_equal(err.text, expected);
    folder_remove(folder);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
}

static void
the_last_4_kb_are_kept_from_the_start_of_a_line(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    const char *words = NULL;

    start_anew(state);
    process = start_shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", NULL);
    assert_true(process_finish(process, NULL, NULL, &err));
    words = process_words(process);
    assert_true(strlen(words) <= 4096 && strlen(words) > 4000);
    assert_int_equal(strncmp(words, "line 19", 7), 0);
    assert_string_equal(words + strlen(words) - 10, "line 19999");
    process_free(process);
}

static void
a_long_failure_keeps_its_end_in_the_error(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;

    start_anew(state);
    process = start_shell("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; exit 1", NULL);
    assert_false(process_finish(process, NULL, NULL, &err));
    assert_int_equal(strncmp(err.text, "sh: exit status 1: line ", 24), 0);
    assert_string_equal(err.text + strlen(err.text) - 8, "line 299");
    process_free(process);
}

static void
only_what_is_allowed_is_inherited(void **state)
{
    static char before[][32] = { "PATH=/bin", "HOME=/root", "TZ=UTC", "DATABASE_URL=secret", "REDIS_URL=secret",
        "SMTP_SECRET_KEY=secret", "PGPASSWORD=secret", "PGPASSFILE=/x", "PGSSLROOTCERT=/ca", "PGOPTIONS=-c x",
        "PGAPPNAME=other", "PGCLIENTENCODING=LATIN1", "PG=1", "PATHX=1", "LC_ALL=de_DE", "LANG=de_DE",
        "ASAN_OPTIONS=x" };
    char *inherited[sizeof(before) / sizeof(before[0]) + 1] = { NULL };
    static const char *const more[] = { "PGAPPNAME=ours", "PGPASSFILE=/proc/self/fd/7", NULL };
    static const char *const after[] = { "PATH=/bin", "HOME=/root", "TZ=UTC", "PGSSLROOTCERT=/ca", "PG=1",
        "ASAN_OPTIONS=x", "LC_ALL=C.UTF-8", "PGAPPNAME=ours", "PGPASSFILE=/proc/self/fd/7" };
    char **environment = NULL;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        inherited[i] = before[i];
    environment = process_environment(inherited, NULL, more);
    for (; environment[count] != NULL; count++) {
        assert_true(count < sizeof(after) / sizeof(after[0]));
        assert_string_equal(environment[count], after[count]);
    }
    assert_int_equal(count, sizeof(after) / sizeof(after[0]));
    process_free_list(environment);
}

static bool
may_inherit_all_but_path(const char *name, size_t length)
{
    return length != 4 || memcmp(name, "PATH", 4) != 0;
}

static void
the_caller_may_decide_what_is_inherited(void **state)
{
    static char before[][16] = { "PATH=/bin", "PATHX=1", "ODD", "MINE=1" };
    char *inherited[] = { before[0], before[1], before[2], before[3], NULL };
    static const char *const more[] = { "MINE=2", NULL };
    static const char *const after[] = { "PATHX=1", "ODD", "LC_ALL=C.UTF-8", "MINE=2", NULL };
    char **environment = process_environment(inherited, may_inherit_all_but_path, more);

    (void)state;
    for (size_t i = 0; after[i] != NULL; i++)
        assert_string_equal(environment[i], after[i]);
    assert_null(environment[4]);
    process_free_list(environment);
}

static void
the_program_sees_no_secret_no_descriptor_and_no_blocked_signal(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    int inherited = 0;

    start_anew(state);
    (void)setenv("DATABASE_URL", "secret", 1);
    inherited = dup(0); /* as from whoever started us: not close-on-exec */
    process = start_shell(
        "env | grep -c secret; ls /proc/self/fd | tr '\\n' ' '; "
        "grep -h SigBlk /proc/self/status; readlink /proc/self/fd/0; ps -o pgid= -p $$ | tr -d ' '; echo $$",
        NULL);
    assert_true(process_finish(process, NULL, NULL, &err));
    {
        const char *words = process_words(process);
        const char *last = strrchr(words, '\n') + 1;

        assert_int_equal(strncmp(words, "0\n0 1 2 3 SigBlk:\t0000000000000000\n/dev/null\n", 45), 0);
        assert_int_equal(strncmp(words + 45, last, strlen(last)), 0); /* a group of its own */
    }
    process_free(process);
    (void)close(inherited);
    (void)unsetenv("DATABASE_URL");
}

static void
a_descriptor_is_handed_down_where_asked(void **state)
{
    const char *const argv[] = { "sh", "-c", "cat /proc/self/fd/9", NULL };
    struct process_command command = { .argv = argv, .handed_down = 9 };
    char folder[FOLDER_PATH];
    char path[FOLDER_PATH + 8];
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    int fd;

    start_anew(state);
    folder_make(folder);
    folder_write(folder, "file", "handed down");
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup3(fd, 9, O_CLOEXEC), 9);
    process = process_start(&command, &err);
    assert_non_null(process);
    assert_true(process_finish(process, NULL, NULL, &err));
    assert_string_equal(process_words(process), "handed down");
    assert_int_equal(fcntl(9, F_GETFD), FD_CLOEXEC); /* ours is as it was */
    process_free(process);
    (void)close(9);
    (void)close(fd);
    folder_remove(folder);
}

/* Two programs, one of which reads what the other writes. */
static void
a_pipe_can_lie_between_two_programs(void **state)
{
    const char *const writes[] = { "sh", "-c", "echo written; echo said >&2", NULL };
    const char *const reads[] = { "sh", "-c", "read word; echo \"got $word\"; read word || echo end", NULL };
    int ends[2];
    struct process_command writer = { .argv = writes, .handed_down = PROCESS_NO_FD };
    struct process_command reader = { .argv = reads, .handed_down = PROCESS_NO_FD };
    struct process *from = NULL;
    struct process *to = NULL;
    struct error err = ERROR_EMPTY;

    start_anew(state);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    writer.output = ends[1];
    reader.input = ends[0];
    from = process_start(&writer, &err);
    to = process_start(&reader, &err);
    assert_non_null(from);
    assert_non_null(to);
    assert_true(process_finish(from, NULL, NULL, &err));
    assert_true(process_has_ended(from));
    assert_string_equal(process_words(from), "said");
    assert_false(process_has_ended(to)); /* our end of the pipe is open still */
    (void)close(ends[1]);
    assert_true(process_finish(to, NULL, NULL, &err));
    assert_string_equal(process_words(to), "got written\nend");
    process_free(from);
    process_free(to);
    (void)close(ends[0]);
}

static bool
count_tick(void *owner, struct error *err)
{
    (void)err;
    ++*(int *)owner;
    return true;
}

static bool
refuse(void *owner, struct error *err)
{
    (void)owner;
    return error_set(err, ERROR_REFUSED, "enough");
}

static void
ticks_come_while_it_runs(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    int ticks = 0;

    start_anew(state);
    process = start_shell("sleep 1.3", NULL);
    assert_true(process_finish(process, count_tick, &ticks, &err));
    assert_true(ticks >= 2 && ticks <= 13);
    process_free(process);
}

static void
a_tick_can_stop_it(void **state)
{
    struct process *process = NULL;
    struct moment start = moment_now();
    struct error err = ERROR_EMPTY;

    start_anew(state);
    process = start_shell("sleep 60", NULL);
    assert_false(process_finish(process, refuse, NULL, &err));
    assert_string_equal(err.text, "enough");
    assert_true(moment_ms_between(start, moment_now()) < 10000);
    process_free(process);
}

static void
stopping_ends_it_and_what_it_started(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    struct moment start;

    start_anew(state);
    process = start_shell("sleep 60 & echo $!; wait", NULL);
    start = moment_now();
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_false(process_finish(process, NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_STOPPED);
    assert_string_equal(err.text, "sh: the worker was stopped");
    assert_true(moment_ms_between(start, moment_now()) < 5000);
    process_free(process);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
one_that_ignores_sigterm_is_killed(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    struct moment start;

    start_anew(state);
    process = start_shell("trap '' TERM; echo ready; while :; do sleep 0.1; done", NULL);
    while (strcmp(process_words(process), "ready") != 0)
        (void)poll(NULL, 0, 5);
    start = moment_now();
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_false(process_finish(process, NULL, NULL, &err));
    assert_in_range(moment_ms_between(start, moment_now()), 350, 5000);
    process_free(process);
}

static void
past_the_deadline_it_is_ended(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_true(stop_start(moment_add_ms(moment_now(), 100), &err));
    process = start_shell("sleep 60", NULL);
    assert_false(process_finish(process, NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.text, "sh: the job ran longer than BACKUP_JOB_LOCK_MINUTES allows");
    assert_true(stop_is_overdue());
    process_free(process);
}

static void
freeing_one_that_runs_leaves_nothing(void **state)
{
    start_anew(state);
    process_free(start_shell("sleep 60", NULL));
    process_free(NULL);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A program that dies beside its busy parent: SIGCHLD, not the next tick, ends the wait. */
static void
its_end_is_noticed_at_once_though_a_grandchild_keeps_its_output(void **state)
{
    struct process *process = NULL;
    struct error err = ERROR_EMPTY;
    struct moment start;

    start_anew(state);
    start = moment_now();
    process = start_shell("sleep 3 & exit 0", NULL);
    assert_true(process_finish(process, NULL, NULL, &err));
    assert_true(moment_ms_between(start, moment_now()) < 2000);
    process_free(process);
}

static void
in_a_shielded_phase_signals_only_shorten_the_deadline(void **state)
{
    struct error err = ERROR_EMPTY;

    start_anew(state);
    assert_int_equal(kill(getpid(), SIGINT), 0);
    assert_false(stop_check(&err));
    assert_int_equal(err.code, ERROR_STOPPED);
    stop_shield(moment_add_ms(moment_now(), 60000));
    assert_true(stop_check(&err));
    assert_true(stop_was_requested());
    start_anew(state);
    stop_shield(moment_add_ms(moment_now(), 20));
    while (stop_wait(-1, 0, moment_add_ms(moment_now(), 1000), &err))
        ;
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.text, "it took too long to finish");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_statuses_signals_and_last_words_are_told),
        cmocka_unit_test(standard_output_can_be_data_for_the_caller),
        cmocka_unit_test(what_a_program_has_read_so_far_is_known),
        cmocka_unit_test(a_missing_program_says_where_it_was_looked_for),
        cmocka_unit_test(a_program_that_cannot_be_executed_says_why),
        cmocka_unit_test(the_last_4_kb_are_kept_from_the_start_of_a_line),
        cmocka_unit_test(a_long_failure_keeps_its_end_in_the_error),
        cmocka_unit_test(only_what_is_allowed_is_inherited),
        cmocka_unit_test(the_caller_may_decide_what_is_inherited),
        cmocka_unit_test(the_program_sees_no_secret_no_descriptor_and_no_blocked_signal),
        cmocka_unit_test(a_descriptor_is_handed_down_where_asked),
        cmocka_unit_test(a_pipe_can_lie_between_two_programs),
        cmocka_unit_test(ticks_come_while_it_runs),
        cmocka_unit_test(a_tick_can_stop_it),
        cmocka_unit_test(stopping_ends_it_and_what_it_started),
        cmocka_unit_test(one_that_ignores_sigterm_is_killed),
        cmocka_unit_test(past_the_deadline_it_is_ended),
        cmocka_unit_test(freeing_one_that_runs_leaves_nothing),
        cmocka_unit_test(its_end_is_noticed_at_once_though_a_grandchild_keeps_its_output),
        cmocka_unit_test(in_a_shielded_phase_signals_only_shorten_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
