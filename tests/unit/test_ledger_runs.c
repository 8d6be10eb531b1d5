#include "tests/unit/test.h"

#include "tests/unit/ledger_scene.h"

static void
a_run_that_did_not_happen_is_told_once_when_the_grace_time_is_over(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, DUE + 30 * MINUTE - 1);
    ledger_scene_assert_decided(scene, "");
    assert_int_equal(scene->decisions.again.ms, DUE + 30 * MINUTE);
    ledger_scene_look(scene, DUE + 30 * MINUTE);
    ledger_scene_assert_decided(scene, "missed, catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE);
    assert_int_equal(scene->decisions.list[1].due.ms, DUE);
    ledger_scene_look(scene, DUE + 31 * MINUTE);
    ledger_scene_assert_decided(scene, "catch-up"); /* its job is not there: once more */
}

static void
a_run_that_happened_is_not_missed(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_run_iteration(scene, DUE);
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_row_made_by_a_clock_that_is_a_minute_behind_counts(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_run_iteration(scene, DUE - MINUTE);
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_run_of_the_day_before_does_not_count(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_run_iteration(scene, DUE - MINUTE - 1);
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
}

static void
a_run_that_failed_has_happened(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].last_attempt.ms = DUE;
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
nothing_is_missed_before_the_schedule_was_first_seen(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].cron = "0 5 * * *";
    ledger_scene_look(scene, NOON + 100 * DAY);
    ledger_scene_assert_decided(scene, "");
    ledger_memory_clear(&scene->memory);
    ledger_scene_look(scene, NOON + 200 * DAY);
    ledger_scene_assert_decided(scene, "");
    scene->configs[0].enabled = false;
    ledger_scene_look(scene, NOON + 201 * DAY);
    scene->configs[0].enabled = true;
    ledger_scene_look(scene, NOON + 300 * DAY);
    ledger_scene_assert_decided(scene, "");
}

static void
of_many_that_did_not_happen_the_latest_is_told(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, DUE + 9 * DAY + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE + 9 * DAY);
}

static void
a_job_that_waits_or_works_may_still_do_it(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].pending = LEDGER_PENDING_TAKEN;
    ledger_scene_add_job(
        scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    ledger_scene_look(scene, DUE + 10 * HOUR);
    ledger_scene_assert_decided(scene, "");
    ledger_scene_run_iteration(scene, DUE + 11 * HOUR);
    scene->facts.job_count = 0;
    ledger_scene_look(scene, DUE + 12 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
the_next_iteration_in_delayed_does_not_excuse_the_one_before(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    ledger_scene_add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775098800000", .config_id = ID, .delayed = true });
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
}

static void
an_iteration_that_is_due_in_delayed_excuses(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID, .delayed = true });
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_failed_job_excuses_nothing(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    ledger_scene_add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID, .failed = true });
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
}

static void
a_paused_queue_is_judged_when_it_goes_on(void **state)
{
    struct ledger_scene *scene = *state;

    scene->facts.paused = true;
    ledger_scene_look(scene, DUE + DAY + HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->facts.paused = false;
    ledger_scene_look(scene, DUE + DAY + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
}

static void
a_queue_that_is_not_known_in_full_is_not_judged(void **state)
{
    struct ledger_scene *scene = *state;

    scene->facts.complete = false;
    scene->facts.scheduler_count = 0;
    ledger_scene_add_row(scene, ID, true, DUE);
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "complain");
    scene->facts.complete = true;
    scene->facts.row_count = 0;
    scene->facts.scheduler_count = 1;
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
}

static void
a_clock_that_goes_back_repeats_nothing(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
    ledger_scene_run_iteration(scene, DUE + HOUR);
    ledger_scene_look(scene, DUE + 2 * HOUR);
    ledger_scene_look(scene, DUE - HOUR);
    ledger_scene_assert_decided(scene, "");
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
what_a_clock_years_ahead_remembered_is_forgotten(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_run_iteration(scene, DUE + 365 * DAY);
    scene->schedulers[0].next.ms = DUE + 366 * DAY;
    ledger_scene_look(scene, DUE + 365 * DAY + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->configs[0].last_attempt.ms = NOON; /* a row's age does not jump */
    scene->configs[0].last_good.ms = NOON;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "schedule");
    ledger_scene_look(scene, DUE + HOUR);
    assert_int_equal(scene->decisions.list[1].act, LEDGER_MISSED);
}

/* --- Catching up --- */

static void
a_run_is_owed_until_one_has_been_made(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed, catch-up");
    ledger_scene_add_job(scene, (struct ledger_job){ .id = "catch-up", .config_id = ID });
    ledger_scene_look(scene, DUE + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->facts.job_count = 0; /* Redis was wiped */
    ledger_scene_look(scene, DUE + 3 * HOUR);
    ledger_scene_assert_decided(scene, "catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE);
    ledger_scene_run_iteration(scene, DUE + 3 * HOUR + MINUTE);
    ledger_scene_look(scene, DUE + 4 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_catch_up_that_failed_is_not_repeated(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_look(scene, DUE + HOUR);
    scene->configs[0].last_attempt.ms = DUE + HOUR + MINUTE;
    ledger_scene_look(scene, DUE + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_manual_run_since_then_makes_up_for_it(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].last_good.ms = DUE + MINUTE;
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed");
}

static void
nothing_is_caught_up_with_if_the_rules_say_so(void **state)
{
    struct ledger_scene *scene = *state;

    scene->rules.catch_up = false;
    ledger_scene_look(scene, DUE + HOUR);
    ledger_scene_assert_decided(scene, "missed");
    scene->rules.catch_up = true;
    ledger_scene_look(scene, DUE + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, ledger_scene_set_up, ledger_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_did_not_happen_is_told_once_when_the_grace_time_is_over),
        TEST(a_run_that_happened_is_not_missed),
        TEST(a_row_made_by_a_clock_that_is_a_minute_behind_counts),
        TEST(a_run_of_the_day_before_does_not_count),
        TEST(a_run_that_failed_has_happened),
        TEST(nothing_is_missed_before_the_schedule_was_first_seen),
        TEST(of_many_that_did_not_happen_the_latest_is_told),
        TEST(a_job_that_waits_or_works_may_still_do_it),
        TEST(the_next_iteration_in_delayed_does_not_excuse_the_one_before),
        TEST(an_iteration_that_is_due_in_delayed_excuses),
        TEST(a_failed_job_excuses_nothing),
        TEST(a_paused_queue_is_judged_when_it_goes_on),
        TEST(a_queue_that_is_not_known_in_full_is_not_judged),
        TEST(a_clock_that_goes_back_repeats_nothing),
        TEST(what_a_clock_years_ahead_remembered_is_forgotten),
        TEST(a_run_is_owed_until_one_has_been_made),
        TEST(a_catch_up_that_failed_is_not_repeated),
        TEST(a_manual_run_since_then_makes_up_for_it),
        TEST(nothing_is_caught_up_with_if_the_rules_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
