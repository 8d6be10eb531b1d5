#include "tests/unit/test.h"

#include <string.h>

#include "tests/unit/redis_scene.h"

static void
a_reply_comes_to_its_caller_and_never_from_inside_the_call(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, PATIENCE);
    assert_string_equal(text_string(&fixture->happened), "");
    fake_assert_word(fake_expect(fixture->client, "ECHO"), 1, "a");
    fake_answer(fixture->client, "$1\r\nx\r\n");
    redis_scene_assert_happens(fixture, "a=x ");
}

static void
several_outstanding_calls_are_answered_in_order(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_call(fixture, &b, PATIENCE);
    redis_scene_call(fixture, &c, PATIENCE);
    fake_answer(fixture->client, "+1\r\n+2\r\n");
    redis_scene_assert_happens(fixture, "a=1 b=2 ");
    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+3\r\n+4\r\n");
    redis_scene_assert_happens(fixture, "c=3 a=4 ");
}

static void
replies_may_be_split_anywhere(void **state)
{
    static const char replies[] = "+OK\r\n:-5\r\n$3\r\nabc\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:7\r\n-ERR no\r\n";

    for (size_t cut = 1; cut < strlen(replies); cut++) {
        struct redis_scene *fixture;
        struct caller callers[6];
        char first[sizeof(replies)];

        (void)redis_scene_tear_down(state);
        (void)redis_scene_set_up(state);
        fixture = *state;
        for (size_t i = 0; i < 6; i++) {
            callers[i].name = "r";
            redis_scene_call(fixture, &callers[i], PATIENCE);
        }
        memcpy(first, replies, cut);
        first[cut] = '\0';
        fake_answer(fixture->client, first);
        fake_turn(fixture->base);
        fake_answer(fixture->client, replies + cut);
        redis_scene_assert_happens(fixture, "r=OK r=-5 r=abc r=(null) r=[2] r=ERR no ");
    }
}

static void
replies_may_come_byte_by_byte(void **state)
{
    static const char replies[] = "+OK\r\n*2\r\n$1\r\nx\r\n$2\r\n\r\n\r\n";
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };

    redis_scene_call(fixture, &a, PATIENCE);
    redis_scene_call(fixture, &b, PATIENCE);
    for (const char *c = replies; *c != '\0'; c++) {
        fake_answer(fixture->client, (const char[]){ *c, '\0' });
        fake_turn(fixture->base);
    }
    redis_scene_assert_happens(fixture, "a=OK b=[2] ");
}

static void
an_error_reply_is_a_reply(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    redisReply *reply = fake_reply("-ERR bad\r\n", 10);
    struct error err = ERROR_EMPTY;

    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-WRONGTYPE no\r\n");
    redis_scene_assert_happens(fixture, "a=WRONGTYPE no ");
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
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_call(fixture->redis, 1, (const char *[]){ "PING" }, (size_t[]){ 4 }, PATIENCE, NULL, NULL);
    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "+PONG\r\n+OK\r\n");
    redis_scene_assert_happens(fixture, "a=OK ");
}

static void
words_keep_every_byte(void **state)
{
    struct redis_scene *fixture = *state;
    const redisReply *command;

    redis_call(fixture->redis, 2, (const char *[]){ "SET", "a\0\r\n\xFF" }, (size_t[]){ 3, 5 }, PATIENCE, NULL, NULL);
    command = fake_expect(fixture->client, "SET");
    assert_int_equal(command->element[1]->len, 5);
    assert_memory_equal(command->element[1]->str, "a\0\r\n\xFF", 5);
}

static void
a_script_is_told_once_and_then_named(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    const redisReply *command;

    redis_scene_eval(fixture, &a);
    redis_scene_eval(fixture, &a);
    command = fake_expect(fixture->client, "progress");
    assert_string_equal(command->element[0]->str, "EVAL");
    assert_string_equal(command->element[1]->str, script_progress.text);
    command = fake_expect(fixture->client, "progress");
    assert_string_equal(command->element[0]->str, "EVALSHA");
    assert_string_equal(command->element[1]->str, script_progress.sha1);
}

/* The first call has told the script. */
static void
tell_script(struct redis_scene *fixture)
{
    struct caller first = { .name = "first" };

    redis_scene_eval(fixture, &first);
    (void)fake_expect(fixture->client, "progress");
    fake_answer(fixture->client, ":0\r\n");
    redis_scene_assert_happens(fixture, "first=0 ");
}

static void
a_forgotten_script_is_told_again_and_then_answered(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    const redisReply *command;

    tell_script(fixture);
    redis_scene_eval(fixture, &a);
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
    redis_scene_assert_happens(fixture, "");
    fake_answer(fixture->client, ":0\r\n");
    redis_scene_assert_happens(fixture, "a=0 ");
}

static void
several_calls_of_a_forgotten_script_keep_their_order(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct caller b = { .name = "b" };
    struct caller c = { .name = "c" };

    tell_script(fixture);
    redis_scene_eval(fixture, &a);
    redis_scene_eval(fixture, &b);
    redis_scene_eval(fixture, &c);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(fake_take(fixture->client)->element[0]->str, "EVALSHA");
        fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    }
    fake_assert_word(fake_take(fixture->client), 1, "a");
    fake_assert_word(fake_take(fixture->client), 1, "b");
    fake_assert_word(fake_take(fixture->client), 1, "c");
    fake_answer(fixture->client, ":1\r\n:2\r\n:3\r\n");
    redis_scene_assert_happens(fixture, "a=1 b=2 c=3 ");
}

static void
noscript_a_second_time_is_an_answer(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_eval(fixture, &a);
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    (void)fake_take(fixture->client);
    fake_answer(fixture->client, "-NOSCRIPT y\r\n");
    redis_scene_assert_happens(fixture, "a=NOSCRIPT y ");
    assert_false(fake_has(fixture->client));
}

static void
noscript_to_a_plain_command_is_an_answer(void **state)
{
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };

    redis_scene_call(fixture, &a, PATIENCE);
    fake_answer(fixture->client, "-NOSCRIPT x\r\n");
    redis_scene_assert_happens(fixture, "a=NOSCRIPT x ");
}

static void
a_big_reply_comes_whole(void **state)
{
    enum { BIG = 3 * 1024 * 1024 };
    struct redis_scene *fixture = *state;
    struct caller a = { .name = "a" };
    struct text reply = TEXT_EMPTY;

    redis_scene_call(fixture, &a, PATIENCE);
    text_format(&reply, "$%d\r\n", BIG);
    for (int i = 0; i < BIG / 64; i++)
        text_add(&reply, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    text_add(&reply, "\r\n");
    fake_answer(fixture->client, reply.data);
    RUN_UNTIL(fixture->base, fixture->happened.length > 0);
    assert_int_equal(fixture->happened.length, BIG + 3);
    text_clear(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, redis_scene_set_up, redis_scene_tear_down)

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
        TEST(a_big_reply_comes_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
