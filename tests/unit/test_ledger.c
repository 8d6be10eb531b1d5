#include "tests/unit/test.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/ledger.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOON ((int64_t)1774958400000) /* 2026-03-31T12:00:00Z */
#define DUE (NOON + 15 * HOUR)        /* 2026-04-01T03:00:00Z: what is due next */

#define ID "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"
#define ROW "0c0c0c0c-1111-4222-8333-444444444444"

/* One config, daily at three, its scheduler, nothing else; it was looked at at noon. Each test changes what it is about. */
struct scene {
    struct ledger_config configs[2];
    struct ledger_scheduler schedulers[2];
    struct ledger_job jobs[2];
    struct ledger_row rows[2];
    struct ledger_facts facts;
    struct ledger_rules rules;
    struct ledger_memory memory;
    struct timezones *zones;
    struct ledger_decisions decisions;
};

static void look(struct scene *scene, int64_t now_ms);

static int
set_up(void **state)
{
    static struct scene scene;

    scene = (struct scene){ .rules = { .grace_ms = 30 * MINUTE, .catch_up = true } };
    scene.configs[0] = (struct ledger_config){ .id = ID, .enabled = true, .cron = "0 3 * * *" };
    scene.configs[1] = (struct ledger_config){ .id = OTHER, .enabled = true, .cron = "0 3 * * *" };
    scene.schedulers[0] = (struct ledger_scheduler){ .id = LEDGER_SCHEDULER ID,
        .next = { .ms = DUE },
        .pattern = "0 3 * * *",
        .timezone = "Etc/UTC",
        .runs_config = true,
        .pending = LEDGER_PENDING_DELAYED,
        .job_config = ID };
    scene.facts = (struct ledger_facts){ .complete = true,
        .configs = scene.configs,
        .config_count = 1,
        .schedulers = scene.schedulers,
        .scheduler_count = 1,
        .jobs = scene.jobs,
        .rows = scene.rows };
    scene.zones = timezones_new(TIMEZONE_FOLDER, "UTC");
    look(&scene, NOON);
    assert_int_equal(scene.decisions.count, 0);
    *state = &scene;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *scene = *state;

    ledger_decisions_clear(&scene->decisions);
    ledger_memory_clear(&scene->memory);
    timezones_free(scene->zones);
    return 0;
}

static void
look(struct scene *scene, int64_t now_ms)
{
    ledger_decisions_clear(&scene->decisions);
    scene->facts.now.ms = now_ms;
    ledger_judge(&scene->facts, &scene->rules, scene->zones, &scene->memory, &scene->decisions);
}

/* As text: "missed, catch-up". */
static void
assert_decided(const struct scene *scene, const char *expected)
{
    static const char *const names[] = { [LEDGER_SCHEDULE] = "schedule",
        [LEDGER_UNSCHEDULE] = "unschedule",
        [LEDGER_CLOSE] = "close",
        [LEDGER_MISSED] = "missed",
        [LEDGER_UNUSABLE] = "unusable",
        [LEDGER_CATCH_UP] = "catch-up",
        [LEDGER_COMPLAIN] = "complain" };
    struct text text = TEXT_EMPTY;

    for (size_t i = 0; i < scene->decisions.count; i++)
        text_format(&text, "%s%s", i == 0 ? "" : ", ", names[scene->decisions.list[i].act]);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

static void
the_iteration_ran(struct scene *scene, int64_t when_ms)
{
    scene->configs[0].last_attempt.ms = when_ms;
    scene->configs[0].last_good.ms = when_ms;
    scene->schedulers[0].next.ms = DUE + DAY;
}

static void
add_job(struct scene *scene, struct ledger_job job)
{
    scene->jobs[scene->facts.job_count++] = job;
}

static void
add_row(struct scene *scene, const char *config_id, bool scheduled, int64_t created_ms)
{
    scene->rows[scene->facts.row_count++] = (struct ledger_row){
        .id = ROW, .config_id = config_id, .scheduled = scheduled, .created = { .ms = created_ms }
    };
}

/* --- Schedules --- */

static void
a_missing_scheduler_is_made(void **state)
{
    struct scene *scene = *state;

    scene->facts.scheduler_count = 0;
    look(scene, NOON + HOUR);
    assert_decided(scene, "schedule");
    assert_ptr_equal(scene->decisions.list[0].config, &scene->configs[0]);
}

static void
nothing_is_missing_for_a_disabled_config(void **state)
{
    struct scene *scene = *state;

    scene->facts.scheduler_count = 0;
    scene->configs[0].enabled = false;
    look(scene, NOON + HOUR);
    assert_decided(scene, "");
}

static void
a_broken_chain_is_begun_again(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].pending = LEDGER_PENDING_GONE;
    look(scene, NOON + MINUTE);
    assert_decided(scene, "schedule");

    scene->schedulers[0].pending = LEDGER_PENDING_OVER;
    look(scene, DUE + 5 * MINUTE);
    assert_decided(scene, "");
    look(scene, DUE + 5 * MINUTE + 1);
    assert_decided(scene, "schedule");
}

static void
a_chain_whose_job_is_late_is_not_broken(void **state)
{
    struct scene *scene = *state;

    add_job(scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    scene->schedulers[0].pending = LEDGER_PENDING_TAKEN;
    look(scene, DUE + 3 * DAY);
    assert_decided(scene, "");
}

static void
a_chain_that_a_wrong_clock_put_far_ahead_is_begun_again(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    look(scene, NOON + MINUTE);
    assert_decided(scene, "");
    scene->schedulers[0].next.ms = DUE + 2 * DAY;
    look(scene, NOON + MINUTE);
    assert_decided(scene, "schedule");
}

static void
a_scheduler_that_differs_from_its_config_is_reported_once_a_day(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].pattern = "0 4 * * *";
    scene->schedulers[0].next.ms = DUE + 400 * DAY;
    look(scene, NOON + HOUR);
    assert_decided(scene, "complain");
    look(scene, NOON + 2 * HOUR);
    assert_decided(scene, "");
    scene->configs[0].last_attempt.ms = DUE;
    look(scene, NOON + HOUR + DAY - 1);
    assert_decided(scene, "");
    look(scene, NOON + HOUR + DAY);
    assert_decided(scene, "complain");
}

static void
each_part_of_a_scheduler_counts(void **state)
{
    struct scene *scene = *state;
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
        look(scene, NOON);
        scene->schedulers[0] = wrong[i];
        look(scene, NOON + HOUR);
        assert_decided(scene, "complain");
    }
}

static void
a_config_that_has_just_changed_is_given_time_to_reach_the_queue(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].cron = "0 4 * * *";
    look(scene, NOON + HOUR);
    assert_decided(scene, "");
    look(scene, NOON + HOUR + 2 * MINUTE);
    assert_decided(scene, "complain");
}

static void
a_scheduler_without_an_enabled_config_is_reported_or_removed_as_the_rules_say(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].enabled = false;
    look(scene, NOON + HOUR);
    assert_decided(scene, "complain");
    assert_string_equal(scene->decisions.list[0].text, "schedule of a disabled config");
    scene->facts.config_count = 0;
    look(scene, NOON + HOUR);
    assert_decided(scene, "complain");
    assert_string_equal(scene->decisions.list[0].text, "schedule of a deleted config");
    scene->rules.unschedule = true;
    look(scene, NOON + HOUR);
    assert_decided(scene, "unschedule");
}

static void
strangers_among_the_schedulers_are_let_be(void **state)
{
    struct scene *scene = *state;

    scene->rules.unschedule = true;
    scene->facts.scheduler_count = 2;
    scene->schedulers[1] = (struct ledger_scheduler){ .id = "backup-config-nightly", .pattern = "* * * * *" };
    look(scene, NOON + HOUR);
    assert_decided(scene, "");
    scene->schedulers[1].job_config = OTHER;
    look(scene, NOON + HOUR);
    assert_decided(scene, "");
}

static void
a_legacy_repeatable_beside_a_schedule_is_reported(void **state)
{
    struct scene *scene = *state;

    scene->facts.scheduler_count = 2;
    scene->schedulers[1] = (struct ledger_scheduler){ .id = "b5f5e2a3", .job_config = ID };
    look(scene, NOON + HOUR);
    assert_decided(scene, "complain");
    look(scene, NOON + 2 * HOUR);
    assert_decided(scene, "");
}

static void
a_schedule_that_cannot_be_followed_is_told_once(void **state)
{
    static const struct {
        const char *cron;
        const char *zone;
    } cases[] = { { "0 25 * * *", NULL }, { "0 3 * * *", "Europe/Atlantis" }, { "0 0 31 4,6 *", NULL } };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene->configs[0].cron = cases[i].cron;
        scene->configs[0].timezone = cases[i].zone;
        scene->facts.scheduler_count = 0;
        look(scene, NOON + HOUR);
        assert_decided(scene, "unusable");
        assert_true(strlen(scene->decisions.list[0].text) > 0);
        look(scene, NOON + 100 * DAY);
        assert_decided(scene, "");
    }
    scene->configs[0].cron = "0 3 * * *"; /* mended: due from here on */
    scene->configs[0].timezone = NULL;
    look(scene, NOON + 200 * DAY);
    assert_decided(scene, "schedule");
}

/* As when the queue's BullMQ gets a newer cron-parser, or a missing zone file is installed. */
static void
nothing_is_missed_while_a_schedule_could_not_be_followed(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].cron = scene->schedulers[0].pattern = "@weekdays";
    look(scene, NOON);
    assert_decided(scene, "unusable");
    look(scene, NOON + 100 * DAY);
    scene->schedulers[0].next.ms = NOON + 101 * DAY;
    scene->facts.dialect = CRON_PARSER_5;
    look(scene, NOON + 100 * DAY + HOUR);
    assert_decided(scene, "");
}

/* --- Runs --- */

static void
a_run_that_did_not_happen_is_told_once_when_the_grace_time_is_over(void **state)
{
    struct scene *scene = *state;

    look(scene, DUE + 30 * MINUTE - 1);
    assert_decided(scene, "");
    assert_int_equal(scene->decisions.again.ms, DUE + 30 * MINUTE);
    look(scene, DUE + 30 * MINUTE);
    assert_decided(scene, "missed, catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE);
    assert_int_equal(scene->decisions.list[1].due.ms, DUE);
    look(scene, DUE + 31 * MINUTE);
    assert_decided(scene, "catch-up"); /* its job is not there: once more */
}

static void
a_run_that_happened_is_not_missed(void **state)
{
    struct scene *scene = *state;

    the_iteration_ran(scene, DUE);
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
}

static void
a_row_made_by_a_clock_that_is_a_minute_behind_counts(void **state)
{
    struct scene *scene = *state;

    the_iteration_ran(scene, DUE - MINUTE);
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
}

static void
a_run_of_the_day_before_does_not_count(void **state)
{
    struct scene *scene = *state;

    the_iteration_ran(scene, DUE - MINUTE - 1);
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
}

static void
a_run_that_failed_has_happened(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].last_attempt.ms = DUE;
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
}

static void
nothing_is_missed_before_the_schedule_was_first_seen(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].cron = "0 5 * * *";
    look(scene, NOON + 100 * DAY);
    assert_decided(scene, "");
    ledger_memory_clear(&scene->memory);
    look(scene, NOON + 200 * DAY);
    assert_decided(scene, "");
    scene->configs[0].enabled = false;
    look(scene, NOON + 201 * DAY);
    scene->configs[0].enabled = true;
    look(scene, NOON + 300 * DAY);
    assert_decided(scene, "");
}

static void
of_many_that_did_not_happen_the_latest_is_told(void **state)
{
    struct scene *scene = *state;

    look(scene, DUE + 9 * DAY + HOUR);
    assert_decided(scene, "missed, catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE + 9 * DAY);
}

static void
a_job_that_waits_or_works_may_still_do_it(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].pending = LEDGER_PENDING_TAKEN;
    add_job(scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    look(scene, DUE + 10 * HOUR);
    assert_decided(scene, "");
    the_iteration_ran(scene, DUE + 11 * HOUR);
    scene->facts.job_count = 0;
    look(scene, DUE + 12 * HOUR);
    assert_decided(scene, "");
}

static void
the_next_iteration_in_delayed_does_not_excuse_the_one_before(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775098800000", .config_id = ID, .delayed = true });
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
}

static void
an_iteration_that_is_due_in_delayed_excuses(void **state)
{
    struct scene *scene = *state;

    add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID, .delayed = true });
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
}

static void
a_failed_job_excuses_nothing(void **state)
{
    struct scene *scene = *state;

    scene->schedulers[0].next.ms = DUE + DAY;
    add_job(scene,
        (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID, .failed = true });
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
}

static void
a_paused_queue_is_judged_when_it_goes_on(void **state)
{
    struct scene *scene = *state;

    scene->facts.paused = true;
    look(scene, DUE + DAY + HOUR);
    assert_decided(scene, "");
    scene->facts.paused = false;
    look(scene, DUE + DAY + HOUR);
    assert_decided(scene, "missed, catch-up");
}

static void
a_queue_that_is_not_known_in_full_is_not_judged(void **state)
{
    struct scene *scene = *state;

    scene->facts.complete = false;
    scene->facts.scheduler_count = 0;
    add_row(scene, ID, true, DUE);
    look(scene, DUE + HOUR);
    assert_decided(scene, "complain");
    scene->facts.complete = true;
    scene->facts.row_count = 0;
    scene->facts.scheduler_count = 1;
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
}

static void
a_clock_that_goes_back_repeats_nothing(void **state)
{
    struct scene *scene = *state;

    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
    the_iteration_ran(scene, DUE + HOUR);
    look(scene, DUE + 2 * HOUR);
    look(scene, DUE - HOUR);
    assert_decided(scene, "");
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
}

static void
what_a_clock_years_ahead_remembered_is_forgotten(void **state)
{
    struct scene *scene = *state;

    the_iteration_ran(scene, DUE + 365 * DAY);
    scene->schedulers[0].next.ms = DUE + 366 * DAY;
    look(scene, DUE + 365 * DAY + 2 * HOUR);
    assert_decided(scene, "");
    scene->configs[0].last_attempt.ms = NOON; /* a row's age does not jump */
    scene->configs[0].last_good.ms = NOON;
    look(scene, NOON + HOUR);
    assert_decided(scene, "schedule");
    look(scene, DUE + HOUR);
    assert_int_equal(scene->decisions.list[1].act, LEDGER_MISSED);
}

/* --- Catching up --- */

static void
a_run_is_owed_until_one_has_been_made(void **state)
{
    struct scene *scene = *state;

    look(scene, DUE + HOUR);
    assert_decided(scene, "missed, catch-up");
    add_job(scene, (struct ledger_job){ .id = "catch-up", .config_id = ID });
    look(scene, DUE + 2 * HOUR);
    assert_decided(scene, "");
    scene->facts.job_count = 0; /* Redis was wiped */
    look(scene, DUE + 3 * HOUR);
    assert_decided(scene, "catch-up");
    assert_int_equal(scene->decisions.list[0].due.ms, DUE);
    the_iteration_ran(scene, DUE + 3 * HOUR + MINUTE);
    look(scene, DUE + 4 * HOUR);
    assert_decided(scene, "");
}

static void
a_catch_up_that_failed_is_not_repeated(void **state)
{
    struct scene *scene = *state;

    look(scene, DUE + HOUR);
    scene->configs[0].last_attempt.ms = DUE + HOUR + MINUTE;
    look(scene, DUE + 2 * HOUR);
    assert_decided(scene, "");
}

static void
a_manual_run_since_then_makes_up_for_it(void **state)
{
    struct scene *scene = *state;

    scene->configs[0].last_good.ms = DUE + MINUTE;
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed");
}

static void
nothing_is_caught_up_with_if_the_rules_say_so(void **state)
{
    struct scene *scene = *state;

    scene->rules.catch_up = false;
    look(scene, DUE + HOUR);
    assert_decided(scene, "missed");
    scene->rules.catch_up = true;
    look(scene, DUE + 2 * HOUR);
    assert_decided(scene, "");
}

/* --- Rows --- */

static void
a_queued_row_is_closed_once_it_has_no_job_and_is_two_minutes_old(void **state)
{
    struct scene *scene = *state;

    add_row(scene, ID, false, NOON);
    look(scene, NOON + 2 * MINUTE - 1);
    assert_decided(scene, "");
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * MINUTE);
    look(scene, NOON + 2 * MINUTE);
    assert_decided(scene, "close");
    assert_string_equal(scene->decisions.list[0].text, "the job is gone from the queue (wiped, drained or removed)");
    assert_false(scene->decisions.list[0].made_up_for);
}

static void
a_row_whose_job_is_there_is_let_be(void **state)
{
    struct scene *scene = *state;

    add_row(scene, ID, false, NOON);
    add_job(scene, (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW });
    look(scene, NOON + 9 * HOUR);
    assert_decided(scene, "");
}

static void
a_row_whose_job_failed_gets_its_reason(void **state)
{
    struct scene *scene = *state;

    add_row(scene, ID, false, NOON);
    add_job(scene,
        (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW, .failed = true, .failed_reason = "stalled" });
    look(scene, NOON + HOUR);
    assert_decided(scene, "close");
    assert_string_equal(scene->decisions.list[0].text, "stalled");
}

static void
a_scheduled_row_waits_for_a_job_of_its_config_and_is_owed_without_one(void **state)
{
    struct scene *scene = *state;

    the_iteration_ran(scene, DUE);
    scene->configs[0].last_good.ms = 0;
    add_row(scene, ID, true, DUE);
    add_job(scene, (struct ledger_job){ .id = "repeat:" LEDGER_SCHEDULER ID ":1775012400000", .config_id = ID });
    look(scene, DUE + HOUR);
    assert_decided(scene, "");
    scene->facts.job_count = 0;
    look(scene, DUE + HOUR);
    assert_decided(scene, "close, catch-up");
    assert_int_equal(scene->decisions.list[1].due.ms, DUE);
}

static void
a_scheduled_row_that_a_later_attempt_replaced_is_owed_nothing(void **state)
{
    struct scene *scene = *state;

    add_row(scene, ID, true, DUE);
    the_iteration_ran(scene, DUE + 5 * MINUTE);
    look(scene, DUE + HOUR);
    assert_decided(scene, "close");
    assert_true(scene->decisions.list[0].made_up_for);
}

static void
a_row_of_a_deleted_config_is_closed_and_not_owed(void **state)
{
    struct scene *scene = *state;

    add_row(scene, NULL, true, NOON);
    look(scene, NOON + HOUR);
    assert_decided(scene, "close");
}

static void
one_comes_back_within_the_hour(void **state)
{
    struct scene *scene = *state;

    look(scene, NOON + HOUR);
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * HOUR);
    scene->facts.config_count = 0;
    scene->facts.scheduler_count = 0;
    look(scene, NOON + HOUR);
    assert_int_equal(scene->decisions.again.ms, NOON + 2 * HOUR);
}

/* --- What it leaves alone, and what it knows of rows --- */

static void
with_rows_only_schedules_and_missed_runs_are_let_be(void **state)
{
    struct scene *scene = *state;

    scene->rules.rows_only = true;
    scene->facts.scheduler_count = 0;
    add_row(scene, ID, false, NOON);
    look(scene, DUE + DAY);
    assert_decided(scene, "close");
}

static void
a_row_goes_on_while_a_job_is_about_it(void **state)
{
    struct scene *scene = *state;
    const struct ledger_row manual = { .id = ROW, .config_id = ID };
    const struct ledger_row scheduled = { .id = OTHER, .config_id = ID, .scheduled = true };

    assert_false(ledger_goes_on(&scene->facts, &manual));
    add_job(scene, (struct ledger_job){ .id = "7", .config_id = ID, .run_id = ROW });
    assert_true(ledger_goes_on(&scene->facts, &manual));
    assert_false(ledger_goes_on(&scene->facts, &scheduled));
    add_job(scene, (struct ledger_job){ .id = "8", .config_id = ID });
    assert_true(ledger_goes_on(&scene->facts, &scheduled));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
