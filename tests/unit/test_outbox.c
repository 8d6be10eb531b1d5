#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/outbox.h"
#include "tests/unit/scene.h"

struct fixture {
    struct scene scene;
    struct outbox *outbox;
    struct job job;
    int changes;
};

static void
on_change(void *owner)
{
    struct fixture *fixture = owner;

    fixture->changes++;
}

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    static char id[] = "7";

    assert_non_null(fixture);
    scene_init(&fixture->scene);
    fixture->outbox = outbox_new(&fixture->scene.consumer, on_change, fixture);
    fixture->job = (struct job){ .id = id, .options = { .keep_logs = 3 } };
    outbox_open(fixture->outbox, &fixture->job);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    outbox_free(fixture->outbox);
    scene_clear(&fixture->scene);
    free(fixture);
    return 0;
}

static void
put_log(struct fixture *fixture, const char *row)
{
    struct report report = { .type = REPORT_LOG, .text = memory_copy_string(row) };

    outbox_put(fixture->outbox, &report);
    assert_int_equal(report.type, REPORT_NONE); /* taken over */
    assert_null(report.text);
}

static void
put_progress(struct fixture *fixture, const char *value)
{
    struct report report = { .type = REPORT_PROGRESS, .value = memory_copy_string(value) };

    outbox_put(fixture->outbox, &report);
    assert_int_equal(report.type, REPORT_NONE);
}

static void
put_add(struct fixture *fixture, const char *name, const char *options)
{
    struct report report = { .type = REPORT_ADD,
        .text = memory_copy_string(name),
        .value = memory_copy_string("{\"a\":1}"),
        .options = memory_copy_string(options) };

    outbox_put(fixture->outbox, &report);
    assert_int_equal(report.type, REPORT_NONE);
}

static void
put_data(struct fixture *fixture, const char *data)
{
    struct report report = { .type = REPORT_DATA, .value = memory_copy_string(data) };

    outbox_put(fixture->outbox, &report);
    assert_int_equal(report.type, REPORT_NONE);
}

static void
expect_log(struct fixture *fixture, const char *row)
{
    const redisReply *command = fake_expect(fixture->scene.client, "log");

    fake_assert_word(command, 1, "7");
    fake_assert_word(command, 2, row);
    fake_assert_word(command, 3, "3");
}

static void
expect_progress(struct fixture *fixture, const char *value)
{
    const redisReply *command = fake_expect(fixture->scene.client, "progress");

    fake_assert_word(command, 1, "7");
    fake_assert_word(command, 2, value);
}

static void
answer_until_empty(struct fixture *fixture, int answers)
{
    for (int i = 0; i < answers; i++)
        fake_answer(fixture->scene.client, ":0\r\n");
    RUN_UNTIL(fixture->scene.base, outbox_is_empty(fixture->outbox));
}

static void
everything_is_written_in_the_order_it_came(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    assert_true(outbox_is_empty(fixture->outbox));
    put_log(fixture, "a");
    put_progress(fixture, "1");
    put_add(fixture, "prune", "{\"jobId\":\"prune-1\",\"delay\":5}");
    put_log(fixture, "b");
    assert_false(outbox_is_empty(fixture->outbox));
    expect_log(fixture, "a");
    expect_progress(fixture, "1");
    command = fake_expect(fixture->scene.client, "add");
    fake_assert_word(command, 1, "prune-1");
    fake_assert_word(command, 2, "prune");
    fake_assert_word(command, 3, "{\"a\":1}");
    fake_assert_word(command, 4, "{\"jobId\":\"prune-1\",\"delay\":5,\"attempts\":0}");
    fake_assert_word(command, 6, "5");
    expect_log(fixture, "b");
    assert_int_equal(fixture->changes, 0);
    answer_until_empty(fixture, 4);
    assert_int_equal(fixture->changes, 4);
}

static void
put_schedule(struct fixture *fixture, const char *pattern, const char *zone)
{
    struct report report = { .type = REPORT_SCHEDULE,
        .id = memory_copy_string("s"),
        .pattern = memory_copy_string(pattern),
        .zone = memory_copy_string(zone),
        .text = memory_copy_string("run"),
        .value = memory_copy_string("{\"a\":1}"),
        .options = memory_copy_string("{\"keepLogs\":2}") };

    outbox_put(fixture->outbox, &report);
    assert_int_equal(report.type, REPORT_NONE);
}

static void
schedules_are_made_and_removed(void **state)
{
    struct fixture *fixture = *state;
    struct report end = { .type = REPORT_UNSCHEDULE, .id = memory_copy_string("s") };
    const redisReply *command;

    put_schedule(fixture, "0 0 1 1 *", "Etc/UTC");
    outbox_put(fixture->outbox, &end);
    command = fake_expect(fixture->scene.client, "schedule");
    fake_assert_word(command, 2, "s");
    fake_assert_word(command, 3, "run");
    fake_assert_word(command, 4, "0 0 1 1 *");
    fake_assert_word(command, 5, "Etc/UTC");
    fake_assert_word(command, 6, "{\"a\":1}");
    fake_assert_word(command, 7, "{\"kl\":2}");
    assert_string_equal(fake_word(command, 8), fake_word(command, 9)); /* by both cron-parsers */
    assert_true(strtoll(fake_word(command, 8), NULL, 10) > wall_now().ms);
    fake_assert_word(fake_expect(fixture->scene.client, "unschedule"), 1, "s");
    fake_answer(fixture->scene.client, ":-10\r\n"); /* its job is there already */
    answer_until_empty(fixture, 1);
}

static void
a_schedule_that_only_one_cron_parser_takes_is_sent_with_its_instant(void **state)
{
    struct fixture *fixture = *state;
    const redisReply *command;

    put_schedule(fixture, "@weekdays", "Etc/UTC");
    command = fake_expect(fixture->scene.client, "schedule");
    fake_assert_word(command, 8, "");
    assert_true(strtoll(fake_word(command, 9), NULL, 10) > wall_now().ms);
    fake_answer(fixture->scene.client, ":-12\r\n"); /* and the queue's is the other one */
    answer_until_empty(fixture, 0);
}

static void
a_schedule_that_nobody_takes_is_not_sent(void **state)
{
    struct fixture *fixture = *state;

    put_schedule(fixture, "61 * * * *", "Etc/UTC");
    put_schedule(fixture, "0 0 * * *", "Nowhere/Land");
    put_schedule(fixture, "", "Etc/UTC");
    assert_true(outbox_is_empty(fixture->outbox));
}

static void
set_schedule(struct fixture *fixture, char *options)
{
    static char key[] = "nightly";
    static char text[] = "";

    fixture->job.repeat_key = key;
    fixture->job.name = text;
    fixture->job.data = text;
    fixture->job.options_text = options;
}

static void
the_next_job_of_a_schedule_is_written_first_and_until_it_is_there(void **state)
{
    static char options[] = "{\"repeat\":{\"every\":1000}}";
    struct fixture *fixture = *state;
    char *now;

    set_schedule(fixture, options);
    outbox_put_renewal(fixture->outbox);
    put_log(fixture, "a");
    now = memory_copy_string(fake_word(fake_expect(fixture->scene.client, "renew"), 1));
    expect_log(fixture, "a");
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    outbox_send(fixture->outbox);
    fake_assert_word(fake_expect(fixture->scene.client, "renew"), 1, now); /* the very same */
    expect_log(fixture, "a");
    fake_answer(fixture->scene.client, "$16\r\nrepeat:nightly:1\r\n");
    answer_until_empty(fixture, 1);
    free(now);
}

static void
the_next_job_of_a_schedule_waits_there_once(void **state)
{
    static char options[] = "{\"repeat\":{\"every\":1000}}";
    struct fixture *fixture = *state;

    set_schedule(fixture, options);
    for (int i = 0; i < 2; i++) {
        outbox_put_renewal(fixture->outbox);
        outbox_put_renewal(fixture->outbox);
        (void)fake_expect(fixture->scene.client, "renew");
        fake_run(fixture->scene.base, 50);
        assert_false(fake_has(fixture->scene.client));
        fake_answer(fixture->scene.client, ":0\r\n");
        RUN_UNTIL(fixture->scene.base, outbox_is_empty(fixture->outbox));
    }
}

static void
a_job_that_none_follows_needs_nothing_written(void **state)
{
    static char ends[] = "{\"repeat\":{\"every\":1000,\"limit\":0}}";
    static char broken[] = "{\"repeat\":{}}";
    char *const options[] = { ends, broken };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        set_schedule(fixture, options[i]);
        outbox_put_renewal(fixture->outbox);
        assert_true(outbox_is_empty(fixture->outbox));
    }
}

static void
data_is_written_each_time_and_at_once(void **state)
{
    struct fixture *fixture = *state;

    put_data(fixture, "{\"step\":1}");
    put_data(fixture, "{\"step\":2}");
    for (int i = 1; i <= 2; i++) {
        const redisReply *command = fake_expect(fixture->scene.client, "data");

        fake_assert_word(command, 1, "7");
        fake_assert_word(command, 2, i == 1 ? "{\"step\":1}" : "{\"step\":2}");
    }
    answer_until_empty(fixture, 2);
}

static void
data_without_an_answer_is_sent_again(void **state)
{
    struct fixture *fixture = *state;

    put_data(fixture, "{\"step\":1}");
    scene_cut(&fixture->scene);
    scene_connect(&fixture->scene);
    outbox_send(fixture->outbox);
    fake_assert_word(fake_expect(fixture->scene.client, "data"), 2, "{\"step\":1}");
    answer_until_empty(fixture, 1);
}

/* What `put` logs, at warn and above, is told in `line`. */
static void
put_add_and_catch_log(struct fixture *fixture, const char *options, char *line, size_t size)
{
    int was = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    ssize_t length;

    assert_true(was != -1 && file != NULL && dup2(fileno(file), STDERR_FILENO) != -1);
    log_start("test", LOG_LEVEL_WARN);
    put_add(fixture, "prune", options);
    assert_true(log_flush());
    log_start("test", LOG_LEVEL_FATAL);
    assert_true(dup2(was, STDERR_FILENO) != -1);
    (void)close(was);
    length = pread(fileno(file), line, size - 1, 0);
    assert_true(length >= 0);
    line[length] = '\0';
    (void)fclose(file);
}

static void
an_add_that_cannot_be_is_logged_and_not_sent(void **state)
{
    struct fixture *fixture = *state;
    char line[1024];

    put_add_and_catch_log(fixture, "{\"repeat\":{\"every\":1000}}", line, sizeof(line));
    assert_non_null(strstr(line,
        "\"level\":\"warn\",\"event\":\"job report not written\",\"job\":\"7\",\"kind\":\"add\",\"scheduler\":null,"
        "\"reason\":\"a job program cannot add a job with the option 'repeat'\""));
    assert_true(outbox_is_empty(fixture->outbox));
    put_add_and_catch_log(fixture, "{\"jobId\":\"prune-1\"}", line, sizeof(line));
    assert_string_equal(line, "");
    fake_assert_word(fake_expect(fixture->scene.client, "add"), 1, "prune-1"); /* and nothing before it */
    answer_until_empty(fixture, 1);
}

static void
each_connection_is_told_a_script_once(void **state)
{
    struct fixture *fixture = *state;

    for (int connection = 0; connection < 2; connection++) {
        put_log(fixture, "a");
        put_log(fixture, "b");
        assert_string_equal(fake_expect(fixture->scene.client, "log")->element[0]->str, "EVAL");
        assert_string_equal(fake_expect(fixture->scene.client, "log")->element[0]->str, "EVALSHA");
        answer_until_empty(fixture, 2);
        scene_cut(&fixture->scene);
        scene_connect(&fixture->scene);
    }
}

static void
what_redis_refuses_is_given_up(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    put_log(fixture, "b");
    put_progress(fixture, "1");
    fake_answer(fixture->scene.client, ":-1\r\n-ERR no such thing\r\n$-1\r\n");
    RUN_UNTIL(fixture->scene.base, outbox_is_empty(fixture->outbox));
    assert_int_equal(fixture->changes, 3);
    for (int i = 0; i < 3; i++)
        (void)fake_take(fixture->scene.client);
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
}

static void
what_redis_cannot_write_right_now_is_sent_again(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    put_log(fixture, "a");
    put_log(fixture, "b");
    expect_log(fixture, "a");
    expect_log(fixture, "b");
    fake_answer(fixture->scene.client, "-OOM command not allowed when used memory > 'maxmemory'\r\n:1\r\n");
    expect_log(fixture, "a");
    assert_true(moment_ms_between(started, moment_now()) >= 900); /* the loop counts from the start of its turn */
    assert_false(outbox_is_empty(fixture->outbox));
    fake_answer(fixture->scene.client, ":2\r\n");
    RUN_UNTIL(fixture->scene.base, outbox_is_empty(fixture->outbox));
}

static void
a_user_who_may_not_write_right_now_is_waited_for(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    expect_log(fixture, "a");
    fake_answer(fixture->scene.client, "-NOPERM this user has no permissions to run the 'evalsha' command\r\n");
    expect_log(fixture, "a");
    assert_false(outbox_is_empty(fixture->outbox));
}

static void
an_old_redis_wraps_what_it_refuses_for_now(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    expect_log(fixture, "a");
    fake_answer(fixture->scene.client,
        "-ERR Error running script (call to f_1f2e): @user_script:9: @user_script: 9: -OOM command not allowed\r\n");
    expect_log(fixture, "a");
    assert_false(outbox_is_empty(fixture->outbox));
}

static void
what_had_no_answer_is_sent_again_in_order(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    put_log(fixture, "b");
    put_log(fixture, "c");
    fake_answer(fixture->scene.client, ":1\r\n");
    RUN_UNTIL(fixture->scene.base, fixture->changes == 1);
    scene_cut(&fixture->scene);
    put_log(fixture, "d"); /* waits for the next connection */
    scene_connect(&fixture->scene);
    outbox_send(fixture->outbox);
    outbox_send(fixture->outbox); /* twice sends nothing twice */
    expect_log(fixture, "b");
    expect_log(fixture, "c");
    expect_log(fixture, "d");
    answer_until_empty(fixture, 3);
    assert_false(fake_has(fixture->scene.client));
    put_log(fixture, "e");
    expect_log(fixture, "e");
    answer_until_empty(fixture, 1);
}

static void
progress_is_written_once_a_second_and_the_last_one_always(void **state)
{
    struct fixture *fixture = *state;
    struct moment started = moment_now();

    put_progress(fixture, "1");
    put_progress(fixture, "2");
    put_progress(fixture, "3");
    expect_progress(fixture, "1");
    fake_answer(fixture->scene.client, ":0\r\n");
    expect_progress(fixture, "3");                                        /* 2 was overtaken */
    assert_in_range(moment_ms_between(started, moment_now()), 990, 2500); /* timers may be a millisecond early */
    fake_answer(fixture->scene.client, ":0\r\n");
    put_progress(fixture, "4");
    put_progress(fixture, "5");
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
    outbox_close(fixture->outbox); /* the job is over */
    expect_progress(fixture, "5");
    assert_true(moment_ms_between(started, moment_now()) < 2500);
    answer_until_empty(fixture, 1);
}

static void
closing_without_a_waiting_progress_writes_nothing(void **state)
{
    struct fixture *fixture = *state;

    put_progress(fixture, "1");
    expect_progress(fixture, "1");
    answer_until_empty(fixture, 1);
    outbox_close(fixture->outbox);
    assert_true(outbox_is_empty(fixture->outbox));
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
}

static void
the_next_jobs_progress_need_not_wait(void **state)
{
    struct fixture *fixture = *state;

    put_progress(fixture, "1");
    expect_progress(fixture, "1");
    answer_until_empty(fixture, 1);
    outbox_close(fixture->outbox);
    outbox_open(fixture->outbox, &fixture->job);
    put_progress(fixture, "2");
    expect_progress(fixture, "2");
    answer_until_empty(fixture, 1);
}

static void
dropping_it_writes_and_tells_nothing_more(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    put_progress(fixture, "1");
    put_progress(fixture, "2");
    outbox_drop(fixture->outbox);
    assert_true(outbox_is_empty(fixture->outbox));
    expect_log(fixture, "a"); /* it was on its way */
    expect_progress(fixture, "1");
    fake_answer(fixture->scene.client, ":1\r\n:0\r\n");
    put_log(fixture, "b"); /* of the next job */
    expect_log(fixture, "b");
    assert_int_equal(fixture->changes, 0);
    answer_until_empty(fixture, 1);
    assert_int_equal(fixture->changes, 1);
}

static void
dropping_it_while_redis_is_away_forgets_everything(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    scene_cut(&fixture->scene);
    put_log(fixture, "b");
    outbox_drop(fixture->outbox);
    scene_connect(&fixture->scene);
    outbox_send(fixture->outbox);
    fake_run(fixture->scene.base, 30);
    assert_false(fake_has(fixture->scene.client));
}

static void
put_until_full(struct fixture *fixture, char *big, void (*put)(struct fixture *fixture, const char *big))
{
    memset(big, 'x', 200000);
    for (int i = 0; i < 4; i++)
        put(fixture, big);
    assert_false(outbox_is_full(fixture->outbox));
    put(fixture, big);
    put(fixture, big);
    assert_true(outbox_is_full(fixture->outbox));
    for (int i = 0; i < 6; i++) {
        (void)fake_take(fixture->scene.client);
        fake_answer(fixture->scene.client, ":1\r\n");
    }
    RUN_UNTIL(fixture->scene.base, outbox_is_empty(fixture->outbox));
    assert_false(outbox_is_full(fixture->outbox));
}

static void
put_add_with(struct fixture *fixture, const char *big)
{
    struct text options = TEXT_EMPTY;

    text_format(&options, "{\"x\":\"%s\"}", big);
    put_add(fixture, "prune", options.data);
    text_clear(&options);
}

static void
more_than_a_megabyte_is_too_much(void **state)
{
    char *big = memory_new(200001);

    put_until_full(*state, big, put_log);
    put_until_full(*state, big, put_add_with); /* options count as well */
    free(big);
}

static void
freeing_it_with_answers_outstanding_is_quiet(void **state)
{
    struct fixture *fixture = *state;

    put_log(fixture, "a");
    put_progress(fixture, "1");
    put_progress(fixture, "2");
    outbox_free(fixture->outbox);
    fixture->outbox = NULL;
    fake_answer(fixture->scene.client, ":1\r\n:1\r\n");
    fake_run(fixture->scene.base, 30);
    assert_int_equal(fixture->changes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_written_in_the_order_it_came),
        TEST(schedules_are_made_and_removed),
        TEST(a_schedule_that_only_one_cron_parser_takes_is_sent_with_its_instant),
        TEST(a_schedule_that_nobody_takes_is_not_sent),
        TEST(the_next_job_of_a_schedule_is_written_first_and_until_it_is_there),
        TEST(the_next_job_of_a_schedule_waits_there_once),
        TEST(a_job_that_none_follows_needs_nothing_written),
        TEST(data_is_written_each_time_and_at_once),
        TEST(data_without_an_answer_is_sent_again),
        TEST(an_add_that_cannot_be_is_logged_and_not_sent),
        TEST(each_connection_is_told_a_script_once),
        TEST(what_redis_refuses_is_given_up),
        TEST(what_redis_cannot_write_right_now_is_sent_again),
        TEST(a_user_who_may_not_write_right_now_is_waited_for),
        TEST(an_old_redis_wraps_what_it_refuses_for_now),
        TEST(what_had_no_answer_is_sent_again_in_order),
        TEST(progress_is_written_once_a_second_and_the_last_one_always),
        TEST(closing_without_a_waiting_progress_writes_nothing),
        TEST(the_next_jobs_progress_need_not_wait),
        TEST(dropping_it_writes_and_tells_nothing_more),
        TEST(dropping_it_while_redis_is_away_forgets_everything),
        TEST(more_than_a_megabyte_is_too_much),
        TEST(freeing_it_with_answers_outstanding_is_quiet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
