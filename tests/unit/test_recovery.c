#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "consumer/recovery.h"
#include "consumer/slot.h"
#include "tests/unit/scene.h"

#define FIRST_MS INT64_C(200)
#define MOST_MS INT64_C(400)
#define COMPLETED "echo '{\"type\":\"completed\"}' >&3"

struct fixture {
    struct scene scene;
    struct slot *slot;
    char notes[64]; /* a file; each start of the recovery program adds its input as a line */
    char script[512];
    char *argv[4];
    int stops;
    int frees;
};

static void
on_stopped(void *owner)
{
    struct fixture *fixture = owner;

    assert_true(recovery_is_stopped(fixture->scene.consumer.recovery));
    fixture->stops++;
}

static void
on_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    struct fixture *fixture = owner;

    (void)slot;
    (void)next;
    fixture->frees++;
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int fd;

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    (void)snprintf(fixture->notes, sizeof(fixture->notes), "/tmp/weavestream-recovery-XXXXXX");
    fd = mkstemp(fixture->notes);
    assert_true(fd >= 0 && close(fd) == 0);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    slot_free(fixture->slot);
    fixture->slot = NULL;
    recovery_free(fixture->scene.consumer.recovery);
    fixture->scene.consumer.recovery = NULL;
    scene_clear(&fixture->scene);
    assert_int_equal(unlink(fixture->notes), 0);
    free(fixture);
    return 0;
}

/* The recovery program notes its input and goes on with `script`. */
static void
begin(struct fixture *fixture, const char *script, struct recovery_options options)
{
    static char shell[] = "sh";
    static char option[] = "-c";

    (void)snprintf(fixture->script, sizeof(fixture->script), "cat >>%s; %s", fixture->notes, script);
    memcpy(fixture->argv, (char *[]){ shell, option, fixture->script, NULL }, sizeof(fixture->argv));
    options.children = fixture->scene.runner.children;
    options.argv = fixture->argv;
    options.first_ms = FIRST_MS;
    options.most_ms = MOST_MS;
    options.on_stopped = on_stopped;
    options.owner = fixture;
    fixture->scene.consumer.recovery = recovery_new(&fixture->scene.consumer, &options);
}

static struct job
make_job(const char *id, const char *options, const char *deferred_failure)
{
    struct job job = { .id = memory_copy_string(id),
        .name = memory_copy_string("run"),
        .name_length = 3,
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .options_text = memory_copy_string(options),
        .attempt = memory_copy_string("1"),
        .attempts_started = 1,
        .deferred_failure = memory_copy_string(deferred_failure) };

    options_parse(options, strlen(options), &job.options);
    return job;
}

static void
ask(struct fixture *fixture, const char *id)
{
    struct report_failure failure = { .reason = "it died", .is_final = true, .began_ms = 5, .at_ms = 7 };
    struct job job = make_job(id, "{}", NULL);

    recovery_ask(fixture->scene.consumer.recovery, &job, &failure);
    job_clear(&job);
}

/* What has been noted so far; into a buffer that the next call overwrites. */
static const char *
noted(const struct fixture *fixture)
{
    static char text[4096];
    FILE *file = fopen(fixture->notes, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static int
starts(const struct fixture *fixture)
{
    int count = 0;

    for (const char *c = noted(fixture); *c != '\0'; c++)
        count += *c == '\n';
    return count;
}

static void
assert_noted(const struct fixture *fixture, const char *part)
{
    if (strstr(noted(fixture), part) == NULL)
        fail_msg("'%s' is not in '%s'", part, noted(fixture));
}

static void
the_program_gets_the_job_and_its_failure(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, COMPLETED, RECOVERY_OPTIONS);
    ask(fixture, "7");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 1);
    assert_string_equal(noted(fixture),
        "{\"queue\":\"backup\",\"prefix\":\"bull\",\"id\":\"7\",\"name\":\"run\",\"data\":{},\"opts\":{},"
        "\"attemptsMade\":0,\"attemptsStarted\":1,\"stalledCounter\":0,\"timestamp\":0,\"final\":true,"
        "\"failure\":{\"reason\":\"it died\",\"final\":true,\"began\":5,\"at\":7,\"told\":false,\"progress\":null}}\n");
    fake_run(fixture->scene.base, 2 * FIRST_MS);
    assert_int_equal(starts(fixture), 1);
}

static void
many_are_recovered_from_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "sleep 0.1; " COMPLETED, RECOVERY_OPTIONS);
    for (int i = 0; i < 3; i++)
        ask(fixture, "7");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 1);
    fake_run(fixture->scene.base, 50);
    assert_int_equal(starts(fixture), 1);
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 3);
}

static void
one_that_fails_is_started_again_behind_the_others_and_later_each_time(void **state)
{
    struct fixture *fixture = *state;
    struct moment start = moment_now();

    begin(fixture, "exit 3", RECOVERY_OPTIONS);
    ask(fixture, "a");
    ask(fixture, "b");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 4);
    assert_true(moment_ms_between(start, moment_now()) >= FIRST_MS + 2 * MOST_MS);
    assert_noted(fixture, "\"id\":\"a\"");
    assert_true(strstr(strstr(noted(fixture), "\"id\":\"b\""), "\"id\":\"a\"") != NULL);
}

static void
one_that_takes_too_long_is_stopped_and_started_again(void **state)
{
    struct fixture *fixture = *state;
    struct recovery_options options = RECOVERY_OPTIONS;

    options.limit_ms = 50;
    begin(fixture, "exec sleep 60", options);
    ask(fixture, "7");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 2);
}

static void
one_that_fails_for_too_long_is_given_up_and_the_next_has_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct recovery_options options = RECOVERY_OPTIONS;

    options.give_up_ms = FIRST_MS;
    begin(fixture, "exit 3", options);
    ask(fixture, "a");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 2);
    fake_run(fixture->scene.base, 2 * MOST_MS);
    assert_int_equal(starts(fixture), 2);
    ask(fixture, "b");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 3);
    assert_noted(fixture, "\"id\":\"b\"");
}

static void
no_more_wait_than_may(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "exec sleep 60", RECOVERY_OPTIONS);
    for (int i = 0; i < RECOVERY_MOST; i++)
        ask(fixture, "7");
    ask(fixture, "one too many");
    recovery_stop(fixture->scene.consumer.recovery, 100);
    fake_run(fixture->scene.base, 100);
    assert_null(strstr(noted(fixture), "one too many"));
}

static void
stopping_waits_for_the_program_and_drops_what_waits(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "trap '' TERM; sleep 60", RECOVERY_OPTIONS);
    ask(fixture, "a");
    ask(fixture, "b");
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 1);
    recovery_stop(fixture->scene.consumer.recovery, 100);
    assert_false(recovery_is_stopped(fixture->scene.consumer.recovery));
    RUN_UNTIL(fixture->scene.base, fixture->stops == 1);
    ask(fixture, "c");
    fake_run(fixture->scene.base, 2 * FIRST_MS);
    assert_int_equal(starts(fixture), 1);
}

static void
stopping_while_nothing_runs_is_done_at_once(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, COMPLETED, RECOVERY_OPTIONS);
    recovery_stop(fixture->scene.consumer.recovery, 100);
    assert_true(recovery_is_stopped(fixture->scene.consumer.recovery));
    assert_int_equal(fixture->stops, 0);
}

static void
none_is_a_recovery_that_does_nothing(void **state)
{
    (void)state;
    recovery_ask(NULL, NULL, NULL);
    recovery_stop(NULL, 0);
    assert_true(recovery_is_stopped(NULL));
    recovery_free(NULL);
}

/* --- Which ends of an attempt it is started for --- */

static void
run_job(struct fixture *fixture, const char *script, const char *options, const char *deferred_failure)
{
    struct job job = make_job("7", options, deferred_failure);

    begin(fixture, COMPLETED, RECOVERY_OPTIONS);
    scene_set_script(&fixture->scene, script);
    fixture->slot = slot_new(&fixture->scene.consumer, on_free, fixture);
    slot_start(fixture->slot, &job, "uuid:0");
}

static void
assert_recovered(struct fixture *fixture, const char *failure)
{
    RUN_UNTIL(fixture->scene.base, starts(fixture) == 1);
    assert_noted(fixture, failure);
}

static void
a_process_that_is_killed_is_recovered_from_before_redis_has_the_outcome(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "kill -9 $$", "{}", NULL);
    assert_recovered(
        fixture, "\"failure\":{\"reason\":\"the job process was killed by SIGKILL without a verdict\",\"final\":true,");
    assert_int_equal(fixture->frees, 0);
}

static void
a_crash_that_another_attempt_follows_is_not_final(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "exit 1", "{\"attempts\":2}", NULL);
    assert_recovered(fixture, "without a verdict\",\"final\":false,");
}

static void
a_crash_is_final_if_no_attempt_can_follow(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "exit 1", "{\"attempts\":2,\"backoff\":{\"type\":\"mine\"}}", NULL);
    assert_recovered(fixture, "without a verdict\",\"final\":true,");
}

static void
a_failure_of_a_process_that_did_not_end_well_is_recovered_from(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "echo '{\"type\":\"failed\",\"reason\":\"no\",\"retry\":false}' >&3; exit 75", "{\"attempts\":2}",
        NULL);
    assert_recovered(fixture, "\"failure\":{\"reason\":\"no\",\"final\":true,");
}

static void
what_a_failure_says_it_has_told_is_passed_on(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "echo '{\"type\":\"failed\",\"reason\":\"no\",\"told\":true}' >&3; exit 75", "{}", NULL);
    assert_recovered(fixture, ",\"told\":true,\"progress\":null}}");
}

static void
a_job_that_fails_without_a_process_is_recovered_from(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, COMPLETED, "{\"attempts\":2}", "job stalled more than allowable limit");
    assert_recovered(fixture, "\"failure\":{\"reason\":\"job stalled more than allowable limit\",\"final\":true,");
}

static void
the_last_progress_before_the_end_is_passed_on(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture,
        "echo '{\"type\":\"progress\",\"value\":1}' >&3; echo '{\"type\":\"progress\",\"value\":{\"phase\":\"two\"}}' "
        ">&3; "
        "kill -9 $$",
        "{}", NULL);
    assert_recovered(fixture, ",\"progress\":{\"phase\":\"two\"}}}");
}

static void
a_failure_that_was_told_properly_needs_no_recovery(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "echo '{\"type\":\"failed\",\"reason\":\"no\"}' >&3", "{}", NULL);
    (void)fake_expect(fixture->scene.client, "finish");
    fake_run(fixture->scene.base, 100);
    assert_int_equal(starts(fixture), 0);
}

static void
a_process_that_is_killed_because_it_does_not_stop_needs_no_recovery(void **state)
{
    struct fixture *fixture = *state;

    run_job(fixture, "trap '' TERM; echo '{\"type\":\"log\",\"text\":\"x\"}' >&3; sleep 60", "{}", NULL);
    (void)fake_expect(fixture->scene.client, "log");
    fake_answer(fixture->scene.client, ":1\r\n");
    slot_stop(fixture->slot, 50);
    (void)fake_expect(fixture->scene.client, "release");
    fake_run(fixture->scene.base, 100);
    assert_int_equal(starts(fixture), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_program_gets_the_job_and_its_failure),
        TEST(many_are_recovered_from_one_after_the_other),
        TEST(one_that_fails_is_started_again_behind_the_others_and_later_each_time),
        TEST(one_that_takes_too_long_is_stopped_and_started_again),
        TEST(one_that_fails_for_too_long_is_given_up_and_the_next_has_its_turn),
        TEST(no_more_wait_than_may),
        TEST(stopping_waits_for_the_program_and_drops_what_waits),
        TEST(stopping_while_nothing_runs_is_done_at_once),
        cmocka_unit_test(none_is_a_recovery_that_does_nothing),
        TEST(a_process_that_is_killed_is_recovered_from_before_redis_has_the_outcome),
        TEST(a_crash_that_another_attempt_follows_is_not_final),
        TEST(a_crash_is_final_if_no_attempt_can_follow),
        TEST(a_failure_of_a_process_that_did_not_end_well_is_recovered_from),
        TEST(what_a_failure_says_it_has_told_is_passed_on),
        TEST(a_job_that_fails_without_a_process_is_recovered_from),
        TEST(the_last_progress_before_the_end_is_passed_on),
        TEST(a_failure_that_was_told_properly_needs_no_recovery),
        TEST(a_process_that_is_killed_because_it_does_not_stop_needs_no_recovery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
