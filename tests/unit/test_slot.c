#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/slot.h"
#include "tests/unit/scene.h"

struct fixture {
    struct scene scene;
    struct slot *slot;
    int frees;
    bool had_next; /* of the last time it became free */
    struct commands_fetched next;
};

static void
on_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    struct fixture *fixture = owner;

    assert_true(slot_is_free(slot));
    fixture->frees++;
    fixture->had_next = next != NULL;
    if (next != NULL) {
        assert_false(next->has_job);
        fixture->next = *next;
    }
}

static void
on_up(void *owner)
{
    struct fixture *fixture = owner;

    if (fixture->slot != NULL)
        slot_connected(fixture->slot);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->scene.on_up = on_up;
    fixture->scene.owner = fixture;
    fixture->slot = slot_new(&fixture->scene.consumer, on_free, fixture);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    slot_free(fixture->slot);
    fixture->slot = NULL;
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

#define COMPLETED "echo '{\"type\":\"completed\",\"returnvalue\":{\"ok\":1}}' >&3; "
#define FAILED(retry) "echo '{\"type\":\"failed\",\"reason\":\"no\",\"retry\":" retry "}' >&3; "
#define NOTHING "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n"

/* Starts job 7 with these options and, unless NULL, this deferred failure. */
static void
start_with(struct fixture *fixture, const char *script, const char *options, const char *deferred_failure)
{
    struct job job = { .id = memory_copy_string("7"),
        .name = memory_copy_string("run"),
        .name_length = 3,
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .options_text = memory_copy_string(options),
        .attempt = memory_copy_string("2"),
        .attempts_started = 2,
        .deferred_failure = memory_copy_string(deferred_failure) };

    options_parse(options, strlen(options), &job.options);
    scene_set_script(&fixture->scene, script);
    slot_start(fixture->slot, &job, "uuid:0");
    assert_null(job.id); /* taken over */
    assert_false(slot_is_free(fixture->slot));
}

static void
start(struct fixture *fixture, const char *script)
{
    start_with(fixture, script, "{}", NULL);
}

static void
answer(struct fixture *fixture, const char *resp)
{
    fake_answer(fixture->scene.client, resp);
}

static void
answer_and_become_free(struct fixture *fixture, const char *resp)
{
    int frees = fixture->frees;

    answer(fixture, resp);
    RUN_UNTIL(fixture->scene.base, fixture->frees == frees + 1);
    assert_true(slot_is_free(fixture->slot));
}

/* Nothing more is sent. */
static void
assert_quiet(struct fixture *fixture)
{
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
}

static const redisReply *
expect_finish(struct fixture *fixture, const char *target, const char *outcome, const char *fetch)
{
    const redisReply *command = fake_expect(fixture->scene.client, "finish");

    fake_assert_word(command, 5, "7");
    fake_assert_word(command, 6, "uuid:0");
    fake_assert_word(command, 7, "2");
    fake_assert_word(command, 8, target);
    fake_assert_word(command, 9, outcome);
    fake_assert_word(command, 2, fetch);
    return command;
}

static void
a_completed_job_is_finished_and_the_next_one_asked_for(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    assert_int_equal(fixture->frees, 0);
    answer_and_become_free(fixture, "*4\r\n:0\r\n:0\r\n:0\r\n:1795384326754\r\n");
    assert_true(fixture->had_next);
    assert_int_equal(fixture->next.next_delayed_ms, 1795384326754);
    assert_quiet(fixture);
}

static void
the_job_is_given_to_the_program(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "read -r job; printf '{\"type\":\"completed\",\"returnvalue\":%s}' \"$job\" >&3");
    fake_assert_word(fake_expect(fixture->scene.client, "finish"), 9,
        "{\"queue\":\"backup\",\"prefix\":\"bull\",\"id\":\"7\",\"name\":\"run\",\"data\":{},\"opts\":{},"
        "\"attemptsMade\":0,"
        "\"attemptsStarted\":2,\"stalledCounter\":0,\"timestamp\":0,\"final\":true}");
    answer_and_become_free(fixture, NOTHING);
}

/* Whoever had our connection could speak to Redis as we do, and would keep it open when we are dead. */
static void
a_job_process_inherits_no_connection(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "for f in /proc/$$/fd/*; do [ -S $f ] && exit 1; done; " COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
the_next_job_starts_in_the_same_slot(void **state)
{
    struct fixture *fixture = *state;
    char id[] = "8";
    struct job next = { .id = id };
    const redisReply *command;
    struct commands_hold hold;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    fake_answer_job(fixture->scene.client, &next);
    command = fake_expect(fixture->scene.client, "finish");
    fake_assert_word(command, 5, "8");
    fake_assert_word(command, 6, "uuid:0"); /* the same token */
    fake_assert_word(command, 7, "1");
    assert_int_equal(fixture->frees, 0);
    assert_true(slot_hold(fixture->slot, &hold));
    assert_string_equal(hold.id, "8");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_failure_that_may_not_be_repeated_is_final(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, FAILED("false"), "{\"attempts\":3}", NULL);
    (void)expect_finish(fixture, "failed", "no", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_failure_is_repeated_while_there_are_attempts(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start_with(fixture, FAILED("true"), "{\"attempts\":3,\"lifo\":true}", NULL);
    command = fake_expect(fixture->scene.client, "retry");
    fake_assert_word(command, 2, "7");
    fake_assert_word(command, 5, "no");
    fake_assert_word(command, 6, "[\"Error: no\"]");
    fake_assert_word(command, 7, "1"); /* attempts made */
    fake_assert_word(command, 8, "1");
    answer_and_become_free(fixture, ":0\r\n");
    assert_false(fixture->had_next); /* a fetch has to find out */
}

static void
a_failure_with_a_backoff_is_delayed(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start_with(fixture, FAILED("true"), "{\"attempts\":3,\"backoff\":5000}", NULL);
    command = fake_expect(fixture->scene.client, "delay");
    fake_assert_word(command, 5, "5000");
    fake_assert_word(command, 7, "no");
    fake_assert_word(command, 10, "1");
    answer_and_become_free(fixture, ":0\r\n");
}

static void
the_last_attempt_and_an_unknown_backoff_are_final(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, FAILED("true"), "{\"attempts\":1}", NULL);
    (void)expect_finish(fixture, "failed", "no", "1");
    answer_and_become_free(fixture, NOTHING);
    start_with(fixture, FAILED("true"), "{\"attempts\":9,\"backoff\":{\"type\":\"custom\"}}", NULL);
    (void)expect_finish(fixture, "failed", "no", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_crash_fails_the_job_and_may_be_repeated(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "kill -KILL $$");
    (void)expect_finish(fixture, "failed", "the job process was killed by SIGKILL without a verdict", "1");
    answer_and_become_free(fixture, NOTHING);
    start_with(fixture, "exit 3", "{\"attempts\":2}", NULL);
    fake_assert_word(
        fake_expect(fixture->scene.client, "retry"), 5, "the job process ended with exit status 3 without a verdict");
    answer_and_become_free(fixture, ":0\r\n");
}

/* It must not go back to the queue: the next worker would take it, break the same way, and so on for ever. */
static void
a_line_that_breaks_the_protocol_fails_the_job(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "echo oops >&3; sleep 60");
    (void)expect_finish(fixture, "failed",
        "the job process broke the child protocol: a report line: no JSON from byte 1 on, at 'oops'", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
an_interrupted_job_goes_back(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, "echo '{\"type\":\"interrupted\",\"reason\":\"stopped\"}' >&3");
    command = fake_expect(fixture->scene.client, "release");
    fake_assert_word(command, 1, "7");
    fake_assert_word(command, 2, "uuid:0");
    fake_assert_word(command, 3, "2");
    answer_and_become_free(fixture, ":0\r\n");
    assert_false(fixture->had_next);
}

static void
a_delayed_job_moves_until_its_time(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, "echo '{\"type\":\"delay\",\"until\":9000000000000}' >&3");
    command = fake_expect(fixture->scene.client, "delay");
    fake_assert_word(command, 6, "9000000000000");
    assert_int_equal(command->elements, 4 + 6); /* no attempt is counted, and a fetch follows */
    answer_and_become_free(fixture, ":0\r\n");
}

static void
reports_are_written_before_the_outcome(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "echo '{\"type\":\"progress\",\"value\":1}' >&3; echo '{\"type\":\"progress\",\"value\":2}' >&3; "
                   "echo '{\"type\":\"log\",\"text\":\"row\"}' >&3; " COMPLETED);
    fake_assert_word(fake_expect(fixture->scene.client, "progress"), 2, "1");
    fake_assert_word(fake_expect(fixture->scene.client, "log"), 2, "row");
    fake_assert_word(fake_expect(fixture->scene.client, "progress"), 2, "2"); /* the last one always */
    answer(fixture, ":0\r\n:1\r\n");
    assert_quiet(fixture); /* the last one may be refused yet */
    answer(fixture, ":0\r\n");
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_deferred_failure_starts_no_process(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "echo started >&2; " COMPLETED, "{\"attempts\":5}", "job stalled more than allowable limit");
    (void)expect_finish(fixture, "failed", "job stalled more than allowable limit", "1");
    answer_and_become_free(fixture, NOTHING);
    assert_quiet(fixture);
}

static void
a_program_that_is_missing_fails_the_job_for_good(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->scene.program[0]);
    fixture->scene.program[0] = memory_copy_string("/nonexistent/job");
    start_with(fixture, "", "{\"attempts\":5}", NULL);
    (void)expect_finish(fixture, "failed",
        "the job program '/nonexistent/job' cannot be executed: is it there, and may it be run?", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
while_closing_a_job_that_still_comes_goes_back_without_a_process(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.consumer.is_closing = true;
    start(fixture, "echo started >&2; " COMPLETED);
    (void)fake_expect(fixture->scene.client, "release");
    answer_and_become_free(fixture, ":0\r\n");
    assert_quiet(fixture);
}

static void
while_closing_no_further_job_is_asked_for(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "sleep 0.05; " COMPLETED);
    fixture->scene.consumer.is_closing = true;
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "");
    answer_and_become_free(fixture, NOTHING);
}

#define UNTIL_STOPPED "echo '{\"type\":\"log\",\"text\":\"ready\"}' >&3; while :; do sleep 0.01; done"

static void
a_job_that_dies_of_our_stopping_goes_back(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, UNTIL_STOPPED);
    (void)fake_expect(fixture->scene.client, "log");
    answer(fixture, ":1\r\n");
    slot_stop(fixture->slot, 4000);
    (void)fake_expect(fixture->scene.client, "release");
    answer_and_become_free(fixture, ":0\r\n");
}

static void
a_job_that_completes_in_spite_of_our_stopping_is_completed(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap '"
                   "echo \"{\\\"type\\\":\\\"completed\\\",\\\"returnvalue\\\":7}\" >&3; exit 0"
                   "' TERM; " UNTIL_STOPPED);
    (void)fake_expect(fixture->scene.client, "log");
    answer(fixture, ":1\r\n");
    slot_stop(fixture->slot, 4000);
    (void)expect_finish(fixture, "completed", "7", "1");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_lost_lock_stops_the_job_and_nothing_is_written(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start(fixture, UNTIL_STOPPED);
    (void)fake_expect(fixture->scene.client, "log");
    assert_true(slot_hold(fixture->slot, &hold));
    slot_lose(fixture->slot);
    assert_false(slot_hold(fixture->slot, &hold));
    slot_lose(fixture->slot); /* twice does no harm */
    RUN_UNTIL(fixture->scene.base, slot_is_free(fixture->slot));
    assert_int_equal(fixture->frees, 1);
    assert_false(fixture->had_next);
    answer(fixture, ":1\r\n"); /* to a row that was on its way */
    assert_quiet(fixture);
}

static void
a_lost_lock_and_reports_that_come_later_are_not_written(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "trap '' TERM; echo '{\"type\":\"log\",\"text\":\"ready\"}' >&3; sleep 0.1; "
                   "echo '{\"type\":\"log\",\"text\":\"late\"}' >&3; " COMPLETED);
    (void)fake_expect(fixture->scene.client, "log");
    slot_lose(fixture->slot);
    RUN_UNTIL(fixture->scene.base, slot_is_free(fixture->slot));
    assert_quiet(fixture);
}

static void
a_refused_outcome_is_given_up(void **state)
{
    static const char *const codes[] = { ":-1\r\n", ":-2\r\n", ":-3\r\n", ":-6\r\n" };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        start(fixture, COMPLETED);
        (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
        answer_and_become_free(fixture, codes[i]);
        assert_false(fixture->had_next);
        assert_quiet(fixture);
    }
}

static void
an_outcome_that_redis_has_no_room_for_is_offered_again(void **state)
{
    struct fixture *fixture = *state;
    struct moment refused;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer(fixture, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    refused = moment_now();
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    assert_true(moment_ms_between(refused, moment_now()) >= 900);
    assert_int_equal(fixture->frees, 0);
    answer_and_become_free(fixture, NOTHING);
}

static void
an_outcome_is_kept_until_redis_is_there_again(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    scene_cut(&fixture->scene);
    assert_true(slot_hold(fixture->slot, &hold));
    scene_connect(&fixture->scene);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer_and_become_free(fixture, ":-2\r\n"); /* the first one had been heard */
    assert_quiet(fixture);
}

static void
a_job_that_ends_while_redis_is_away_is_finished_later(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "sleep 0.02; echo '{\"type\":\"log\",\"text\":\"row\"}' >&3; " COMPLETED);
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    fake_assert_word(fake_expect(fixture->scene.client, "log"), 2, "row");
    answer(fixture, ":1\r\n");
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer_and_become_free(fixture, NOTHING);
}

/* Refused for now, then the connection breaks and comes back before the second is over: the outcome is offered then, and not once more. */
static void
offering_again_is_not_left_over_for_an_empty_slot(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer(fixture, "-OOM no\r\n");
    fake_run(fixture->scene.base, 30);
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    answer_and_become_free(fixture, NOTHING);
    fake_run(fixture->scene.base, 1200);
    assert_true(slot_is_free(fixture->slot));
    assert_int_equal(fixture->frees, 1);
    assert_false(fake_has(fixture->scene.client));
}

static void
a_job_with_too_much_to_say_is_held_up_and_nothing_is_lost(void **state)
{
    struct fixture *fixture = *state;
    int rows = 0;

    start(fixture, "row=$(head -c 30000 /dev/zero | tr '\\0' x); i=0; while [ $i -lt 60 ]; do "
                   "echo '{\"type\":\"log\",\"text\":\"'$row'\"}' >&3; i=$((i+1)); done; " COMPLETED);
    RUN_UNTIL(fixture->scene.base, fixture->scene.client->came >= 35);
    fake_run(fixture->scene.base, 50);
    assert_true(fixture->scene.client->came < 45); /* a megabyte, and what stood in our buffer */
    for (const redisReply *command = fake_take(fixture->scene.client); strcmp(fake_name(command), "log") == 0;
         command = fake_take(fixture->scene.client)) {
        rows++;
        answer(fixture, ":1\r\n");
    }
    assert_int_equal(rows, 60);
    answer_and_become_free(fixture, NOTHING);
}

static void
a_slot_may_be_freed_in_the_middle(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED);
    (void)expect_finish(fixture, "completed", "{\"ok\":1}", "1");
    slot_free(fixture->slot);
    fixture->slot = NULL;
    answer(fixture, NOTHING);
    fake_run(fixture->scene.base, 30);
    assert_int_equal(fixture->frees, 0);
    slot_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_completed_job_is_finished_and_the_next_one_asked_for),
        TEST(the_job_is_given_to_the_program),
        TEST(a_job_process_inherits_no_connection),
        TEST(the_next_job_starts_in_the_same_slot),
        TEST(a_failure_that_may_not_be_repeated_is_final),
        TEST(a_failure_is_repeated_while_there_are_attempts),
        TEST(a_failure_with_a_backoff_is_delayed),
        TEST(the_last_attempt_and_an_unknown_backoff_are_final),
        TEST(a_crash_fails_the_job_and_may_be_repeated),
        TEST(a_line_that_breaks_the_protocol_fails_the_job),
        TEST(an_interrupted_job_goes_back),
        TEST(a_delayed_job_moves_until_its_time),
        TEST(reports_are_written_before_the_outcome),
        TEST(a_deferred_failure_starts_no_process),
        TEST(a_program_that_is_missing_fails_the_job_for_good),
        TEST(while_closing_a_job_that_still_comes_goes_back_without_a_process),
        TEST(while_closing_no_further_job_is_asked_for),
        TEST(a_job_that_dies_of_our_stopping_goes_back),
        TEST(a_job_that_completes_in_spite_of_our_stopping_is_completed),
        TEST(a_lost_lock_stops_the_job_and_nothing_is_written),
        TEST(a_lost_lock_and_reports_that_come_later_are_not_written),
        TEST(a_refused_outcome_is_given_up),
        TEST(an_outcome_that_redis_has_no_room_for_is_offered_again),
        TEST(an_outcome_is_kept_until_redis_is_there_again),
        TEST(a_job_that_ends_while_redis_is_away_is_finished_later),
        TEST(offering_again_is_not_left_over_for_an_empty_slot),
        TEST(a_job_with_too_much_to_say_is_held_up_and_nothing_is_lost),
        TEST(a_slot_may_be_freed_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
