#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/metrics.h"

/* The metrics of that health object, as one text. */
static struct text
metrics_of(const char *json)
{
    json_t *health = json_loads(json, 0, NULL);
    struct text out = TEXT_EMPTY;

    assert_non_null(health);
    metrics_add(health, &out);
    json_decref(health);
    return out;
}

static void
assert_line(const struct text *metrics, const char *line)
{
    const char *at = strstr(text_string(metrics), line);

    if (at == NULL || at[-1] != '\n' || at[strlen(line)] != '\n')
        fail_msg("no line '%s' in:\n%s", line, text_string(metrics));
}

static void
assert_none(const struct text *metrics, const char *words)
{
    if (strstr(text_string(metrics), words) != NULL)
        fail_msg("'%s' is in:\n%s", words, text_string(metrics));
}

static void
names_are_escaped_in_labels(void **state)
{
    struct text out =
        metrics_of("{\"facts\":{\"schedules\":[{\"id\":\"7\",\"name\":\"a\\\"b\\\\c\\nd\\u00fc</script>\","
                   "\"enabled\":true}]}}");

    (void)state;
    assert_line(&out, "weavestream_backup_schedule_enabled{schedule=\"a\\\"b\\\\c\\ndü</script>\",id=\"7\"} 1");
    text_clear(&out);
}

static void
durations_are_seconds_whatever_their_sign(void **state)
{
    struct text out =
        metrics_of("{\"factsAgeMs\":1005,\"loop\":{\"lagMs\":0},\"locks\":{\"lateMs\":-1500,\"answerMs\":-5},"
                   "\"facts\":{\"postgres\":{\"responseMs\":9223372036854775807}}}");

    (void)state;
    assert_line(&out, "weavestream_backup_facts_age_seconds 1.005");
    assert_line(&out, "weavestream_backup_loop_lag_seconds 0.000");
    assert_line(&out, "weavestream_backup_lock_renewal_lag_seconds -1.500");
    assert_line(&out, "weavestream_backup_lock_renewal_answer_seconds -0.005");
    assert_line(&out, "weavestream_backup_postgres_response_seconds 9223372036854775.807");
    text_clear(&out);
}

static void
what_is_not_known_or_of_another_type_has_no_value(void **state)
{
    struct text out =
        metrics_of("{\"ready\":false,\"factsAgeMs\":null,\"startedAt\":\"yesterday\",\"facts\":{\"directory\":"
                   "{\"freeBytes\":\"much\",\"dumps\":1.5},\"schedules\":[{\"nextDue\":null,\"enabled\":1}]}}");

    (void)state;
    assert_line(&out, "weavestream_backup_ready 0");
    assert_none(&out, "\nweavestream_backup_facts_age_seconds ");
    assert_none(&out, "\nweavestream_backup_start_time_seconds ");
    assert_none(&out, "\nweavestream_backup_directory_free_bytes ");
    assert_none(&out, "\nweavestream_backup_dumps ");
    assert_none(&out, "\nweavestream_backup_schedule_");
    text_clear(&out);
}

static void
each_problem_is_counted_by_what_it_is_about(void **state)
{
    struct text out =
        metrics_of("{\"problems\":[{\"about\":\"schedule\",\"text\":\"a\"},{\"about\":\"schedule\",\"text\":"
                   "\"b\"},{\"about\":\"weather\",\"text\":\"c\"}]}");

    (void)state;
    assert_line(&out, "weavestream_backup_problems{about=\"redis\"} 0");
    assert_line(&out, "weavestream_backup_problems{about=\"schedule\"} 2");
    assert_line(&out, "weavestream_backup_problems{about=\"other\"} 1");
    text_clear(&out);
}

static void
who_holds_the_lock_is_not_known_without_postgres(void **state)
{
    struct text out = metrics_of("{\"facts\":{\"postgres\":{\"reachable\":true},\"lock\":{\"pid\":7}}}");

    (void)state;
    assert_line(&out, "weavestream_backup_lock_held 1");
    text_clear(&out);
    out = metrics_of("{\"facts\":{\"postgres\":{\"reachable\":true},\"lock\":null}}");
    assert_line(&out, "weavestream_backup_lock_held 0");
    text_clear(&out);
    out = metrics_of("{\"facts\":{\"postgres\":{\"reachable\":false},\"lock\":null}}");
    assert_none(&out, "\nweavestream_backup_lock_held ");
    text_clear(&out);
}

static void
a_running_job_is_told_with_its_phase(void **state)
{
    struct text out =
        metrics_of("{\"active\":[{\"id\":\"7\",\"progress\":{\"phase\":\"dump\",\"bytes\":12}},"
                   "{\"id\":\"8\",\"progress\":null},{\"id\":\"9\",\"progress\":{\"phase\":\"x\",\"bytes\":-0.5}}]}");

    (void)state;
    assert_line(&out, "weavestream_backup_active_jobs 3");
    assert_line(&out, "weavestream_backup_active_job_bytes{id=\"7\",phase=\"dump\"} 12");
    assert_none(&out, "id=\"8\"");
    assert_none(&out, "id=\"9\"");
    text_clear(&out);
}

static void
each_family_has_one_head_before_all_its_samples(void **state)
{
    struct text out = metrics_of("{}");
    char *text = text_take(&out);
    char *rest = text;
    char *line;

    (void)state;
    while ((line = strsep(&rest, "\n")) != NULL) {
        struct text again = TEXT_EMPTY;

        if (strncmp(line, "# TYPE ", 7) != 0)
            continue;
        text_format(&again, "%s\n", line);
        if (rest != NULL && strstr(rest, text_string(&again)) != NULL)
            fail_msg("twice: %s", line);
        assert_int_equal(strstr(line, " counter") != NULL, strstr(line, "_total ") != NULL);
        text_clear(&again);
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_escaped_in_labels),
        cmocka_unit_test(durations_are_seconds_whatever_their_sign),
        cmocka_unit_test(what_is_not_known_or_of_another_type_has_no_value),
        cmocka_unit_test(each_problem_is_counted_by_what_it_is_about),
        cmocka_unit_test(who_holds_the_lock_is_not_known_without_postgres),
        cmocka_unit_test(a_running_job_is_told_with_its_phase),
        cmocka_unit_test(each_family_has_one_head_before_all_its_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
