#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/function.h"
#include "consumer/slot.h"
#include "tests/unit/scene.h"

/* What a slot makes of a verdict, and of what Redis says to that. The jobs are run by a function: test_slot.c has processes. */
struct fixture {
    struct scene scene;
    struct function function;
    struct slot *slot;
    const char *verdict;      /* the line that the function answers with */
    int64_t attempts_started; /* of the job to come */
    const char *stacktrace;   /* the same; NULL: none */
    const char *deferred_failure;
    int jobs; /* that the function has been called for */
    int frees;
    bool had_next; /* of the last time the slot became free */
    struct commands_fetched next;
};

static struct report
work(const struct job *job, const struct runner_events *events, void *owner)
{
    struct fixture *fixture = owner;
    struct report verdict;
    struct error err;

    (void)job;
    (void)events;
    fixture->jobs++;
    assert_true(report_parse(fixture->verdict, strlen(fixture->verdict), &verdict, &err));
    return verdict;
}

static void
on_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    struct fixture *fixture = owner;

    assert_true(slot_is_free(slot));
    fixture->frees++;
    fixture->had_next = next != NULL;
    if (next != NULL)
        fixture->next = *next;
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
    fixture->function = function_runner(work, fixture);
    fixture->scene.consumer.runner = &fixture->function.runner;
    fixture->slot = slot_new(&fixture->scene.consumer, on_free, fixture);
    fixture->attempts_started = 1;
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

#define COMPLETED "{\"type\":\"completed\",\"returnvalue\":{\"ok\":1}}"
#define FAILED "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":true}"
#define FAILED_FOR_GOOD "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":false}"
#define NOTHING "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n"

/* Starts job 7 with these options; the function is going to say this of it. */
static void
start(struct fixture *fixture, const char *verdict, const char *options)
{
    char attempt[32];
    struct job job = { .id = memory_copy_string("7"),
        .name = memory_copy_string("run"),
        .name_length = 3,
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .options_text = memory_copy_string(options),
        .attempts_started = fixture->attempts_started,
        .stacktrace = memory_copy_string(fixture->stacktrace),
        .deferred_failure = memory_copy_string(fixture->deferred_failure) };

    (void)snprintf(attempt, sizeof(attempt), "%lld", (long long)fixture->attempts_started);
    job.attempt = memory_copy_string(attempt);
    (void)options_parse(options, strlen(options), &job.options);
    fixture->verdict = verdict;
    slot_start(fixture->slot, &job, "uuid:0");
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
}

static size_t
arguments_of(const redisReply *command)
{
    return command->elements - 4; /* EVAL, script, number of keys, key */
}

static const redisReply *
expect_completed(struct fixture *fixture)
{
    const redisReply *command = fake_expect(fixture->scene.client, "finish");

    fake_assert_word(command, 5, "7");
    fake_assert_word(command, 8, "completed");
    fake_assert_word(command, 9, "{\"ok\":1}");
    return command;
}

static const redisReply *
expect_failed(struct fixture *fixture, const char *reason, const char *stacktrace)
{
    const redisReply *command = fake_expect(fixture->scene.client, "finish");

    fake_assert_word(command, 5, "7");
    fake_assert_word(command, 8, "failed");
    fake_assert_word(command, 9, reason);
    fake_assert_word(command, 15, stacktrace);
    return command;
}

static const redisReply *
expect_retry(struct fixture *fixture, const char *reason, const char *stacktrace)
{
    const redisReply *command = fake_expect(fixture->scene.client, "retry");

    fake_assert_word(command, 2, "7");
    fake_assert_word(command, 5, reason);
    fake_assert_word(command, 6, stacktrace);
    return command;
}

/* --- wait and rate-limit --- */

static void
a_job_that_has_to_wait_goes_back_and_limits_nobody(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, "{\"type\":\"wait\"}", "{\"attempts\":3}");
    command = fake_expect(fixture->scene.client, "release");
    fake_assert_word(command, 1, "7");
    fake_assert_word(command, 2, "uuid:0");
    fake_assert_word(command, 3, "1");
    assert_int_equal(arguments_of(command), 3);
    answer_and_become_free(fixture, ":0\r\n");
    assert_false(fixture->had_next); /* a fetch has to find out */
}

/* Somebody else's limit: the next fetch is told of it, and does not take the job again at once. */
static void
a_job_that_has_to_wait_in_a_limited_queue_leads_to_a_fetch(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"type\":\"wait\"}", "{}");
    (void)fake_expect(fixture->scene.client, "release");
    answer_and_become_free(fixture, ":1500\r\n");
    assert_false(fixture->had_next);
}

static void
a_job_that_limits_the_rate_goes_back_and_the_limit_is_told(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, "{\"type\":\"rate-limit\",\"ms\":5000}", "{}");
    command = fake_expect(fixture->scene.client, "release");
    fake_assert_word(command, 1, "7");
    fake_assert_word(command, 4, "5000");
    assert_int_equal(arguments_of(command), 4);
    answer_and_become_free(fixture, ":4990\r\n");
    assert_true(fixture->had_next);
    assert_false(fixture->next.has_job);
    assert_int_equal(fixture->next.limited_ms, 4990);
}

static void
a_limit_that_is_over_when_it_is_told_is_none(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"type\":\"rate-limit\",\"ms\":1}", "{}");
    (void)fake_expect(fixture->scene.client, "release");
    answer_and_become_free(fixture, ":0\r\n");
    assert_false(fixture->had_next);
}

static void
a_job_that_limits_the_rate_and_is_not_ours_any_more_limits_nobody(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, "{\"type\":\"rate-limit\",\"ms\":5000}", "{}");
    (void)fake_expect(fixture->scene.client, "release");
    answer_and_become_free(fixture, ":-6\r\n");
    assert_false(fixture->had_next);
}

/* --- children --- */

#define PENDING "Job 7 has pending dependencies. moveToFinished"
#define FAILED_CHILD "Cannot complete job 7 because it has at least one failed child. moveToFinished"

static void
a_job_with_children_that_are_not_done_fails_and_is_repeated(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, COMPLETED, "{\"attempts\":2}");
    (void)expect_completed(fixture);
    answer(fixture, ":-4\r\n");
    command = expect_retry(fixture, PENDING, "[\"Error: " PENDING "\"]");
    fake_assert_word(command, 7, "1"); /* attempts made */
    assert_int_equal(fixture->frees, 0);
    answer_and_become_free(fixture, ":0\r\n");
    assert_int_equal(fixture->jobs, 1);
}

static void
a_job_with_children_that_are_not_done_fails_for_good_in_its_last_attempt(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, "{}");
    (void)expect_completed(fixture);
    answer(fixture, ":-4\r\n");
    (void)expect_failed(fixture, PENDING, "[\"Error: " PENDING "\"]");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_job_with_a_child_that_failed_fails_for_good(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, "{\"attempts\":5}");
    (void)expect_completed(fixture);
    answer(fixture, ":-9\r\n");
    (void)expect_failed(fixture, FAILED_CHILD, "[\"UnrecoverableError: " FAILED_CHILD "\"]");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_failure_for_its_children_is_kept_until_redis_is_there_again(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, COMPLETED, "{}");
    (void)expect_completed(fixture);
    answer(fixture, ":-9\r\n");
    (void)expect_failed(fixture, FAILED_CHILD, "[\"UnrecoverableError: " FAILED_CHILD "\"]");
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    (void)expect_failed(fixture, FAILED_CHILD, "[\"UnrecoverableError: " FAILED_CHILD "\"]");
    answer_and_become_free(fixture, ":-2\r\n"); /* the first one had been heard */
}

/* --- failures --- */

static void
a_stack_trace_tells_the_class_of_each_failure(void **state)
{
    struct fixture *fixture = *state;

    fixture->stacktrace = "[\"Error: before\"]";
    start(fixture, FAILED, "{\"attempts\":2}");
    (void)expect_retry(fixture, "no", "[\"Error: before\",\"Error: no\"]");
    answer_and_become_free(fixture, ":0\r\n");
    start(fixture, FAILED, "{}");
    (void)expect_failed(fixture, "no", "[\"Error: before\",\"Error: no\"]");
    answer_and_become_free(fixture, NOTHING);
    start(fixture, FAILED_FOR_GOOD, "{\"attempts\":2,\"stackTraceLimit\":1}");
    (void)expect_failed(fixture, "no", "[\"UnrecoverableError: no\"]");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_deferred_failure_fails_the_job_for_good_without_running_it(void **state)
{
    struct fixture *fixture = *state;

    fixture->deferred_failure = "child bull:other:1 failed";
    fixture->stacktrace = "[\"Error: before\"]";
    start(fixture, COMPLETED, "{\"attempts\":5}");
    (void)expect_failed(
        fixture, "child bull:other:1 failed", "[\"Error: before\",\"UnrecoverableError: child bull:other:1 failed\"]");
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, 0);
}

static void
a_job_that_was_taken_too_often_fails_without_running(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.max_started_attempts = 2;
    fixture->attempts_started = 3;
    start(fixture, COMPLETED, "{\"attempts\":9}");
    (void)expect_failed(fixture, "job started more than allowable limit",
        "[\"UnrecoverableError: job started more than allowable limit\"]");
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, 0);
}

static void
a_job_that_would_be_taken_too_often_is_not_repeated(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.max_started_attempts = 2;
    fixture->attempts_started = 1;
    start(fixture, FAILED, "{\"attempts\":9}");
    (void)expect_retry(fixture, "no", "[\"Error: no\"]");
    answer_and_become_free(fixture, ":0\r\n");
    fixture->attempts_started = 2; /* the last time that it may be taken */
    start(fixture, FAILED, "{\"attempts\":9}");
    (void)expect_failed(fixture, "no", "[\"Error: no\"]");
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, 2);
}

static void
a_delayed_retry_brings_the_next_job(void **state)
{
    struct fixture *fixture = *state;
    char id[] = "8";
    const redisReply *command;

    start(fixture, FAILED, "{\"attempts\":3,\"backoff\":5000}");
    command = fake_expect(fixture->scene.client, "delay");
    fake_assert_word(command, 2, "7");
    fake_assert_word(command, 5, "5000");
    fake_assert_word(command, 7, "no");
    fake_assert_word(command, 8, "[\"Error: no\"]");
    fake_assert_word(command, 9, "1");
    fake_assert_word(command, 10, "1"); /* fetch */
    fixture->verdict = COMPLETED;
    fake_answer_job(fixture->scene.client, &(struct job){ .id = id });
    command = fake_expect(fixture->scene.client, "finish");
    fake_assert_word(command, 5, "8");
    fake_assert_word(command, 6, "uuid:0"); /* the same token */
    assert_int_equal(fixture->frees, 0);
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, 2);
}

static void
a_delayed_retry_that_brings_none_says_when_to_look_again(void **state)
{
    struct fixture *fixture = *state;

    start(fixture, FAILED, "{\"attempts\":3,\"backoff\":5000}");
    (void)fake_expect(fixture->scene.client, "delay");
    answer_and_become_free(fixture, "*4\r\n:0\r\n:0\r\n:700\r\n:0\r\n");
    assert_true(fixture->had_next);
    assert_int_equal(fixture->next.limited_ms, 700);
}

/* --- what a worker's own options say --- */

static void
a_worker_keeps_finished_jobs_as_it_was_told_unless_the_job_says(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    fixture->scene.limits.on_complete =
        (struct options_keep){ .is_set = true, .count = 5, .age_seconds = 60, .limit = 10 };
    fixture->scene.limits.on_fail =
        (struct options_keep){ .is_set = true, .count = 6, .age_seconds = -1, .limit = 1000 };
    start(fixture, COMPLETED, "{}");
    command = expect_completed(fixture);
    fake_assert_word(command, 12, "5");
    fake_assert_word(command, 13, "60");
    fake_assert_word(command, 14, "10");
    answer_and_become_free(fixture, NOTHING);

    start(fixture, FAILED, "{\"removeOnComplete\":true}"); /* which says nothing of failing */
    command = expect_failed(fixture, "no", "[\"Error: no\"]");
    fake_assert_word(command, 12, "6");
    fake_assert_word(command, 13, "");
    answer_and_become_free(fixture, NOTHING);

    start(fixture, COMPLETED, "{\"removeOnComplete\":false}");
    command = expect_completed(fixture);
    fake_assert_word(command, 12, "-1");
    assert_int_equal(arguments_of(command), 12); /* no age */
    answer_and_become_free(fixture, NOTHING);

    start(fixture, FAILED, "{\"removeOnFail\":{\"age\":7}}");
    command = expect_failed(fixture, "no", "[\"Error: no\"]");
    fake_assert_word(command, 12, "-1");
    fake_assert_word(command, 13, "7");
    answer_and_become_free(fixture, NOTHING);
}

static void
metrics_are_counted_if_the_worker_is_told_to(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    start(fixture, COMPLETED, "{}");
    assert_int_equal(arguments_of(expect_completed(fixture)), 12); /* nothing behind what is to be kept */
    answer_and_become_free(fixture, NOTHING);
    fixture->scene.limits.metrics_points = 60;
    start(fixture, COMPLETED, "{}");
    command = expect_completed(fixture);
    fake_assert_word(command, 20, "60");
    answer_and_become_free(fixture, NOTHING);
    start(fixture, FAILED, "{}");
    fake_assert_word(expect_failed(fixture, "no", "[\"Error: no\"]"), 20, "60");
    answer_and_become_free(fixture, NOTHING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_that_has_to_wait_goes_back_and_limits_nobody),
        TEST(a_job_that_has_to_wait_in_a_limited_queue_leads_to_a_fetch),
        TEST(a_job_that_limits_the_rate_goes_back_and_the_limit_is_told),
        TEST(a_limit_that_is_over_when_it_is_told_is_none),
        TEST(a_job_that_limits_the_rate_and_is_not_ours_any_more_limits_nobody),
        TEST(a_job_with_children_that_are_not_done_fails_and_is_repeated),
        TEST(a_job_with_children_that_are_not_done_fails_for_good_in_its_last_attempt),
        TEST(a_job_with_a_child_that_failed_fails_for_good),
        TEST(a_failure_for_its_children_is_kept_until_redis_is_there_again),
        TEST(a_stack_trace_tells_the_class_of_each_failure),
        TEST(a_deferred_failure_fails_the_job_for_good_without_running_it),
        TEST(a_job_that_was_taken_too_often_fails_without_running),
        TEST(a_job_that_would_be_taken_too_often_is_not_repeated),
        TEST(a_delayed_retry_brings_the_next_job),
        TEST(a_delayed_retry_that_brings_none_says_when_to_look_again),
        TEST(a_worker_keeps_finished_jobs_as_it_was_told_unless_the_job_says),
        TEST(metrics_are_counted_if_the_worker_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
