#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "common/error.h"

static void
setting_an_error_fills_everything_and_is_false(void **state)
{
    struct error err = { .code = ERROR_SYSTEM, .sys_errno = EIO };

    (void)state;
    assert_false(error_set(&err, ERROR_REFUSED, "the server said '%s' %d times", "no", 3));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.text, "the server said 'no' 3 times");
}

static void
a_system_error_has_the_systems_reason_last(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_false(error_set_errno(&err, ENOSPC, "write '%s'", ".x.tmp"));
    assert_int_equal(err.code, ERROR_SYSTEM);
    assert_int_equal(err.sys_errno, ENOSPC);
    assert_string_equal(err.text, "write '.x.tmp': No space left on device");
}

static void
a_number_that_is_no_errno_is_told_as_a_number(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_false(error_set_errno(&err, 99999, "read"));
    assert_int_equal(err.sys_errno, 99999);
    assert_string_equal(err.text, "read: Unknown error 99999");
}

static void
context_goes_in_front_and_leaves_the_rest(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    (void)error_set_errno(&err, EACCES, "open '%s'", "a");
    assert_false(error_add(&err, "manifest '%s'", "b"));
    assert_false(error_add(&err, "run"));
    assert_string_equal(err.text, "run: manifest 'b': open 'a': Permission denied");
    assert_int_equal(err.code, ERROR_SYSTEM);
    assert_int_equal(err.sys_errno, EACCES);
}

static void
each_code_has_a_name_by_which_it_is_found(void **state)
{
    (void)state;
    for (enum error_code code = ERROR_NONE; code <= ERROR_BUG; code++)
        assert_int_equal(error_code_named(error_code_name(code)), code);
    assert_string_equal(error_code_name(ERROR_DENIED), "denied");
    assert_int_equal(error_code_named("nonsense"), ERROR_NONE);
    assert_int_equal(error_code_named(NULL), ERROR_NONE);
}

static void
a_second_failure_goes_behind(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    (void)error_set(&err, ERROR_INPUT, "the first");
    error_also(&err, "'%s' stays: %s", "x", "busy");
    error_also(&err, "and this");
    assert_string_equal(err.text, "the first (also: 'x' stays: busy) (also: and this)");
    assert_int_equal(err.code, ERROR_INPUT);
}

/* Whatever is too long is cut at the end, and stays a string. */
static void
a_long_text_is_cut_at_its_end(void **state)
{
    char lots[3000];
    struct error err;
    size_t room = sizeof(err.text) - 1;

    (void)state;
    memset(lots, 'x', sizeof(lots) - 1);
    lots[sizeof(lots) - 1] = '\0';

    (void)error_set(&err, ERROR_INPUT, "a%s", lots);
    assert_int_equal(strlen(err.text), room);
    assert_memory_equal(err.text, "axxx", 4);

    (void)error_set_errno(&err, EIO, "b%s", lots);
    assert_int_equal(strlen(err.text), room);
    assert_int_equal(err.text[room - 1], 'x');

    (void)error_add(&err, "front");
    assert_int_equal(strlen(err.text), room);
    assert_memory_equal(err.text, "front: bxxx", 11);

    error_also(&err, "no room for this");
    assert_int_equal(strlen(err.text), room);
    assert_int_equal(err.text[room - 1], 'x');

    (void)error_add(&err, "%s", lots);
    assert_int_equal(strlen(err.text), room);

    (void)error_set(&err, ERROR_INPUT, "short");
    error_also(&err, "%s", lots);
    assert_int_equal(strlen(err.text), room);
    assert_memory_equal(err.text, "short (also: xxx", 16);
}

static void
an_empty_error_is_none(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_int_equal(err.code, ERROR_NONE);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.text, "");
}

static void
advice_goes_behind_everything(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    (void)error_set_errno(&err, ENOSPC, "write '%s'", "a");
    error_also(&err, "'%s' could not be removed", "a");
    error_advise(&err, "make room in '%s'", "/b");
    assert_string_equal(
        err.text, "write 'a': No space left on device (also: 'a' could not be removed); make room in '/b'");
    assert_int_equal(err.sys_errno, ENOSPC);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_error_is_none),
        cmocka_unit_test(setting_an_error_fills_everything_and_is_false),
        cmocka_unit_test(a_system_error_has_the_systems_reason_last),
        cmocka_unit_test(a_number_that_is_no_errno_is_told_as_a_number),
        cmocka_unit_test(context_goes_in_front_and_leaves_the_rest),
        cmocka_unit_test(each_code_has_a_name_by_which_it_is_found),
        cmocka_unit_test(a_second_failure_goes_behind),
        cmocka_unit_test(a_long_text_is_cut_at_its_end),
        cmocka_unit_test(advice_goes_behind_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
