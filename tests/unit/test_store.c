#include "tests/unit/test.h"

#include <limits.h>
#include <string.h>

#include "common/log.h"
#include "tests/unit/store_scene.h"

static bool
resolves(struct store_scene *fixture, const char *path)
{
    char name[STORE_NAME_SIZE];

    if (store_resolve(fixture->store, path, name, &fixture->err))
        return true;
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    return false;
}

/* '@' in front stands for the backup directory. */
static void
expand(const struct store_scene *fixture, const char *pattern, char path[2 * FOLDER_PATH])
{
    bool inside = pattern[0] == '@';

    (void)snprintf(path, (size_t)2 * FOLDER_PATH, "%s%s", inside ? fixture->folder : "", pattern + (inside ? 1 : 0));
}

static void
only_our_names_directly_inside_are_resolved(void **state)
{
    static const char *const inside[] = { "@/" DUMP, "@/" MANIFEST, "@//" DUMP, "@/./" DUMP, "@/sub/../" DUMP,
        "@/weavestream-postgres-2026-07-01T00-00-00Z-2.dump", "@/weavestream-postgres-T.dump" };
    static const char *const outside[] = { "@/sub/" DUMP, "@/../" DUMP, "/" DUMP, DUMP, "./" DUMP, "", "/",
        "@/weavestream-postgres-.dump", "@/weavestream-postgres-x.dump", "@/" DUMP ".gz", "@/" DRAFT, "@/",
        "@/weavestream-postgres-2026.manifest.jso", "@/other.dump", "@/nothing/" DUMP,
        "@/weavestream-postgres-2026-07-01T00-00-00Z\n.dump" };
    struct store_scene *fixture = *state;
    char path[2 * FOLDER_PATH];

    (void)snprintf(path, sizeof(path), "%s/sub", fixture->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        expand(fixture, inside[i], path);
        if (!resolves(fixture, path))
            fail_msg("%s: %s", path, fixture->err.text);
    }
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        expand(fixture, outside[i], path);
        if (resolves(fixture, path))
            fail_msg("'%s' must not resolve", path);
    }
}

static void
the_directory_is_known_by_any_path_to_it(void **state)
{
    struct store_scene *fixture = *state;
    char other[FOLDER_PATH];
    char link[FOLDER_PATH + 8];
    char path[2 * FOLDER_PATH];

    folder_make(other);
    (void)snprintf(link, sizeof(link), "%s/link", other);
    assert_int_equal(symlink(fixture->folder, link), 0);
    (void)snprintf(path, sizeof(path), "%s/" DUMP, link);
    assert_true(resolves(fixture, path));
    folder_remove(other);
}

static void
symbolic_links_are_not_followed(void **state)
{
    struct store_scene *fixture = *state;
    char other[FOLDER_PATH];
    char path[2 * FOLDER_PATH];
    char target[FOLDER_PATH + 16];
    int64_t size;

    folder_make(other);
    folder_write(other, "precious", "x");
    (void)snprintf(target, sizeof(target), "%s/precious", other);
    (void)snprintf(path, sizeof(path), "%s/" DUMP, fixture->folder);
    assert_int_equal(symlink(target, path), 0);
    assert_false(store_find(fixture->store, DUMP, &size, &fixture->err));
    assert_string_equal(fixture->err.text, "'" DUMP "' is no regular file");
    (void)snprintf(path, sizeof(path), "%s/" DRAFT, fixture->folder);
    assert_int_equal(symlink(target, path), 0);
    {
        size_t removed = 0;
        store_remove_stale(fixture->store, &removed);
        assert_int_equal(removed, 0);
    }
    {
        struct store_draft *draft = store_scene_make_draft(fixture, "y"); /* the next name, not through the link */
        assert_string_equal(folder_read(other, "precious"), "x");
        store_draft_free(draft);
    }
    folder_remove(other);
}

static void
files_are_found_and_removed(void **state)
{
    struct store_scene *fixture = *state;
    int64_t size;

    folder_write(fixture->folder, DUMP, "12345");
    assert_true(store_find(fixture->store, DUMP, &size, &fixture->err));
    assert_int_equal(size, 5);
    assert_true(store_remove(fixture->store, DUMP, &fixture->err));
    assert_true(store_remove(fixture->store, DUMP, &fixture->err)); /* gone is gone */
    assert_true(store_find(fixture->store, DUMP, &size, &fixture->err));
    assert_int_equal(size, -1);
    assert_true(store_sync(fixture->store, &fixture->err));
}

struct listed {
    size_t dumps;
    size_t manifests;
    size_t others;
};

static void
count_listed(const char *name, void *owner)
{
    struct listed *listed = owner;

    listed->dumps += strcmp(name, DUMP) == 0;
    listed->manifests += strcmp(name, MANIFEST) == 0;
    listed->others += strcmp(name, DUMP) != 0 && strcmp(name, MANIFEST) != 0;
}

static void
what_has_a_final_name_is_listed(void **state)
{
    struct store_scene *fixture = *state;
    struct listed listed = { .dumps = 0 };

    folder_write(fixture->folder, DUMP, "");
    folder_write(fixture->folder, MANIFEST, "");
    folder_write(fixture->folder, DRAFT, "");
    folder_write(fixture->folder, "weavestream-postgres-mine.dump", "");
    assert_true(store_list(fixture->store, count_listed, &listed, &fixture->err));
    assert_int_equal(listed.dumps, 1);
    assert_int_equal(listed.manifests, 1);
    assert_int_equal(listed.others, 0);
}

static void
a_relative_directory_is_taken_from_the_workspace_root(void **state)
{
    struct store_scene *fixture = *state;
    char path[2 * FOLDER_PATH];
    char expected[2 * FOLDER_PATH];
    struct store *store;
    bool made;

    (void)snprintf(path, sizeof(path), "%s/apps", fixture->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chdir(path), 0);
    store = store_make("./data/backup/", &made, &fixture->err);
    assert_non_null(store);
    assert_true(made);
    (void)snprintf(expected, sizeof(expected), "%s/apps/data/backup", fixture->folder);
    assert_string_equal(store_directory(store), expected);
    store_close(store);
    folder_write(fixture->folder, "pnpm-workspace.yaml", "");
    store = store_make("data/backup", &made, &fixture->err);
    assert_non_null(store);
    assert_true(made);
    (void)snprintf(expected, sizeof(expected), "%s/data/backup", fixture->folder);
    assert_string_equal(store_directory(store), expected);
    store_close(store);
    store = store_make("data/backup", &made, &fixture->err);
    assert_non_null(store);
    assert_false(made);
    store_close(store);
    assert_int_equal(chdir("/"), 0);
}

static void
a_directory_that_cannot_be_opened_says_so(void **state)
{
    struct store_scene *fixture = *state;
    struct error err;
    char missing[PATH_MAX];
    char expected[3 * PATH_MAX];
    bool made;

    (void)snprintf(missing, sizeof(missing), "%s/not/there", fixture->folder);
    assert_null(store_open(missing, &err));
    (void)snprintf(expected, sizeof(expected),
        "open the backup directory '%s': No such file or directory; BACKUP_STORAGE_DIR must be a directory that stays: "
        "is the volume of '%s' mounted?",
        missing, missing);
    assert_string_equal(err.text, expected);
    *strrchr(missing, '/') = '\0';
    assert_int_equal(access(missing, F_OK), -1);
    assert_null(store_make("/proc/nothing/here", &made, &err));
    assert_string_equal(err.text,
        "make the backup directory '/proc/nothing/here': No such file or directory; BACKUP_STORAGE_DIR must be a "
        "directory that stays: is the volume of '/proc/nothing/here' mounted?");
    assert_null(store_open("/dev/null", &err));
    assert_string_equal(err.text,
        "open the backup directory '/dev/null': Not a directory; BACKUP_STORAGE_DIR must be a directory that stays: is "
        "the volume of '/dev/null' mounted?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_scene_set_up, store_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_our_names_directly_inside_are_resolved),
        TEST(the_directory_is_known_by_any_path_to_it),
        TEST(symbolic_links_are_not_followed),
        TEST(files_are_found_and_removed),
        TEST(what_has_a_final_name_is_listed),
        TEST(a_relative_directory_is_taken_from_the_workspace_root),
        TEST(a_directory_that_cannot_be_opened_says_so),
    };

    log_start("test_store", LOG_LEVEL_FATAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
