#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "protocol/job.h"
#include "tests/unit/fake_redis.h"

/* A job made of names and values in turn, NULL at the end. */
static void
read_job(struct job *job, const char *const *fields)
{
    struct text resp = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    redisReply *reply;
    size_t count = 0;

    while (fields[count] != NULL)
        count++;
    text_format(&resp, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        text_format(&resp, "$%zu\r\n%s\r\n", strlen(fields[i]), fields[i]);
    reply = fake_reply(resp.data, resp.length);
    if (!job_read("7", 1, reply, job, &err))
        fail_msg("%s", err.text);
    freeReplyObject(reply);
    text_clear(&resp);
}

#define READ(job, ...) read_job((job), (const char *const[]){ __VA_ARGS__, NULL })

static void
every_field_has_its_place(void **state)
{
    struct job job;

    (void)state;
    READ(&job, "name", "run", "data", "{\"a\":1}", "opts", "{\"attempts\":3,\"jobId\":\"x\"}", "timestamp",
        "1795382600905", "ats", "4", "atm", "2", "stc", "1", "stacktrace", "[\"Error: x\"]", "defa", "child failed",
        "rjk", "nightly", "unknown", "y");
    assert_string_equal(job.id, "7");
    assert_string_equal(job.name, "run");
    assert_int_equal(job.name_length, 3);
    assert_string_equal(job.data, "{\"a\":1}");
    assert_int_equal(job.data_length, 7);
    assert_string_equal(job.options_text, "{\"attempts\":3,\"jobId\":\"x\"}");
    assert_int_equal(job.options.attempts, 3);
    assert_int_equal(job.attempts_started, 5); /* with this one */
    assert_string_equal(job.attempt, "5");
    assert_int_equal(job.attempts_made, 2);
    assert_int_equal(job.stalled_counter, 1);
    assert_int_equal(job.timestamp_ms, 1795382600905);
    assert_string_equal(job.stacktrace, "[\"Error: x\"]");
    assert_string_equal(job.deferred_failure, "child failed");
    assert_string_equal(job.repeat_key, "nightly");
    job_clear(&job);
    assert_null(job.id);
    job_clear(&job);
}

static void
missing_fields_have_defaults(void **state)
{
    struct job job;

    (void)state;
    READ(&job, "x", "y");
    assert_string_equal(job.name, "");
    assert_int_equal(job.name_length, 0);
    assert_string_equal(job.data, "{}");
    assert_int_equal(job.data_length, 2);
    assert_string_equal(job.options_text, "{}");
    assert_string_equal(job.attempt, "1");
    assert_int_equal(job.attempts_made, 0);
    assert_int_equal(job.timestamp_ms, 0);
    assert_null(job.stacktrace);
    assert_null(job.deferred_failure);
    assert_null(job.repeat_key);
    job_clear(&job);
    READ(&job, "rjk", "");
    assert_null(job.repeat_key);
    job_clear(&job);
}

static void
an_empty_hash_is_a_job_with_nothing_in_it(void **state)
{
    redisReply *reply = fake_reply("*0\r\n", 4);
    struct error err;
    struct job job;

    (void)state;
    assert_true(job_read("7\0x", 3, reply, &job, &err));
    assert_memory_equal(job.id, "7\0x", 4);
    job_clear(&job);
    freeReplyObject(reply);
}

static void
numbers_that_are_none_read_as_zero(void **state)
{
    static const char *const garbage[] = { "", "x", "-1", "1.5", " 1", "1e3", "99999999999999999999",
        "9223372036854775807" };

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct job job;

        READ(&job, "ats", garbage[i], "atm", garbage[i], "stc", garbage[i], "timestamp", garbage[i]);
        assert_int_equal(job.attempts_started, 1);
        assert_string_equal(job.attempt, "1");
        assert_int_equal(job.attempts_made, 0);
        assert_int_equal(job.stalled_counter, 0);
        assert_int_equal(job.timestamp_ms, 0);
        job_clear(&job);
    }
}

static void
attempts_made_has_an_old_name(void **state)
{
    struct job job;

    (void)state;
    READ(&job, "attemptsMade", "3");
    assert_int_equal(job.attempts_made, 3);
    assert_int_equal(job.attempts_kept, 0);
    job_clear(&job);
    READ(&job, "attemptsMade", "3", "atm", "1");
    assert_int_equal(job.attempts_made, 3);
    assert_int_equal(job.attempts_kept, 1);
    job_clear(&job);
}

static void
options_that_are_no_object_become_an_empty_one(void **state)
{
    static const char *const garbage[] = { "", "[]", "null", "\"x\"", "{", "{\"attempts\":3" };

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct job job;

        READ(&job, "opts", garbage[i]);
        assert_string_equal(job.options_text, "{}");
        assert_int_equal(job.options.attempts, 0);
        job_clear(&job);
    }
}

static void
data_and_name_keep_every_byte(void **state)
{
    static const char resp[] = "*4\r\n$4\r\nname\r\n$5\r\na\0\xFF\nb\r\n$4\r\ndata\r\n$3\r\n\0\0\0\r\n";
    redisReply *reply = fake_reply(resp, sizeof(resp) - 1);
    struct error err;
    struct job job;

    (void)state;
    assert_true(job_read("7", 1, reply, &job, &err));
    assert_int_equal(job.name_length, 5);
    assert_memory_equal(job.name, "a\0\xFF\nb", 6);
    assert_int_equal(job.data_length, 3);
    assert_memory_equal(job.data, "\0\0\0", 4);
    job_clear(&job);
    freeReplyObject(reply);
}

static void
fields_that_are_no_strings_are_passed_over(void **state)
{
    static const char resp[] = "*6\r\n:1\r\n$1\r\nx\r\n$4\r\nname\r\n:7\r\n*1\r\n$4\r\nname\r\n$-1\r\n";
    redisReply *reply = fake_reply(resp, sizeof(resp) - 1);
    struct error err;
    struct job job;

    (void)state;
    assert_true(job_read("7", 1, reply, &job, &err));
    assert_string_equal(job.name, "");
    job_clear(&job);
    freeReplyObject(reply);
}

static void
what_is_no_hash_is_refused(void **state)
{
    static const char *const shapes[] = { "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", ":0\r\n", "$-1\r\n", "+OK\r\n",
        "*-1\r\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        redisReply *reply = fake_reply(shapes[i], strlen(shapes[i]));
        struct error err = ERROR_EMPTY;
        struct job job;

        assert_false(job_read("17", 2, reply, &job, &err));
        assert_int_equal(err.code, ERROR_INPUT);
        assert_string_equal(err.text, "job '17': its fields are no hash");
        freeReplyObject(reply);
    }
}

static void
assert_stacktrace(const char *stacktrace, const char *options, const char *expected)
{
    struct job job;
    char *got;

    if (stacktrace == NULL)
        READ(&job, "opts", options);
    else
        READ(&job, "opts", options, "stacktrace", stacktrace);
    got = job_stacktrace_with(&job, "Error", "no\n\"way\"");
    assert_string_equal(got, expected);
    free(got);
    job_clear(&job);
}

#define ENTRY "\"Error: no\\n\\\"way\\\"\""

static void
a_failure_is_added_behind_the_others(void **state)
{
    (void)state;
    assert_stacktrace(NULL, "{}", "[" ENTRY "]");
    assert_stacktrace("[]", "{}", "[" ENTRY "]");
    assert_stacktrace("[\"a\",\"b\"]", "{}", "[\"a\",\"b\"," ENTRY "]");
    assert_stacktrace("[1,null]", "{}", "[1,null," ENTRY "]");
}

static void
a_stack_trace_keeps_its_limit_and_the_newest(void **state)
{
    (void)state;
    assert_stacktrace("[\"a\",\"b\"]", "{\"stackTraceLimit\":0}", "[]");
    assert_stacktrace("[\"a\",\"b\"]", "{\"stackTraceLimit\":1}", "[" ENTRY "]");
    assert_stacktrace("[\"a\",\"b\"]", "{\"stackTraceLimit\":2}", "[\"b\"," ENTRY "]");
    assert_stacktrace("[\"a\",\"b\"]", "{\"stackTraceLimit\":9}", "[\"a\",\"b\"," ENTRY "]");
    assert_stacktrace("[\"a\",\"b\"]", "{\"stackTraceLimit\":\"1\"}", "[\"a\",\"b\"," ENTRY "]");
}

static void
a_stack_trace_that_is_none_starts_anew(void **state)
{
    static const char *const garbage[] = { "", "{}", "null", "7", "\"x\"", "[\"a\"", "[] []" };

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        assert_stacktrace(garbage[i], "{}", "[" ENTRY "]");
}

/* A deferred failure is text from Redis, and may be anything. */
static void
a_reason_that_is_no_utf8_still_gives_a_stack_trace(void **state)
{
    struct job job;
    char *got;

    (void)state;
    READ(&job, "stacktrace", "[\"a\"]");
    got = job_stacktrace_with(&job, "Error", "x\xFF");
    assert_string_equal(got, "[\"a\",\"Error: x\xEF\xBF\xBD\"]");
    free(got);
    job_clear(&job);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_its_place),
        cmocka_unit_test(missing_fields_have_defaults),
        cmocka_unit_test(an_empty_hash_is_a_job_with_nothing_in_it),
        cmocka_unit_test(numbers_that_are_none_read_as_zero),
        cmocka_unit_test(attempts_made_has_an_old_name),
        cmocka_unit_test(options_that_are_no_object_become_an_empty_one),
        cmocka_unit_test(data_and_name_keep_every_byte),
        cmocka_unit_test(fields_that_are_no_strings_are_passed_over),
        cmocka_unit_test(what_is_no_hash_is_refused),
        cmocka_unit_test(a_failure_is_added_behind_the_others),
        cmocka_unit_test(a_stack_trace_keeps_its_limit_and_the_newest),
        cmocka_unit_test(a_stack_trace_that_is_none_starts_anew),
        cmocka_unit_test(a_reason_that_is_no_utf8_still_gives_a_stack_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
