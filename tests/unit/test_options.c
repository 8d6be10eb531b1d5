#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/options.h"

#define MOST 9007199254740991 /* JavaScript's greatest safe integer */

static void
parse(const char *json, struct options *options)
{
    options_parse(json, strlen(json), options);
}

static void
assert_keep(const char *value, int64_t count, int64_t age, int64_t limit)
{
    char json[256];
    struct options options;

    (void)snprintf(json, sizeof(json), "{\"removeOnComplete\":%s,\"removeOnFail\":%s}", value, value);
    parse(json, &options);
    assert_int_equal(options.on_complete.count, count);
    assert_int_equal(options.on_complete.age_seconds, age);
    assert_int_equal(options.on_complete.limit, limit);
    assert_int_equal(options.on_complete.is_set, options.on_fail.is_set);
    assert_int_equal(options.on_complete.count, options.on_fail.count);
    assert_int_equal(options.on_complete.age_seconds, options.on_fail.age_seconds);
    assert_int_equal(options.on_complete.limit, options.on_fail.limit);
    options_clear(&options);
}

static bool
keep_is_set(const char *value)
{
    char json[256];
    struct options options;
    bool is_set;

    (void)snprintf(json, sizeof(json), "{\"removeOnComplete\":%s,\"removeOnFail\":%s}", value, value);
    parse(json, &options);
    assert_int_equal(options.on_complete.is_set, options.on_fail.is_set);
    is_set = options.on_complete.is_set;
    options_clear(&options);
    return is_set;
}

static void
finished_jobs_are_kept_as_the_options_say(void **state)
{
    (void)state;
    assert_keep("true", 0, -1, 1000);
    assert_keep("false", -1, -1, 1000);
    assert_keep("0", 0, -1, 1000);
    assert_keep("7", 7, -1, 1000);
    assert_keep("7.9", 7, -1, 1000);
    assert_keep("-1", -1, -1, 1000);
    assert_keep("-5", -1, -1, 1000);
    assert_keep("{}", -1, -1, 1000);
    assert_keep("{\"count\":5}", 5, -1, 1000);
    assert_keep("{\"age\":10}", -1, 10, 1000);
    assert_keep("{\"age\":0}", -1, 0, 1000);
    assert_keep("{\"limit\":3,\"count\":5,\"age\":10}", 5, 10, 3);
    assert_keep("{\"limit\":0,\"count\":0,\"age\":-1}", 0, 0, 1);
    assert_keep("{\"limit\":\"3\",\"count\":null,\"age\":[]}", -1, -1, 1000);
    assert_keep("\"yes\"", -1, -1, 1000);
    assert_keep("null", -1, -1, 1000);
    assert_keep("[]", -1, -1, 1000);
    assert_keep("1e300", MOST, -1, 1000);
}

static void
a_missing_member_has_its_default(void **state)
{
    struct options options;

    (void)state;
    parse("{}", &options);
    assert_int_equal(options.attempts, 0);
    assert_int_equal(options.backoff, BACKOFF_NONE);
    assert_int_equal(options.on_complete.count, -1);
    assert_int_equal(options.on_fail.count, -1);
    assert_int_equal(options.stack_trace_limit, -1);
    assert_int_equal(options.keep_logs, -1);
    assert_int_equal(options.delay_ms, 0);
    assert_int_equal(options.priority, 0);
    assert_false(options.lifo);
    assert_null(options.job_id);
    options_clear(&options);
}

static void
every_member_is_read(void **state)
{
    struct options options;

    (void)state;
    parse("{\"kl\":7,\"stackTraceLimit\":2,\"priority\":5,\"attempts\":3,\"delay\":1500,\"lifo\":true,\"jobId\":"
          "\"prune-1\","
          "\"unknown\":{}}",
        &options);
    assert_int_equal(options.keep_logs, 7);
    assert_int_equal(options.stack_trace_limit, 2);
    assert_int_equal(options.priority, 5);
    assert_int_equal(options.attempts, 3);
    assert_int_equal(options.delay_ms, 1500);
    assert_true(options.lifo);
    assert_string_equal(options.job_id, "prune-1");
    options_clear(&options);
    assert_null(options.job_id);
}

static void
numbers_are_floored_and_bounded(void **state)
{
    struct options options;

    (void)state;
    parse("{\"attempts\":2.9,\"delay\":-5,\"kl\":-3,\"stackTraceLimit\":-1,\"priority\":1e18}", &options);
    assert_int_equal(options.attempts, 2);
    assert_int_equal(options.delay_ms, 0);
    assert_int_equal(options.keep_logs, 0);
    assert_int_equal(options.stack_trace_limit, 0);
    assert_int_equal(options.priority, MOST);
    options_clear(&options);
}

static void
an_integer_of_any_size_spoils_nothing(void **state)
{
    struct options options;

    (void)state;
    parse("{\"attempts\":3,\"x\":123456789012345678901234567890,\"delay\":99999999999999999999}", &options);
    assert_int_equal(options.attempts, 3);
    assert_int_equal(options.delay_ms, MOST);
    options_clear(&options);
}

static void
a_member_of_the_wrong_kind_reads_as_missing(void **state)
{
    struct options options;

    (void)state;
    parse("{\"attempts\":\"3\",\"delay\":true,\"lifo\":1,\"jobId\":7,\"priority\":null,\"kl\":{},\"backoff\":\"fast\"}",
        &options);
    assert_int_equal(options.attempts, 0);
    assert_int_equal(options.delay_ms, 0);
    assert_false(options.lifo);
    assert_null(options.job_id);
    assert_int_equal(options.priority, 0);
    assert_int_equal(options.keep_logs, -1);
    assert_int_equal(options.backoff, BACKOFF_NONE);
    options_clear(&options);
    parse("{\"jobId\":\"\"}", &options);
    assert_null(options.job_id);
    options_clear(&options);
}

static void
anything_but_an_object_reads_as_an_empty_one(void **state)
{
    static const char *const garbage[] = { "", "null", "[]", "7", "\"x\"", "{", "{\"attempts\":3", "{\"attempts\":3}x",
        "{\"attempts\":3,\"x\":\"\xFF\"}", "nonsense" };

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct options options;

        parse(garbage[i], &options);
        assert_int_equal(options.attempts, 0);
        assert_int_equal(options.on_fail.count, -1);
        options_clear(&options);
    }
}

static void
assert_delay(const char *backoff, int64_t attempt, double chance, int64_t expected)
{
    char json[256];
    struct options options;
    int64_t delay_ms = -1;

    (void)snprintf(json, sizeof(json), "{\"backoff\":%s}", backoff);
    parse(json, &options);
    assert_true(options_backoff_ms(&options, attempt, chance, &delay_ms));
    assert_int_equal(delay_ms, expected);
    options_clear(&options);
}

static void
no_backoff_is_no_delay(void **state)
{
    (void)state;
    assert_delay("null", 1, 0, 0);
    assert_delay("false", 1, 0, 0);
    assert_delay("{\"type\":\"fixed\"}", 1, 0.5, 0);
    assert_delay("{\"type\":\"exponential\"}", 3, 0.5, 0);
    assert_delay("{\"type\":\"fixed\",\"delay\":\"100\"}", 1, 0, 0);
    assert_delay("{\"type\":\"fixed\",\"delay\":-100}", 1, 0, 0);
}

static void
a_fixed_backoff_is_always_the_same(void **state)
{
    (void)state;
    assert_delay("100", 1, 0, 100);
    assert_delay("100", 7, 0.9, 100);
    assert_delay("0", 1, 0, 0);
    assert_delay("{\"type\":\"fixed\",\"delay\":250}", 1, 0, 250);
    assert_delay("{\"type\":\"fixed\",\"delay\":250}", 9, 0, 250);
}

static void
an_exponential_backoff_doubles(void **state)
{
    static const char backoff[] = "{\"type\":\"exponential\",\"delay\":1000}";

    (void)state;
    assert_delay(backoff, 1, 0, 1000);
    assert_delay(backoff, 2, 0, 2000);
    assert_delay(backoff, 3, 0, 4000);
    assert_delay(backoff, 10, 0, 512000);
    assert_delay("{\"type\":\"exponential\",\"delay\":0.5}", 1, 0, 1); /* rounded */
    assert_delay("{\"type\":\"exponential\",\"delay\":1.3}", 2, 0, 3);
}

static void
jitter_takes_a_part_of_it_away(void **state)
{
    static const char fixed[] = "{\"type\":\"fixed\",\"delay\":1000,\"jitter\":0.5}";
    static const char exponential[] = "{\"type\":\"exponential\",\"delay\":1000,\"jitter\":0.25}";

    (void)state;
    assert_delay(fixed, 1, 0, 500);
    assert_delay(fixed, 1, 0.5, 750);
    assert_delay(fixed, 1, 0.9999, 999);
    assert_delay(exponential, 2, 0, 1500);
    assert_delay(exponential, 2, 0.5, 1750);
    assert_delay("{\"type\":\"fixed\",\"delay\":1000,\"jitter\":1}", 1, 0, 0);
    assert_delay("{\"type\":\"fixed\",\"delay\":1000,\"jitter\":7}", 1, 0.5, 500); /* as 1 */
    assert_delay("{\"type\":\"fixed\",\"delay\":1000,\"jitter\":-7}", 1, 0.5, 1000);
    assert_delay("{\"type\":\"fixed\",\"delay\":1000,\"jitter\":\"1\"}", 1, 0.5, 1000);
}

static void
a_delay_never_leaves_its_bounds(void **state)
{
    (void)state;
    assert_delay("{\"type\":\"exponential\",\"delay\":1000}", 5000, 0, MOST);
    assert_delay("{\"type\":\"exponential\",\"delay\":1000,\"jitter\":1}", 5000, 0.5, MOST);
    assert_delay("1e300", 1, 0, MOST);
    assert_delay("{\"type\":\"exponential\",\"delay\":0}", 5000, 0, 0); /* twice nothing is nothing, however often */
    assert_delay("{\"type\":\"exponential\",\"delay\":0,\"jitter\":0.5}", 5000, 0.5, 0);
}

static void
a_type_that_only_other_code_knows_is_told(void **state)
{
    static const char *const unknown[] = { "{\"type\":\"custom\",\"delay\":5}", "{\"delay\":5}", "{}", "{\"type\":7}" };

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char json[256];
        struct options options;
        int64_t delay_ms = -1;

        (void)snprintf(json, sizeof(json), "{\"backoff\":%s}", unknown[i]);
        parse(json, &options);
        assert_int_equal(options.backoff, BACKOFF_UNKNOWN);
        assert_false(options_backoff_ms(&options, 1, 0, &delay_ms));
        assert_int_equal(delay_ms, 0);
        options_clear(&options);
    }
}

static void
whether_anything_was_said_of_keeping_is_known(void **state)
{
    static const char *const said[] = { "true", "false", "0", "7", "{}", "{\"age\":1}" };
    static const char *const unsaid[] = { "null", "\"yes\"", "[]" };
    struct options options;

    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        assert_true(keep_is_set(said[i]));
    for (size_t i = 0; i < sizeof(unsaid) / sizeof(unsaid[0]); i++)
        assert_false(keep_is_set(unsaid[i]));
    parse("{}", &options);
    assert_false(options.on_complete.is_set);
    assert_false(options.on_fail.is_set);
    options_clear(&options);
    parse("{\"removeOnFail\":true}", &options); /* each for itself */
    assert_false(options.on_complete.is_set);
    assert_true(options.on_fail.is_set);
    options_clear(&options);
}

static void
a_time_of_its_own_is_read(void **state)
{
    struct options options;

    (void)state;
    parse("{\"timestamp\":1700000000000.5}", &options);
    assert_int_equal(options.timestamp_ms, 1700000000000);
    options_clear(&options);
    parse("{\"timestamp\":-1}", &options);
    assert_int_equal(options.timestamp_ms, 0);
    options_clear(&options);
    parse("{\"timestamp\":\"2026-01-01\"}", &options);
    assert_int_equal(options.timestamp_ms, 0);
    options_clear(&options);
}

static void
a_workers_own_keeping_is_an_object_of_numbers(void **state)
{
    struct options_keep keep;
    struct error err;

    (void)state;
    assert_true(options_parse_keep("{\"count\":5}", &keep, &err));
    assert_true(keep.is_set);
    assert_int_equal(keep.count, 5);
    assert_int_equal(keep.age_seconds, -1);
    assert_int_equal(keep.limit, OPTIONS_KEEP_LIMIT);
    assert_true(options_parse_keep(" { \"limit\" : 3, \"age\" : 60 } ", &keep, &err));
    assert_int_equal(keep.count, -1);
    assert_int_equal(keep.age_seconds, 60);
    assert_int_equal(keep.limit, 3);
    assert_true(options_parse_keep("{\"age\":0,\"count\":0}", &keep, &err));
    assert_int_equal(keep.count, 0);
    assert_int_equal(keep.age_seconds, 0);
}

static void
any_other_keeping_is_refused_with_examples(void **state)
{
    static const char *const wrong[] = { "", "true", "1000", "null", "[]", "\"x\"", "{}", "{\"count\":5",
        "{\"count\":5}x", "{\"count\":\"5\"}", "{\"count\":5.5}", "{\"count\":null}", "{\"count\":-1}", "{\"age\":-1}",
        "{\"age\":true}", "{\"limit\":3}", "{\"limit\":0,\"age\":1}", "{\"count\":5,\"ages\":1}",
        "{\"count\":5,\"age\":\"1\"}", "{\"count\":99999999999999999999}" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct options_keep keep;
        struct error err = ERROR_EMPTY;
        char expected[256];

        (void)snprintf(expected, sizeof(expected),
            "'%s' is not what to keep: {\"count\":1000}, {\"age\":86400}, or both, and \"limit\"", wrong[i]);
        if (options_parse_keep(wrong[i], &keep, &err))
            fail_msg("accepted: %s", wrong[i]);
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_string_equal(err.text, expected);
    }
}

static void
assert_added_as(const char *json, const char *expected)
{
    struct error err = ERROR_EMPTY;
    char *out = options_for_adding(json, &err);

    if (out == NULL)
        fail_msg("%s was refused: %s", json, err.text);
    assert_string_equal(out, expected);
    free(out);
}

static void
options_are_stored_as_queue_add_stores_them(void **state)
{
    (void)state;
    assert_added_as("{}", "{\"attempts\":0}");
    assert_added_as("{\"attempts\":3}", "{\"attempts\":3}");
    assert_added_as(
        "{\"attempts\":1,\"backoff\":500}", "{\"attempts\":1,\"backoff\":{\"type\":\"fixed\",\"delay\":500}}");
    assert_added_as(
        "{\"attempts\":1,\"backoff\":0.5}", "{\"attempts\":1,\"backoff\":{\"type\":\"fixed\",\"delay\":0.5}}");
    assert_added_as("{\"attempts\":1,\"backoff\":{\"type\":\"custom\",\"x\":1}}",
        "{\"attempts\":1,\"backoff\":{\"type\":\"custom\",\"x\":1}}");
    assert_added_as("{\"attempts\":0,\"keepLogs\":7}", "{\"attempts\":0,\"kl\":7}");
    assert_added_as("{\"attempts\":0,\"failParentOnFailure\":true}", "{\"attempts\":0,\"fpof\":true}");
    assert_added_as("{\"attempts\":0,\"continueParentOnFailure\":true}", "{\"attempts\":0,\"cpof\":true}");
    assert_added_as("{\"attempts\":0,\"ignoreDependencyOnFailure\":true}", "{\"attempts\":0,\"idof\":true}");
    assert_added_as("{\"attempts\":0,\"removeDependencyOnFailure\":true}", "{\"attempts\":0,\"rdof\":true}");
    assert_added_as("{\"attempts\":0,\"deduplication\":{\"id\":\"x\",\"ttl\":5}}",
        "{\"attempts\":0,\"de\":{\"id\":\"x\",\"ttl\":5}}");
    assert_added_as("{\"attempts\":0,\"debounce\":{\"id\":\"x\"}}", "{\"attempts\":0,\"de\":{\"id\":\"x\"}}");
    assert_added_as("{\"attempts\":0,\"kl\":7,\"fpof\":false}", "{\"attempts\":0,\"kl\":7,\"fpof\":false}");
}

static void
options_of_schedules_keep_everything_but_their_long_names(void **state)
{
    static const char given[] = "{\"keepLogs\":7,\"backoff\":5,\"priority\":-1.5,\"jobId\":\"7\",\"repeat\":{}}";
    struct error err = ERROR_EMPTY;
    char *out = options_for_schedules(given, &err);

    (void)state;
    assert_string_equal(out, "{\"backoff\":5,\"priority\":-1.5,\"jobId\":\"7\",\"repeat\":{},\"kl\":7}");
    free(out);
    assert_null(options_for_schedules("[]", &err));
    assert_string_equal(err.text, "the options are no object");
}

static void
what_nobody_here_knows_is_kept(void **state)
{
    (void)state;
    assert_added_as("{\"attempts\":0,\"x\":{\"y\":[1,null,\"\xC3\xBC \\\" \\\\\"]},\"sizeLimit\":9}",
        "{\"attempts\":0,\"x\":{\"y\":[1,null,\"\xC3\xBC \\\" \\\\\"]},\"sizeLimit\":9}");
    assert_added_as("{\"attempts\":0,\"x\":\"a\\u0000b\"}", "{\"attempts\":0,\"x\":\"a\\u0000b\"}");
}

static void
assert_not_added(const char *json, const char *expected)
{
    struct error err = ERROR_EMPTY;

    assert_null(options_for_adding(json, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
}

static void
what_queue_add_refuses_is_refused(void **state)
{
    static const char *const ids[] = { "7", "-7", "0", "0:x:y", "a:b", "a:b:c:d" };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char json[64];
        char expected[128];

        (void)snprintf(json, sizeof(json), "{\"jobId\":\"%s\"}", ids[i]);
        (void)snprintf(expected, sizeof(expected),
            "'%s' cannot be a job's id: it is a number, begins with '0:' or has a ':'", ids[i]);
        assert_not_added(json, expected);
    }
    assert_not_added("{\"priority\":2097152}", "a priority is a whole number from 0 to 2097151");
    assert_not_added("{\"priority\":0.5}", "a priority is a whole number from 0 to 2097151");
    assert_not_added("{\"deduplication\":{\"ttl\":5}}", "the option 'deduplication' needs an id");
    assert_added_as("{\"attempts\":0,\"jobId\":\"007\"}", "{\"attempts\":0,\"jobId\":\"007\"}");
    assert_added_as("{\"attempts\":0,\"jobId\":\"repeat:x:7\"}", "{\"attempts\":0,\"jobId\":\"repeat:x:7\"}");
    assert_added_as(
        "{\"attempts\":0,\"priority\":2097151,\"jobId\":\"\"}", "{\"attempts\":0,\"priority\":2097151,\"jobId\":\"\"}");
}

static void
options_that_need_a_queue_of_bullmqs_are_refused(void **state)
{
    static const char *const names[] = { "parent", "repeat", "telemetry" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char json[128];
        char expected[128];

        (void)snprintf(json, sizeof(json), "{\"attempts\":1,\"%s\":{\"id\":\"x\"}}", names[i]);
        (void)snprintf(expected, sizeof(expected), "a job program cannot add a job with the option '%s'", names[i]);
        assert_not_added(json, expected);
    }
    assert_not_added("{\"deduplication\":{\"id\":\"x\",\"replace\":true}}",
        "a job program cannot add a job with the option 'deduplication.replace'");
    assert_not_added("{\"de\":{\"id\":\"x\",\"extend\":true,\"ttl\":5}}",
        "a job program cannot add a job with the option 'deduplication.extend'");
    assert_not_added("{\"debounce\":{\"id\":\"x\",\"keepLastIfActive\":true}}",
        "a job program cannot add a job with the option 'deduplication.keepLastIfActive'");
}

static void
options_that_are_no_object_are_refused(void **state)
{
    (void)state;
    assert_not_added("[]", "the options are no object");
    assert_not_added("{\"attempts\":1", "the options cannot be read: '}' expected near end of file");
    assert_not_added(
        "{\"x\":99999999999999999999}", "the options cannot be read: too big integer near '99999999999999999999'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_jobs_are_kept_as_the_options_say),
        cmocka_unit_test(a_missing_member_has_its_default),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(numbers_are_floored_and_bounded),
        cmocka_unit_test(an_integer_of_any_size_spoils_nothing),
        cmocka_unit_test(a_member_of_the_wrong_kind_reads_as_missing),
        cmocka_unit_test(anything_but_an_object_reads_as_an_empty_one),
        cmocka_unit_test(no_backoff_is_no_delay),
        cmocka_unit_test(a_fixed_backoff_is_always_the_same),
        cmocka_unit_test(an_exponential_backoff_doubles),
        cmocka_unit_test(jitter_takes_a_part_of_it_away),
        cmocka_unit_test(a_delay_never_leaves_its_bounds),
        cmocka_unit_test(a_type_that_only_other_code_knows_is_told),
        cmocka_unit_test(whether_anything_was_said_of_keeping_is_known),
        cmocka_unit_test(a_time_of_its_own_is_read),
        cmocka_unit_test(a_workers_own_keeping_is_an_object_of_numbers),
        cmocka_unit_test(any_other_keeping_is_refused_with_examples),
        cmocka_unit_test(options_are_stored_as_queue_add_stores_them),
        cmocka_unit_test(options_of_schedules_keep_everything_but_their_long_names),
        cmocka_unit_test(what_nobody_here_knows_is_kept),
        cmocka_unit_test(what_queue_add_refuses_is_refused),
        cmocka_unit_test(options_that_need_a_queue_of_bullmqs_are_refused),
        cmocka_unit_test(options_that_are_no_object_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
