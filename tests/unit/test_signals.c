#include <signal.h>
#include <string.h>

#include "common/signals.h"
#include "tests/unit/test.h"

static void
assert_name(int number, const char *expected)
{
    struct text name = TEXT_EMPTY;

    signal_add_name(&name, number);
    assert_string_equal(text_string(&name), expected);
    text_clear(&name);
}

static void
each_signal_has_the_name_that_the_c_library_gives_it(void **state)
{
    (void)state;
    for (int number = 1; number < SIGRTMIN; number++) {
        struct text expected = TEXT_EMPTY;

        if (sigabbrev_np(number) == NULL)
            continue;
        text_format(&expected, "SIG%s", sigabbrev_np(number));
        assert_name(number, text_string(&expected));
        text_clear(&expected);
    }
    assert_name(SIGKILL, "SIGKILL");
}

static void
what_has_no_name_is_told_as_a_number(void **state)
{
    (void)state;
    assert_name(SIGRTMAX, "signal 64");
    assert_name(0, "signal 0");
    assert_name(-1, "signal -1");
    assert_name(1000, "signal 1000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_has_the_name_that_the_c_library_gives_it),
        cmocka_unit_test(what_has_no_name_is_told_as_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
