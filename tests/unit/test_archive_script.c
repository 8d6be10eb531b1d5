#include "tests/unit/test.h"

#include <inttypes.h>
#include <string.h>

#include "jobs/archive_script.h"

/* What pg_restore writes before and behind it all. */
#define HEAD                                                                                                           \
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict 3UKgVyGRwynduWXDrABIm7ecU3br7p9g\n\n"                           \
    "-- Dumped from database version 15.18 (it's Debian \"12\")\n\nSET standard_conforming_strings = on;\n"            \
    "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
#define TAIL "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict 3UKgVyGRwynduWXDrABIm7ecU3br7p9g\n\n"

/* Reads the script in pieces of `step` bytes. */
static bool
read_in_steps(const char *script, size_t step, struct archive_contents *contents, struct error *err)
{
    struct archive_script *reader = archive_script_new(contents);
    size_t length = strlen(script);
    bool ok;

    for (size_t at = 0; at < length; at += step)
        archive_script_add(reader, script + at, step < length - at ? step : length - at);
    ok = archive_script_finish(reader, err);
    archive_script_free(reader);
    return ok;
}

/* "schema.name=rows ...; N sequences, N large objects", however the script is cut into pieces. */
static void
assert_found(const char *script, const char *expected)
{
    for (size_t step = 1; step <= strlen(script); step++) {
        struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
        struct text found = TEXT_EMPTY;
        struct error err = ERROR_EMPTY;

        if (!read_in_steps(script, step, &contents, &err))
            fail_msg("in steps of %zu: %s", step, err.text);
        for (size_t i = 0; i < contents.count; i++) {
            archive_table_add_name(&contents.tables[i], &found);
            text_format(&found, "=%" PRId64 " ", contents.tables[i].rows);
        }
        text_format(&found, "sequences=%" PRId64 " large=%" PRId64, contents.sequences, contents.large_objects);
        assert_string_equal(text_string(&found), expected);
        archive_contents_clear(&contents);
        text_clear(&found);
    }
}

static void
assert_refused(const char *script, const char *expected)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
    struct error err = ERROR_EMPTY;

    assert_false(read_in_steps(script, 7, &contents, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text, expected);
    archive_contents_clear(&contents);
}

static void
a_script_without_data_holds_nothing(void **state)
{
    (void)state;
    assert_found("", "sequences=0 large=0");
    assert_found(HEAD TAIL, "sequences=0 large=0");
}

static void
rows_of_each_table_are_counted(void **state)
{
    (void)state;
    assert_found(HEAD "--\n-- Data for Name: b; Type: TABLE DATA; Schema: public; Owner: o\n--\n\n"
                      "COPY public.b (id, name) FROM stdin;\n1\tone\n2\t\\N\n\\N\t\n\\.\n\n\n"
                      "COPY public.a (id) FROM stdin;\n\\.\n\n\n" TAIL,
        "public.a=0 public.b=3 sequences=0 large=0");
}

static void
a_table_without_columns_has_empty_rows(void **state)
{
    (void)state;
    assert_found(HEAD "COPY public.nothing  FROM stdin;\n\n\n\\.\n\n" TAIL, "public.nothing=2 sequences=0 large=0");
}

static void
only_a_backslash_and_a_dot_alone_end_the_rows(void **state)
{
    (void)state;
    assert_found(
        "COPY s.t (a) FROM stdin;\n\\\\.\n\\.x\n.\n\\\n\\\\\n x\\.\nCOPY s.u (a) FROM stdin;\n--\n'\n\"\n\\.\n",
        "s.t=10 sequences=0 large=0");
}

static void
names_may_hold_anything(void **state)
{
    (void)state;
    assert_found(HEAD
        "COPY \"a \"\"b\"\".c\".\"new\nline;\nCOPY x.y (a) FROM stdin;\n\\.\n-- '\"\" (\" (\"FROM stdin;\n\", b) "
        "FROM stdin;\n1\n\\.\n" TAIL,
        "\"a \"\"b\"\".c\".\"new\nline;\nCOPY x.y (a) FROM stdin;\n\\.\n-- '\"\" (\"=1 sequences=0 large=0");
}

static void
sequences_and_large_objects_are_counted(void **state)
{
    (void)state;
    assert_found(HEAD "SELECT pg_catalog.setval('public.\"s''eq\nCOPY a.b FROM stdin;\n\"', 1, -false);\n"
                      "SELECT pg_catalog.setval('public.t', -7, true);\nSELECT pg_catalog.lo_create('1');\nBEGIN;\n"
                      "SELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x5c2e3b');\n"
                      "SELECT pg_catalog.lowrite(0, '\\x5c');\nSELECT pg_catalog.lo_close(0);\n\n"
                      "SELECT pg_catalog.lo_open('2', 131072);\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n" TAIL,
        "sequences=2 large=2");
}

static void
what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    assert_found(
        "SELECT 'COPY a.b FROM stdin;\n', 1 - 2 -- COPY c.d FROM stdin;\n - 3;\n\\connect \"x\ncopy e.f from stdin;\n"
        "REFRESH MATERIALIZED VIEW public.\"COPY g.h FROM stdin;\n\";\nCOPYRIGHT;\n",
        "sequences=0 large=0");
}

static void
names_are_in_the_encoding_that_is_set_first(void **state)
{
    (void)state;
    assert_found("SET client_encoding = 'UTF8';\nCOPY a.\"f\xC3\xBCr\" (c) FROM stdin;\n\\.\n",
        "a.\"f\xC3\xBCr\"=0 sequences=0 large=0");
    assert_found("SET client_encoding = 'LATIN1';\nCOPY a.\"f\xFCr\" (c) FROM stdin;\n\\.\n",
        "a.\"f\\xfcr\"=0 sequences=0 large=0");
}

static void
a_long_statement_is_read_by_its_front(void **state)
{
    struct text script = TEXT_EMPTY;
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
    struct error err = ERROR_EMPTY;

    (void)state;
    text_add(&script, "SELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x");
    for (int i = 0; i < 100000; i++)
        text_add(&script, "00ff");
    text_add(&script, "');\nCOPY public.wide (");
    for (int i = 0; i < 1600; i++)
        text_format(&script, "%s\"column number %d of the table\"", i == 0 ? "" : ", ", i);
    text_add(&script, ") FROM stdin;\nx\n\\.\n");
    assert_true(read_in_steps(text_string(&script), 65536, &contents, &err));
    assert_int_equal(contents.count, 1);
    assert_string_equal(contents.tables[0].name, "wide");
    assert_int_equal(contents.rows, 1);
    assert_int_equal(contents.large_objects, 1);
    archive_contents_clear(&contents);
    text_clear(&script);
}

static void
an_end_in_the_middle_is_refused(void **state)
{
    (void)state;
    assert_refused("COPY a.b (c) FROM stdin;\n1\n", "the dump ends in the middle of a table's rows");
    assert_refused("COPY a.b (c) FROM stdin;\n1\n\\.", "the dump ends in the middle of a table's rows");
    assert_refused("COPY a.b (c) FROM stdin;", "the dump ends in the middle of a table's rows");
    assert_refused("COPY a.b (c", "the dump ends in the middle of a statement");
    assert_refused("SELECT 'it", "the dump ends in the middle of a statement");
    assert_refused("SELECT 1 -", "the dump ends in the middle of a statement");
}

static void
rows_of_an_unreadable_table_are_refused(void **state)
{
    (void)state;
    assert_refused("COPY (SELECT 1) FROM stdin;\n1\n\\.\n", "the dump holds rows of a table whose name cannot be read");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_without_data_holds_nothing),
        cmocka_unit_test(rows_of_each_table_are_counted),
        cmocka_unit_test(a_table_without_columns_has_empty_rows),
        cmocka_unit_test(only_a_backslash_and_a_dot_alone_end_the_rows),
        cmocka_unit_test(names_may_hold_anything),
        cmocka_unit_test(sequences_and_large_objects_are_counted),
        cmocka_unit_test(what_is_not_known_is_passed_over),
        cmocka_unit_test(names_are_in_the_encoding_that_is_set_first),
        cmocka_unit_test(a_long_statement_is_read_by_its_front),
        cmocka_unit_test(an_end_in_the_middle_is_refused),
        cmocka_unit_test(rows_of_an_unreadable_table_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
