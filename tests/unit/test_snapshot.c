#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/snapshot.h"
#include "tests/unit/fake_redis.h"

#define HEAD "{\"queue\":\"backup\",\"prefix\":\"bull\","

/* `expected` without the queue's name; NULL: it is refused. */
static void
assert_described(const char *resp, const char *expected, const char *expected_error)
{
    redisReply *reply = fake_reply(resp, strlen(resp));
    struct text out = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    struct keys keys;

    assert_true(keys_init(&keys, "bull", "backup", NULL, &err));
    assert_int_equal(snapshot_describe(reply, NULL, &keys, (struct wall){ 5 }, &out, &err), expected != NULL);
    if (expected != NULL) {
        assert_memory_equal(text_string(&out), HEAD, strlen(HEAD));
        assert_string_equal(text_string(&out) + strlen(HEAD), expected);
    } else
        assert_string_equal(err.text, expected_error);
    keys_clear(&keys);
    text_clear(&out);
    freeReplyObject(reply);
}

static void
an_empty_queue_is_described(void **state)
{
    (void)state;
    assert_described("*5\r\n$-1\r\n:0\r\n:1\r\n*0\r\n*0\r\n",
        "\"version\":null,\"now\":5,\"paused\":false,\"complete\":true,\"schedulers\":[],\"jobs\":[]}\n", NULL);
}

static void
schedulers_and_jobs_are_described(void **state)
{
    (void)state;
    assert_described(
        "*5\r\n$8\r\nbullmq:5\r\n:1\r\n:0\r\n"
        "*2\r\n"
        "*4\r\n$1\r\na\r\n$2\r\n12\r\n*2\r\n$2\r\ntz\r\n$3\r\nUTC\r\n*3\r\n$1\r\nj\r\n$7\r\ndelayed\r\n$4\r\n[ 1]\r\n"
        "*4\r\n$1\r\nb\r\n$3\r\n1.5\r\n*0\r\n$-1\r\n"
        "*2\r\n"
        "*6\r\n$1\r\n7\r\n$3\r\nrun\r\n$6\r\nfailed\r\n$2\r\n{}\r\n$1\r\n9\r\n$3\r\n\"\xFF\n\r\n"
        "*6\r\n$1\r\n8\r\n$0\r\n\r\n$6\r\nactive\r\n$2\r\n{a\r\n$-1\r\n$-1\r\n",
        "\"version\":\"bullmq:5\",\"now\":5,\"paused\":true,\"complete\":false,"
        "\"schedulers\":["
        "{\"id\":\"a\",\"next\":12,\"fields\":{\"tz\":\"UTC\"},\"job\":{\"id\":\"j\",\"state\":\"delayed\",\"data\":[ "
        "1]}},"
        "{\"id\":\"b\",\"next\":null,\"fields\":{},\"job\":null}],"
        "\"jobs\":["
        "{\"id\":\"7\",\"name\":\"run\",\"state\":\"failed\",\"data\":{},\"timestamp\":9,\"failedReason\":"
        "\"\\\"\xEF\xBF\xBD\\n\"},"
        "{\"id\":\"8\",\"name\":\"\",\"state\":\"active\",\"data\":null,\"timestamp\":null}]}\n",
        NULL);
}

static void
what_is_no_snapshot_is_refused(void **state)
{
    static const char none[] = "a script answered with something that is no snapshot";

    (void)state;
    assert_described(":0\r\n", NULL, none);
    assert_described("*0\r\n", NULL, none);
    assert_described("*5\r\n$-1\r\n:0\r\n:1\r\n*0\r\n:0\r\n", NULL, none);
    assert_described("*5\r\n$-1\r\n:0\r\n:1\r\n$-1\r\n*0\r\n", NULL, none);
    assert_described("-WRONGTYPE no\r\n", NULL, "Redis: WRONGTYPE no");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_is_described),
        cmocka_unit_test(schedulers_and_jobs_are_described),
        cmocka_unit_test(what_is_no_snapshot_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
