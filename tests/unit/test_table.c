#include "tests/unit/test.h"

#include <stdlib.h>

#include "cli/table.h"

static const struct table_column columns[] = {
    { .title = "FILE", .cut = true },
    { .title = "SIZE", .right = true },
    { .title = "REASON", .cut = true },
};

static void
assert_table(const struct table *table, size_t width, bool coloured, const char *expected)
{
    struct text out = TEXT_EMPTY;

    table_format(table, width, coloured, &out);
    assert_string_equal(text_string(&out), expected);
    text_clear(&out);
}

static struct table
small_table(void)
{
    struct table table = table_new(columns, 3);

    table_add(&table, SCREEN_PLAIN, "one");
    table_add_size(&table, 1234567);
    table_add(&table, SCREEN_BAD, "the disk was full, as so often");
    table_add(&table, SCREEN_PLAIN, "three and four");
    table_add(&table, SCREEN_PLAIN, "7");
    table_add(&table, SCREEN_PLAIN, NULL);
    return table;
}

static void
columns_are_aligned_and_the_last_one_ends_with_its_text(void **state)
{
    struct table table = small_table();

    (void)state;
    assert_table(&table, SCREEN_ENDLESS, false,
        "FILE                SIZE  REASON\n"
        "one             1.18 MiB  the disk was full, as so often\n"
        "three and four         7  -\n");
    table_clear(&table);
}

static void
what_is_too_wide_is_cut_from_the_last_column_on(void **state)
{
    struct table table = small_table();

    (void)state;
    assert_table(&table, 41, false,
        "FILE                SIZE  REASON\n"
        "one             1.18 MiB  the disk was f\xE2\x80\xA6\n"
        "three and four         7  -\n");
    assert_table(&table, 31, false,
        "FILE             SIZE  REASON\n"
        "one          1.18 MiB  the dis\xE2\x80\xA6\n"
        "three and \xE2\x80\xA6         7  -\n");
    table_clear(&table);
}

static void
a_cell_is_cut_to_no_less_than_a_glimpse(void **state)
{
    struct table table = small_table();

    (void)state;
    assert_table(&table, 1, false,
        "FILE          SIZE  REASON\n"
        "one       1.18 MiB  the dis\xE2\x80\xA6\n"
        "three a\xE2\x80\xA6         7  -\n");
    table_clear(&table);
}

static void
colours_do_not_move_the_columns(void **state)
{
    struct table table = table_new(columns, 2);

    (void)state;
    table_add(&table, SCREEN_GOOD, "ok");
    table_add(&table, SCREEN_PLAIN, "1");
    assert_table(&table, SCREEN_ENDLESS, true, "\x1b[1mFILE\x1b[0m  \x1b[1mSIZE\x1b[0m\n\x1b[32mok\x1b[0m       1\n");
    table_clear(&table);
}

static void
wide_and_combining_characters_take_the_columns_that_they_take(void **state)
{
    struct table table = table_new(columns, 2);

    (void)state;
    table_add(&table, SCREEN_PLAIN, "\xE6\x97\xA5\xE6\x9C\xAC"); /* two characters of two columns */
    table_add(&table, SCREEN_PLAIN, "1");
    table_add(&table, SCREEN_PLAIN, "e\xCC\x81t\xC3\xA9"); /* e, a combining accent, t, an accented e */
    table_add(&table, SCREEN_PLAIN, "2");
    assert_table(&table, SCREEN_ENDLESS, false,
        "FILE  SIZE\n"
        "\xE6\x97\xA5\xE6\x9C\xAC     1\n"
        "e\xCC\x81t\xC3\xA9      2\n");
    table_clear(&table);
}

static void
a_wide_character_is_not_cut_in_two(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    assert_int_equal(screen_add_line(&out, "a\xE6\x97\xA5\xE6\x9C\xAC", 4), 4);
    assert_string_equal(text_string(&out), "a\xE6\x97\xA5\xE2\x80\xA6");
    text_reset(&out);
    assert_int_equal(screen_add_line(&out, "a\xE6\x97\xA5\xE6\x9C\xAC", 3), 2);
    assert_string_equal(text_string(&out), "a\xE2\x80\xA6");
    text_clear(&out);
}

static void
foreign_text_cannot_move_the_cursor(void **state)
{
    struct text out = TEXT_EMPTY;

    (void)state;
    assert_int_equal(screen_add_line(&out,
                         "a\x1b[2J\nb\xC2\x9B"
                         "c\xFF",
                         SCREEN_ENDLESS),
        10);
    assert_string_equal(text_string(&out), "a [2J b c\xEF\xBF\xBD");
    text_clear(&out);
}

static void
times_are_utc_and_durations_are_rounded(void **state)
{
    static const struct table_column two[] = { { .title = "WHEN" }, { .title = "TOOK", .right = true } };
    struct table table = table_new(two, 2);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        static const int64_t durations[] = { 840, 59499, 125000, 3725000 };

        table_add_time(&table, (struct wall){ .ms = 1795532407999 });
        table_add_duration(&table, durations[i]);
    }
    assert_table(&table, SCREEN_ENDLESS, false,
        "WHEN                       TOOK\n"
        "2026-11-24 15:00:07Z      0.8 s\n"
        "2026-11-24 15:00:07Z       59 s\n"
        "2026-11-24 15:00:07Z  2 min 5 s\n"
        "2026-11-24 15:00:07Z  1 h 2 min\n");
    table_clear(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_and_the_last_one_ends_with_its_text),
        cmocka_unit_test(what_is_too_wide_is_cut_from_the_last_column_on),
        cmocka_unit_test(a_cell_is_cut_to_no_less_than_a_glimpse),
        cmocka_unit_test(colours_do_not_move_the_columns),
        cmocka_unit_test(wide_and_combining_characters_take_the_columns_that_they_take),
        cmocka_unit_test(a_wide_character_is_not_cut_in_two),
        cmocka_unit_test(foreign_text_cannot_move_the_cursor),
        cmocka_unit_test(times_are_utc_and_durations_are_rounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
