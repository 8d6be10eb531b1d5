#include "tests/unit/test.h"

#include "cli/suggest.h"

static const char *const words[] = { "worker", "run", "list", "status", "restore", "verify" };

static void
assert_closest(const char *typed, const char *expected)
{
    const char *closest = suggest_closest(typed, words, sizeof(words) / sizeof(words[0]));

    if (expected == NULL)
        assert_null(closest);
    else
        assert_string_equal(closest, expected);
}

static void
one_or_two_mistakes_are_forgiven(void **state)
{
    (void)state;
    assert_closest("statsu", "status"); /* swapped: one */
    assert_closest("stauts", "status");
    assert_closest("statuss", "status");
    assert_closest("verfy", "verify");
    assert_closest("workar", "worker");
    assert_closest("restroe", "restore");
    assert_closest("lst", "list");
    assert_closest("rnu", "run");
}

static void
more_make_another_word(void **state)
{
    (void)state;
    assert_closest("pause", NULL);
    assert_closest("verfi", NULL);
    assert_closest("stats123", NULL);
    assert_closest("", NULL);
    assert_closest("q", NULL);
    assert_closest("xy", NULL);
    assert_closest("ab", NULL);
    assert_closest("statusstatusstatusstatusstatusstatus", NULL); /* longer than anything that is looked at */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_or_two_mistakes_are_forgiven),
        cmocka_unit_test(more_make_another_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
