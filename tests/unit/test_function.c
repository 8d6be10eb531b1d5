#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/function.h"
#include "consumer/slot.h"
#include "tests/unit/scene.h"

/* The runner that calls a function, with a slot on top: a job is over before the slot has finished starting it. */
struct fixture {
    struct scene scene;
    struct function function;
    struct slot *slot;
    bool reports; /* the function says something on its way */
    int jobs;
    char *highest_frame; /* of the function's calls, where the stack grows downwards */
    char *lowest_frame;
    int frees;
};

static void
report(const struct runner_events *events, const char *line)
{
    struct report report;
    struct error err;

    assert_true(report_parse(line, strlen(line), &report, &err));
    events->on_report(&report, events->owner);
    report_clear(&report);
}

static struct report
work(const struct job *job, const struct runner_events *events, void *owner)
{
    struct fixture *fixture = owner;
    char *frame = __builtin_frame_address(0);

    fixture->jobs++;
    if (fixture->highest_frame == NULL || frame > fixture->highest_frame)
        fixture->highest_frame = frame;
    if (fixture->lowest_frame == NULL || frame < fixture->lowest_frame)
        fixture->lowest_frame = frame;
    if (fixture->reports) {
        report(events, "{\"type\":\"log\",\"text\":\"row\"}");
        report(events, "{\"type\":\"progress\",\"value\":1}");
        report(events, "{\"type\":\"data\",\"data\":{\"a\":1}}");
        report(events, "{\"type\":\"progress\",\"value\":2}");
    }
    return (struct report){ .type = REPORT_COMPLETED, .value = memory_copy_string(job->id) };
}

static void
on_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    struct fixture *fixture = owner;

    (void)next;
    assert_true(slot_is_free(slot));
    fixture->frees++;
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

#define NOTHING "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n"

static void
start(struct fixture *fixture, const char *id)
{
    struct job job = { .id = memory_copy_string(id),
        .name = memory_copy_string("run"),
        .name_length = 3,
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .options_text = memory_copy_string("{}"),
        .attempt = memory_copy_string("1"),
        .attempts_started = 1 };

    (void)options_parse("{}", 2, &job.options);
    slot_start(fixture->slot, &job, "uuid:0");
}

/* The outcome of a job whose return value is its id. */
static void
expect_finish(struct fixture *fixture, const char *id)
{
    const redisReply *command = fake_expect(fixture->scene.client, "finish");

    fake_assert_word(command, 5, id);
    fake_assert_word(command, 8, "completed");
    fake_assert_word(command, 9, id);
}

static void
answer_and_become_free(struct fixture *fixture, const char *resp)
{
    int frees = fixture->frees;

    fake_answer(fixture->scene.client, resp);
    RUN_UNTIL(fixture->scene.base, fixture->frees == frees + 1);
}

static void
a_job_that_is_over_at_once_is_finished_once(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start(fixture, "7");
    assert_int_equal(fixture->jobs, 1);
    assert_true(slot_hold(fixture->slot, &hold)); /* until Redis has its outcome */
    slot_stop(fixture->slot, 0);                  /* nothing runs that could be stopped, or lost */
    slot_lose(fixture->slot);
    expect_finish(fixture, "7");
    answer_and_become_free(fixture, NOTHING);
    assert_false(slot_hold(fixture->slot, &hold));
    start(fixture, "8");
    expect_finish(fixture, "8");
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, 2);
    assert_false(fake_has(fixture->scene.client));
}

static void
what_it_says_on_its_way_is_written_before_its_outcome(void **state)
{
    struct fixture *fixture = *state;

    fixture->reports = true;
    start(fixture, "7");
    fake_assert_word(fake_expect(fixture->scene.client, "log"), 2, "row");
    fake_assert_word(fake_expect(fixture->scene.client, "progress"), 2, "1");
    fake_assert_word(fake_expect(fixture->scene.client, "data"), 2, "{\"a\":1}");
    fake_assert_word(fake_expect(fixture->scene.client, "progress"), 2, "2");
    fake_answer(fixture->scene.client, ":1\r\n:0\r\n:0\r\n:0\r\n");
    expect_finish(fixture, "7");
    answer_and_become_free(fixture, NOTHING);
}

static void
a_job_done_while_redis_is_away_is_finished_when_it_is_back(void **state)
{
    struct fixture *fixture = *state;

    scene_cut(&fixture->scene);
    start(fixture, "7");
    assert_int_equal(fixture->jobs, 1);
    assert_int_equal(fixture->frees, 0);
    scene_connect(&fixture->scene);
    expect_finish(fixture, "7");
    answer_and_become_free(fixture, NOTHING);
}

/* Many at a time: the answers stand in one buffer, so that one job's end and the next one's beginning are in the same turn of the loop. */
static void
a_thousand_jobs_one_after_the_other_need_no_more_stack_than_two(void **state)
{
    enum { BATCH = 100, JOBS = 1000 };
    struct fixture *fixture = *state;
    char id[16] = "1";

    start(fixture, id);
    for (int done = 0; done + BATCH <= JOBS; done += BATCH) {
        for (int i = 2; i <= BATCH + 1; i++) {
            (void)snprintf(id, sizeof(id), "%d", done + i);
            fake_answer_job(fixture->scene.client, &(struct job){ .id = id });
        }
        RUN_UNTIL(fixture->scene.base, fixture->jobs == done + BATCH + 1);
        for (int i = 1; i <= BATCH; i++) {
            (void)snprintf(id, sizeof(id), "%d", done + i);
            expect_finish(fixture, id);
        }
    }
    expect_finish(fixture, "1001");
    answer_and_become_free(fixture, NOTHING);
    assert_int_equal(fixture->jobs, JOBS + 1);
    assert_true(fixture->highest_frame - fixture->lowest_frame < 16384);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_that_is_over_at_once_is_finished_once),
        TEST(what_it_says_on_its_way_is_written_before_its_outcome),
        TEST(a_job_done_while_redis_is_away_is_finished_when_it_is_back),
        TEST(a_thousand_jobs_one_after_the_other_need_no_more_stack_than_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
