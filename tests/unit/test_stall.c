#include "tests/unit/test.h"

#include <string.h>

#include "jobs/stall.h"

#define SECOND_NS 1000000000
#define LIMIT_MINUTES ((int64_t)2)

static struct moment
at(int64_t seconds)
{
    return (struct moment){ .ns = (1000 + seconds) * SECOND_NS };
}

/* A dump that began at 0, with nothing in its file. */
static struct stall
start(void)
{
    struct stall stall;

    stall_start(&stall, LIMIT_MINUTES, at(0));
    return stall;
}

static const struct stall_view busy = { .pid = 7, .at_work = true };

static struct stall_view
still_for(int64_t seconds)
{
    return (struct stall_view){ .pid = 7, .unchanged_ms = seconds * 1000 };
}

/* The server is looked at whenever it is time, and shows the same session, which stands still since 0. When does it end? */
static int64_t
seconds_until_stalled(struct stall *stall, int64_t from, int *looks)
{
    struct error err = ERROR_EMPTY;

    for (int64_t now = from; now < from + 10000; now++) {
        struct stall_view view = still_for(now);

        if (!stall_wants_a_look(stall, stall->bytes, at(now)))
            continue;
        ++*looks;
        if (!stall_judge(stall, &view, at(now), &err))
            return now;
    }
    return -1;
}

static void
a_dump_that_stands_still_is_stalled_after_the_limit_and_the_server_is_asked_a_few_times(void **state)
{
    struct stall stall = start();
    int looks = 0;

    (void)state;
    assert_int_equal(seconds_until_stalled(&stall, 0, &looks), LIMIT_MINUTES * 60);
    assert_int_equal(looks, 7); /* at 5, 10, 20, 40, 70, 100 and 120 s */
}

static void
however_long_the_limit_is_the_server_is_asked_every_minute(void **state)
{
    struct stall stall;
    int looks = 0;

    (void)state;
    stall_start(&stall, 60, at(0));
    assert_int_equal(seconds_until_stalled(&stall, 0, &looks), 3600);
    assert_int_equal(looks, 64); /* at 5, 10, 20, 40, 80, 140 and so on */
}

static void
while_its_file_grows_nobody_is_asked(void **state)
{
    struct stall stall = start();
    int looks = 0;

    (void)state;
    for (int64_t now = 1; now <= 1000; now++)
        assert_false(stall_wants_a_look(&stall, now, at(now)));
    assert_int_equal(seconds_until_stalled(&stall, 1001, &looks), 1000 + LIMIT_MINUTES * 60);
}

static void
a_server_at_work_is_progress(void **state)
{
    struct stall stall = start();
    struct error err = ERROR_EMPTY;
    int looks = 0;

    (void)state;
    for (int64_t now = 0; now <= 1000; now++)
        if (stall_wants_a_look(&stall, 0, at(now)))
            assert_true(stall_judge(&stall, &busy, at(now), &err));
    assert_in_range(seconds_until_stalled(&stall, 1001, &looks), 1001 + LIMIT_MINUTES * 45, 1001 + LIMIT_MINUTES * 60);
}

static void
a_session_that_began_something_since_is_progress(void **state)
{
    struct stall stall = start();
    struct error err = ERROR_EMPTY;
    struct stall_view view = still_for(20);

    (void)state;
    assert_true(stall_judge(&stall, &view, at(LIMIT_MINUTES * 60), &err));
    view = still_for(LIMIT_MINUTES * 60 - 1);
    assert_true(stall_judge(&stall, &view, at(LIMIT_MINUTES * 120 - 21), &err));
    view = still_for(LIMIT_MINUTES * 60);
    assert_false(stall_judge(&stall, &view, at(LIMIT_MINUTES * 120 - 20), &err));
}

static void
assert_reason(const struct stall_view *view, const char *expected)
{
    struct stall stall = start();
    struct error err = ERROR_EMPTY;

    (void)error_set(&err, ERROR_LOST, "postgres: the server closed the connection");
    assert_false(stall_judge(&stall, view, at(LIMIT_MINUTES * 60), &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.text, expected);
}

static void
the_reason_tells_what_it_waits_for_and_how_to_end_that(void **state)
{
    struct stall_view view = { .pid = 7, .unchanged_ms = 3600000, .blocker = 8 };

    (void)state;
    text_add(&view.waits_for, "AccessShareLock on public.assets, blocked by Postgres process 8");
    assert_reason(&view,
        "pg_dump made no progress for BACKUP_STALL_MINUTES=2: its session waits for AccessShareLock on public.assets, "
        "blocked by Postgres process 8; what ends it: SELECT pg_terminate_backend(8)");
    stall_view_clear(&view);
    assert_reason(&view, "pg_dump made no progress for BACKUP_STALL_MINUTES=2: it has no session on the server");
    view = still_for(3600);
    assert_reason(&view,
        "pg_dump made no progress for BACKUP_STALL_MINUTES=2: its session, Postgres process 7, waits for it to go on");
    assert_reason(NULL, "pg_dump made no progress for BACKUP_STALL_MINUTES=2: the server cannot be asked why: "
                        "postgres: the server closed "
                        "the connection");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_that_stands_still_is_stalled_after_the_limit_and_the_server_is_asked_a_few_times),
        cmocka_unit_test(however_long_the_limit_is_the_server_is_asked_every_minute),
        cmocka_unit_test(while_its_file_grows_nobody_is_asked),
        cmocka_unit_test(a_server_at_work_is_progress),
        cmocka_unit_test(a_session_that_began_something_since_is_progress),
        cmocka_unit_test(the_reason_tells_what_it_waits_for_and_how_to_end_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
