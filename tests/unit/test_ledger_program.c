#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/ledger.h"
#include "tests/unit/scene.h"

struct fixture {
    struct scene scene;
    struct ledger *ledger;
    int stops;
};

static void
on_stopped(void *owner)
{
    struct fixture *fixture = owner;

    assert_true(ledger_is_stopped(fixture->ledger));
    fixture->stops++;
}

static void
on_up(void *owner)
{
    struct fixture *fixture = owner;

    ledger_connected(fixture->ledger);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->scene.on_up = on_up;
    fixture->scene.owner = fixture;
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    ledger_free(fixture->ledger);
    fixture->ledger = NULL;
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

#define RETRY_MS 1500 /* more than the second between two starts */
#define COMPLETED "echo '{\"type\":\"completed\"}' >&3"
#define NOTHING "*5\r\n$-1\r\n:0\r\n:1\r\n*0\r\n*0\r\n"

static void
start(struct fixture *fixture, const char *script, int64_t limit_ms)
{
    struct ledger_options options = { .children = fixture->scene.runner.children,
        .argv = fixture->scene.program,
        .limit_ms = limit_ms,
        .retry_ms = RETRY_MS,
        .on_stopped = on_stopped,
        .owner = fixture };

    scene_set_script(&fixture->scene, script);
    fixture->ledger = ledger_new(&fixture->scene.consumer, &options);
    ledger_connected(fixture->ledger);
}

static void
answer_snapshot(struct fixture *fixture, const char *resp)
{
    (void)fake_expect(fixture->scene.client, "snapshot");
    fake_answer(fixture->scene.client, resp);
}

static void
assert_quiet(struct fixture *fixture, int64_t ms)
{
    fake_run(fixture->scene.base, ms);
    assert_false(fake_has(fixture->scene.client));
}

/* A report that says what the program has read. */
#define SAY_INPUT                                                                                                      \
    "printf '{\"type\":\"add\",\"name\":\"seen\",\"data\":%s}\\n' \"$(cat | sed 's/\"now\":[0-9]*,//')\" >&3; "

static void
the_program_reads_the_snapshot_and_what_it_says_is_written(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, SAY_INPUT COMPLETED, LEDGER_LIMIT_MS);
    command = fake_expect(fixture->scene.client, "snapshot");
    fake_assert_word(command, 1, "1000");
    fake_assert_word(command, 2, "65536");
    fake_answer(fixture->scene.client, NOTHING);
    command = fake_expect(fixture->scene.client, "add");
    fake_assert_word(command, 2, "seen");
    fake_assert_word(command, 3,
        "{\"queue\":\"backup\",\"prefix\":\"bull\",\"version\":null,\"paused\":false,\"complete\":true,"
        "\"schedulers\":[],\"jobs\":[]}");
}

static void
it_is_not_run_again_before_all_is_written(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, SAY_INPUT COMPLETED, LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    (void)fake_expect(fixture->scene.client, "add");
    ledger_ask(fixture->ledger);
    assert_quiet(fixture, 1300);
    fake_answer(fixture->scene.client, "$1\r\n1\r\n");
    answer_snapshot(fixture, NOTHING);
}

static void
many_who_ask_have_it_run_once(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, LEDGER_LIMIT_MS);
    for (int i = 0; i < 3; i++)
        ledger_ask(fixture->ledger);
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 200);
    for (int i = 0; i < 3; i++)
        ledger_ask(fixture->ledger);
    answer_snapshot(fixture, NOTHING);
    assert_quiet(fixture, 1300);
}

static void
a_time_in_the_past_means_a_second_from_now(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "echo '{\"type\":\"delay\",\"until\":5}' >&3", LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    assert_quiet(fixture, 800);
    answer_snapshot(fixture, NOTHING);
}

static void
while_another_one_is_at_work_it_rests_without_a_complaint(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "echo '{\"type\":\"wait\"}' >&3", LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    assert_quiet(fixture, RETRY_MS + 300);
    ledger_ask(fixture->ledger);
    answer_snapshot(fixture, NOTHING);
}

static void
one_that_takes_too_long_is_stopped(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "exec sleep 60", 100);
    answer_snapshot(fixture, NOTHING);
    ledger_ask(fixture->ledger);
    answer_snapshot(fixture, NOTHING);
}

static void
a_snapshot_that_redis_refuses_is_asked_for_again(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, LEDGER_LIMIT_MS);
    answer_snapshot(fixture, "-WRONGTYPE no\r\n");
    fake_run(fixture->scene.base, 50);
    ledger_ask(fixture->ledger);
    answer_snapshot(fixture, "*0\r\n");
    fake_run(fixture->scene.base, 50);
    ledger_ask(fixture->ledger);
    answer_snapshot(fixture, NOTHING);
}

static void
one_that_fails_is_run_again_later_and_later_whoever_asks(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "exit 3", LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 200);
    ledger_ask(fixture->ledger);
    assert_quiet(fixture, RETRY_MS - 200);
    answer_snapshot(fixture, NOTHING);
    assert_quiet(fixture, 2 * RETRY_MS - 200);
    answer_snapshot(fixture, NOTHING);
}

static void
a_snapshot_that_is_lost_is_not_asked_for_over_each_next_connection(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, LEDGER_LIMIT_MS);
    (void)fake_expect(fixture->scene.client, "snapshot");
    for (int i = 0; i < 2; i++) {
        scene_cut(&fixture->scene);
        scene_connect(&fixture->scene);
        ledger_ask(fixture->ledger);
        assert_quiet(fixture, 200);
    }
    answer_snapshot(fixture, NOTHING);
}

static void
reconnect(struct fixture *fixture, const char *info)
{
    fixture->scene.server->info = info;
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
}

static void
another_server_has_it_run_the_same_one_does_not(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 200);
    reconnect(fixture, FAKE_INFO "run_id:aa\r\n");
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 200);
    reconnect(fixture, FAKE_INFO "run_id:aa\r\n");
    assert_quiet(fixture, 200);
    reconnect(fixture, FAKE_INFO "run_id:ab\r\n");
    answer_snapshot(fixture, NOTHING);
}

static void
a_connection_lost_while_it_runs_has_it_run_once_more(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "sleep 0.3; " COMPLETED, LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 50);
    reconnect(fixture, FAKE_INFO);
    answer_snapshot(fixture, NOTHING);
}

static void
stopping_waits_for_the_program(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap '' TERM; sleep 60", LEDGER_LIMIT_MS);
    answer_snapshot(fixture, NOTHING);
    fake_run(fixture->scene.base, 100);
    ledger_stop(fixture->ledger, 100);
    assert_false(ledger_is_stopped(fixture->ledger));
    RUN_UNTIL(fixture->scene.base, fixture->stops == 1);
    ledger_ask(fixture->ledger);
    assert_quiet(fixture, 1300);
}

static void
stopping_while_nothing_runs_is_done_at_once(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, LEDGER_LIMIT_MS);
    (void)fake_expect(fixture->scene.client, "snapshot");
    ledger_stop(fixture->ledger, 100);
    assert_true(ledger_is_stopped(fixture->ledger));
    fake_answer(fixture->scene.client, NOTHING);
    assert_quiet(fixture, 100);
    assert_int_equal(fixture->stops, 0);
}

static void
none_is_a_ledger_that_does_nothing(void **state)
{
    (void)state;
    ledger_connected(NULL);
    ledger_ask(NULL);
    ledger_stop(NULL, 0);
    assert_true(ledger_is_stopped(NULL));
    ledger_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_program_reads_the_snapshot_and_what_it_says_is_written),
        TEST(it_is_not_run_again_before_all_is_written),
        TEST(many_who_ask_have_it_run_once),
        TEST(a_time_in_the_past_means_a_second_from_now),
        TEST(while_another_one_is_at_work_it_rests_without_a_complaint),
        TEST(one_that_takes_too_long_is_stopped),
        TEST(a_snapshot_that_redis_refuses_is_asked_for_again),
        TEST(one_that_fails_is_run_again_later_and_later_whoever_asks),
        TEST(a_snapshot_that_is_lost_is_not_asked_for_over_each_next_connection),
        TEST(another_server_has_it_run_the_same_one_does_not),
        TEST(a_connection_lost_while_it_runs_has_it_run_once_more),
        TEST(stopping_waits_for_the_program),
        TEST(stopping_while_nothing_runs_is_done_at_once),
        cmocka_unit_test(none_is_a_ledger_that_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
