#include "tests/unit/test.h"

#include <string.h>

#include "tests/unit/redis_scene.h"

static void
a_redis_that_cannot_serve_us_is_lost(void **state)
{
    static const char *const replies[] = {
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica. script: 1f2e, on @user_script:9.",
        "ERR Error running script (call to f_1f2e): @user_script:9: @user_script: 9: -READONLY You can't write",
        "MASTERDOWN Link with MASTER is down",
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MOVED 3999 127.0.0.1:6381",
        "ASK 3999 127.0.0.1:6381",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
    };

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct redis_scene *fixture;
        struct caller a = { .name = "a" };
        struct caller b = { .name = "b" };
        struct text text = TEXT_EMPTY;

        (void)redis_scene_tear_down(state);
        (void)redis_scene_set_up(state);
        fixture = *state;
        redis_scene_eval(fixture, &a);
        redis_scene_call(fixture, &b, PATIENCE);
        text_format(&text, "-%s\r\n+never seen\r\n", replies[i]);
        fake_answer(fixture->client, text.data);
        text_reset(&text);
        text_format(&text,
            "a:Redis cannot serve us now: %s b:Redis cannot serve us now: %s lost:Redis cannot serve us now: %s ",
            replies[i], replies[i], replies[i]);
        redis_scene_assert_happens(fixture, text.data);
        assert_int_equal(redis_answered(fixture->redis), 0);
        text_clear(&text);
    }
}

static void
where_the_keys_moved_to_is_kept(void **state)
{
    static const struct {
        const char *reply;
        const char *address;
    } all[] = {
        { "-MOVED 3999 127.0.0.1:6381\r\n", "127.0.0.1:6381" },
        { "-MOVED 3999 :6381\r\n", ":6381" },
        { "-MOVED 3999 ::1:6381\r\n", "::1:6381" },
        { "-ASK 3999 127.0.0.1:6381\r\n", NULL },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct redis_scene *fixture;
        struct caller a = { .name = "a" };

        (void)redis_scene_tear_down(state);
        (void)redis_scene_set_up(state);
        fixture = *state;
        redis_scene_call(fixture, &a, PATIENCE);
        assert_null(redis_moved_to(fixture->redis));
        fake_answer(fixture->client, all[i].reply);
        RUN_UNTIL(fixture->base, strstr(text_string(&fixture->happened), "lost:") != NULL);
        if (all[i].address == NULL)
            assert_null(redis_moved_to(fixture->redis));
        else
            assert_string_equal(redis_moved_to(fixture->redis), all[i].address);
    }
}

static void
what_only_begins_like_it_is_an_answer(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-READONLYX y\r\n");
    redis_scene_assert_happens(fixture, "a=READONLYX y ");
    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-ERR Error running script (call to f_1f2e): @user_script:9: -OOM command\r\n");
    redis_scene_assert_happens(fixture, "a=ERR Error running script (call to f_1f2e): @user_script:9: -OOM command ");
    assert_int_equal(redis_answered(fixture->redis), 2);
}

static void
the_end_of_the_stream_answers_everything_once(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_eval(fixture, &b);
    redis_scene_call(fixture, &c, PATIENCE);
    fake_answer(fixture->client, "+1\r\n$5\r\nhal");
    redis_scene_assert_happens(fixture, "a=1 ");
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    redis_scene_assert_happens(
        fixture, "b:Redis closed the connection c:Redis closed the connection lost:Redis closed the connection ");
    redis_scene_call(fixture, &a, PATIENCE); /* its owner has been told: nothing comes any more */
    redis_scene_eval(fixture, &a);
    redis_scene_assert_happens(fixture, "");
}

static void
a_connection_with_nothing_outstanding_is_lost_too(void **state)
{
    struct redis_scene *fixture = *state;

    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    redis_scene_assert_happens(fixture, "lost:Redis closed the connection ");
}

static void
broken_protocol_answers_everything_once(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_call(fixture, &b, PATIENCE);
    fake_answer(fixture->client, "+1\r\nHTTP/1.1 400 Bad Request\r\n");
    redis_scene_assert_happens(fixture, "a=1 b:Redis broke the protocol: Protocol error, got \"H\" as reply type byte "
                                        "lost:Redis broke the protocol: Protocol error, got \"H\" as reply type byte ");
}

static void
a_reply_that_nobody_asked_for_is_the_end(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n+3\r\n");
    redis_scene_assert_happens(fixture, "a=1 lost:Redis sent a reply that nobody asked for ");
}

static void
a_reply_that_does_not_come_in_time_is_the_end(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_call(fixture, &a, 20);
    redis_scene_call(fixture, &b, PATIENCE);
    redis_scene_assert_happens(
        fixture, "a:no answer from Redis in time b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
patience_counts_anew_for_each_call(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_call(fixture, &a, 50);
    redis_scene_call(fixture, &b, 150);
    fake_answer(fixture->client, "+1\r\n");
    redis_scene_assert_happens(fixture, "a=1 ");
    fake_run(fixture->base, 80); /* a's time is over, b's is not */
    redis_scene_assert_happens(fixture, "");
    redis_scene_assert_happens(fixture, "b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
impatience_is_not_held_up_by_an_earlier_patient_call(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+1\r\n");
    redis_scene_assert_happens(fixture, "a=1 ");
    redis_scene_call(fixture, &b, 20);
    redis_scene_assert_happens(fixture, "b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
a_script_has_the_patience_of_its_connection(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct bufferevent *stream;

    redis_free(fixture->redis);
    fake_client_free(fixture->client);
    fixture->client = fake_pair(fixture->base, &stream);
    fixture->redis = redis_new(stream, 20, redis_scene_on_lost, fixture);
    redis_scene_eval(fixture, &a);
    redis_scene_assert_happens(fixture, "a:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
an_answered_call_leaves_no_alarm_behind(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, 20);
    fake_answer(fixture->client, "+1\r\n");
    redis_scene_assert_happens(fixture, "a=1 ");
    fake_run(fixture->base, 60);
    redis_scene_assert_happens(fixture, "");
}

static void
it_may_be_freed_inside_on_reply(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    fixture->free_in_reply = &fixture->redis;
    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_call(fixture, &b, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n");
    redis_scene_assert_happens(fixture, "a=1 ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_reply_while_it_is_lost(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    fixture->free_in_reply = &fixture->redis;
    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_eval(fixture, &b);
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    redis_scene_assert_happens(fixture, "a:Redis closed the connection ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_lost(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    fixture->free_in_lost = &fixture->redis;
    redis_scene_eval(fixture, &a);
    fake_answer(fixture->client, "?\r\n");
    redis_scene_assert_happens(fixture, "a:Redis broke the protocol: Protocol error, got \"?\" as reply type byte "
                                        "lost:Redis broke the protocol: Protocol error, got \"?\" as reply type byte ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_lost_by_the_watchdog(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    fixture->free_in_lost = &fixture->redis;
    redis_scene_call(fixture, &a, 10);
    redis_scene_assert_happens(fixture, "a:no answer from Redis in time lost:no answer from Redis in time ");
    assert_null(fixture->redis);
}

static void
after_it_is_freed_nothing_is_called(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_eval(fixture, &a);
    fake_answer(fixture->client, "+1\r\n");
    redis_free(fixture->redis);
    fixture->redis = NULL;
    redis_scene_assert_happens(fixture, "");
    redis_free(NULL);
}

static void
an_owner_that_goes_away_is_not_called(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_eval(fixture, &a);
    redis_scene_call(fixture, &b, PATIENCE);
    redis_scene_call(fixture, &a, PATIENCE);
    redis_forget(fixture->redis, &a);
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n+2\r\n+3\r\n");
    redis_scene_assert_happens(fixture, "b=2 ");
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    redis_scene_assert_happens(fixture, "lost:Redis closed the connection ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, redis_scene_set_up, redis_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_redis_that_cannot_serve_us_is_lost),
        TEST(where_the_keys_moved_to_is_kept),
        TEST(what_only_begins_like_it_is_an_answer),
        TEST(the_end_of_the_stream_answers_everything_once),
        TEST(a_connection_with_nothing_outstanding_is_lost_too),
        TEST(broken_protocol_answers_everything_once),
        TEST(a_reply_that_nobody_asked_for_is_the_end),
        TEST(a_reply_that_does_not_come_in_time_is_the_end),
        TEST(patience_counts_anew_for_each_call),
        TEST(impatience_is_not_held_up_by_an_earlier_patient_call),
        TEST(a_script_has_the_patience_of_its_connection),
        TEST(an_answered_call_leaves_no_alarm_behind),
        TEST(it_may_be_freed_inside_on_reply),
        TEST(it_may_be_freed_inside_on_reply_while_it_is_lost),
        TEST(it_may_be_freed_inside_on_lost),
        TEST(it_may_be_freed_inside_on_lost_by_the_watchdog),
        TEST(after_it_is_freed_nothing_is_called),
        TEST(an_owner_that_goes_away_is_not_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
