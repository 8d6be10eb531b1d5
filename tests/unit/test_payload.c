#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "jobs/payload.h"

#define A "11111111-2222-3333-4444-555555555555"
#define B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define INVALID "Invalid backup job payload: "

static struct payload
parsed(const char *job)
{
    struct payload payload;
    struct error err;

    if (!payload_parse(job, strlen(job), &payload, &err))
        fail_msg("'%s': %s", job, err.text);
    return payload;
}

static void
assert_refused(const char *job, const char *why)
{
    struct payload payload;
    struct error err;

    assert_false(payload_parse(job, strlen(job), &payload, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, why);
}

static void
a_run_with_and_without_its_row(void **state)
{
    struct payload payload = parsed("{\"name\":\"run\",\"data\":{\"kind\":\"run\",\"configId\":\"" A
                                    "\",\"backupRunId\":\"" B "\"},\"attemptsStarted\":2,\"stalledCounter\":1,"
                                    "\"timestamp\":1795382600905}");

    (void)state;
    assert_int_equal(payload.kind, PAYLOAD_RUN);
    assert_string_equal(payload.config_id, A);
    assert_string_equal(payload.run_id, B);
    assert_int_equal(payload.attempts_started, 2);
    assert_int_equal(payload.stalled_counter, 1);
    assert_int_equal(payload.added.ms, 1795382600905);
    payload = parsed("{\"name\":\"x\",\"data\":{\"kind\":\"run\",\"configId\":\"" A "\",\"other\":[1]}}");
    assert_string_equal(payload.run_id, "");
}

static void
an_attempt_is_the_last_unless_the_worker_says_otherwise(void **state)
{
    (void)state;
    assert_false(parsed("{\"data\":{\"kind\":\"run\",\"configId\":\"" A "\"},\"final\":false}").is_last);
    assert_true(parsed("{\"data\":{\"kind\":\"run\",\"configId\":\"" A "\"},\"final\":true}").is_last);
    assert_true(parsed("{\"data\":{\"kind\":\"run\",\"configId\":\"" A "\"},\"opts\":{\"attempts\":3}}").is_last);
}

#define JOB(members) "{\"data\":{\"kind\":\"run\",\"configId\":\"" A "\"}," members "}"
#define NAMED(id, timestamp) "\"prefix\":\"bull\",\"queue\":\"backup\",\"id\":\"" id "\",\"timestamp\":" timestamp

static void
assert_rows(const char *job, bool with_this, const char *expected)
{
    struct payload payload = parsed(job);
    struct text rows = TEXT_EMPTY;

    payload_add_rows(&payload, with_this, &rows);
    assert_string_equal(text_string(&rows), expected);
    text_clear(&rows);
}

static void
the_row_of_a_scheduled_attempt_follows_from_the_job_and_its_number(void **state)
{
    static const char *const others[] = { JOB(NAMED("7", "5") ",\"attemptsStarted\":2"),
        JOB(NAMED("8", "5") ",\"attemptsStarted\":1"), JOB(NAMED("7", "6") ",\"attemptsStarted\":1") };
    struct payload payload = parsed(JOB(NAMED("7", "5") ",\"attemptsStarted\":1"));
    char first[UUID_SIZE];
    char again[UUID_SIZE];
    char other[UUID_SIZE];

    (void)state;
    assert_true(payload_row(&payload, first));
    assert_true(uuid_parse(first, strlen(first), again));
    assert_int_equal(first[14], '4'); /* the version, where some look */
    assert_true(payload_row(&payload, again));
    assert_string_equal(first, again);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        payload = parsed(others[i]);
        assert_true(payload_row(&payload, other));
        assert_string_not_equal(first, other);
    }
}

static void
the_rows_of_a_job_are_those_of_all_its_attempts(void **state)
{
    struct payload payload = parsed(JOB(NAMED("7", "5") ",\"attemptsStarted\":2"));
    char two[UUID_SIZE];
    char one[UUID_SIZE];
    char both[2 * UUID_SIZE + 3];
    char first_only[UUID_SIZE + 3];

    (void)state;
    assert_true(payload_row(&payload, two));
    payload.attempts_started = 1;
    assert_true(payload_row(&payload, one));
    (void)snprintf(both, sizeof(both), "{%s,%s}", one, two);
    (void)snprintf(first_only, sizeof(first_only), "{%s}", one);
    assert_rows(JOB(NAMED("7", "5") ",\"attemptsStarted\":2"), true, both);
    assert_rows(JOB(NAMED("7", "5") ",\"attemptsStarted\":2"), false, first_only);
    assert_rows(JOB(NAMED("7", "5") ",\"attemptsStarted\":1"), false, "{}");
}

static void
a_row_that_came_with_the_job_is_that_of_every_attempt(void **state)
{
    static const char job[] = "{\"data\":{\"kind\":\"run\",\"configId\":\"" A "\",\"backupRunId\":\"" B
                              "\"}," NAMED("7", "5") ",\"attemptsStarted\":3}";
    struct payload payload = parsed(job);
    char row[UUID_SIZE];

    (void)state;
    assert_true(payload_row(&payload, row));
    assert_string_equal(row, B);
    assert_rows(job, true, "{" B "}");
    assert_rows(job, false, "{}");
}

static void
nobody_else_knows_the_row_of_a_job_without_an_id(void **state)
{
    static const char *const jobs[] = { JOB("\"attemptsStarted\":1"), JOB(NAMED("7", "5")),
        JOB("\"queue\":\"backup\",\"id\":\"7\",\"attemptsStarted\":1"),
        "{\"data\":{\"kind\":\"prune\",\"configId\":\"" A "\"}," NAMED("7", "5") ",\"attemptsStarted\":1}" };
    char row[UUID_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        struct payload payload = parsed(jobs[i]);

        assert_false(payload_row(&payload, row));
        assert_rows(jobs[i], true, "{}");
    }
}

static void
without_a_kind_the_name_decides(void **state)
{
    (void)state;
    assert_int_equal(parsed("{\"name\":\"run\",\"data\":{\"configId\":\"" A "\"}}").kind, PAYLOAD_RUN);
    assert_int_equal(parsed("{\"name\":\"prune\",\"data\":{\"configId\":\"" A "\"}}").kind, PAYLOAD_PRUNE);
    assert_int_equal(parsed("{\"name\":\"backup:run\",\"data\":{\"configId\":\"" A "\"}}").kind, PAYLOAD_RUN);
    assert_int_equal(parsed("{\"name\":\"backup:prune\",\"data\":{\"configId\":\"" A "\"}}").kind, PAYLOAD_PRUNE);
    assert_int_equal(
        parsed("{\"name\":\"run\",\"data\":{\"kind\":\"prune\",\"configId\":\"" A "\"}}").kind, PAYLOAD_PRUNE);
    assert_refused("{\"name\":\"backup:backup:run\",\"data\":{\"configId\":\"" A "\"}}",
        INVALID "'kind' is missing, and the job's name is not 'run' or 'prune'");
    assert_refused("{\"name\":\"run\\u0000\",\"data\":{\"configId\":\"" A "\"}}",
        INVALID "'kind' is missing, and the job's name is not 'run' or 'prune'");
    assert_refused(
        "{\"data\":{\"configId\":\"" A "\"}}", INVALID "'kind' is missing, and the job's name is not 'run' or 'prune'");
}

static void
uuids_are_taken_in_any_case_and_shown_in_lower_case(void **state)
{
    (void)state;
    assert_string_equal(
        parsed("{\"name\":\"run\",\"data\":{\"configId\":\"AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE\"}}").config_id, B);
}

static void
what_is_wrong_is_said(void **state)
{
    (void)state;
    assert_refused("{\"name\":\"run\",\"data\":null,\"dataError\":\"invalid token near 'x'\"}",
        INVALID "it is not JSON: invalid token near 'x'");
    assert_refused("{\"name\":\"run\",\"data\":\"text\"}", INVALID "it is not an object");
    assert_refused("{\"name\":\"run\"}", INVALID "it is not an object");
    assert_refused("7", INVALID "it is not an object");
    assert_refused(
        "{\"name\":\"run\",\"data\":{\"kind\":\"zip\"}}", INVALID "'kind' is \"zip\", not \"run\" or \"prune\"");
    assert_refused("{\"name\":\"run\",\"data\":{\"kind\":null}}", INVALID "'kind' is not a string");
    assert_refused("{\"name\":\"run\",\"data\":{\"kind\":\"run\"}}", INVALID "'configId' is missing");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":7}}", INVALID "'configId' is not a UUID");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":\"" A " \"}}", INVALID "'configId' is not a UUID");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":\"1111111-12222-3333-4444-555555555555\"}}",
        INVALID "'configId' is not a UUID");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":\"g1111111-2222-3333-4444-555555555555\"}}",
        INVALID "'configId' is not a UUID");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":\"" A "\",\"backupRunId\":\"7\"}}",
        INVALID "'backupRunId' is not a UUID");
    assert_refused("{\"name\":\"run\",\"data\":{\"configId\":\"" A "\",\"backupRunId\":null}}",
        INVALID "'backupRunId' is not a UUID");
}

static void
a_long_wrong_kind_is_cut_and_stays_utf8(void **state)
{
    struct text job = TEXT_EMPTY;
    struct payload payload;
    struct error err;

    (void)state;
    text_add(&job, "{\"name\":\"run\",\"data\":{\"kind\":\"");
    for (int i = 0; i < 1000; i++)
        text_add(&job, "a\xC3\xA4");
    text_add(&job, "\"}}");
    assert_false(payload_parse(job.data, job.length, &payload, &err));
    assert_true(strlen(err.text) < 200);
    assert_non_null(strstr(err.text, "not \"run\" or \"prune\""));
    text_clear(&job);
}

static void
a_huge_job_is_refused_unread(void **state)
{
    char *huge = memory_new(PAYLOAD_BYTES_MAX + 1);
    struct payload payload;
    struct error err;

    (void)state;
    memset(huge, '[', PAYLOAD_BYTES_MAX + 1);
    assert_false(payload_parse(huge, PAYLOAD_BYTES_MAX + 1, &payload, &err));
    assert_string_equal(err.text, INVALID "it is larger than 256 KB");
    assert_false(payload_parse(huge, PAYLOAD_BYTES_MAX, &payload, &err)); /* nothing but nesting: no crash */
    free(huge);
}

static void
a_second_attempt_was_taken_before(void **state)
{
    (void)state;
    assert_false(payload_was_taken_before(&(struct payload){ .attempts_started = 1 }));
    assert_true(payload_was_taken_before(&(struct payload){ .attempts_started = 2 }));
    assert_true(payload_was_taken_before(&(struct payload){ .attempts_started = 1, .stalled_counter = 1 }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_with_and_without_its_row),
        cmocka_unit_test(an_attempt_is_the_last_unless_the_worker_says_otherwise),
        cmocka_unit_test(the_row_of_a_scheduled_attempt_follows_from_the_job_and_its_number),
        cmocka_unit_test(the_rows_of_a_job_are_those_of_all_its_attempts),
        cmocka_unit_test(a_row_that_came_with_the_job_is_that_of_every_attempt),
        cmocka_unit_test(nobody_else_knows_the_row_of_a_job_without_an_id),
        cmocka_unit_test(without_a_kind_the_name_decides),
        cmocka_unit_test(uuids_are_taken_in_any_case_and_shown_in_lower_case),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_long_wrong_kind_is_cut_and_stays_utf8),
        cmocka_unit_test(a_huge_job_is_refused_unread),
        cmocka_unit_test(a_second_attempt_was_taken_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
