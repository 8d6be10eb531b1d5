#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/memory.h"

static void
what_is_json_is_taken(void **state)
{
    static const char *const texts[] = { "{}", "[]", "null", "true", "false", "0", "-0", "12", "-1.5e-7", "1E+400",
        "\"\"", " [ 1 , { \"a\" : [ ] } ]\r\n\t", "\"\\u00fc\\ud800\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xF0\x9F\x98\x80\"", "{\"a\":1,\"a\":2}", "{\"\":0}", "\"\x7F\"" };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!json_check(texts[i], strlen(texts[i]), &err))
            fail_msg("%s: %s", texts[i], err.text);
}

static void
what_is_none_is_refused_with_the_place(void **state)
{
    static const char *const refused[][2] = { { "", "the JSON text ends too soon" },
        { "  ", "the JSON text ends too soon" }, { "[1,", "the JSON text ends too soon" },
        { "{\"a\"", "the JSON text ends too soon" }, { "\"abc", "the JSON text ends too soon" },
        { "\"abc\\", "the JSON text ends too soon" }, { "\"\\u12", "the JSON text ends too soon" },
        { "-", "the JSON text ends too soon" }, { "1.", "the JSON text ends too soon" },
        { "1e+", "the JSON text ends too soon" }, { "tru", "no JSON from byte 1 on, at 'tru'" },
        { "oops", "no JSON from byte 1 on, at 'oops'" }, { "01", "no JSON from byte 2 on, at '1'" },
        { "+1", "no JSON from byte 1 on, at '+1'" }, { ".5", "no JSON from byte 1 on, at '.5'" },
        { "NaN", "no JSON from byte 1 on, at 'NaN'" }, { "[1,]", "no JSON from byte 4 on, at ']'" },
        { "{,}", "no JSON from byte 2 on, at ',}'" }, { "{\"a\":1,}", "no JSON from byte 8 on, at '}'" },
        { "{a:1}", "no JSON from byte 2 on, at 'a:1}'" }, { "{\"a\" 1}", "no JSON from byte 6 on, at '1}'" },
        { "[1 2]", "no JSON from byte 4 on, at '2]'" }, { "[1}", "no JSON from byte 3 on, at '}'" },
        { "{} {}", "no JSON from byte 4 on, at '{}'" }, { "'a'", "no JSON from byte 1 on, at ''a''" },
        { "\"\\x\"", "no JSON from byte 3 on, at 'x\"'" }, { "\"\\u12g4\"", "no JSON from byte 6 on, at 'g4\"'" },
        { "\"a\nb\"", "no JSON from byte 3 on, at ''" }, { "\"\xFF\"", "no JSON from byte 2 on, at ''" },
        { "\"\xED\xA0\x80\"", "no JSON from byte 2 on, at ''" },
        { "this is no JSON at all", "no JSON from byte 1 on, at 'this is no JSON at a'" } };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct error err = ERROR_EMPTY;

        if (json_check(refused[i][0], strlen(refused[i][0]), &err))
            fail_msg("%s", refused[i][0]);
        assert_string_equal(err.text, refused[i][1]);
    }
}

static void
a_nul_byte_is_no_json(void **state)
{
    struct error err;

    (void)state;
    assert_false(json_check("1\0", 2, &err));
    assert_false(json_check("\"a\0b\"", 5, &err));
    assert_false(json_check("\"\\\0\"", 4, &err));
    assert_false(json_check("\"\\u00\0", 6, &err));
}

static void
nesting_has_a_limit(void **state)
{
    const size_t many = JSON_DEPTH_MAX + 1;
    char *text = memory_new(2 * many);
    struct error err;

    (void)state;
    memset(text, '[', many);
    memset(text + many, ']', many);
    assert_false(json_check(text, 2 * many, &err));
    assert_true(json_check(text + 1, 2 * (many - 1), &err));
    free(text);
}

static void
assert_member(const char *text, const char *name, const char *expected)
{
    struct json_part part = json_member(text, strlen(text), name);

    if (expected == NULL) {
        assert_null(part.bytes);
        return;
    }
    assert_int_equal(part.length, strlen(expected));
    assert_memory_equal(part.bytes, expected, part.length);
}

static void
a_member_is_found_as_it_was_written(void **state)
{
    (void)state;
    assert_member("{\"a\":1}", "a", "1");
    assert_member(" { \"x\" : \"a\\\"\" , \"a\" :\t[ 1 , {\"a\":2} ] , \"b\":null } ", "a", "[ 1 , {\"a\":2} ]");
    assert_member("{\"x\":{\"a\":1},\"ab\":2}", "a", NULL);
    assert_member("{\"a\":1,\"a\":2}", "a", "2"); /* the last one, as JavaScript has it */
    assert_member("{\"b\":\"\\\"a\\\":1\"}", "a", NULL);
    assert_member("{\"\":7}", "", "7");
    assert_member("{}", "a", NULL);
    assert_member("[\"a\",1]", "a", NULL);
    assert_member("\"a\"", "a", NULL);
}

static void
members_come_in_turn_as_they_were_written(void **state)
{
    static const char text[] = " { \"a\" : [1, 2] ,\"b\\\"\":1e5,\"a\":null } ";
    static const char *const expected[][2] = { { "a", "[1, 2]" }, { "b\\\"", "1e5" }, { "a", "null" } };
    static const char *const empty[] = { "{}", "[\"a\",1]", "\"a\"", "7" };
    struct json_walk walk = json_walk(text, strlen(text));
    struct json_part name;
    struct json_part value;

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(json_walk_next(&walk, &name, &value));
        assert_true(json_part_is(name, expected[i][0]));
        assert_true(json_part_is(value, expected[i][1]));
    }
    assert_false(json_walk_next(&walk, &name, &value));
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        walk = json_walk(empty[i], strlen(empty[i]));
        assert_false(json_walk_next(&walk, &name, &value));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_taken),
        cmocka_unit_test(what_is_none_is_refused_with_the_place),
        cmocka_unit_test(a_nul_byte_is_no_json),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(members_come_in_turn_as_they_were_written),
        cmocka_unit_test(a_member_is_found_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
