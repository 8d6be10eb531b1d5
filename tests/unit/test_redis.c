#include "tests/unit/test.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "protocol/redis.h"
#include "tests/unit/fake_redis.h"

#define PATIENCE 20000

/* What happened, in order, as text: "a=OK " for a reply, "a:reason " for an error, "lost:reason " at the end. */
struct fixture {
    struct event_base *base;
    struct fake_client *client;
    struct redis *redis;
    struct text happened;
    struct redis **free_in_reply; /* freed inside the next on_reply */
    struct redis **free_in_lost;
};

struct caller {
    struct fixture *fixture;
    const char *name;
};

static void
free_now(struct redis **redis)
{
    redis_free(*redis);
    *redis = NULL;
}

static void
on_reply(const redisReply *reply, const struct error *err, void *owner)
{
    struct caller *caller = owner;
    struct fixture *fixture = caller->fixture;

    if (reply == NULL) {
        assert_int_equal(err->code, ERROR_LOST);
        text_format(&fixture->happened, "%s:%s ", caller->name, err->text);
    } else if (reply->type == REDIS_REPLY_INTEGER)
        text_format(&fixture->happened, "%s=%lld ", caller->name, reply->integer);
    else if (reply->type == REDIS_REPLY_ARRAY)
        text_format(&fixture->happened, "%s=[%zu] ", caller->name, reply->elements);
    else
        text_format(&fixture->happened, "%s=%s ", caller->name, reply->str);
    if (fixture->free_in_reply != NULL)
        free_now(fixture->free_in_reply);
}

static void
on_lost(const struct error *err, void *owner)
{
    struct fixture *fixture = owner;

    assert_int_equal(err->code, ERROR_LOST);
    text_format(&fixture->happened, "lost:%s ", err->text);
    if (fixture->free_in_lost != NULL)
        free_now(fixture->free_in_lost);
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct bufferevent *stream;

    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->client = fake_pair(fixture->base, &stream);
    fixture->redis = redis_new(stream, PATIENCE, on_lost, fixture);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    redis_free(fixture->redis);
    fake_client_free(fixture->client);
    fake_turn(fixture->base); /* deferred callbacks, if any, run before the memory is looked over */
    event_base_free(fixture->base);
    text_clear(&fixture->happened);
    free(fixture);
    return 0;
}

static void
call(struct fixture *fixture, struct caller *caller, int64_t patience_ms)
{
    const char *words[] = { "ECHO", caller->name };
    size_t lengths[] = { 4, strlen(caller->name) };

    caller->fixture = fixture;
    redis_call(fixture->redis, 2, words, lengths, patience_ms, on_reply, caller);
}

static void
eval(struct fixture *fixture, struct caller *caller)
{
    const char *words[] = { "key", caller->name, "a\0b" };
    size_t lengths[] = { 3, strlen(caller->name), 3 };

    caller->fixture = fixture;
    redis_eval(fixture->redis, &script_progress, 3, words, lengths, on_reply, caller);
}

/* Waits for this, and sees that no more comes. */
static void
assert_happens(struct fixture *fixture, const char *expected)
{
    struct moment give_up = moment_add_ms(moment_now(), FAKE_PATIENCE_MS);

    while (fixture->happened.length < strlen(expected) && !moment_is_past(give_up))
        fake_turn(fixture->base);
    fake_turn(fixture->base);
    assert_string_equal(text_string(&fixture->happened), expected);
    text_reset(&fixture->happened);
}

static void
a_reply_comes_to_its_caller_and_never_from_inside_the_call(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, PATIENCE);
    assert_string_equal(text_string(&fixture->happened), "");
    fake_assert_word(fake_expect(fixture->client, "ECHO"), 1, "a");
    fake_answer(fixture->client, "$1\r\nx\r\n");
    assert_happens(fixture, "a=x ");
}

static void
several_outstanding_calls_are_answered_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    call(fixture, &a, PATIENCE);
    call(fixture, &b, PATIENCE);
    call(fixture, &c, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n");
    assert_happens(fixture, "a=1 b=2 ");
    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+3\r\n+4\r\n");
    assert_happens(fixture, "c=3 a=4 ");
}

static void
replies_may_be_split_anywhere(void **state)
{
    static const char replies[] = "+OK\r\n:-5\r\n$3\r\nabc\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:7\r\n-ERR no\r\n";

    for (size_t cut = 1; cut < strlen(replies); cut++) {
        struct fixture *fixture;
        struct caller callers[6];
        char first[sizeof(replies)];

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        for (size_t i = 0; i < 6; i++) {
            callers[i].name = "r";
            call(fixture, &callers[i], PATIENCE);
        }
        memcpy(first, replies, cut);
        first[cut] = '\0';
        fake_answer(fixture->client, first);
        fake_turn(fixture->base);
        fake_answer(fixture->client, replies + cut);
        assert_happens(fixture, "r=OK r=-5 r=abc r=(null) r=[2] r=ERR no ");
    }
}

static void
replies_may_come_byte_by_byte(void **state)
{
    static const char replies[] = "+OK\r\n*2\r\n$1\r\nx\r\n$2\r\n\r\n\r\n";
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    call(fixture, &a, PATIENCE);
    call(fixture, &b, PATIENCE);
    for (const char *c = replies; *c != '\0'; c++) {
        fake_answer(fixture->client, (const char[]){ *c, '\0' });
        fake_turn(fixture->base);
    }
    assert_happens(fixture, "a=OK b=[2] ");
}

static void
an_error_reply_is_a_reply(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    redisReply *reply = fake_reply("-ERR bad\r\n", 10);
    struct error err = ERROR_EMPTY;

    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-WRONGTYPE no\r\n");
    assert_happens(fixture, "a=WRONGTYPE no ");
    assert_false(redis_check_reply(reply, NULL, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_string_equal(err.text, "Redis: ERR bad");
    freeReplyObject(reply);
}

static void
a_refusal_for_credentials_or_rights_is_a_denial(void **state)
{
    static const char *const lines[] = { "-WRONGPASS invalid\r\n", "-NOAUTH required\r\n", "-NOPERM no\r\n",
        "-ERR AUTH <password> called without any password\r\n", "-ERR invalid password\r\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        redisReply *reply = fake_reply(lines[i], strlen(lines[i]));
        struct error err = ERROR_EMPTY;

        assert_false(redis_check_reply(reply, NULL, &err));
        assert_int_equal(err.code, ERROR_DENIED);
        freeReplyObject(reply);
    }
}

static void
nobody_need_care_for_a_reply(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    redis_call(fixture->redis, 1, (const char *[]){ "PING" }, (size_t[]){ 4 }, PATIENCE, NULL, NULL);
    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+PONG\r\n+OK\r\n");
    assert_happens(fixture, "a=OK ");
}

static void
words_keep_every_byte(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    redis_call(fixture->redis, 2, (const char *[]){ "SET", "a\0\r\n\xFF" }, (size_t[]){ 3, 5 }, PATIENCE, NULL, NULL);
    command = fake_expect(fixture->client, "SET");
    assert_int_equal(command->element[1]->len, 5);
    assert_memory_equal(command->element[1]->str, "a\0\r\n\xFF", 5);
}

static void
a_script_is_told_once_and_then_named(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    const redisReply *command;

    eval(fixture, &a);
    eval(fixture, &a);
    command = fake_expect(fixture->client, "progress");
    assert_string_equal(command->element[0]->str, "EVAL");
    assert_string_equal(command->element[1]->str, script_progress.text);
    command = fake_expect(fixture->client, "progress");
    assert_string_equal(command->element[0]->str, "EVALSHA");
    assert_string_equal(command->element[1]->str, script_progress.sha1);
}

/* The first call has told the script. */
static void
tell_script(struct fixture *fixture)
{
    struct caller first = { .name = "first" };

    eval(fixture, &first);
    (void)fake_expect(fixture->client, "progress");
    fake_answer(fixture->client, ":0\r\n");
    assert_happens(fixture, "first=0 ");
}

static void
a_forgotten_script_is_told_again_and_then_answered(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    const redisReply *command;

    tell_script(fixture);
    eval(fixture, &a);
    (void)fake_expect(fixture->client, "progress");
    fake_answer(fixture->client, "-NOSCRIPT No matching script. Please use EVAL.\r\n");
    command = fake_expect(fixture->client, "progress");
    assert_string_equal(command->element[0]->str, "EVAL");
    assert_string_equal(command->element[1]->str, script_progress.text);
    assert_string_equal(command->element[2]->str, "1");
    assert_string_equal(command->element[3]->str, "key");
    fake_assert_word(command, 1, "a");
    assert_int_equal(command->element[5]->len, 3);
    assert_memory_equal(command->element[5]->str, "a\0b", 3);
    assert_happens(fixture, "");
    fake_answer(fixture->client, ":0\r\n");
    assert_happens(fixture, "a=0 ");
}

static void
several_calls_of_a_forgotten_script_keep_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    tell_script(fixture);
    eval(fixture, &a);
    eval(fixture, &b);
    eval(fixture, &c);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(fake_take(fixture->client)->element[0]->str, "EVALSHA");
        fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    }
    fake_assert_word(fake_take(fixture->client), 1, "a");
    fake_assert_word(fake_take(fixture->client), 1, "b");
    fake_assert_word(fake_take(fixture->client), 1, "c");
    fake_answer(fixture->client, ":1\r\n:2\r\n:3\r\n");
    assert_happens(fixture, "a=1 b=2 c=3 ");
}

static void
noscript_a_second_time_is_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    eval(fixture, &a);
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT y\r\n");
    assert_happens(fixture, "a=NOSCRIPT y ");
    assert_false(fake_has(fixture->client));
}

static void
noscript_to_a_plain_command_is_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    assert_happens(fixture, "a=NOSCRIPT x ");
}

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
        struct fixture *fixture;
        struct caller a = { .name = "a" };
        struct caller b = { .name = "b" };
        struct text text = TEXT_EMPTY;

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        eval(fixture, &a);
        call(fixture, &b, PATIENCE);
        text_format(&text, "-%s\r\n+never seen\r\n", replies[i]);
        fake_answer(fixture->client, text.data);
        text_reset(&text);
        text_format(&text,
            "a:Redis cannot serve us now: %s b:Redis cannot serve us now: %s lost:Redis cannot serve us now: %s ",
            replies[i], replies[i], replies[i]);
        assert_happens(fixture, text.data);
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
        struct fixture *fixture;
        struct caller a = { .name = "a" };

        (void)tear_down(state);
        (void)set_up(state);
        fixture = *state;
        call(fixture, &a, PATIENCE);
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
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-READONLYX y\r\n");
    assert_happens(fixture, "a=READONLYX y ");
    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-ERR Error running script (call to f_1f2e): @user_script:9: -OOM command\r\n");
    assert_happens(fixture, "a=ERR Error running script (call to f_1f2e): @user_script:9: -OOM command ");
    assert_int_equal(redis_answered(fixture->redis), 2);
}

static void
the_end_of_the_stream_answers_everything_once(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    call(fixture, &a, PATIENCE);
    eval(fixture, &b);
    call(fixture, &c, PATIENCE);
    fake_answer(fixture->client, "+1\r\n$5\r\nhal");
    assert_happens(fixture, "a=1 ");
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    assert_happens(
        fixture, "b:Redis closed the connection c:Redis closed the connection lost:Redis closed the connection ");
    call(fixture, &a, PATIENCE); /* its owner has been told: nothing comes any more */
    eval(fixture, &a);
    assert_happens(fixture, "");
}

static void
a_connection_with_nothing_outstanding_is_lost_too(void **state)
{
    struct fixture *fixture = *state;

    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    assert_happens(fixture, "lost:Redis closed the connection ");
}

static void
broken_protocol_answers_everything_once(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    call(fixture, &a, PATIENCE);
    call(fixture, &b, PATIENCE);
    fake_answer(fixture->client, "+1\r\nHTTP/1.1 400 Bad Request\r\n");
    assert_happens(fixture, "a=1 b:Redis broke the protocol: Protocol error, got \"H\" as reply type byte "
                            "lost:Redis broke the protocol: Protocol error, got \"H\" as reply type byte ");
}

static void
a_reply_that_nobody_asked_for_is_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n+3\r\n");
    assert_happens(fixture, "a=1 lost:Redis sent a reply that nobody asked for ");
}

static void
a_reply_that_does_not_come_in_time_is_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    call(fixture, &a, 20);
    call(fixture, &b, PATIENCE);
    assert_happens(
        fixture, "a:no answer from Redis in time b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
patience_counts_anew_for_each_call(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    call(fixture, &a, 50);
    call(fixture, &b, 150);
    fake_answer(fixture->client, "+1\r\n");
    assert_happens(fixture, "a=1 ");
    fake_run(fixture->base, 80); /* a's time is over, b's is not */
    assert_happens(fixture, "");
    assert_happens(fixture, "b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
impatience_is_not_held_up_by_an_earlier_patient_call(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+1\r\n");
    assert_happens(fixture, "a=1 ");
    call(fixture, &b, 20);
    assert_happens(fixture, "b:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
a_script_has_the_patience_of_its_connection(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct bufferevent *stream;

    redis_free(fixture->redis);
    fake_client_free(fixture->client);
    fixture->client = fake_pair(fixture->base, &stream);
    fixture->redis = redis_new(stream, 20, on_lost, fixture);
    eval(fixture, &a);
    assert_happens(fixture, "a:no answer from Redis in time lost:no answer from Redis in time ");
}

static void
an_answered_call_leaves_no_alarm_behind(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, 20);
    fake_answer(fixture->client, "+1\r\n");
    assert_happens(fixture, "a=1 ");
    fake_run(fixture->base, 60);
    assert_happens(fixture, "");
}

static void
it_may_be_freed_inside_on_reply(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    fixture->free_in_reply = &fixture->redis;
    call(fixture, &a, PATIENCE);
    call(fixture, &b, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n");
    assert_happens(fixture, "a=1 ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_reply_while_it_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    fixture->free_in_reply = &fixture->redis;
    call(fixture, &a, PATIENCE);
    eval(fixture, &b);
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    assert_happens(fixture, "a:Redis closed the connection ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_lost(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    fixture->free_in_lost = &fixture->redis;
    eval(fixture, &a);
    fake_answer(fixture->client, "?\r\n");
    assert_happens(fixture, "a:Redis broke the protocol: Protocol error, got \"?\" as reply type byte "
                            "lost:Redis broke the protocol: Protocol error, got \"?\" as reply type byte ");
    assert_null(fixture->redis);
}

static void
it_may_be_freed_inside_on_lost_by_the_watchdog(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    fixture->free_in_lost = &fixture->redis;
    call(fixture, &a, 10);
    assert_happens(fixture, "a:no answer from Redis in time lost:no answer from Redis in time ");
    assert_null(fixture->redis);
}

static void
after_it_is_freed_nothing_is_called(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };

    call(fixture, &a, PATIENCE);
    eval(fixture, &a);
    fake_answer(fixture->client, "+1\r\n");
    free_now(&fixture->redis);
    assert_happens(fixture, "");
    redis_free(NULL);
}

static void
an_owner_that_goes_away_is_not_called(void **state)
{
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    eval(fixture, &a);
    call(fixture, &b, PATIENCE);
    call(fixture, &a, PATIENCE);
    redis_forget(fixture->redis, &a);
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n+2\r\n+3\r\n");
    assert_happens(fixture, "b=2 ");
    (void)bufferevent_flush(fixture->client->stream, EV_WRITE, BEV_FINISHED);
    assert_happens(fixture, "lost:Redis closed the connection ");
}

static void
a_big_reply_comes_whole(void **state)
{
    enum { BIG = 3 * 1024 * 1024 };
    struct fixture *fixture = *state;
    struct caller a = { .name = "a" };
    struct text reply = TEXT_EMPTY;

    call(fixture, &a, PATIENCE);
    text_format(&reply, "$%d\r\n", BIG);
    for (int i = 0; i < BIG / 64; i++)
        text_add(&reply, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    text_add(&reply, "\r\n");
    fake_answer(fixture->client, reply.data);
    RUN_UNTIL(fixture->base, fixture->happened.length > 0);
    assert_int_equal(fixture->happened.length, BIG + 3);
    text_clear(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_comes_to_its_caller_and_never_from_inside_the_call),
        TEST(several_outstanding_calls_are_answered_in_order),
        TEST(replies_may_be_split_anywhere),
        TEST(replies_may_come_byte_by_byte),
        TEST(an_error_reply_is_a_reply),
        TEST(a_refusal_for_credentials_or_rights_is_a_denial),
        TEST(nobody_need_care_for_a_reply),
        TEST(words_keep_every_byte),
        TEST(a_script_is_told_once_and_then_named),
        TEST(a_forgotten_script_is_told_again_and_then_answered),
        TEST(several_calls_of_a_forgotten_script_keep_their_order),
        TEST(noscript_a_second_time_is_an_answer),
        TEST(noscript_to_a_plain_command_is_an_answer),
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
        TEST(a_big_reply_comes_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
