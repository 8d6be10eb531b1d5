#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "consumer/schedules.h"

/* What follows a job with those options, and what is said about it. */
static enum repeat_kind
next_and_log(struct schedules *schedules, const char *key, const char *options, char *line, size_t size)
{
    struct job job = { .id = memory_copy_string("7"),
        .name = memory_copy_string("run"),
        .name_length = 3,
        .data = memory_copy_string("{}"),
        .data_length = 2,
        .repeat_key = memory_copy_string(key),
        .scheduler_version = 5,
        .options_text = memory_copy_string(options),
        .options = { .has_repeat = true } };
    struct repeat repeat;
    enum repeat_kind kind;
    int was = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    ssize_t length;

    assert_true(was != -1 && file != NULL && dup2(fileno(file), STDERR_FILENO) != -1);
    log_start("test", LOG_LEVEL_WARN);
    schedules_next(schedules, &job, &repeat);
    assert_true(log_flush());
    assert_true(dup2(was, STDERR_FILENO) != -1);
    (void)close(was);
    length = pread(fileno(file), line, size - 1, 0);
    assert_true(length >= 0);
    line[length] = '\0';
    (void)fclose(file);
    kind = repeat.kind;
    repeat_clear(&repeat);
    job_clear(&job);
    return kind;
}

static void
a_broken_schedule_is_told_once_for_each_scheduler_pattern_and_zone(void **state)
{
    static const char no_pattern[] = "{\"repeat\":{\"pattern\":\"61 * * * *\",\"tz\":\"UTC\"}}";
    static const char other_pattern[] = "{\"repeat\":{\"pattern\":\"62 * * * *\",\"tz\":\"UTC\"}}";
    static const char no_zone[] = "{\"repeat\":{\"pattern\":\"0 * * * *\",\"tz\":\"Nowhere\"}}";
    static const struct {
        const char *key;
        const char *options;
        const char *told;
    } turns[] = {
        { "nightly", no_pattern, "schedule 'nightly', zone 'UTC': cron pattern '61 * * * *'" },
        { "nightly", no_pattern, NULL },
        { "nightly", other_pattern, "schedule 'nightly', zone 'UTC': cron pattern '62 * * * *'" },
        { "weekly", no_pattern, "schedule 'weekly', zone 'UTC': cron pattern '61 * * * *'" },
        { "nightly", no_zone, "zone 'Nowhere': cron pattern '0 * * * *'" },
        { "nightly", no_pattern, NULL },
        { "nightly", no_zone, NULL },
    };
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, "");
    struct schedules *schedules = schedules_new(zones);
    char line[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        assert_int_equal(next_and_log(schedules, turns[i].key, turns[i].options, line, sizeof(line)), REPEAT_ENDS);
        if (turns[i].told == NULL) {
            assert_string_equal(line, "");
            continue;
        }
        assert_non_null(strstr(line, "\"level\":\"error\",\"event\":\"schedule broken\",\"job\":\"7\""));
        assert_non_null(strstr(line, turns[i].told));
    }
    schedules_free(schedules);
    timezones_free(zones);
}

static void
a_schedule_that_is_right_is_followed_without_a_word(void **state)
{
    static const char options[] = "{\"repeat\":{\"pattern\":\"0 3 * * *\"}}";
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, "");
    struct schedules *schedules = schedules_new(zones);
    char line[4096];

    (void)state;
    assert_int_equal(next_and_log(schedules, "nightly", options, line, sizeof(line)), REPEAT_BY_SCHEDULER);
    assert_string_equal(line, "");
    schedules_free(schedules);
    timezones_free(zones);
}

/* More than it remembers: nothing breaks, and what is forgotten is told again. */
static void
only_so_many_are_remembered(void **state)
{
    static const char options[] = "{\"repeat\":{}}";
    struct timezones *zones = timezones_new(TIMEZONE_FOLDER, "");
    struct schedules *schedules = schedules_new(zones);
    char key[32];
    char line[4096];

    (void)state;
    for (int i = 0; i <= 256; i++) {
        (void)snprintf(key, sizeof(key), "schedule %d", i);
        (void)next_and_log(schedules, key, options, line, sizeof(line));
        assert_non_null(strstr(line, key));
    }
    (void)next_and_log(schedules, key, options, line, sizeof(line));
    assert_string_equal(line, "");
    (void)snprintf(key, sizeof(key), "schedule 0");
    (void)next_and_log(schedules, key, options, line, sizeof(line));
    assert_non_null(strstr(line, key));
    schedules_free(schedules);
    timezones_free(zones);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_schedule_is_told_once_for_each_scheduler_pattern_and_zone),
        cmocka_unit_test(a_schedule_that_is_right_is_followed_without_a_word),
        cmocka_unit_test(only_so_many_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
