#include "tests/unit/test.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "consumer/locks.h"
#include "consumer/stalled.h"
#include "protocol/pack.h"
#include "tests/unit/scene.h"

/* Locks and the look for stalled jobs: what a worker does while its jobs run. */
enum { SLOTS = 3 };

struct fixture {
    struct scene scene;
    struct slot *slots[SLOTS];
    struct locks *locks;
    struct stalled *stalled;
};

static void
on_free(struct slot *slot, const struct commands_fetched *next, void *owner)
{
    (void)slot;
    (void)next;
    (void)owner;
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->scene.consumer.taking.lock_ms = 200;
    fixture->scene.limits.stalled_ms = 100;
    for (size_t i = 0; i < SLOTS; i++)
        fixture->slots[i] = slot_new(&fixture->scene.consumer, on_free, fixture);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    locks_free(fixture->locks);
    stalled_free(fixture->stalled);
    for (size_t i = 0; i < SLOTS; i++) {
        if (!slot_is_free(fixture->slots[i])) {
            slot_stop(fixture->slots[i], 0);
            slot_lose(fixture->slots[i]);
            RUN_UNTIL(fixture->scene.base, slot_is_free(fixture->slots[i]));
        }
        slot_free(fixture->slots[i]);
    }
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

static void
start_locks(struct fixture *fixture)
{
    fixture->locks = locks_new(&fixture->scene.consumer, fixture->slots, SLOTS);
}

static void
start_job(struct fixture *fixture, size_t slot, const char *id, const char *token)
{
    struct job job = { .id = memory_copy_string(id),
        .name = memory_copy_string("run"),
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .options_text = memory_copy_string("{}"),
        .attempt = memory_copy_string("1") };

    scene_set_script(&fixture->scene, "exec sleep 60");
    slot_start(fixture->slots[slot], &job, token);
}

/* The next renewal, of these ids and tokens in turn. */
static void
expect_renewal(struct fixture *fixture, size_t count, const char *const *words)
{
    const redisReply *command = fake_expect(fixture->scene.client, "extend_locks");
    struct pack packed;

    fake_assert_word(command, 1, "200");
    pack_init(&packed);
    pack_array(&packed, count / 2 * 3);
    for (size_t i = 0; i < count; i += 2) {
        pack_string(&packed, words[i]);
        pack_string(&packed, words[i + 1]);
        pack_string(&packed, "1");
    }
    assert_int_equal((size_t)command->element[5]->len, packed.buffer.size);
    assert_memory_equal(command->element[5]->str, packed.buffer.data, packed.buffer.size);
    pack_clear(&packed);
}

static void
without_jobs_nothing_is_renewed(void **state)
{
    struct fixture *fixture = *state;

    start_locks(fixture);
    locks_renew(fixture->locks);
    fake_run(fixture->scene.base, 150);
    assert_false(fake_has(fixture->scene.client));
}

static void
all_locks_are_renewed_together_at_half_of_their_life(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    start_locks(fixture);
    start_job(fixture, 0, "7", "t:0");
    start_job(fixture, 2, "9", "t:1");
    expect_renewal(fixture, 4, (const char *const[]){ "7", "t:0", "9", "t:1" });
    assert_true(moment_ms_between(started, moment_now()) >= 95);
    fake_answer(fixture->scene.client, "*0\r\n");
    expect_renewal(fixture, 4, (const char *const[]){ "7", "t:0", "9", "t:1" });
    assert_true(moment_ms_between(started, moment_now()) >= 190);
    fake_answer(fixture->scene.client, "*0\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->scene.counters.renewals == 2);
    assert_int_equal(fixture->scene.counters.renewal_failures, 0);
    assert_true(fixture->scene.counters.renewal_answer_ms < FAKE_PATIENCE_MS);
}

static void
a_lock_of_somebody_else_is_told_to_its_slot_alone(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start_locks(fixture);
    start_job(fixture, 0, "7", "t:0");
    start_job(fixture, 1, "8", "t:1");
    locks_renew(fixture->locks);
    expect_renewal(fixture, 4, (const char *const[]){ "7", "t:0", "8", "t:1" });
    fake_answer(fixture->scene.client, "*4\r\n$1\r\n7\r\n$3\r\nt:0\r\n$7\r\nunknown\r\n$3\r\nt:9\r\n");
    RUN_UNTIL(fixture->scene.base, slot_is_free(fixture->slots[0]));
    assert_int_equal(fixture->scene.counters.locks_lost, 1);
    assert_true(slot_hold(fixture->slots[1], &hold));
    expect_renewal(fixture, 2, (const char *const[]){ "8", "t:1" });
    fake_answer(fixture->scene.client, "*0\r\n");
}

static void
a_renewal_that_redis_refuses_is_tried_again_at_its_time(void **state)
{
    static const char *const refusals[] = { "-OOM no\r\n", ":0\r\n", "*1\r\n:7\r\n" };
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start_locks(fixture);
    start_job(fixture, 0, "7", "t:0");
    for (size_t i = 0; i < 3; i++) {
        expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
        fake_answer(fixture->scene.client, refusals[i]);
    }
    expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
    assert_true(slot_hold(fixture->slots[0], &hold));
    fake_answer(fixture->scene.client, "*0\r\n");
}

static void
while_redis_is_away_the_job_keeps_running(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start_locks(fixture);
    start_job(fixture, 0, "7", "t:0");
    expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
    scene_cut(&fixture->scene);
    locks_renew(fixture->locks);
    assert_true(slot_hold(fixture->slots[0], &hold));
    scene_connect(&fixture->scene);
    locks_renew(fixture->locks); /* as the worker does at once */
    expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
}

static void
expect_look(struct fixture *fixture)
{
    const redisReply *command = fake_expect(fixture->scene.client, "stalled");

    fake_assert_word(command, 2, "100");
    fake_assert_word(command, 3, "1");
}

static void
stalled_jobs_are_looked_for_again_and_again(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client)); /* the worker says when Redis is there */
    stalled_connected(fixture->stalled);
    expect_look(fixture);
    fake_answer(fixture->scene.client, "*1\r\n$1\r\n7\r\n");
    expect_look(fixture);
    fake_answer(fixture->scene.client, "-OOM no\r\n");
    expect_look(fixture);
    fake_answer(fixture->scene.client, ":0\r\n");
    expect_look(fixture);
    assert_true(moment_ms_between(started, moment_now()) >= 300);
}

/* Every worker has that time to renew its locks, which may have expired meanwhile: none takes the others for dead. */
static void
after_a_lost_connection_the_next_look_waits_for_an_interval(void **state)
{
    struct fixture *fixture = *state;
    struct moment connected;

    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    stalled_connected(fixture->stalled);
    expect_look(fixture);
    start_job(fixture, 0, "7", "t:0");
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    connected = moment_now();
    stalled_connected(fixture->stalled);
    expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" }); /* but our own locks at once */
    for (const redisReply *command = fake_take(fixture->scene.client); strcmp(fake_name(command), "stalled") != 0;)
        command = fake_take(fixture->scene.client);
    assert_true(moment_ms_between(connected, moment_now()) >= 90); /* the loop counts from the start of its turn */
}

static void
the_same_job_taken_anew_keeps_its_slot_when_the_old_attempt_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start_locks(fixture);
    start_job(fixture, 0, "7", "t:0");
    start_job(fixture, 1, "7", "t:1");
    locks_renew(fixture->locks);
    expect_renewal(fixture, 4, (const char *const[]){ "7", "t:0", "7", "t:1" });
    fake_answer(fixture->scene.client, "*2\r\n$1\r\n7\r\n$3\r\nt:0\r\n");
    RUN_UNTIL(fixture->scene.base, slot_is_free(fixture->slots[0]));
    assert_true(slot_hold(fixture->slots[1], &hold));
}

static void
a_job_that_followed_under_the_same_token_is_not_lost_with_the_last_one(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    start_locks(fixture);
    start_job(fixture, 0, "8", "t:0"); /* its finish crossed the renewal of "7", which this slot had before */
    locks_renew(fixture->locks);
    expect_renewal(fixture, 2, (const char *const[]){ "8", "t:0" });
    fake_answer(fixture->scene.client, "*2\r\n$1\r\n7\r\n$3\r\nt:0\r\n");
    fake_run(fixture->scene.base, 30);
    assert_true(slot_hold(fixture->slots[0], &hold));
}

static void
a_look_for_stalled_jobs_renews_our_own_locks_first(void **state)
{
    struct fixture *fixture = *state;

    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    start_job(fixture, 0, "7", "t:0");
    stalled_connected(fixture->stalled);
    expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
    expect_look(fixture);
}

static void
a_worker_that_is_told_to_let_locks_expire_renews_none(void **state)
{
    struct fixture *fixture = *state;
    struct commands_hold hold;

    fixture->scene.limits.skip_lock_renewal = true;
    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    start_job(fixture, 0, "7", "t:0");
    locks_renew(fixture->locks);
    fake_run(fixture->scene.base, 250); /* more than a lock's life */
    assert_false(fake_has(fixture->scene.client));
    assert_true(slot_hold(fixture->slots[0], &hold));
    stalled_connected(fixture->stalled); /* which is another option's affair */
    expect_look(fixture);
}

static void
a_worker_that_is_told_not_to_look_for_stalled_jobs_only_renews(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.stalled_ms = 0;
    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    stalled_connected(fixture->stalled);
    fake_run(fixture->scene.base, 250);
    assert_false(fake_has(fixture->scene.client));
    start_job(fixture, 0, "7", "t:0");
    stalled_connected(fixture->stalled);
    for (int i = 0; i < 3; i++) {
        expect_renewal(fixture, 2, (const char *const[]){ "7", "t:0" });
        fake_answer(fixture->scene.client, "*0\r\n");
    }
}

static void
how_often_a_job_may_stall_is_said_with_each_look(void **state)
{
    struct fixture *fixture = *state;

    fixture->scene.limits.max_stalled = 7;
    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    stalled_connected(fixture->stalled);
    fake_assert_word(fake_expect(fixture->scene.client, "stalled"), 3, "7");
}

static void
both_may_be_freed_with_an_answer_outstanding(void **state)
{
    struct fixture *fixture = *state;

    start_locks(fixture);
    fixture->stalled = stalled_new(&fixture->scene.consumer, fixture->locks);
    start_job(fixture, 0, "7", "t:0");
    locks_renew(fixture->locks);
    stalled_connected(fixture->stalled);
    locks_free(fixture->locks);
    stalled_free(fixture->stalled);
    fixture->locks = NULL;
    fixture->stalled = NULL;
    fake_answer(fixture->scene.client, "*1\r\n$1\r\n7\r\n*0\r\n");
    fake_run(fixture->scene.base, 30);
    assert_false(slot_is_free(fixture->slots[0]));
    locks_free(NULL);
    stalled_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_jobs_nothing_is_renewed),
        TEST(all_locks_are_renewed_together_at_half_of_their_life),
        TEST(a_lock_of_somebody_else_is_told_to_its_slot_alone),
        TEST(the_same_job_taken_anew_keeps_its_slot_when_the_old_attempt_is_lost),
        TEST(a_job_that_followed_under_the_same_token_is_not_lost_with_the_last_one),
        TEST(a_look_for_stalled_jobs_renews_our_own_locks_first),
        TEST(a_renewal_that_redis_refuses_is_tried_again_at_its_time),
        TEST(while_redis_is_away_the_job_keeps_running),
        TEST(stalled_jobs_are_looked_for_again_and_again),
        TEST(after_a_lost_connection_the_next_look_waits_for_an_interval),
        TEST(a_worker_that_is_told_to_let_locks_expire_renews_none),
        TEST(a_worker_that_is_told_not_to_look_for_stalled_jobs_only_renews),
        TEST(how_often_a_job_may_stall_is_said_with_each_look),
        TEST(both_may_be_freed_with_an_answer_outstanding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
