#include "tests/unit/test.h"

#include <string.h>

#include "jobs/archive_contents.h"

static void
add(struct archive_contents *contents, const char *schema, const char *name, int64_t rows)
{
    archive_contents_add(contents, schema, strlen(schema), name, strlen(name), rows);
}

static struct archive_contents
contents_of(const char *const *names, int64_t rows)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;

    for (; *names != NULL; names++)
        add(&contents, "public", *names, rows);
    archive_contents_sort(&contents);
    return contents;
}

static void
assert_name(const char *schema, const char *name, const char *expected)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
    struct archive_contents again = ARCHIVE_CONTENTS_EMPTY;
    struct text quoted = TEXT_EMPTY;

    add(&contents, schema, name, 1);
    archive_table_add_name(&contents.tables[0], &quoted);
    assert_string_equal(text_string(&quoted), expected);
    text_add(&quoted, " (id)");
    assert_int_equal(archive_contents_add_quoted(&again, text_string(&quoted), quoted.length, 1), strlen(expected));
    assert_string_equal(again.tables[0].schema, contents.tables[0].schema);
    assert_string_equal(again.tables[0].name, contents.tables[0].name);
    archive_contents_clear(&contents);
    archive_contents_clear(&again);
    text_clear(&quoted);
}

static void
names_are_quoted_where_sql_needs_it_and_read_back(void **state)
{
    (void)state;
    assert_name("public", "companies", "public.companies");
    assert_name("public", "a_1$", "public.a_1$");
    assert_name("public", "1a", "public.\"1a\"");
    assert_name("Public", "Odd \"Table\"", "\"Public\".\"Odd \"\"Table\"\"\"");
    assert_name("a.b", "c.d", "\"a.b\".\"c.d\"");
    assert_name("public", "new\nline", "public.\"new\nline\"");
    assert_name("s", "f\xC3\xBCr", "s.\"f\xC3\xBCr\"");
}

static void
names_in_another_encoding_are_written_in_ascii(void **state)
{
    static const char name[] = "f\xFCr \\x5c \xC3\xA4";
    struct archive_contents contents = { .encoding = "LATIN1" };
    struct archive_contents unicode = { .encoding = "UTF8" };
    struct text raw = TEXT_EMPTY;

    (void)state;
    add(&contents, "public", name, 1);
    assert_string_equal(contents.tables[0].name, "f\\xfcr \\x5cx5c \\xc3\\xa4");
    archive_contents_add_raw(&contents, contents.tables[0].name, &raw);
    assert_string_equal(text_string(&raw), name);
    text_reset(&raw);
    add(&unicode, "public", "\\x5c \xC3\xA4", 1);
    assert_string_equal(unicode.tables[0].name, "\\x5c \xC3\xA4");
    archive_contents_add_raw(&unicode, unicode.tables[0].name, &raw);
    assert_string_equal(text_string(&raw), "\\x5c \xC3\xA4");
    archive_contents_clear(&contents);
    archive_contents_clear(&unicode);
    text_clear(&raw);
}

static void
what_is_no_name_adds_nothing(void **state)
{
    static const char *const wrong[] = { "", "a", "a.", ".a", "a b.c", "\"a.b", "\"a\".\"b", "a.'b'", "a,b" };
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(archive_contents_add_quoted(&contents, wrong[i], strlen(wrong[i]), 0), 0);
    assert_int_equal(contents.count, 0);
}

static void
tables_are_sorted_and_named_once(void **state)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;

    (void)state;
    archive_contents_sort(&contents);
    add(&contents, "b", "a", 1);
    add(&contents, "a", "z", 2);
    add(&contents, "a", "B", 0);
    archive_contents_add_rows(&contents, 7);
    add(&contents, "a", "z", 3);
    archive_contents_sort(&contents);
    assert_int_equal(contents.count, 3);
    assert_int_equal(contents.rows, 13);
    assert_string_equal(contents.tables[0].name, "B");
    assert_int_equal(contents.tables[0].rows, 7);
    assert_string_equal(contents.tables[1].name, "z");
    assert_int_equal(contents.tables[1].rows, 5);
    assert_string_equal(contents.tables[2].schema, "b");
    archive_contents_clear(&contents);
    assert_int_equal(contents.count, 0);
}

static void
a_dump_may_hold_more_than_expected_but_not_less(void **state)
{
    struct archive_contents expected = contents_of((const char *const[]){ "a", "b", "c", NULL }, 0);
    struct archive_contents more = contents_of((const char *const[]){ "d", "c", "b", "a", NULL }, 5);
    struct archive_contents less = contents_of((const char *const[]){ "c", NULL }, 5);
    struct archive_contents none = ARCHIVE_CONTENTS_EMPTY;
    struct error err;

    (void)state;
    assert_true(archive_contents_cover(&more, &expected, &err));
    assert_true(archive_contents_cover(&none, &none, &err));
    assert_false(archive_contents_cover(&less, &expected, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, "the dump lacks table public.a and 1 more");
    assert_false(archive_contents_cover(&none, &less, &err));
    assert_string_equal(err.text, "the dump lacks table public.c");
    expected.large_objects = 2;
    assert_false(archive_contents_cover(&more, &expected, &err));
    assert_string_equal(err.text, "the dump has 0 large objects, the database had 2");
    more.large_objects = 3;
    expected.sequences = 1;
    assert_false(archive_contents_cover(&more, &expected, &err));
    assert_string_equal(err.text, "the dump has 0 sequences, the database had 1");
    more.sequences = 1;
    assert_true(archive_contents_cover(&more, &expected, &err));
    archive_contents_clear(&expected);
    archive_contents_clear(&more);
    archive_contents_clear(&less);
}

static void
a_table_in_parts_needs_all_of_them(void **state)
{
    struct archive_contents expected = contents_of((const char *const[]){ "a", "a", "a", "b", NULL }, 0);
    struct archive_contents found = contents_of((const char *const[]){ "b", "a", "a", NULL }, 5);
    struct error err;

    (void)state;
    assert_false(archive_contents_cover(&found, &expected, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, "the dump lacks 1 of the 3 partitions of table public.a");
    archive_contents_add(&found, "public", 6, "a", 1, 1);
    archive_contents_sort(&found);
    assert_true(archive_contents_cover(&found, &expected, &err));
    assert_int_equal(found.tables[0].rows, 11);
    archive_contents_clear(&expected);
    archive_contents_clear(&found);
}

static void
those_agree_that_have_the_same_rows_in_the_same_tables(void **state)
{
    struct archive_contents one = contents_of((const char *const[]){ "a", "b", NULL }, 2);
    struct archive_contents same = contents_of((const char *const[]){ "b", "a", NULL }, 2);
    struct archive_contents more = contents_of((const char *const[]){ "a", "b", "c", NULL }, 2);
    struct error err;

    (void)state;
    assert_true(archive_contents_agree(&one, "the dump", &same, "the manifest", &err));
    assert_false(archive_contents_agree(&one, "the dump", &more, "the manifest", &err));
    assert_string_equal(err.text, "the dump lacks table public.c");
    assert_false(archive_contents_agree(&more, "the dump", &one, "the manifest", &err));
    assert_string_equal(err.text, "the manifest lacks table public.c");
    same.tables[1].rows = 3;
    assert_false(archive_contents_agree(&one, "the dump", &same, "the manifest", &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, "table public.b has 2 rows in the dump, 3 in the manifest");
    archive_contents_clear(&one);
    archive_contents_clear(&same);
    archive_contents_clear(&more);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_quoted_where_sql_needs_it_and_read_back),
        cmocka_unit_test(names_in_another_encoding_are_written_in_ascii),
        cmocka_unit_test(what_is_no_name_adds_nothing),
        cmocka_unit_test(tables_are_sorted_and_named_once),
        cmocka_unit_test(a_dump_may_hold_more_than_expected_but_not_less),
        cmocka_unit_test(a_table_in_parts_needs_all_of_them),
        cmocka_unit_test(those_agree_that_have_the_same_rows_in_the_same_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
