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

static void
assert_put(int64_t number, const char *expected)
{
    char out[TEXT_INTEGER_SIZE + 1];
    size_t length;

    memset(out, '#', sizeof(out));
    length = text_put_integer(out, number);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
    for (size_t i = length; i < sizeof(out); i++)
        assert_int_equal(out[i], '#'); /* no NUL, nothing else */
}

static void
integers_are_written_in_decimal(void **state)
{
    (void)state;
    assert_put(0, "0");
    assert_put(7, "7");
    assert_put(-7, "-7");
    assert_put(10, "10");
    assert_put(-100, "-100");
    assert_put(1795384326754, "1795384326754");
    assert_put(INT64_MAX, "9223372036854775807");
    assert_put(INT64_MIN, "-9223372036854775808");
}

static void
what_is_written_reads_as_the_same_number(void **state)
{
    (void)state;
    for (int64_t number = 1; number > 0 && number < INT64_MAX / 7; number = number * 7 + 3) {
        char out[TEXT_INTEGER_SIZE];
        int64_t again = 0;

        assert_true(text_parse_integer(out, text_put_integer(out, number), INT64_MIN, INT64_MAX, &again));
        assert_int_equal(again, number);
        assert_true(text_parse_integer(out, text_put_integer(out, -number), INT64_MIN, INT64_MAX, &again));
        assert_int_equal(again, -number);
    }
}

static void
a_character_of_utf8_takes_one_to_four_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } all[] = { { "a", 1 }, { "\x7F", 1 }, { "\xC2\x80", 2 }, { "\xDF\xBF", 2 }, { "\xE0\xA0\x80", 3 },
        { "\xED\x9F\xBF", 3 }, { "\xEE\x80\x80", 3 }, { "\xEF\xBF\xBF", 3 }, { "\xF0\x90\x80\x80", 4 },
        { "\xF4\x8F\xBF\xBF", 4 } };

    (void)state;
    assert_int_equal(text_utf8_length("\0", 1), 1);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_int_equal(text_utf8_length(all[i].bytes, all[i].length), all[i].length);
        assert_int_equal(text_utf8_length(all[i].bytes, all[i].length + 1), all[i].length);
        for (size_t left = 1; left < all[i].length; left++)
            assert_int_equal(text_utf8_length(all[i].bytes, left), 0); /* cut */
    }
}

static void
what_is_no_character_of_utf8_has_no_length(void **state)
{
    static const char *const none[] = { "\x80zzz", "\xBFzzz", "\xC0\x80zz", "\xC1\xBFzz", "\xC2zzz", "\xC2\xC0zz",
        "\xE0\x9F\xBFz", "\xE1\x80zz", "\xE1\x80\xC0z", "\xED\xA0\x80z", "\xF0\x8F\xBF\xBF", "\xF1\x80\x80z",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFFzzz" };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(text_utf8_length(none[i], 4), 0);
}

static void
a_count_has_its_plural(void **state)
{
    struct text text = TEXT_EMPTY;

    (void)state;
    text_add_count(&text, 1, "table");
    text_add(&text, ", ");
    text_add_count(&text, 0, "row");
    assert_string_equal(text_string(&text), "1 table, 0 rows");
    text_clear(&text);
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
        cmocka_unit_test(integers_are_written_in_decimal),
        cmocka_unit_test(what_is_written_reads_as_the_same_number),
        cmocka_unit_test(a_character_of_utf8_takes_one_to_four_bytes),
        cmocka_unit_test(what_is_no_character_of_utf8_has_no_length),
        cmocka_unit_test(a_count_has_its_plural),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
