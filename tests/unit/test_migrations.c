#include "tests/unit/test.h"

#include "jobs/migrations.h"
#include "tests/unit/folder.h"

#define COPY(columns) "\nCOPY public._prisma_migrations (" columns ") FROM stdin;\n"

static void
make_directory(const char *folder, const char *name)
{
    char path[2 * FOLDER_PATH];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void
assert_hash(const char *folder, const char *expected)
{
    struct text text = TEXT_EMPTY;

    migrations_add_hash(folder, &text);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

static void
migrations_are_hashed_by_name_and_content(void **state)
{
    char folder[FOLDER_PATH];

    (void)state;
    folder_make(folder);
    /* printf '' | sha256sum */
    assert_hash(folder, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    make_directory(folder, "20260102_b");
    make_directory(folder, "20260101_a");
    make_directory(folder, "20260103_empty");
    folder_write(folder, "20260101_a/migration.sql", "CREATE TABLE a ();\n");
    folder_write(folder, "20260102_b/migration.sql", "CREATE TABLE b ();\n");
    folder_write(folder, "migration_lock.toml", "provider = \"postgresql\"\n"); /* a file: not a migration */
    /* printf '20260101_a\nCREATE TABLE a ();\n20260102_b\nCREATE TABLE b ();\n20260103_empty\n' | sha256sum */
    assert_hash(folder, "sha256:1e0dc649ac9b841c40dc906e54dc23a4e6019747d27b18ad41bf1c1351fd2b28");
    folder_remove(folder);
}

static void
names_are_taken_in_the_order_of_utf16(void **state)
{
    char folder[FOLDER_PATH];

    (void)state;
    folder_make(folder);
    make_directory(folder, "\xEF\xBF\xBD");     /* U+FFFD, one code unit FFFD */
    make_directory(folder, "\xF0\x9F\x90\x98"); /* U+1F418, code units D83D DC18: comes first */
    make_directory(folder, "z");
    /* printf 'z\n\xF0\x9F\x90\x98\n\xEF\xBF\xBD\n' | sha256sum */
    assert_hash(folder, "sha256:8c3b44f60fc8f1af5b4b01af6af80ca156e52107b8ef70712db904f4d6c286e9");
    folder_remove(folder);
}

static void
what_cannot_be_hashed_says_why(void **state)
{
    char folder[FOLDER_PATH];
    char inside[FOLDER_PATH + 16];

    (void)state;
    folder_make(folder);
    (void)snprintf(inside, sizeof(inside), "%s/nothing", folder);
    assert_hash(inside, "unknown:the migrations directory cannot be read");
    make_directory(folder, "m1");
    make_directory(folder, "m1/migration.sql");
    assert_hash(folder, "unknown:m1/migration.sql cannot be read");
    folder_remove(folder);
}

static void
the_apps_folder_is_found_from_the_working_directory(void **state)
{
    char folder[FOLDER_PATH];
    char inside[FOLDER_PATH + 16];
    struct text text = TEXT_EMPTY;

    (void)state;
    folder_make(folder);
    make_directory(folder, "packages");
    make_directory(folder, "packages/db");
    make_directory(folder, "packages/db/prisma");
    make_directory(folder, "apps");
    make_directory(folder, "apps/worker");
    assert_int_equal(chdir(folder), 0);
    migrations_add_app_hash(&text);
    assert_string_equal(text_string(&text), "unknown:no migrations directory");
    make_directory(folder, "packages/db/prisma/migrations");
    (void)snprintf(inside, sizeof(inside), "%s/apps/worker", folder);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chdir(i == 0 ? folder : inside), 0);
        text_reset(&text);
        migrations_add_app_hash(&text);
        assert_string_equal(
            text_string(&text), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
    assert_int_equal(chdir("/"), 0);
    text_clear(&text);
    folder_remove(folder);
}

static void
a_dump_tells_which_were_applied(void **state)
{
    static const char script[] =
        "SET client_encoding = 'UTF8';\n"
        "COPY public._prisma_migrations (id, checksum, finished_at, migration_name, logs, rolled_back_at) FROM stdin;\n"
        "1\tx\t2026-01-02 00:00:00+00\t20260102_b\t\\N\t\\N\n"
        "2\tx\t2026-01-01 00:00:00+00\t20260101_a\t\\N\t\\N\n"
        "3\tx\t\\N\t20260103_unfinished\t\\N\t\\N\n"
        "4\tx\t2026-01-04 00:00:00+00\t20260104_rolled_back\tlogs\t2026-01-05 00:00:00+00\n"
        "\\.\n\nSELECT 1;\n";
    struct migrations migrations = MIGRATIONS_EMPTY;

    (void)state;
    assert_true(migrations_read_script(script, &migrations));
    assert_int_equal(migrations.count, 2);
    assert_string_equal(migrations.names[0], "20260101_a");
    assert_string_equal(migrations.names[1], "20260102_b");
    assert_true(migrations_have(&migrations, "20260102_b"));
    assert_false(migrations_have(&migrations, "20260103_unfinished"));
    migrations_clear(&migrations);
}

static void
a_script_that_ends_anywhere_is_read_up_to_there(void **state)
{
    static const char script[] =
        "\nCOPY public._prisma_migrations (migration_name, finished_at, rolled_back_at) FROM stdin;\na\tb\t\\N\nc\td";
    struct migrations migrations = MIGRATIONS_EMPTY;
    struct text part = TEXT_EMPTY;

    (void)state;
    for (size_t length = 0; length < sizeof(script); length++) {
        text_reset(&part);
        text_add_bytes(&part, script, length);
        (void)!migrations_read_script(text_string(&part), &migrations);
        assert_true(migrations.count <= 1);
        migrations_clear(&migrations);
    }
    assert_false(migrations_read_script("\nCOPY public._prisma_migrations (id) FROM stdin;\n1\n", &migrations));
    text_clear(&part);
}

/* `expected`: the names with a blank between; NULL if the script does not tell. */
static void
assert_applied(const char *script, const char *expected)
{
    struct migrations migrations = MIGRATIONS_EMPTY;
    struct text names = TEXT_EMPTY;

    assert_int_equal(migrations_read_script(script, &migrations), expected != NULL);
    for (size_t i = 0; i < migrations.count; i++)
        text_format(&names, "%s%s", i == 0 ? "" : " ", migrations.names[i]);
    assert_string_equal(text_string(&names), expected == NULL ? "" : expected);
    text_clear(&names);
    migrations_clear(&migrations);
}

static void
odd_scripts_tell_nothing_that_is_not_in_them(void **state)
{
    (void)state;
    assert_applied("", NULL);
    assert_applied("COPY public._prisma_migrations (migration_name, finished_at, rolled_back_at) FROM stdin;\n", NULL);
    assert_applied(COPY("migration_name, finished_at") "a\tb\n", NULL);
    assert_applied(COPY("migration_names, finished_at, rolled_back_at") "a\tb\t\\N\n", NULL);
    assert_applied(COPY("migration_name, finished_at, rolled_back_at"), "");
    assert_applied(COPY("migration_name, finished_at, rolled_back_at") "\\.\na\tb\t\\N\n", "");
    /* rows with too few fields, and too many */
    assert_applied(COPY("migration_name, finished_at, rolled_back_at") "\na\na\tb\n\nc\td\t\\N\te\n", "c");
    /* a name that stands last, cut off: 20260101_a would be another one */
    assert_applied(
        COPY("finished_at, rolled_back_at, migration_name") "b\t\\N\t20260101_add\nb\t\\N\t20260101_a", "20260101_add");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_are_hashed_by_name_and_content),
        cmocka_unit_test(names_are_taken_in_the_order_of_utf16),
        cmocka_unit_test(what_cannot_be_hashed_says_why),
        cmocka_unit_test(the_apps_folder_is_found_from_the_working_directory),
        cmocka_unit_test(a_dump_tells_which_were_applied),
        cmocka_unit_test(a_script_that_ends_anywhere_is_read_up_to_there),
        cmocka_unit_test(odd_scripts_tell_nothing_that_is_not_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
