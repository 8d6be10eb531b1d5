#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"

/* Standard error is a pipe during a test; `was` is the real one. */
static int was;
static int reading_end;

static void
close_reading_end(void)
{
    if (reading_end != -1)
        (void)close(reading_end);
    reading_end = -1;
}

static int
replace_standard_error(void **state)
{
    int ends[2];

    (void)state;
    was = dup(STDERR_FILENO);
    if (was == -1 || pipe(ends) == -1 || dup2(ends[1], STDERR_FILENO) == -1)
        return -1;
    (void)close(ends[1]);
    reading_end = ends[0];
    log_start("test", LOG_LEVEL_INFO);
    (void)alarm(10); /* whatever blocks ends the program */
    return fcntl(reading_end, F_SETFL, O_NONBLOCK);
}

static int
restore_standard_error(void **state)
{
    (void)state;
    close_reading_end();
    (void)log_flush(); /* nobody reads: what waits is dropped */
    (void)dup2(was, STDERR_FILENO);
    (void)close(was);
    (void)alarm(0);
    return 0;
}

/* Everything that is in the pipe now. */
static void
take_output(struct text *out)
{
    char piece[65536];
    ssize_t count;

    while ((count = read(reading_end, piece, sizeof(piece))) > 0)
        text_add_bytes(out, piece, (size_t)count);
}

/* The same, and what still waits to be written. */
static void
take_all_output(struct text *out)
{
    while (!log_flush())
        take_output(out);
    take_output(out);
}

/* The output without its time and pid, which no test can know. */
static void
assert_output(const char *expected_middle)
{
    struct text out = TEXT_EMPTY;
    struct text expected = TEXT_EMPTY;
    size_t time_length = strlen("{\"time\":\"2026-01-02T03:04:05.678Z\",");

    take_output(&out);
    assert_true(out.length > time_length);
    assert_memory_equal(out.data, "{\"time\":\"2", 10);
    text_format(&expected, "%s,\"program\":\"test\",\"pid\":%ld}\n", expected_middle, (long)getpid());
    assert_string_equal(out.data + time_length, expected.data);
    text_clear(&out);
    text_clear(&expected);
}

static void
a_line_has_its_fields_in_their_order(void **state)
{
    (void)state;
    log_info(LOG_EVENT("lock lost"), LOG_TEXT("queue", "backup"), LOG_NUMBER("attempt", -3), LOG_YES_NO("idle", 1),
        LOG_YES_NO("busy", 0), LOG_TEXT("reason", NULL));
    assert_output("\"level\":\"info\",\"event\":\"lock lost\",\"queue\":\"backup\",\"attempt\":-3,\"idle\":true,"
                  "\"busy\":false,\"reason\":null");
}

static void
foreign_bytes_are_escaped(void **state)
{
    (void)state;
    log_warn(
        LOG_EVENT("x"), LOG_TEXT("a", "say \"hi\"\n{\\}"), LOG_BYTES("b", "n\0l\xFF", 4), LOG_BYTES("c", "cut", 1));
    assert_output(
        "\"level\":\"warn\",\"event\":\"x\",\"a\":\"say \\\"hi\\\"\\n{\\\\}\",\"b\":\"n\\u0000l\xEF\xBF\xBD\","
        "\"c\":\"c\"");
}

static void
numbers_keep_all_their_digits(void **state)
{
    (void)state;
    log_error(LOG_EVENT("x"), LOG_NUMBER("least", INT64_MIN), LOG_NUMBER("most", INT64_MAX));
    assert_output("\"level\":\"error\",\"event\":\"x\",\"least\":-9223372036854775808,\"most\":9223372036854775807");
}

static void
what_is_below_the_least_level_is_not_written(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    log_start("test", LOG_LEVEL_WARN);
    log_debug(LOG_EVENT("no"));
    log_info(LOG_EVENT("no"));
    take_output(&out);
    assert_int_equal(out.length, 0);
    log_fatal(LOG_EVENT("yes"));
    assert_output("\"level\":\"fatal\",\"event\":\"yes\"");
}

static int64_t
count_lines(const struct text *out, const char *holding)
{
    int64_t count = 0;

    for (const char *at = text_string(out); (at = strstr(at, holding)) != NULL; at++)
        count++;
    return count;
}

static int64_t
count_lost(const struct text *out)
{
    static const char event[] = "\"event\":\"log lines lost\",\"lines\":";
    int64_t count = 0;

    for (const char *at = text_string(out); (at = strstr(at, event)) != NULL; at++)
        count += strtoll(at + strlen(event), NULL, 10);
    return count;
}

static void
a_full_pipe_holds_nobody_up_and_lost_lines_are_told_afterwards(void **state)
{
    enum { LINES = 2000 };
    struct text out = TEXT_EMPTY;
    int64_t lost;

    (void)state;
    for (int i = 0; i < LINES; i++)
        log_info(LOG_EVENT("tick"), LOG_NUMBER("i", i), LOG_TEXT("filler", "0123456789012345678901234567890123456789"));
    assert_false(log_flush());

    take_all_output(&out);
    log_info(LOG_EVENT("after"));
    take_all_output(&out);

    lost = count_lost(&out);
    assert_true(lost > 0);
    assert_int_equal(count_lines(&out, "\"event\":\"tick\"") + lost, LINES);
    assert_int_equal(count_lines(&out, "\"event\":\"after\""), 1);
    assert_int_equal(count_lines(&out, "\n"), count_lines(&out, "{\"time\"")); /* no line is broken */
    assert_true(strstr(out.data, "log lines lost") < strstr(out.data, "\"event\":\"after\""));
    text_clear(&out);
}

/* The first lines are kept, not the last: what led to the jam is what one wants to read. */
static void
while_there_is_no_room_later_lines_are_lost_and_not_earlier_ones(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    for (int i = 0; i < 2000; i++)
        log_info(LOG_EVENT("tick"), LOG_NUMBER("i", i), LOG_TEXT("filler", "0123456789012345678901234567890123456789"));
    take_all_output(&out);
    assert_non_null(strstr(out.data, "\"i\":0,"));
    assert_non_null(strstr(out.data, "\"i\":100,"));
    assert_null(strstr(out.data, "\"i\":1999,"));
    log_info(LOG_EVENT("told"));
    text_clear(&out);
}

static void
a_line_that_fits_no_buffer_is_lost_and_told(void **state)
{
    struct text out = TEXT_EMPTY;
    char *long_text = malloc(100000);

    (void)state;
    assert_non_null(long_text);
    memset(long_text, 'x', 100000);
    log_info(LOG_EVENT("long"), LOG_BYTES("text", long_text, 100000));
    log_info(LOG_EVENT("next"));
    take_output(&out);
    assert_int_equal(count_lost(&out), 1);
    assert_int_equal(count_lines(&out, "\"event\":\"next\""), 1);
    assert_int_equal(count_lines(&out, "\"event\":\"long\""), 0);
    text_clear(&out);
    free(long_text);
}

static void
a_long_line_goes_out_in_pieces(void **state)
{
    struct text out = TEXT_EMPTY;
    char *long_text = malloc(60000);

    (void)state;
    assert_non_null(long_text);
    memset(long_text, 'x', 60000);
    log_info(LOG_EVENT("long"), LOG_BYTES("text", long_text, 60000));
    take_all_output(&out);
    assert_true(out.length > 60000);
    assert_string_equal(out.data + out.length - 2, "}\n");
    text_clear(&out);
    free(long_text);
}

static void
when_the_reader_is_gone_nothing_waits(void **state)
{
    (void)state;
    close_reading_end();
    log_info(LOG_EVENT("nobody"));
    assert_true(log_flush());
}

static void
when_standard_error_is_closed_nothing_waits(void **state)
{
    (void)state;
    (void)close(STDERR_FILENO);
    log_info(LOG_EVENT("nobody"));
    assert_true(log_flush());
}

static void
levels_have_names(void **state)
{
    static const char *const names[] = { "trace", "debug", "info", "warn", "error", "fatal" };
    enum log_level level = LOG_LEVEL_INFO;

    (void)state;
    for (int i = LOG_LEVEL_TRACE; i <= LOG_LEVEL_FATAL; i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
        assert_string_equal(log_level_name(level), names[i]);
    }
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse("information", &level));
    assert_int_equal(level, LOG_LEVEL_FATAL); /* untouched */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, replace_standard_error, restore_standard_error)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_its_fields_in_their_order),
        TEST(foreign_bytes_are_escaped),
        TEST(numbers_keep_all_their_digits),
        TEST(what_is_below_the_least_level_is_not_written),
        TEST(a_full_pipe_holds_nobody_up_and_lost_lines_are_told_afterwards),
        TEST(while_there_is_no_room_later_lines_are_lost_and_not_earlier_ones),
        TEST(a_line_that_fits_no_buffer_is_lost_and_told),
        TEST(a_long_line_goes_out_in_pieces),
        TEST(when_the_reader_is_gone_nothing_waits),
        TEST(when_standard_error_is_closed_nothing_waits),
        cmocka_unit_test(levels_have_names),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
