#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/report.h"

/* Wait statuses as Linux makes them. */
#define EXITED(status) ((status) << 8)
#define KILLED(number) (number)

static void
parse(const char *line, struct report *report)
{
    struct error err = ERROR_EMPTY;

    if (!report_parse(line, strlen(line), report, &err))
        fail_msg("'%s': %s", line, err.text);
}

static void
assert_round_trip(const char *line, const char *expected)
{
    struct report report;
    struct text out = TEXT_EMPTY;

    parse(line, &report);
    report_add_line(&report, &out);
    assert_string_equal(out.data, expected);
    text_clear(&out);
    report_clear(&report);
    assert_int_equal(report.type, REPORT_NONE);
}

static void
every_type_goes_both_ways(void **state)
{
    static const char *const lines[] = {
        "{\"type\":\"progress\",\"value\":{\"percent\":50}}\n",
        "{\"type\":\"progress\",\"value\":7}\n",
        "{\"type\":\"log\",\"text\":\"a row\"}\n",
        "{\"type\":\"add\",\"name\":\"prune\",\"data\":{\"a\":[1,null]},\"opts\":{\"jobId\":\"prune-1\"}}\n",
        "{\"type\":\"schedule\",\"id\":\"i\",\"pattern\":\"p\",\"tz\":\"z\",\"name\":\"n\",\"data\":1,\"opts\":{}}\n",
        "{\"type\":\"unschedule\",\"id\":\"s\"}\n",
        "{\"type\":\"completed\",\"returnvalue\":{\"ok\":true}}\n",
        "{\"type\":\"completed\",\"returnvalue\":null}\n",
        "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":true}\n",
        "{\"type\":\"failed\",\"reason\":\"no\",\"retry\":false}\n",
        "{\"type\":\"interrupted\",\"reason\":\"stopped\"}\n",
        "{\"type\":\"delay\",\"until\":1795382600905}\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_round_trip(lines[i], lines[i]);
}

static void
members_that_are_missing_have_a_meaning(void **state)
{
    (void)state;
    assert_round_trip("{\"type\":\"progress\"}", "{\"type\":\"progress\",\"value\":null}\n");
    assert_round_trip("{\"type\":\"completed\"}", "{\"type\":\"completed\",\"returnvalue\":null}\n");
    assert_round_trip(
        "{\"type\":\"failed\",\"reason\":\"x\"}", "{\"type\":\"failed\",\"reason\":\"x\",\"retry\":false}\n");
    assert_round_trip("{\"type\":\"failed\",\"reason\":\"x\",\"code\":\"denied\",\"retry\":true}",
        "{\"type\":\"failed\",\"reason\":\"x\",\"retry\":true,\"code\":\"denied\"}\n");
    assert_round_trip("{\"type\":\"failed\",\"reason\":\"x\",\"code\":\"unheard of\"}",
        "{\"type\":\"failed\",\"reason\":\"x\",\"retry\":false}\n");
    assert_round_trip("{\"type\":\"failed\",\"reason\":\"x\",\"retry\":1}",
        "{\"type\":\"failed\",\"reason\":\"x\",\"retry\":false}\n"); /* only true is true */
    assert_round_trip(
        "{\"type\":\"add\",\"name\":\"x\"}", "{\"type\":\"add\",\"name\":\"x\",\"data\":{},\"opts\":{}}\n");
    assert_round_trip("{\"type\":\"schedule\",\"id\":\"\",\"pattern\":\"\",\"tz\":\"\",\"name\":\"\"}",
        "{\"type\":\"schedule\",\"id\":\"\",\"pattern\":\"\",\"tz\":\"\",\"name\":\"\",\"data\":{},\"opts\":{}}\n");
    assert_round_trip("{\"type\":\"log\",\"text\":\"\"}", "{\"type\":\"log\",\"text\":\"\"}\n");
    assert_round_trip("{\"type\":\"delay\",\"until\":0}", "{\"type\":\"delay\",\"until\":0}\n");
    assert_round_trip("{\"type\":\"data\"}", "{\"type\":\"data\",\"data\":{}}\n");
    assert_round_trip("{\"type\":\"wait\"}", "{\"type\":\"wait\"}\n");
    assert_round_trip("{\"type\":\"rate-limit\",\"ms\":1}", "{\"type\":\"rate-limit\",\"ms\":1}\n");
}

static void
strings_are_escaped_on_their_way_back(void **state)
{
    (void)state;
    assert_round_trip(" {\"text\" : \"a\\\"\\n\\u00fc\\\\\", \"type\":\"log\", \"more\": 1 } \r",
        "{\"type\":\"log\",\"text\":\"a\\\"\\n\xC3\xBC\\\\\"}\n");
    assert_round_trip(
        "{\"type\":\"progress\",\"value\":\"a\\u0000b\"}", "{\"type\":\"progress\",\"value\":\"a\\u0000b\"}\n");
}

static void
the_members_are_where_the_header_says(void **state)
{
    struct report report;

    (void)state;
    parse("{\"type\":\"add\",\"name\":\"n\",\"data\":1,\"opts\":{\"a\":2}}", &report);
    assert_int_equal(report.type, REPORT_ADD);
    assert_string_equal(report.text, "n");
    assert_string_equal(report.value, "1");
    assert_string_equal(report.options, "{\"a\":2}");
    report_clear(&report);
    parse("{\"type\":\"schedule\",\"id\":\"i\",\"pattern\":\"p\",\"tz\":\"z\",\"name\":\"n\",\"data\":1,\"opts\":{}}",
        &report);
    assert_int_equal(report.type, REPORT_SCHEDULE);
    assert_string_equal(report.id, "i");
    assert_string_equal(report.pattern, "p");
    assert_string_equal(report.zone, "z");
    assert_string_equal(report.text, "n");
    assert_string_equal(report.value, "1");
    assert_string_equal(report.options, "{}");
    report_clear(&report);
    parse("{\"type\":\"failed\",\"reason\":\"r\",\"retry\":true}", &report);
    assert_int_equal(report.type, REPORT_FAILED);
    assert_string_equal(report.text, "r");
    assert_true(report.retry);
    report_clear(&report);
    parse("{\"type\":\"delay\",\"until\":5}", &report);
    assert_int_equal(report.ms, 5);
    report_clear(&report);
}

static void
assert_refused_bytes(const char *line, size_t length, const char *expected)
{
    struct report report = { .type = REPORT_LOG };
    struct error err = ERROR_EMPTY;

    assert_false(report_parse(line, length, &report, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
    assert_int_equal(report.type, REPORT_LOG); /* untouched */
}

static void
assert_refused(const char *line, const char *expected)
{
    assert_refused_bytes(line, strlen(line), expected);
}

static void
what_breaks_the_protocol_is_refused(void **state)
{
    static const char no_type[] = "a report line: 'type' is none of progress, log, data, add, schedule, unschedule, "
                                  "completed, failed, interrupted, delay, wait, rate-limit";

    (void)state;
    assert_refused("{}", no_type);
    assert_refused("[]", no_type);
    assert_refused("null", no_type);
    assert_refused("7", no_type);
    assert_refused("\"log\"", no_type);
    assert_refused("{\"type\":\"Log\",\"text\":\"x\"}", no_type);
    assert_refused("{\"type\":\"\"}", no_type);
    assert_refused("{\"type\":\"unschedule\"}", "a report line: 'id' is missing or no string");
    assert_refused(
        "{\"type\":\"schedule\",\"id\":\"i\",\"pattern\":1}", "a report line: 'pattern' is missing or no string");
    assert_refused(
        "{\"type\":\"schedule\",\"id\":\"i\",\"pattern\":\"p\"}", "a report line: 'tz' is missing or no string");
    assert_refused("{\"type\":\"schedule\",\"id\":\"i\",\"pattern\":\"p\",\"tz\":\"z\",\"name\":\"n\",\"opts\":1}",
        "a report line: 'opts' is no object");
    assert_refused("{\"type\":7}", no_type);
    assert_refused("{\"type\":null}", no_type);
    assert_refused("{\"type\":\"log\"}", "a report line: 'text' is missing or no string");
    assert_refused("{\"type\":\"log\",\"text\":1}", "a report line: 'text' is missing or no string");
    assert_refused("{\"type\":\"add\",\"data\":{}}", "a report line: 'name' is missing or no string");
    assert_refused("{\"type\":\"add\",\"name\":\"x\",\"opts\":[]}", "a report line: 'opts' is no object");
    assert_refused("{\"type\":\"add\",\"name\":\"x\",\"opts\":null}", "a report line: 'opts' is no object");
    assert_refused("{\"type\":\"failed\"}", "a report line: 'reason' is missing or no string");
    assert_refused("{\"type\":\"interrupted\",\"reason\":null}", "a report line: 'reason' is missing or no string");
    assert_refused("{\"type\":\"delay\"}", "a report line: 'until' is missing or no time in milliseconds");
    assert_refused("{\"type\":\"delay\",\"until\":-1}", "a report line: 'until' is missing or no time in milliseconds");
    assert_refused(
        "{\"type\":\"delay\",\"until\":1.5}", "a report line: 'until' is missing or no time in milliseconds");
    assert_refused(
        "{\"type\":\"delay\",\"until\":\"5\"}", "a report line: 'until' is missing or no time in milliseconds");
}

static void
what_is_no_json_is_refused(void **state)
{
    (void)state;
    assert_refused("", "a report line: the JSON text ends too soon");
    assert_refused("hello", "a report line: no JSON from byte 1 on, at 'hello'");
    assert_refused("{\"type\":\"log\",\"text\":\"x\"}{", "a report line: no JSON from byte 26 on, at '{'");
    assert_refused_bytes("{\"type\":\"log\",\"text\":\"\xFF\"}", 24, "a report line: no JSON from byte 23 on, at ''");
    assert_refused_bytes("{}\0", 3, "a report line: no JSON from byte 3 on, at ''");
}

static void
a_line_has_a_greatest_length(void **state)
{
    static const char start[] = "{\"type\":\"log\",\"text\":\"";
    struct text line = TEXT_EMPTY;
    struct report report;
    struct error err = ERROR_EMPTY;

    (void)state;
    text_add(&line, start);
    while (line.length < REPORT_LINE_MAX - 2)
        text_add(&line, "x");
    text_add(&line, "\"} ");
    assert_true(report_parse(line.data, REPORT_LINE_MAX, &report, &err));
    assert_int_equal(strlen(report.text), REPORT_LINE_MAX - strlen(start) - 2);
    report_clear(&report);
    assert_refused_bytes(line.data, REPORT_LINE_MAX + 1, "a report line is longer than 1048576 bytes");
    text_clear(&line);
}

static void
nesting_without_end_is_refused(void **state)
{
    enum { DEPTH = 200000 };
    char *line = memory_new(DEPTH + 1);
    struct report report;
    struct error err = ERROR_EMPTY;

    (void)state;
    memset(line, '[', DEPTH);
    assert_false(report_parse(line, DEPTH, &report, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    free(line);
}

static void
a_value_is_passed_on_as_it_was_written(void **state)
{
    static const char *const values[] = { "0.1", "1e+21", "{\"n\":36893488147419103232}", "[1.50, -0, 1E400]",
        "\"\\u001f\\/\\ud800\"", "{\"a\\u0000b\":1,\"a\":1,\"a\":2}", "{ \"a\" : [ ] }", "true", "null", "\"\"" };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct text line = TEXT_EMPTY;
        struct report report;

        text_format(&line, "{\"returnvalue\":%s,\"type\":\"completed\"}", values[i]);
        parse(line.data, &report);
        assert_string_equal(report.value, values[i]);
        report_clear(&report);
        text_clear(&line);
    }
}

static void
only_verdicts_are_verdicts(void **state)
{
    (void)state;
    assert_false(report_is_verdict(REPORT_NONE));
    assert_false(report_is_verdict(REPORT_PROGRESS));
    assert_false(report_is_verdict(REPORT_LOG));
    assert_false(report_is_verdict(REPORT_DATA));
    assert_false(report_is_verdict(REPORT_ADD));
    assert_true(report_is_verdict(REPORT_COMPLETED));
    assert_true(report_is_verdict(REPORT_FAILED));
    assert_true(report_is_verdict(REPORT_INTERRUPTED));
    assert_true(report_is_verdict(REPORT_DELAY));
    assert_true(report_is_verdict(REPORT_WAIT));
    assert_true(report_is_verdict(REPORT_RATE_LIMIT));
}

static struct report
verdict_of(enum report_type type)
{
    static const char *const lines[] = { [REPORT_COMPLETED] = "{\"type\":\"completed\",\"returnvalue\":1}",
        [REPORT_FAILED] = "{\"type\":\"failed\",\"reason\":\"its own\"}",
        [REPORT_INTERRUPTED] = "{\"type\":\"interrupted\",\"reason\":\"its own\"}",
        [REPORT_DELAY] = "{\"type\":\"delay\",\"until\":5}" };
    struct report report = REPORT_EMPTY;

    if (type != REPORT_NONE)
        parse(lines[type], &report);
    return report;
}

/* Every verdict with every kind of end. NULL: the verdict stands. */
static void
the_end_of_a_process_is_judged_by_its_verdict_and_its_status(void **state)
{
    static const int ends[] = { EXITED(0), EXITED(1), EXITED(127), KILLED(SIGKILL), KILLED(SIGSEGV) | 0x80,
        KILLED(40) };
    static const char *const without[] = { "the job process ended with exit status 0 without a verdict",
        "the job process ended with exit status 1 without a verdict",
        "the job process ended with exit status 127 without a verdict",
        "the job process was killed by SIGKILL without a verdict",
        "the job process was killed by SIGSEGV without a verdict",
        "the job process was killed by signal 40 without a verdict" };
    static const char *const after_success[] = { NULL,
        "the job process ended with exit status 1 after it had reported success",
        "the job process ended with exit status 127 after it had reported success",
        "the job process was killed by SIGKILL after it had reported success",
        "the job process was killed by SIGSEGV after it had reported success",
        "the job process was killed by signal 40 after it had reported success" };
    static const enum report_type types[] = { REPORT_NONE, REPORT_COMPLETED, REPORT_FAILED, REPORT_INTERRUPTED,
        REPORT_DELAY };

    (void)state;
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
        for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
            struct report report = verdict_of(types[t]);
            const char *expected = types[t] == REPORT_NONE        ? without[e]
                                   : types[t] == REPORT_COMPLETED ? after_success[e]
                                                                  : NULL;
            bool crashed = report_judge(&report, ends[e], NULL);

            assert_int_equal(crashed, expected != NULL);
            assert_int_equal(report.unclean, crashed || ends[e] != EXITED(0));
            if (crashed) {
                assert_int_equal(report.type, REPORT_FAILED);
                assert_string_equal(report.text, expected);
                assert_true(report.retry);
                assert_null(report.value);
            } else
                assert_int_equal(report.type, types[t]);
            report_clear(&report);
        }
}

static void
a_broken_line_is_a_crash_whatever_else_there_is(void **state)
{
    static const enum report_type types[] = { REPORT_NONE, REPORT_COMPLETED, REPORT_FAILED, REPORT_INTERRUPTED,
        REPORT_DELAY };
    static const int ends[] = { EXITED(0), EXITED(1), KILLED(SIGKILL) };
    struct error broken;

    (void)state;
    (void)error_set(&broken, ERROR_INPUT, "there is a line after the verdict");
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
        for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
            struct report report = verdict_of(types[t]);

            assert_true(report_judge(&report, ends[e], &broken));
            assert_int_equal(report.type, REPORT_FAILED);
            assert_string_equal(
                report.text, "the job process broke the child protocol: there is a line after the verdict");
            assert_true(report.retry);
            report_clear(&report);
        }
}

static void
assert_job(const char *data, size_t length, const char *expected_data)
{
    struct report_job job = { .queue = "ba\"ckup",
        .prefix = "bull",
        .id = "7",
        .name = "r\0n",
        .name_length = 3,
        .data = data,
        .data_length = length,
        .options = "{\"attempts\":3}",
        .attempts_made = 1,
        .attempts_started = 2,
        .stalled_counter = 3,
        .timestamp_ms = 1795382600905 };
    struct text out = TEXT_EMPTY;
    struct text expected = TEXT_EMPTY;

    report_add_job(&job, &out);
    text_format(&expected,
        "{\"queue\":\"ba\\\"ckup\",\"prefix\":\"bull\",\"id\":\"7\",\"name\":\"r\\u0000n\",\"data\":%s,"
        "\"opts\":{\"attempts\":3},\"attemptsMade\":1,\"attemptsStarted\":2,\"stalledCounter\":3,"
        "\"timestamp\":1795382600905,\"final\":false}\n",
        expected_data);
    assert_string_equal(out.data, expected.data);
    text_clear(&out);
    text_clear(&expected);
}

static void
a_job_is_described_with_its_data_as_it_was_written(void **state)
{
    static const char *const data[] = { "{\"a\":1}", "[]", "null", "7", "\"text\"", "{ \"a\" :\t[1 , 2]}",
        "{\"n\":123456789012345678901234567890}", "-99999999999999999999", "{\"s\":\"a\\u0000b\"}", "0.1",
        "{\"a\":1,\"a\":2}", "\"\xC3\xBC\"", "{\"a\":1e400}", "{\"a\\u0000b\":1}" };

    (void)state;
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
        assert_job(data[i], strlen(data[i]), data[i]);
}

static void
data_that_is_no_json_becomes_null_and_a_reason(void **state)
{
    (void)state;
    assert_job("", 0, "null,\"dataError\":\"the JSON text ends too soon\"");
    assert_job("{\"a\":", 5, "null,\"dataError\":\"the JSON text ends too soon\"");
    assert_job("{} {}", 5, "null,\"dataError\":\"no JSON from byte 4 on, at '{}'\"");
    assert_job("\"\xFF\"", 3, "null,\"dataError\":\"no JSON from byte 2 on, at ''\"");
    assert_job("NaN", 3, "null,\"dataError\":\"no JSON from byte 1 on, at 'NaN'\"");
    assert_job("{}\0", 3, "null,\"dataError\":\"no JSON from byte 3 on, at ''\"");
    assert_job("[1\0,2]", 6, "null,\"dataError\":\"no JSON from byte 3 on, at ''\"");
}

static void
a_failed_job_is_described_with_its_failure(void **state)
{
    struct report_failure failure = { .reason = "killed \"so\"",
        .is_final = true,
        .began_ms = 5,
        .at_ms = 7,
        .is_told = true,
        .progress = "{\"phase\":\"dump\"}" };
    struct report_job job = { .queue = "q",
        .prefix = "p",
        .id = "7",
        .name = "n",
        .name_length = 1,
        .data = "1",
        .data_length = 1,
        .options = "{}",
        .is_last = true,
        .failure = &failure };
    struct text out = TEXT_EMPTY;

    (void)state;
    report_add_job(&job, &out);
    assert_string_equal(out.data,
        "{\"queue\":\"q\",\"prefix\":\"p\",\"id\":\"7\",\"name\":\"n\",\"data\":1,\"opts\":{},\"attemptsMade\":0,"
        "\"attemptsStarted\":0,\"stalledCounter\":0,\"timestamp\":0,\"final\":true,"
        "\"failure\":{\"reason\":\"killed \\\"so\\\"\",\"final\":true,\"began\":5,\"at\":7,\"told\":true,"
        "\"progress\":{\"phase\":\"dump\"}}}\n");
    text_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_goes_both_ways),
        cmocka_unit_test(members_that_are_missing_have_a_meaning),
        cmocka_unit_test(strings_are_escaped_on_their_way_back),
        cmocka_unit_test(the_members_are_where_the_header_says),
        cmocka_unit_test(what_breaks_the_protocol_is_refused),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_line_has_a_greatest_length),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(a_value_is_passed_on_as_it_was_written),
        cmocka_unit_test(only_verdicts_are_verdicts),
        cmocka_unit_test(the_end_of_a_process_is_judged_by_its_verdict_and_its_status),
        cmocka_unit_test(a_broken_line_is_a_crash_whatever_else_there_is),
        cmocka_unit_test(a_job_is_described_with_its_data_as_it_was_written),
        cmocka_unit_test(data_that_is_no_json_becomes_null_and_a_reason),
        cmocka_unit_test(a_failed_job_is_described_with_its_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
