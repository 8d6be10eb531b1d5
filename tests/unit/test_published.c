#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "jobs/published.h"
#include "tests/unit/folder.h"

#define DUMP "weavestream-postgres-2026-07-01T00-00-00Z.dump"
#define MANIFEST "weavestream-postgres-2026-07-01T00-00-00Z.manifest.json"
#define RUN_ID "6f0e7c1c-9a57-4b8e-8f0a-2f6f3f0c9d11"
#define OTHER_ID "6f0e7c1c-9a57-4b8e-8f0a-2f6f3f0c9d12"
#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct wall when = { 1782864000000 };
static char folder[FOLDER_PATH];
static struct store *store;
static bool disk_is_bad; /* dumps cannot be read */

ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);

static bool
is_dump(int fd)
{
    char link[64];
    char path[FOLDER_PATH + 128] = "";

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, DUMP) != NULL;
}

ssize_t
__wrap_read(int fd, void *bytes, size_t count)
{
    if (!disk_is_bad || !is_dump(fd))
        return __real_read(fd, bytes, count);
    errno = EIO;
    return -1;
}

static int
set_up(void **state)
{
    struct error err;

    (void)state;
    disk_is_bad = false;
    folder_make(folder);
    store = store_open(folder, &err);
    assert_non_null(store);
    folder_write(folder, MANIFEST,
        "{\"filename\":\"" DUMP "\",\"sizeBytes\":3,\"sha256\":\"" SHA256_OF_ABC "\",\"backupRunId\":\"" RUN_ID "\"}");
    folder_write(folder, DUMP, "abc");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    store_close(store);
    folder_remove(folder);
    return 0;
}

static bool
is_found(const char *run_id)
{
    struct published published;
    struct error err;
    bool found = false;

    assert_true(published_find(store, run_id, when, &published, &found, &err));
    published_clear(&published);
    return found;
}

static void
a_dump_with_its_manifest_is_found_by_its_run(void **state)
{
    (void)state;
    assert_true(is_found(RUN_ID));
    assert_false(is_found(OTHER_ID));
}

static void
a_dump_that_does_not_match_its_manifest_is_none(void **state)
{
    (void)state;
    folder_write(folder, DUMP, "abd");
    assert_false(is_found(RUN_ID));
    folder_write(folder, DUMP, "abcd");
    assert_false(is_found(RUN_ID));
}

static void
a_dump_that_cannot_be_read_is_none_and_keeps_nobody_from_anything(void **state)
{
    (void)state;
    disk_is_bad = true;
    assert_false(is_found(RUN_ID));
}

static void
assert_lonely(const char *expected)
{
    struct text ids = TEXT_EMPTY;
    struct error err;

    assert_true(published_add_lonely(store, &ids, &err));
    assert_string_equal(text_string(&ids), expected);
    text_clear(&ids);
}

static void
a_manifest_without_its_dump_is_lonely(void **state)
{
    struct error err;

    (void)state;
    assert_lonely("");
    assert_true(store_remove(store, DUMP, &err));
    assert_lonely(RUN_ID);
    folder_write(folder, MANIFEST, "{}");
    assert_lonely("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dump_with_its_manifest_is_found_by_its_run),
        TEST(a_dump_that_does_not_match_its_manifest_is_none),
        TEST(a_dump_that_cannot_be_read_is_none_and_keeps_nobody_from_anything),
        TEST(a_manifest_without_its_dump_is_lonely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
