#include "tests/unit/test.h"

#include "tests/unit/ledger_scene.h"

static void
a_queued_row_is_closed_once_it_has_no_job_and_is_two_minutes_old(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_row(scene, ID, false, NOON);
    ledger_scene_look(scene, NOON + 2 * MINUTE - 1);
    ledger_scene_assert_decided(scene, "");
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * MINUTE);
    ledger_scene_look(scene, NOON + 2 * MINUTE);
    ledger_scene_assert_decided(scene, "close");
    assert_string_equal(scene->decisions.list[0].text, "the job is gone from the queue (wiped, drained or removed)");
    assert_false(scene->decisions.list[0].made_up_for);
}

static void
a_row_whose_job_is_there_is_let_be(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_row(scene, ID, false, NOON);
    ledger_scene_add_job(scene, (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW });
    ledger_scene_look(scene, NOON + 9 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_row_whose_job_failed_gets_its_reason(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_row(scene, ID, false, NOON);
    ledger_scene_add_job(scene,
        (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW, .failed = true, .failed_reason = "stalled" });
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "close");
    assert_string_equal(scene->decisions.list[0].text, "stalled");
}

static void
a_scheduled_row_waits_for_a_job_of_its_config_and_is_owed_without_one(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_run_iteration(scene, DUE);
    scene->configs[0].last_good.ms = 0;
    ledger_scene_add_row(scene, ID, true, DUE);
    ledger_scene_add_job(
        scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->facts.job_count = 0;
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "close, catch-up");
    assert_int_equal(scene->decisions.list[1].due.ms, DUE);
}

static void
a_scheduled_row_that_a_later_attempt_replaced_is_owed_nothing(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_row(scene, ID, true, DUE);
    ledger_scene_run_iteration(scene, DUE + 5 * MINUTE);
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "close");
    assert_true(scene->decisions.list[0].made_up_for);
}

static void
a_row_of_a_deleted_config_is_closed_and_not_owed(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_row(scene, NULL, true, NOON);
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "close");
}

static void
one_comes_back_within_the_hour(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, NOON + HOUR);
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * HOUR);
    scene->facts.config_count = 0;
    scene->facts.scheduler_count = 0;
    ledger_scene_look(scene, NOON + HOUR);
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * HOUR);
}

/* --- What it leaves alone, and what it knows of rows --- */

static void
with_rows_only_schedules_and_missed_runs_are_let_be(void **state)
{
    struct ledger_scene *scene = *state;

    scene->rules.rows_only = true;
    scene->facts.scheduler_count = 0;
    ledger_scene_add_row(scene, ID, false, NOON);
    ledger_scene_look(scene, DUE + DAY);
    ledger_scene_assert_decided(scene, "close");
}

static void
a_row_goes_on_while_a_job_is_about_it(void **state)
{
    struct ledger_scene *scene = *state;
    const struct ledger_row manual = { .id = ROW, .config_id = ID };
    const struct ledger_row scheduled = { .id = OTHER, .config_id = ID, .scheduled = true };

    assert_false(ledger_goes_on(&scene->facts, &manual));
    ledger_scene_add_job(scene, (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW });
    assert_true(ledger_goes_on(&scene->facts, &manual));
    assert_false(ledger_goes_on(&scene->facts, &scheduled));
    ledger_scene_add_job(scene, (struct ledger_job){ .id = "8", .config_id = ID });
    assert_true(ledger_goes_on(&scene->facts, &scheduled));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, ledger_scene_set_up, ledger_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_queued_row_is_closed_once_it_has_no_job_and_is_two_minutes_old),
        TEST(a_row_whose_job_is_there_is_let_be),
        TEST(a_row_whose_job_failed_gets_its_reason),
        TEST(a_scheduled_row_waits_for_a_job_of_its_config_and_is_owed_without_one),
        TEST(a_scheduled_row_that_a_later_attempt_replaced_is_owed_nothing),
        TEST(a_row_of_a_deleted_config_is_closed_and_not_owed),
        TEST(one_comes_back_within_the_hour),
        TEST(with_rows_only_schedules_and_missed_runs_are_let_be),
        TEST(a_row_goes_on_while_a_job_is_about_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
