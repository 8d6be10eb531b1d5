#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/finisher.h"
#include "tests/unit/scene.h"

#define ITEMS 4

struct fixture {
    struct scene scene;
    struct finisher *finisher;
    struct outcome {
        struct fixture *fixture;
        struct finisher_item item;
        int answers;
        bool lost; /* the last one was no reply */
        int type;  /* or one of this type */
        int64_t number;
    } outcomes[ITEMS];
};

static void
on_reply(const redisReply *reply, const struct error *lost, void *owner)
{
    struct outcome *outcome = owner;

    (void)lost;
    outcome->answers++;
    outcome->lost = reply == NULL;
    outcome->type = reply == NULL ? 0 : reply->type;
    outcome->number = reply == NULL ? 0 : reply->integer;
}

static int
set_up(void **state)
{
    static const char *const ids[ITEMS] = { "a", "b", "c", "d" };
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->finisher = fixture->scene.consumer.finisher;
    for (size_t i = 0; i < ITEMS; i++) {
        fixture->outcomes[i].fixture = fixture;
        fixture->outcomes[i].item = (struct finisher_item){
            .finish = { .hold = { ids[i], "uuid:0", "1" }, .outcome = "null", .keep = OPTIONS_KEEP_ALL },
            .on_reply = on_reply,
            .owner = &fixture->outcomes[i]
        };
    }
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

static void
set_busy(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++)
        finisher_add_busy(fixture->finisher, 1);
}

static void
put(struct fixture *fixture, size_t i)
{
    finisher_put(fixture->finisher, &fixture->outcomes[i].item);
}

/* The ids of the jobs that the next command finishes. */
static void
expect_finish_of(struct fixture *fixture, const char *ids)
{
    const redisReply *command = fake_expect(fixture->scene.client, "finish");

    assert_int_equal(strtoul(fake_word(command, 4), NULL, 10), strlen(ids));
    for (size_t i = 0; i < strlen(ids); i++)
        fake_assert_word(command, 5 + 12 * i, (const char[]){ ids[i], '\0' });
}

static void
the_outcome_of_the_only_busy_slot_goes_at_once(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 1);
    put(fixture, 0);
    expect_finish_of(fixture, "a");
    fake_answer(fixture->scene.client, ":0\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[0].answers == 1);
    assert_int_equal(fixture->outcomes[0].type, REDIS_REPLY_INTEGER);
}

static void
outcomes_of_one_turn_go_together_and_each_gets_its_answer(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    for (size_t i = 0; i < 3; i++)
        put(fixture, i);
    expect_finish_of(fixture, "abc");
    fake_answer(fixture->scene.client, "*3\r\n:-2\r\n*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n:-6\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[2].answers == 1);
    assert_int_equal(fixture->outcomes[0].number, -2);
    assert_int_equal(fixture->outcomes[1].type, REDIS_REPLY_ARRAY);
    assert_int_equal(fixture->outcomes[2].number, -6);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fixture->outcomes[i].answers, 1);
}

/* While one half is on its way, the other half is being worked on. */
static void
half_of_the_busy_slots_wait_no_longer(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 4);
    put(fixture, 0);
    put(fixture, 1);
    put(fixture, 2);
    put(fixture, 3);
    expect_finish_of(fixture, "ab");
    expect_finish_of(fixture, "cd");
}

static void
what_redis_refuses_as_a_whole_is_sent_job_by_job(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    put(fixture, 0);
    put(fixture, 1);
    expect_finish_of(fixture, "ab");
    assert_false(fixture->outcomes[0].item.is_repeated || fixture->outcomes[1].item.is_repeated);
    fake_answer(fixture->scene.client, "-WRONGTYPE one of them\r\n");
    expect_finish_of(fixture, "a");
    expect_finish_of(fixture, "b");
    assert_true(fixture->outcomes[0].item.is_repeated && fixture->outcomes[1].item.is_repeated);
    fake_answer(fixture->scene.client, "-WRONGTYPE this one\r\n");
    fake_answer(fixture->scene.client, ":0\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[1].answers == 1);
    assert_int_equal(fixture->outcomes[0].answers, 1);
    assert_int_equal(fixture->outcomes[0].type, REDIS_REPLY_ERROR);
    assert_int_equal(fixture->outcomes[1].type, REDIS_REPLY_INTEGER);
}

static void
an_answer_of_another_length_is_no_answer(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    put(fixture, 0);
    put(fixture, 1);
    expect_finish_of(fixture, "ab");
    fake_answer(fixture->scene.client, "*1\r\n:0\r\n");
    expect_finish_of(fixture, "a");
    expect_finish_of(fixture, "b");
}

static void
a_lost_connection_is_told_to_each(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    put(fixture, 0);
    put(fixture, 1);
    expect_finish_of(fixture, "ab");
    scene_cut(&fixture->scene);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fixture->outcomes[i].answers, 1);
        assert_true(fixture->outcomes[i].lost);
    }
}

static void
one_that_waits_while_the_connection_goes_is_told_so(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    fake_cut(fixture->scene.client);
    put(fixture, 0);
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[0].answers == 1);
    assert_true(fixture->outcomes[0].lost);
}

static void
who_is_forgotten_is_not_answered_and_the_others_are(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    put(fixture, 0);
    put(fixture, 1);
    put(fixture, 2);
    finisher_forget(fixture->finisher, &fixture->outcomes[0]); /* before it is sent */
    expect_finish_of(fixture, "bc");
    finisher_forget(fixture->finisher, &fixture->outcomes[1]); /* and after */
    fake_answer(fixture->scene.client, "*2\r\n:0\r\n:-1\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[2].answers == 1);
    assert_int_equal(fixture->outcomes[2].number, -1);
    assert_int_equal(fixture->outcomes[0].answers + fixture->outcomes[1].answers, 0);
}

static void
on_reply_that_forgets_the_next(const redisReply *reply, const struct error *lost, void *owner)
{
    struct outcome *outcome = owner;

    on_reply(reply, lost, owner);
    finisher_forget(outcome->fixture->finisher, outcome + 1);
}

static void
who_is_forgotten_while_another_is_answered_is_not_answered(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    fixture->outcomes[0].item.on_reply = on_reply_that_forgets_the_next;
    put(fixture, 0);
    put(fixture, 1);
    put(fixture, 2);
    expect_finish_of(fixture, "abc");
    fake_answer(fixture->scene.client, "*3\r\n:0\r\n:0\r\n:0\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->outcomes[2].answers == 1);
    assert_int_equal(fixture->outcomes[1].answers, 0);
}

static void
nothing_is_sent_when_all_are_forgotten(void **state)
{
    struct fixture *fixture = *state;

    set_busy(fixture, 100);
    put(fixture, 0);
    finisher_forget(fixture->finisher, &fixture->outcomes[0]);
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_outcome_of_the_only_busy_slot_goes_at_once),
        TEST(outcomes_of_one_turn_go_together_and_each_gets_its_answer),
        TEST(half_of_the_busy_slots_wait_no_longer),
        TEST(what_redis_refuses_as_a_whole_is_sent_job_by_job),
        TEST(an_answer_of_another_length_is_no_answer),
        TEST(a_lost_connection_is_told_to_each),
        TEST(one_that_waits_while_the_connection_goes_is_told_so),
        TEST(who_is_forgotten_is_not_answered_and_the_others_are),
        TEST(who_is_forgotten_while_another_is_answered_is_not_answered),
        TEST(nothing_is_sent_when_all_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
