#include "tests/unit/test.h"

#include <string.h>

#include "jobs/archive_head.h"

static void
the_version_stands_in_one_line_of_an_archive_and_of_a_script(void **state)
{
    static const char *const lines[] = { ";     Dumped from database version: 15.18 (Debian 15.18-0+deb12u1)",
        "-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)" };
    char version[ARCHIVE_HEAD_VERSION_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(archive_head_read_line(lines[i], strlen(lines[i]), version));
        assert_string_equal(version, "15.18 (Debian 15.18-0+deb12u1)");
    }
}

static void
other_lines_and_parts_of_it_say_nothing(void **state)
{
    static const char line[] = "-- Dumped from database version";
    char version[ARCHIVE_HEAD_VERSION_SIZE] = "as it was";

    (void)state;
    for (size_t length = 0; length < sizeof(line); length++)
        assert_false(archive_head_read_line(line, length, version));
    assert_false(archive_head_read_line("-- Dumped by pg_dump version 15.18", 34, version));
    assert_string_equal(version, "as it was");
}

static void
a_long_version_is_cut(void **state)
{
    static const char line[] = "-- Dumped from database version "
                               "15.1234567890123456789012345678901234567890123456789012345678901234567890";
    char version[ARCHIVE_HEAD_VERSION_SIZE];

    (void)state;
    assert_true(archive_head_read_line(line, strlen(line), version));
    assert_int_equal(strlen(version), ARCHIVE_HEAD_VERSION_SIZE - 1);
}

static void
the_major_is_the_number_in_front(void **state)
{
    (void)state;
    assert_int_equal(archive_head_major("15.18 (Debian)"), 15);
    assert_int_equal(archive_head_major("18beta1"), 18);
    assert_int_equal(archive_head_major("9.6.24"), 9);
    assert_int_equal(archive_head_major(""), 0);
    assert_int_equal(archive_head_major("devel"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_stands_in_one_line_of_an_archive_and_of_a_script),
        cmocka_unit_test(other_lines_and_parts_of_it_say_nothing),
        cmocka_unit_test(a_long_version_is_cut),
        cmocka_unit_test(the_major_is_the_number_in_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
