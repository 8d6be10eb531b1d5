#include "tests/unit/test.h"

#include <stdio.h>

#include "jobs/lock.h"

#define LIMIT_MINUTES 360
#define LONG_SECONDS (LIMIT_MINUTES * 60 + 1)

#define KEPT ", so a connection pool may have kept the lock: SELECT pg_terminate_backend(7) gives it back"

static void
assert_advice(struct lock_holder holder, const char *expected)
{
    struct text advice = TEXT_EMPTY;

    lock_add_advice(&holder, LIMIT_MINUTES, &advice);
    assert_string_equal(text_string(&advice), expected);
    text_clear(&advice);
}

static void
a_holder_that_may_be_a_backup_needs_no_advice(void **state)
{
    (void)state;
    assert_advice((struct lock_holder){ .pid = 7, .application = "" }, "");
    assert_advice((struct lock_holder){ .pid = 7, .application = "", .age_seconds = LONG_SECONDS }, "");
    assert_advice((struct lock_holder){ .pid = 7, .application = "weavestream-backup run" }, "");
    assert_advice((struct lock_holder){ .pid = 7, .application = "weavestream-backup prune", .idle_seconds = 5 }, "");
}

static void
one_that_has_gone_cannot_be_ended(void **state)
{
    (void)state;
    assert_advice((struct lock_holder){ .pid = 0, .application = "psql" }, "");
}

static void
an_application_that_makes_no_backups_may_have_kept_it(void **state)
{
    (void)state;
    assert_advice(
        (struct lock_holder){ .pid = 7, .application = "psql" }, "that application is not known to make backups" KEPT);
}

static void
a_session_that_does_nothing_for_longer_than_a_backup_may_run_has_forgotten_it(void **state)
{
    static const char *const applications[] = { "", "psql", "weavestream-backup run" };

    (void)state;
    for (size_t i = 0; i < sizeof(applications) / sizeof(applications[0]); i++) {
        struct lock_holder holder = { .pid = 7, .idle_seconds = LONG_SECONDS };

        (void)snprintf(holder.application, sizeof(holder.application), "%s", applications[i]);
        assert_advice(holder, "that session has done nothing for longer than a backup may run" KEPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_that_may_be_a_backup_needs_no_advice),
        cmocka_unit_test(one_that_has_gone_cannot_be_ended),
        cmocka_unit_test(an_application_that_makes_no_backups_may_have_kept_it),
        cmocka_unit_test(a_session_that_does_nothing_for_longer_than_a_backup_may_run_has_forgotten_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
