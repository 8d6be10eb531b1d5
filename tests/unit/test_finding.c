/* finding: verdicts, names in a sentence, clocks, and JSON there and back. */
#include "common/finding.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void
names_are_listed_up_to_five(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g" };
    struct text out = TEXT_EMPTY;

    (void)state;
    finding_add_name(&out, 0, "a");
    finding_end_names(&out, 1);
    assert_string_equal(text_string(&out), "'a'");
    text_reset(&out);
    for (size_t i = 0; i < 7; i++)
        finding_add_name(&out, i, names[i]);
    finding_end_names(&out, 7);
    assert_string_equal(text_string(&out), "'a', 'b', 'c', 'd', 'e' and 2 more");
    text_clear(&out);
}

static void
assert_skew(int64_t skew_ms, enum finding_verdict verdict, const char *text)
{
    struct finding finding = { .about = "redis", .check = "clock" };

    finding_judge_skew(&finding, "Redis", skew_ms);
    assert_int_equal(finding.verdict, verdict);
    assert_string_equal(text_string(&finding.text), text);
    assert_int_equal(finding.advice.length > 0, verdict != FINDING_OK);
    finding_clear(&finding);
}

static void
clocks_may_differ_by_less_than_two_seconds(void **state)
{
    (void)state;
    assert_skew(0, FINDING_OK, "Redis' clock and ours agree");
    assert_skew(-1999, FINDING_OK, "Redis' clock and ours agree");
    assert_skew(2000, FINDING_WARN, "Redis' clock is 2.0 s ahead of ours");
    assert_skew(-59999, FINDING_WARN, "Redis' clock is 60.0 s behind ours");
    assert_skew(60000, FINDING_BAD, "Redis' clock is 60 s ahead of ours: schedules fire at the wrong time");
}

static void
what_is_described_is_read_back(void **state)
{
    struct finding finding = { .about = "mail", .check = "server" };
    struct finding copy;
    json_t *object;

    (void)state;
    finding_bad(&finding, "no answer in %d s \xFF", 5);
    object = finding_describe(&finding);
    assert_true(json_is_null(json_object_get(object, "advice")));
    json_decref(object);
    finding_advise(&finding, "wait");
    object = finding_describe(&finding);
    assert_true(finding_read(object, &copy));
    assert_string_equal(copy.about, "mail");
    assert_string_equal(copy.check, "server");
    assert_int_equal(copy.verdict, FINDING_BAD);
    assert_string_equal(text_string(&copy.text), "no answer in 5 s \xEF\xBF\xBD");
    assert_string_equal(text_string(&copy.advice), "wait");
    finding_clear(&copy);
    finding_clear(&finding);
    json_decref(object);
}

static void
what_is_no_finding_is_refused(void **state)
{
    static const char *const lines[] = { "[]", "{}",
        "{\"about\":\"a\",\"check\":\"b\",\"verdict\":\"fine\",\"text\":\"c\"}",
        "{\"about\":\"a\",\"check\":\"b\",\"verdict\":\"ok\"}", "{\"about\":\"a\",\"verdict\":\"ok\",\"text\":\"c\"}" };
    struct finding finding;

    (void)state;
    assert_false(finding_read(NULL, &finding));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        json_t *object = json_loads(lines[i], 0, NULL);

        assert_false(finding_read(object, &finding));
        finding_clear(&finding);
        json_decref(object);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_listed_up_to_five),
        cmocka_unit_test(clocks_may_differ_by_less_than_two_seconds),
        cmocka_unit_test(what_is_described_is_read_back),
        cmocka_unit_test(what_is_no_finding_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
