#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "protocol/repeat.h"

/* 2026-03-28T12:00:00Z, a day before the clocks of Berlin jump from 2 to 3 o'clock. */
#define NOW_MS 1774699200000
#define HOUR_MS INT64_C(3600000)
/* 2026-03-29T01:00:00Z is 3 o'clock there. */
#define NEXT_MS 1774746000000
#define DAY_MS (24 * HOUR_MS)

struct fixture {
    struct timezones *zones;
    struct job job;
    struct repeat repeat;
    struct error err;
};

static int
set_up(void **state)
{
    struct fixture *fixture = memory_new(sizeof(*fixture));

    fixture->zones = timezones_new(TIMEZONE_FOLDER, "Europe/Berlin");
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    repeat_clear(&fixture->repeat);
    job_clear(&fixture->job);
    timezones_free(fixture->zones);
    free(fixture);
    return 0;
}

/* A job of the schedule `key` (NULL: none) with those options. */
static bool
next_of(struct fixture *fixture, const char *key, int64_t version, const char *options)
{
    struct job *job = &fixture->job;

    repeat_clear(&fixture->repeat);
    job_clear(job);
    job->id = memory_copy_string("7");
    job->name = memory_copy_string("run");
    job->name_length = 3;
    job->data = memory_copy_string("{\"id\":\"x\"}");
    job->data_length = strlen(job->data);
    job->repeat_key = memory_copy_string(key);
    job->scheduler_version = version;
    job->options_text = memory_copy_string(options);
    (void)options_parse(options, strlen(options), &job->options);
    return repeat_next(job, fixture->zones, (struct wall){ NOW_MS }, &fixture->repeat, &fixture->err);
}

static void
assert_next(struct fixture *fixture, const char *options, int64_t expected_ms)
{
    if (!next_of(fixture, "nightly", 5, options))
        fail_msg("%s: %s", options, fixture->err.text);
    if (fixture->repeat.kind != REPEAT_BY_SCHEDULER || fixture->repeat.next_ms != expected_ms)
        fail_msg("%s: kind %d, %lld", options, fixture->repeat.kind, (long long)fixture->repeat.next_ms);
}

static void
assert_ends(struct fixture *fixture, const char *options)
{
    if (!next_of(fixture, "nightly", 5, options) || fixture->repeat.kind != REPEAT_ENDS)
        fail_msg("%s goes on", options);
    assert_null(fixture->repeat.options);
}

static void
assert_refused(struct fixture *fixture, const char *options, const char *expected)
{
    assert_false(next_of(fixture, "nightly", 5, options));
    assert_string_equal(fixture->err.text, expected);
    assert_int_equal(fixture->repeat.kind, REPEAT_ENDS);
}

static void
a_job_of_no_schedule_is_followed_by_none(void **state)
{
    struct fixture *fixture = *state;

    assert_true(next_of(fixture, NULL, 0, "{\"attempts\":3,\"prevMillis\":1}"));
    assert_int_equal(fixture->repeat.kind, REPEAT_ENDS);
}

static void
the_next_instant_of_a_pattern_comes_after_now_and_after_the_one_before(void **state)
{
    struct fixture *fixture = *state;

    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"tz\":\"Europe/Berlin\"}}", NEXT_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\"}}", NEXT_MS); /* by this machine's clock */
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"tz\":\"UTC\"}}", NEXT_MS + 2 * HOUR_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"utc\":true}}", NEXT_MS + 2 * HOUR_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\"},\"prevMillis\":1774746000000}", NEXT_MS + DAY_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\"},\"prevMillis\":1774746000000.5}", NEXT_MS + DAY_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\"},\"prevMillis\":1}", NEXT_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"startDate\":1774746000000}}", NEXT_MS + DAY_MS);
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"startDate\":\"1774746000000\"}}", NEXT_MS + DAY_MS);
}

static void
the_dialect_is_that_of_the_bullmq_that_keeps_the_schedule(void **state)
{
    static const char options[] = "{\"repeat\":{\"pattern\":\"0 0 15 * 1-7\",\"tz\":\"UTC\"}}";
    struct fixture *fixture = *state;

    assert_next(fixture, options, 1776211200000); /* the 15th */
    assert_true(next_of(fixture, "nightly", 0, options));
    assert_int_equal(fixture->repeat.next_ms, 1776211200000);
    assert_true(next_of(fixture, "nightly", 6, options));
    assert_int_equal(fixture->repeat.next_ms, 1774742400000); /* tomorrow */
}

static void
the_instants_of_every_are_left_to_the_script(void **state)
{
    struct fixture *fixture = *state;

    assert_next(fixture, "{\"repeat\":{\"every\":1000,\"offset\":7},\"prevMillis\":5}", 0);
    assert_int_equal(fixture->repeat.every_ms, 1000);
    assert_int_equal(fixture->repeat.offset_ms, 7);
    assert_next(fixture, "{\"repeat\":{\"every\":1000,\"pattern\":\"\"}}", 0);
}

static void
a_schedule_ends_at_its_limit_and_at_its_end(void **state)
{
    struct fixture *fixture = *state;

    assert_next(fixture, "{\"repeat\":{\"every\":1000,\"count\":2,\"limit\":3}}", 0);
    assert_ends(fixture, "{\"repeat\":{\"every\":1000,\"count\":3,\"limit\":3}}");
    assert_ends(fixture, "{\"repeat\":{\"every\":1000,\"limit\":0}}");
    assert_next(fixture, "{\"repeat\":{\"every\":1000,\"endDate\":1774699200000}}", 0);
    assert_ends(fixture, "{\"repeat\":{\"every\":1000,\"endDate\":1774699199999}}");
    assert_next(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"endDate\":1774746000000}}", NEXT_MS);
    assert_ends(fixture, "{\"repeat\":{\"pattern\":\"0 3 * * *\",\"endDate\":1774745999999}}");
}

static void
assert_options(struct fixture *fixture, const char *options, const char *expected)
{
    assert_true(next_of(fixture, "nightly", 6, options));
    assert_string_equal(fixture->repeat.options, expected);
}

static void
the_next_job_has_the_options_of_this_one(void **state)
{
    struct fixture *fixture = *state;

    assert_options(
        fixture, "{\"repeat\":{\"every\":1000}}", "{\"repeat\":{\"every\":1000,\"count\":1},\"attempts\":0,");
    assert_options(fixture,
        "{ \"a\" : 12345678901234567890.10, \"jobId\":\"x\", \"delay\":5, \"timestamp\":1, \"prevMillis\":2, "
        "\"repeatJobKey\":\"k\",\"attempts\":3,\"tm\":\"\\u00fc\\/\",\"e\":[ ], "
        "\"repeat\": {\"count\":7,\"immediately\":true,\"pattern\":\"0 3 * * *\",\"offset\":3,\"x\":{\"y\":1e2}}}",
        "{\"a\":12345678901234567890.10,\"attempts\":3,\"tm\":\"\\u00fc\\/\",\"e\":[ ],"
        "\"repeat\":{\"pattern\":\"0 3 * * *\",\"x\":{\"y\":1e2},\"count\":8},");
    assert_options(fixture, "{\"attempts\":1,\"backoff\":500,\"repeat\":{\"every\":1000}}",
        "{\"attempts\":1,\"backoff\":{\"type\":\"fixed\",\"delay\":500},\"repeat\":{\"every\":1000,\"count\":1},");
    assert_options(fixture, "{\"attempts\":1,\"backoff\":{\"type\":\"x\"},\"repeat\":{\"every\":1000}}",
        "{\"attempts\":1,\"backoff\":{\"type\":\"x\"},\"repeat\":{\"every\":1000,\"count\":1},");
}

static void
an_offset_goes_along_with_every_in_bullmq_6(void **state)
{
    static const char options[] = "{\"attempts\":1,\"repeat\":{\"offset\":7,\"every\":1000}}";
    struct fixture *fixture = *state;

    assert_options(fixture, options, "{\"attempts\":1,\"repeat\":{\"offset\":7,\"every\":1000,\"count\":1},");
    assert_next(fixture, options, 0);
    assert_string_equal(fixture->repeat.options, "{\"attempts\":1,\"repeat\":{\"every\":1000,\"count\":1},");
}

static void
a_schedule_that_cannot_be_understood_is_refused_with_what_is_wrong(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, "{}", "schedule 'nightly': its job does not say when to repeat it");
    assert_refused(fixture, "{\"repeat\":[]}", "schedule 'nightly': its job does not say when to repeat it");
    assert_refused(fixture, "{\"repeat\":{}}", "schedule 'nightly': it has neither a pattern nor 'every'");
    assert_refused(fixture, "{\"repeat\":{\"every\":-5}}", "schedule 'nightly': it has neither a pattern nor 'every'");
    assert_refused(
        fixture, "{\"repeat\":{\"cron\":\"* * * * *\"}}", "schedule 'nightly': it has neither a pattern nor 'every'");
    assert_refused(fixture, "{\"repeat\":{\"every\":5,\"pattern\":\"* * * * *\"}}",
        "schedule 'nightly', zone 'local': it has both a pattern and 'every'");
    assert_refused(fixture, "{\"repeat\":{\"pattern\":\"* * * * *\",\"tz\":\"Nowhere\"}}",
        "schedule 'nightly', zone 'Nowhere': cron pattern '* * * * *': time zone 'Nowhere' does not exist");
    assert_refused(fixture, "{\"repeat\":{\"pattern\":\"61 * * * *\",\"tz\":\"UTC\"}}",
        "schedule 'nightly', zone 'UTC': cron pattern '61 * * * *': minute '61': 61 is not within 0-59");
    assert_refused(fixture, "{\"repeat\":{\"pattern\":\"0 0 31 4,6 *\"}}",
        "schedule 'nightly', zone 'local': cron pattern '0 0 31 4,6 *': the pattern has no next time within 9999 steps "
        "of its search");
}

static void
a_legacy_repeatable_is_known_by_its_key_or_by_having_none(void **state)
{
    static const char options[] =
        "{\"attempts\":1,\"repeat\":{\"offset\":7,\"every\":3600000},\"prevMillis\":1774699200001}";
    static const char expected[] = "{\"attempts\":1,\"repeat\":{\"offset\":7,\"every\":3600000,\"count\":1},";
    static const char *const keys[] = { NULL, "run::::3600000" };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_true(next_of(fixture, keys[i], 0, options));
        assert_int_equal(fixture->repeat.kind, REPEAT_LEGACY);
        assert_int_equal(fixture->repeat.next_ms, NOW_MS + HOUR_MS);
        assert_int_equal(fixture->repeat.offset_ms, 7);
        assert_string_equal(fixture->repeat.options, expected);
        assert_string_equal(fixture->repeat.keys[1].key, "run::::3600000");
    }
    assert_true(next_of(fixture, "run::::3600000", 5, options)); /* a scheduler of that name */
    assert_int_equal(fixture->repeat.kind, REPEAT_BY_SCHEDULER);
    assert_true(next_of(fixture, "a:b:c:d", 0, options));
    assert_int_equal(fixture->repeat.kind, REPEAT_BY_SCHEDULER);
}

static void
the_pattern_of_a_legacy_repeatable_may_have_its_old_name(void **state)
{
    struct fixture *fixture = *state;

    assert_true(next_of(fixture, NULL, 0, "{\"attempts\":1,\"repeat\":{\"cron\":\"0 3 * * *\"}}"));
    assert_int_equal(fixture->repeat.next_ms, NEXT_MS);
    assert_string_equal(fixture->repeat.options, "{\"attempts\":1,\"repeat\":{\"pattern\":\"0 3 * * *\",\"count\":1},");
}

static void
options_that_are_nested_too_deeply_are_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t depth = JSON_DEPTH_MAX + 1;
    struct text options = TEXT_EMPTY;

    text_add(&options, "{\"repeat\":{\"every\":1000},\"x\":");
    for (size_t i = 0; i < depth; i++)
        text_add(&options, "[");
    for (size_t i = 0; i < depth; i++)
        text_add(&options, "]");
    text_add(&options, "}");
    assert_false(next_of(fixture, "nightly", 5, options.data));
    assert_non_null(strstr(fixture->err.text, "schedule 'nightly': no JSON from byte"));
    text_clear(&options);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define REPEATS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        REPEATS(a_job_of_no_schedule_is_followed_by_none),
        REPEATS(the_next_instant_of_a_pattern_comes_after_now_and_after_the_one_before),
        REPEATS(the_dialect_is_that_of_the_bullmq_that_keeps_the_schedule),
        REPEATS(the_instants_of_every_are_left_to_the_script),
        REPEATS(a_schedule_ends_at_its_limit_and_at_its_end),
        REPEATS(the_next_job_has_the_options_of_this_one),
        REPEATS(an_offset_goes_along_with_every_in_bullmq_6),
        REPEATS(a_schedule_that_cannot_be_understood_is_refused_with_what_is_wrong),
        REPEATS(a_legacy_repeatable_is_known_by_its_key_or_by_having_none),
        REPEATS(the_pattern_of_a_legacy_repeatable_may_have_its_old_name),
        REPEATS(options_that_are_nested_too_deeply_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
