#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "jobs/env_file.h"
#include "tests/unit/folder.h"

#define MEGABYTE ((size_t)1024 * 1024)

static void
fill_file(const char *path, int byte, size_t count)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    while (count-- > 0)
        (void)putc(byte, file);
    assert_int_equal(fclose(file), 0);
}

/* `expected` is NULL if the variable K is not set. */
static void
assert_value(const char *text, const char *expected)
{
    struct secret value = SECRET_EMPTY;

    assert_int_equal(env_file_find(text, "K", &value), expected != NULL);
    if (expected != NULL)
        assert_string_equal(secret_reveal(&value), expected);
    secret_clear(&value);
}

static void
a_value_is_what_stands_behind_the_name(void **state)
{
    (void)state;
    assert_value("K=v", "v");
    assert_value("A=1\nK=v\nB=2\n", "v");
    assert_value("  export  K = v  \n", "v");
    assert_value("K=a b=c\r\n", "a b=c");
    assert_value("K=YQ==\n", "YQ==");
}

static void
quotes_and_comments_are_no_part_of_it(void **state)
{
    (void)state;
    assert_value("K=\"a # b\" # c\n", "a # b");
    assert_value("K='a\"b'\n", "a\"b");
    assert_value("K=a#b # c\n", "a#b");
    assert_value("K=\"not closed\nB=1\n", "not closed");
}

static void
odd_lines_end_where_they_end(void **state)
{
    (void)state;
    assert_value("exportK=v\n", NULL);
    assert_value("export", NULL);
    assert_value("K", NULL);
    assert_value("K=\"", NULL);
    assert_value("K=\"\nA=\"v\"\n", NULL);
    assert_value("\n\r\n\t\nK=\tv\t\n", "v");
    assert_value("K==\n", "=");
    assert_value("K=v#\t#\n", "v#");
    assert_value("K=\xC3\xBC\xFF\n", "\xC3\xBC\xFF");
}

static void
what_is_not_there_or_empty_is_not_set(void **state)
{
    (void)state;
    assert_value("", NULL);
    assert_value("KK=v\nAK=v\n# K=v\nK v\n", NULL);
    assert_value("K=\n", NULL);
    assert_value("K=\"\"\n", NULL);
    assert_value("K= # only a comment\n", NULL);
}

static void
the_last_one_counts(void **state)
{
    (void)state;
    assert_value("K=1\nK=2\n", "2");
    assert_value("K=1\nK=\n", NULL);
}

static void
a_file_is_read_whole_or_told(void **state)
{
    char folder[FOLDER_PATH];
    char path[FOLDER_PATH + 8];
    struct secret text = SECRET_EMPTY;
    struct error err = ERROR_EMPTY;

    (void)state;
    folder_make(folder);
    folder_write(folder, ".env", "K=v\n");
    (void)snprintf(path, sizeof(path), "%s/.env", folder);
    assert_true(env_file_read(path, &text, &err));
    assert_string_equal(secret_reveal(&text), "K=v\n");
    assert_false(env_file_read(folder, &text, &err));
    assert_non_null(strstr(err.text, "Is a directory"));
    secret_clear(&text);
    folder_remove(folder);
}

static void
a_file_that_is_no_env_is_told(void **state)
{
    char folder[FOLDER_PATH];
    char path[FOLDER_PATH + 8];
    struct secret text = SECRET_EMPTY;
    struct error err = ERROR_EMPTY;

    (void)state;
    folder_make(folder);
    (void)snprintf(path, sizeof(path), "%s/.env", folder);
    folder_write(folder, ".env", "");
    assert_true(env_file_read(path, &text, &err));
    assert_string_equal(secret_reveal(&text), "");
    secret_clear(&text);
    assert_int_equal(truncate(path, 1), 0); /* one NUL */
    assert_false(env_file_read(path, &text, &err));
    assert_non_null(strstr(err.text, "/.env' is no .env: it is larger than 1 MB, or has a NUL byte"));
    assert_false(secret_is_set(&text));
    fill_file(path, 'K', MEGABYTE);
    assert_true(env_file_read(path, &text, &err));
    assert_int_equal(strlen(secret_reveal(&text)), MEGABYTE);
    secret_clear(&text);
    fill_file(path, 'K', MEGABYTE + 1);
    assert_false(env_file_read(path, &text, &err));
    assert_false(secret_is_set(&text));
    folder_remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_what_stands_behind_the_name),
        cmocka_unit_test(quotes_and_comments_are_no_part_of_it),
        cmocka_unit_test(odd_lines_end_where_they_end),
        cmocka_unit_test(what_is_not_there_or_empty_is_not_set),
        cmocka_unit_test(the_last_one_counts),
        cmocka_unit_test(a_file_is_read_whole_or_told),
        cmocka_unit_test(a_file_that_is_no_env_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
