#include "tests/unit/test.h"

#include <string.h>

#include "jobs/client.h"

static void
a_password_line_escapes_what_separates(void **state)
{
    struct text line = TEXT_EMPTY;
    struct error err;

    (void)state;
    assert_true(client_add_password_line("a:b\\c'd\"e f%\xC3\xA4", &line, &err));
    assert_string_equal(text_string(&line), "*:*:*:*:a\\:b\\\\c'd\"e f%\xC3\xA4\n");
    text_reset(&line);
    assert_false(client_add_password_line("two\nlines", &line, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_null(strstr(err.text, "two"));
    text_clear(&line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_line_escapes_what_separates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
