#include "tests/unit/test.h"

#include <string.h>

#include "tests/unit/ledger_scene.h"

static void
a_missing_scheduler_is_made(void **state)
{
    struct ledger_scene *scene = *state;

    scene->facts.scheduler_count = 0;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "schedule");
    assert_ptr_equal(scene->decisions.list[0].config, &scene->configs[0]);
}

static void
nothing_is_missing_for_a_disabled_config(void **state)
{
    struct ledger_scene *scene = *state;

    scene->facts.scheduler_count = 0;
    scene->configs[0].enabled = false;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_broken_chain_is_begun_again(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].pending = LEDGER_PENDING_GONE;
    ledger_scene_look(scene, NOON + MINUTE);
    ledger_scene_assert_decided(scene, "schedule");

    scene->schedulers[0].pending = LEDGER_PENDING_OVER;
    ledger_scene_look(scene, DUE + 5 * MINUTE);
    ledger_scene_assert_decided(scene, "");
    ledger_scene_look(scene, DUE + 5 * MINUTE + 1);
    ledger_scene_assert_decided(scene, "schedule");
}

static void
a_chain_whose_job_is_late_is_not_broken(void **state)
{
    struct ledger_scene *scene = *state;

    ledger_scene_add_job(
        scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    scene->schedulers[0].pending = LEDGER_PENDING_TAKEN;
    ledger_scene_look(scene, DUE + 3 * DAY);
    ledger_scene_assert_decided(scene, "");
}

static void
a_chain_that_a_wrong_clock_put_far_ahead_is_begun_again(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    ledger_scene_look(scene, NOON + MINUTE);
    ledger_scene_assert_decided(scene, "");
    scene->schedulers[0].next.ms = DUE + 2 * DAY;
    ledger_scene_look(scene, NOON + MINUTE);
    ledger_scene_assert_decided(scene, "schedule");
}

static void
a_scheduler_that_differs_from_its_config_is_reported_once_a_day(void **state)
{
    struct ledger_scene *scene = *state;

    scene->schedulers[0].pattern = "0 4 * * *";
    scene->schedulers[0].next.ms = DUE + 400 * DAY;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "complain");
    ledger_scene_look(scene, NOON + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->configs[0].last_attempt.ms = DUE;
    ledger_scene_look(scene, NOON + HOUR + DAY - 1);
    ledger_scene_assert_decided(scene, "");
    ledger_scene_look(scene, NOON + HOUR + DAY);
    ledger_scene_assert_decided(scene, "complain");
}

static void
each_part_of_a_scheduler_counts(void **state)
{
    struct ledger_scene *scene = *state;
    struct ledger_scheduler right = scene->schedulers[0];
    struct ledger_scheduler wrong[] = { right, right, right, right, right };

    wrong[0].pattern = "0 3 * * 1";
    wrong[1].pattern = NULL;
    wrong[2].timezone = "UTC";
    wrong[3].timezone = NULL;
    wrong[4].runs_config = false;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ledger_memory_clear(&scene->memory);
        scene->schedulers[0] = right;
        ledger_scene_look(scene, NOON);
        scene->schedulers[0] = wrong[i];
        ledger_scene_look(scene, NOON + HOUR);
        ledger_scene_assert_decided(scene, "complain");
    }
}

static void
a_config_that_has_just_changed_is_given_time_to_reach_the_queue(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].cron = "0 4 * * *";
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "");
    ledger_scene_look(scene, NOON + HOUR + 2 * MINUTE);
    ledger_scene_assert_decided(scene, "complain");
}

static void
a_scheduler_without_an_enabled_config_is_reported_or_removed_as_the_rules_say(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].enabled = false;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "complain");
    assert_string_equal(scene->decisions.list[0].text, "schedule of a disabled config");
    scene->facts.config_count = 0;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "complain");
    assert_string_equal(scene->decisions.list[0].text, "schedule of a deleted config");
    scene->rules.unschedule = true;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "unschedule");
}

static void
strangers_among_the_schedulers_are_let_be(void **state)
{
    struct ledger_scene *scene = *state;

    scene->rules.unschedule = true;
    scene->facts.scheduler_count = 2;
    scene->schedulers[1] = (struct ledger_scheduler){ .id = "backup-config-nightly", .pattern = "* * * * *" };
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "");
    scene->schedulers[1].job_config = OTHER;
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_legacy_repeatable_beside_a_schedule_is_reported(void **state)
{
    struct ledger_scene *scene = *state;

    scene->facts.scheduler_count = 2;
    scene->schedulers[1] = (struct ledger_scheduler){ .id = "b5f5e2a3", .job_config = ID };
    ledger_scene_look(scene, NOON + HOUR);
    ledger_scene_assert_decided(scene, "complain");
    ledger_scene_look(scene, NOON + 2 * HOUR);
    ledger_scene_assert_decided(scene, "");
}

static void
a_schedule_that_cannot_be_followed_is_told_once(void **state)
{
    static const struct {
        const char *cron;
        const char *zone;
    } cases[] = { { "0 25 * * *", NULL }, { "0 3 * * *", "Europe/Atlantis" }, { "0 0 31 4,6 *", NULL } };
    struct ledger_scene *scene = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene->configs[0].cron = cases[i].cron;
        scene->configs[0].timezone = cases[i].zone;
        scene->facts.scheduler_count = 0;
        ledger_scene_look(scene, NOON + HOUR);
        ledger_scene_assert_decided(scene, "unusable");
        assert_true(strlen(scene->decisions.list[0].text) > 0);
        ledger_scene_look(scene, NOON + 100 * DAY);
        ledger_scene_assert_decided(scene, "");
    }
    scene->configs[0].cron = "0 3 * * *"; /* mended: due from here on */
    scene->configs[0].timezone = NULL;
    ledger_scene_look(scene, NOON + 200 * DAY);
    ledger_scene_assert_decided(scene, "schedule");
}

/* As when the queue's BullMQ gets a newer cron-parser, or a missing zone file is installed. */
static void
nothing_is_missed_while_a_schedule_could_not_be_followed(void **state)
{
    struct ledger_scene *scene = *state;

    scene->configs[0].cron = scene->schedulers[0].pattern = "@weekdays";
    ledger_scene_look(scene, NOON);
    ledger_scene_assert_decided(scene, "unusable");
    ledger_scene_look(scene, NOON + 100 * DAY);
    scene->schedulers[0].next.ms = NOON + 101 * DAY;
    scene->facts.dialect = CRON_PARSER_5;
    ledger_scene_look(scene, NOON + 100 * DAY + HOUR);
    ledger_scene_assert_decided(scene, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, ledger_scene_set_up, ledger_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_scheduler_is_made),
        TEST(nothing_is_missing_for_a_disabled_config),
        TEST(a_broken_chain_is_begun_again),
        TEST(a_chain_whose_job_is_late_is_not_broken),
        TEST(a_chain_that_a_wrong_clock_put_far_ahead_is_begun_again),
        TEST(a_scheduler_that_differs_from_its_config_is_reported_once_a_day),
        TEST(each_part_of_a_scheduler_counts),
        TEST(a_config_that_has_just_changed_is_given_time_to_reach_the_queue),
        TEST(a_scheduler_without_an_enabled_config_is_reported_or_removed_as_the_rules_say),
        TEST(strangers_among_the_schedulers_are_let_be),
        TEST(a_legacy_repeatable_beside_a_schedule_is_reported),
        TEST(a_schedule_that_cannot_be_followed_is_told_once),
        TEST(nothing_is_missed_while_a_schedule_could_not_be_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
