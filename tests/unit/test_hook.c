#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "jobs/hook.h"
#include "jobs/stop.h"

static const struct hook_facts facts = { .directory = "/backup",
    .dump = "x.dump",
    .manifest = "x.manifest.json",
    .run_id = "r",
    .config_id = "c",
    .config_name = "$(exit 1) \"Nightly\"",
    .size_bytes = 9007199254740993,
    .sha256 = "ab" };

/* Within `limit_ms`; "" if it went well. */
static const char *
run(const char *command, int64_t limit_ms, struct error *err)
{
    struct settings settings = { .after_success = memory_copy_string(command) };
    bool ok;

    assert_true(stop_start(moment_add_ms(moment_now(), limit_ms), err));
    ok = hook_run(&settings, &facts, err);
    free(settings.after_success);
    return ok ? "" : err->text;
}

static void
it_gets_the_facts_and_no_secret(void **state)
{
    static const char command[] =
        "[ \"$BACKUP_DIRECTORY $BACKUP_FILE $BACKUP_MANIFEST $BACKUP_RUN_ID $BACKUP_CONFIG_ID\" = "
        "'/backup /backup/x.dump /backup/x.manifest.json r c' ] && "
        "[ \"$BACKUP_CONFIG_NAME\" = '$(exit 1) \"Nightly\"' ] && "
        "[ \"$BACKUP_SIZE_BYTES $BACKUP_SHA256\" = '9007199254740993 ab' ] && "
        "[ \"$MINE\" = 1 ] && ! env | grep secret";
    struct error err;

    (void)state;
    (void)setenv("MINE", "1", 1);
    (void)setenv("DATABASE_URL", "secret", 1);
    (void)setenv("PGPASSWORD", "secret", 1);
    (void)setenv("BACKUP_FILE", "secret", 1);
    assert_string_equal(run(command, 60000, &err), "");
}

static void
without_a_command_there_is_nothing_to_fail(void **state)
{
    struct error err;

    (void)state;
    assert_string_equal(run(NULL, 60000, &err), "");
}

static void
a_failure_says_how_it_ended(void **state)
{
    static const char command[] = "echo no route >&2; exit 12";
    struct error err;

    (void)state;
    assert_string_equal(run(command, 60000, &err), "BACKUP_AFTER_SUCCESS: /bin/sh: exit status 12: no route");
    assert_int_equal(err.code, ERROR_REFUSED);
}

static void
it_is_not_begun_if_the_job_is_being_stopped(void **state)
{
    struct settings settings = { .after_success = memory_copy_string("touch /dev/null/nothing") };
    struct error err;

    (void)state;
    assert_true(stop_start(moment_add_ms(moment_now(), 60000), &err));
    assert_int_equal(raise(SIGTERM), 0);
    assert_false(hook_run(&settings, &facts, &err));
    assert_string_equal(err.text, "BACKUP_AFTER_SUCCESS: the worker was stopped");
    free(settings.after_success);
}

static void
it_has_what_is_left_of_the_time_of_the_job(void **state)
{
    static const char command[] = "sleep 60 & sleep 60";
    struct moment start = moment_now();
    struct error err;

    (void)state;
    assert_string_equal(run(command, 100, &err),
        "BACKUP_AFTER_SUCCESS: /bin/sh: the job ran longer than BACKUP_JOB_LOCK_MINUTES allows");
    assert_in_range(moment_ms_between(start, moment_now()), 100, 20000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_the_facts_and_no_secret),
        cmocka_unit_test(without_a_command_there_is_nothing_to_fail),
        cmocka_unit_test(a_failure_says_how_it_ended),
        cmocka_unit_test(it_is_not_begun_if_the_job_is_being_stopped),
        cmocka_unit_test(it_has_what_is_left_of_the_time_of_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
