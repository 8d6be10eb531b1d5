#include "tests/unit/test.h"

#include <string.h>

#include "protocol/commands.h"
#include "tests/unit/fake_redis.h"

static struct error lost;

static bool
read_fetched(const char *resp, struct commands_fetched *out, struct error *err)
{
    redisReply *reply = fake_reply(resp, strlen(resp));
    bool ok = commands_read_fetched(reply, NULL, out, err);

    freeReplyObject(reply);
    return ok;
}

static void
assert_fetch_refused(const char *resp, enum error_code code, const char *expected)
{
    struct commands_fetched fetched;
    struct error err = ERROR_EMPTY;

    assert_false(read_fetched(resp, &fetched, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.text, expected);
}

static void
a_fetched_job_is_read(void **state)
{
    struct commands_fetched fetched;
    struct error err;

    (void)state;
    assert_true(read_fetched(
        "*4\r\n*4\r\n$4\r\nname\r\n$3\r\nrun\r\n$3\r\nats\r\n$1\r\n2\r\n$3\r\na:1\r\n:0\r\n:0\r\n", &fetched, &err));
    assert_true(fetched.has_job);
    assert_string_equal(fetched.job.id, "a:1");
    assert_string_equal(fetched.job.name, "run");
    assert_string_equal(fetched.job.attempt, "3");
    assert_int_equal(fetched.limited_ms, 0);
    assert_int_equal(fetched.next_delayed_ms, 0);
    assert_int_equal(fetched.job.scheduler_version, 0);
    job_clear(&fetched.job);
}

static void
a_fetched_job_of_a_scheduler_tells_who_keeps_that(void **state)
{
    struct commands_fetched fetched;
    struct error err;

    (void)state;
    assert_true(read_fetched("*4\r\n*2\r\n$3\r\nrjk\r\n$1\r\nn\r\n$3\r\na:1\r\n:0\r\n:6\r\n", &fetched, &err));
    assert_string_equal(fetched.job.repeat_key, "n");
    assert_int_equal(fetched.job.scheduler_version, 6);
    assert_int_equal(fetched.next_delayed_ms, 0);
    job_clear(&fetched.job);
}

static void
a_fetch_without_a_job_says_why(void **state)
{
    struct commands_fetched fetched;
    struct error err;

    (void)state;
    assert_true(read_fetched("*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n", &fetched, &err));
    assert_false(fetched.has_job);
    assert_int_equal(fetched.limited_ms, 0);
    assert_int_equal(fetched.next_delayed_ms, 0);
    assert_true(read_fetched("*4\r\n:0\r\n:0\r\n:996\r\n:0\r\n", &fetched, &err));
    assert_int_equal(fetched.limited_ms, 996);
    assert_true(read_fetched("*4\r\n:0\r\n:0\r\n:0\r\n:1795384326754\r\n", &fetched, &err));
    assert_int_equal(fetched.next_delayed_ms, 1795384326754);
}

static void
a_fetch_of_another_shape_is_refused(void **state)
{
    static const char no_job[] = "a fetch answered with something that is no job";
    static const char *const shapes[] = { ":0\r\n", ":-2\r\n", "$-1\r\n", "*-1\r\n", "+OK\r\n", "$1\r\nx\r\n", "*0\r\n",
        "*3\r\n:0\r\n:0\r\n:0\r\n", "*5\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n", "*4\r\n:0\r\n:0\r\n$1\r\n0\r\n:0\r\n",
        "*4\r\n:0\r\n:0\r\n:0\r\n$-1\r\n", "*4\r\n:0\r\n:0\r\n:-1\r\n:0\r\n",
        "*4\r\n:0\r\n:0\r\n:0\r\n:-9223372036854775808\r\n", "*4\r\n*0\r\n$1\r\n7\r\n*0\r\n:0\r\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        assert_fetch_refused(shapes[i], ERROR_INPUT, no_job);
    assert_fetch_refused("*4\r\n*0\r\n:7\r\n:0\r\n:0\r\n", ERROR_INPUT, "a fetch answered with a job that has no id");
    assert_fetch_refused("*4\r\n*0\r\n$-1\r\n:0\r\n:0\r\n", ERROR_INPUT, "a fetch answered with a job that has no id");
    assert_fetch_refused(
        "*4\r\n*1\r\n$1\r\nx\r\n$1\r\n7\r\n:0\r\n:0\r\n", ERROR_INPUT, "job '7': its fields are no hash");
    assert_fetch_refused("-OOM no room\r\n", ERROR_REFUSED, "Redis: OOM no room");
}

static void
a_lost_answer_is_told_by_every_reader(void **state)
{
    struct commands_fetched fetched;
    struct error err = ERROR_EMPTY;
    int64_t number;

    (void)state;
    (void)error_set(&lost, ERROR_LOST, "Redis closed the connection");
    assert_false(commands_read_fetched(NULL, &lost, &fetched, &err));
    assert_string_equal(err.text, "Redis closed the connection");
    assert_false(commands_read_code(NULL, &lost, &number, &err));
    assert_false(commands_read_list(NULL, &lost, &err));
    assert_false(commands_read_marker(NULL, &lost, &number, &err));
    assert_int_equal(err.code, ERROR_LOST);
}

static bool
read_marker(const char *resp, int64_t *due_ms, struct error *err)
{
    redisReply *reply = fake_reply(resp, strlen(resp));
    bool ok = commands_read_marker(reply, NULL, due_ms, err);

    freeReplyObject(reply);
    return ok;
}

static void
assert_marker(const char *score, int64_t expected)
{
    struct text resp = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    int64_t due_ms = -1;

    text_format(&resp, "*3\r\n$3\r\nkey\r\n$1\r\n1\r\n$%zu\r\n%s\r\n", strlen(score), score);
    assert_true(read_marker(resp.data, &due_ms, &err));
    assert_int_equal(due_ms, expected);
    text_clear(&resp);
}

static void
a_marker_is_the_time_to_look_again(void **state)
{
    struct error err;
    int64_t due_ms = -1;

    (void)state;
    assert_marker("0", 0);
    assert_marker("1795383391003", 1795383391003);
    assert_marker("1795383391003.0002", 1795383391003); /* as bullmq writes them */
    assert_marker("1.7953833910030002e+12", 1795383391003);
    assert_marker("inf", 9007199254740991); /* JavaScript's greatest safe integer */
    assert_marker("1e300", 9007199254740991);
    assert_marker("-1", 0);
    assert_marker("-inf", 0);
    assert_true(read_marker("*-1\r\n", &due_ms, &err)); /* nobody woke us */
    assert_int_equal(due_ms, 0);
}

static void
assert_marker_refused(const char *resp, const char *expected)
{
    struct error err = ERROR_EMPTY;
    int64_t due_ms;

    assert_false(read_marker(resp, &due_ms, &err));
    assert_string_equal(err.text, expected);
}

static void
a_marker_of_another_shape_is_refused(void **state)
{
    static const char no_marker[] = "BZPOPMIN answered with something that is no marker";
    static const char no_time[] = "a marker's score is no time";

    (void)state;
    assert_marker_refused(":0\r\n", no_marker);
    assert_marker_refused("*0\r\n", no_marker);
    assert_marker_refused("*2\r\n$1\r\na\r\n$1\r\n0\r\n", no_marker);
    assert_marker_refused("*3\r\n$1\r\na\r\n$1\r\nb\r\n:0\r\n", no_marker);
    assert_marker_refused("*3\r\n$1\r\na\r\n$1\r\nb\r\n$3\r\nnan\r\n", no_time);
    assert_marker_refused("*3\r\n$1\r\na\r\n$1\r\nb\r\n$2\r\n1x\r\n", no_time);
    assert_marker_refused("*3\r\n$1\r\na\r\n$1\r\nb\r\n$0\r\n\r\n", no_time);
    assert_marker_refused("-WRONGTYPE no\r\n", "Redis: WRONGTYPE no");
}

static void
a_code_is_the_number_and_an_id_is_none(void **state)
{
    static const struct {
        const char *resp;
        int64_t code;
    } all[] = { { ":0\r\n", 0 }, { ":-6\r\n", -6 }, { ":3\r\n", 3 }, { "$2\r\n-6\r\n", 0 } };
    static const char *const none[] = { "+OK\r\n", "*0\r\n", "$-1\r\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        redisReply *reply = fake_reply(all[i].resp, strlen(all[i].resp));
        struct error err;
        int64_t code = 7;

        assert_true(commands_read_code(reply, NULL, &code, &err));
        assert_int_equal(code, all[i].code);
        freeReplyObject(reply);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        redisReply *reply = fake_reply(none[i], strlen(none[i]));
        struct error err = ERROR_EMPTY;
        int64_t code;

        assert_false(commands_read_code(reply, NULL, &code, &err));
        assert_string_equal(err.text, "a script answered with something that is no code");
        freeReplyObject(reply);
    }
}

static void
assert_list(const char *resp, const char *expected_error)
{
    redisReply *reply = fake_reply(resp, strlen(resp));
    struct error err = ERROR_EMPTY;

    assert_int_equal(commands_read_list(reply, NULL, &err), expected_error == NULL);
    assert_string_equal(err.text, expected_error == NULL ? "" : expected_error);
    freeReplyObject(reply);
}

static void
a_list_is_of_strings(void **state)
{
    (void)state;
    assert_list("*0\r\n", NULL);
    assert_list("*2\r\n$1\r\na\r\n$0\r\n\r\n", NULL);
    assert_list(":0\r\n", "a script answered with something that is no list");
    assert_list("*-1\r\n", "a script answered with something that is no list");
    assert_list("*2\r\n$1\r\na\r\n:1\r\n", "a script answered with a list that is not of ids");
    assert_list("*1\r\n$-1\r\n", "a script answered with a list that is not of ids");
    assert_list("-ERR no\r\n", "Redis: ERR no");
}

static void
a_look_for_stalled_jobs_tells_of_schedulers_and_ids(void **state)
{
    static const char *const none[] = { "*0\r\n", ":1\r\n", "*1\r\n$1\r\n1\r\n", "*2\r\n:1\r\n:2\r\n", "-ERR no\r\n" };
    static const char some[] = "*3\r\n:2\r\n$1\r\na\r\n$1\r\nb\r\n";
    redisReply *reply = fake_reply(some, strlen(some));
    struct commands_recovered found;
    struct error err;

    (void)state;
    assert_true(commands_read_recovered(reply, NULL, &found, &err));
    assert_int_equal(found.schedulers, 2);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.ids[1]->str, "b");
    freeReplyObject(reply);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        reply = fake_reply(none[i], strlen(none[i]));
        assert_false(commands_read_recovered(reply, NULL, &found, &err));
        freeReplyObject(reply);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fetched_job_is_read),
        cmocka_unit_test(a_fetched_job_of_a_scheduler_tells_who_keeps_that),
        cmocka_unit_test(a_fetch_without_a_job_says_why),
        cmocka_unit_test(a_fetch_of_another_shape_is_refused),
        cmocka_unit_test(a_lost_answer_is_told_by_every_reader),
        cmocka_unit_test(a_marker_is_the_time_to_look_again),
        cmocka_unit_test(a_marker_of_another_shape_is_refused),
        cmocka_unit_test(a_code_is_the_number_and_an_id_is_none),
        cmocka_unit_test(a_list_is_of_strings),
        cmocka_unit_test(a_look_for_stalled_jobs_tells_of_schedulers_and_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
