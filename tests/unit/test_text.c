#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static void
assert_json(const char *bytes, size_t length, const char *expected)
{
    struct text out = TEXT_EMPTY;

    text_add_json(&out, bytes, length);
    assert_string_equal(out.data, expected);
    text_clear(&out);
}

static void
an_empty_text_is_an_empty_string(void **state)
{
    struct text text = TEXT_EMPTY;
    char *taken = NULL;

    (void)state;
    assert_string_equal(text_string(&text), "");
    taken = text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
}

static void
additions_grow_it_and_reset_empties_it(void **state)
{
    struct text text = TEXT_EMPTY;

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_format(&text, "%d,", i);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    assert_string_equal(text.data + text.length - 4, "999,");
    text_reset(&text);
    assert_string_equal(text_string(&text), "");
    text_clear(&text);
}

static void
json_escapes_what_json_must(void **state)
{
    (void)state;
    assert_json("", 0, "\"\"");
    assert_json("a\"b\\c\n\r\t\x01\x7F", 10, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\"");
    assert_json("a\0b", 3, "\"a\\u0000b\"");
    assert_json(
        "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\x98", 15, "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x90\x98\"");
}

static void
json_replaces_what_is_no_utf8(void **state)
{
    (void)state;
    assert_json("\xFFx", 2, "\"\xEF\xBF\xBDx\"");
    assert_json("\xC3", 1, "\"\xEF\xBF\xBD\"");                                                 /* cut */
    assert_json("\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                                 /* overlong */
    assert_json("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");                 /* a surrogate */
    assert_json("\xF4\x90\x80\x80", 4, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* beyond U+10FFFF */
}

static void
text_for_postgres_is_utf8_without_nul(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    text_add_utf8(&out, "a\0\n\xFF\xC3\xBC\xC3", 7);
    assert_string_equal(out.data, "a\xEF\xBF\xBD\n\xEF\xBF\xBD\xC3\xBC\xEF\xBF\xBD");
    text_clear(&out);
}

static bool
parses(const char *string, int64_t least, int64_t most, int64_t expected)
{
    int64_t number = 4711;

    return text_parse_integer(string, strlen(string), least, most, &number) && number == expected;
}

static bool
refuses(const char *string, int64_t least, int64_t most)
{
    int64_t number = 4711;

    return !text_parse_integer(string, strlen(string), least, most, &number) && number == 4711;
}

static void
integers_are_read_strictly(void **state)
{
    (void)state;
    assert_true(parses("0", 0, 9, 0));
    assert_true(parses("-0", -1, 1, 0));
    assert_true(parses("007", 0, 9, 7));
    assert_true(parses("9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX));
    assert_true(parses("-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN));
    assert_true(refuses("9223372036854775808", INT64_MIN, INT64_MAX));
    assert_true(refuses("-9223372036854775809", INT64_MIN, INT64_MAX));
    assert_true(refuses("99999999999999999999999", INT64_MIN, INT64_MAX));
    assert_true(refuses("", INT64_MIN, INT64_MAX));
    assert_true(refuses("-", INT64_MIN, INT64_MAX));
    assert_true(refuses("+1", INT64_MIN, INT64_MAX));
    assert_true(refuses(" 1", INT64_MIN, INT64_MAX));
    assert_true(refuses("1 ", INT64_MIN, INT64_MAX));
    assert_true(refuses("0x10", INT64_MIN, INT64_MAX));
    assert_true(refuses("5", 6, 10));
    assert_true(refuses("11", 6, 10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_is_an_empty_string),
        cmocka_unit_test(additions_grow_it_and_reset_empties_it),
        cmocka_unit_test(json_escapes_what_json_must),
        cmocka_unit_test(json_replaces_what_is_no_utf8),
        cmocka_unit_test(text_for_postgres_is_utf8_without_nul),
        cmocka_unit_test(integers_are_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
