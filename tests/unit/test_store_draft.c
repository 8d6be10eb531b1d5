#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "common/log.h"
#include "tests/unit/store_scene.h"

/* The nth call fails, counted from 1; 0: none. With `all`, every call from the nth on. */
struct fault {
    int nth;
    bool all;
    int errnum;
    int calls;
};

static struct fault fsync_fault;
static struct fault rename_fault;
static struct fault link_fault;

static bool
strikes(struct fault *fault)
{
    fault->calls++;
    if (fault->nth == 0 || fault->calls < fault->nth || (fault->calls > fault->nth && !fault->all))
        return false;
    errno = fault->errnum;
    return true;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);

int
__wrap_fsync(int fd)
{
    return strikes(&fsync_fault) ? -1 : __real_fsync(fd);
}

int
__wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return strikes(&rename_fault) ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

int
__wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return strikes(&link_fault) ? -1 : __real_linkat(from_fd, from, to_fd, to, flags);
}

/* The scene, and no call that fails. */
static int
set_up(void **state)
{
    fsync_fault = (struct fault){ .nth = 0 };
    rename_fault = (struct fault){ .nth = 0 };
    link_fault = (struct fault){ .nth = 0 };
    return store_scene_set_up(state);
}

static bool
publish(struct store_scene *fixture, struct store_draft *draft)
{
    struct store_names names;

    return store_choose_names(fixture->store, when, &names, &fixture->err) &&
           store_publish(fixture->store, draft, &names, "{}", &fixture->err);
}

static void
a_draft_is_hidden_private_locked_and_removed_with_its_owner(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "x");
    struct store_draft *second = store_scene_make_draft(fixture, "y");
    struct stat file;
    int fd;

    assert_string_equal(folder_list(fixture->folder),
        ".weavestream-postgres-2026-07-01T00-00-00Z-1.dump.tmp .weavestream-postgres-2026-07-01T00-00-00Z-2.dump.tmp");
    assert_int_equal(fstat(store_draft_fd(draft), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    fd = open(store_draft_path(draft), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    (void)close(fd);
    store_draft_free(draft);
    store_draft_free(second);
    store_draft_free(NULL);
    assert_string_equal(folder_list(fixture->folder), "");
}

static void
a_draft_that_was_replaced_is_noticed(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "x");

    assert_true(store_draft_is_intact(draft, &fixture->err));
    assert_int_equal(unlink(store_draft_path(draft)), 0);
    folder_write(fixture->folder, DRAFT, "another");
    assert_false(store_draft_is_intact(draft, &fixture->err));
    store_draft_free(draft);
}

static void
both_files_get_their_final_names(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "archive");
    struct stat file;
    char path[2 * FOLDER_PATH];

    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_string_equal(folder_list(fixture->folder), DUMP " " MANIFEST);
    assert_string_equal(folder_read(fixture->folder, DUMP), "archive");
    assert_string_equal(folder_read(fixture->folder, MANIFEST), "{}");
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, MANIFEST);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(fsync_fault.calls, 3); /* manifest, directory, directory; the dump was synced before */
}

static void
a_second_dump_of_the_same_second_gets_a_name_of_its_own(void **state)
{
    struct store_scene *fixture = *state;

    for (int i = 0; i < 3; i++) {
        struct store_draft *draft = store_scene_make_draft(fixture, i == 0 ? "first" : i == 1 ? "second" : "third");
        assert_true(publish(fixture, draft));
        store_draft_free(draft);
    }
    assert_string_equal(folder_read(fixture->folder, DUMP), "first");
    assert_string_equal(folder_read(fixture->folder, "weavestream-postgres-2026-07-01T00-00-00Z-2.dump"), "second");
    assert_string_equal(folder_read(fixture->folder, "weavestream-postgres-2026-07-01T00-00-00Z-3.dump"), "third");
    assert_string_equal(
        folder_read(fixture->folder, "weavestream-postgres-2026-07-01T00-00-00Z-3.manifest.json"), "{}");
}

static void
a_name_counts_as_taken_if_either_file_has_it(void **state)
{
    struct store_scene *fixture = *state;
    struct store_names names;

    folder_write(fixture->folder, MANIFEST, "lonely");
    folder_write(fixture->folder, "weavestream-postgres-2026-07-01T00-00-00Z-2.dump", "lonely");
    assert_true(store_choose_names(fixture->store, when, &names, &fixture->err));
    assert_string_equal(names.dump, "weavestream-postgres-2026-07-01T00-00-00Z-3.dump");
    assert_string_equal(names.manifest, "weavestream-postgres-2026-07-01T00-00-00Z-3.manifest.json");
}

/* Somebody else takes one of the names after it was chosen: nothing is overwritten, nothing left behind, and the draft is still good. */
static void
a_name_that_is_snatched_is_a_conflict_and_can_be_tried_again(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "mine");
    struct store_names names;

    for (int i = 0; i < 2; i++) {
        assert_true(store_choose_names(fixture->store, when, &names, &fixture->err));
        folder_write(fixture->folder, i == 0 ? names.dump : names.manifest, "theirs");
        assert_false(store_publish(fixture->store, draft, &names, "{}", &fixture->err));
        assert_int_equal(fixture->err.code, ERROR_CONFLICT);
    }
    assert_string_equal(
        folder_list(fixture->folder), DRAFT " weavestream-postgres-2026-07-01T00-00-00Z-2.manifest.json " DUMP);
    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_string_equal(folder_read(fixture->folder, DUMP), "theirs");
    assert_string_equal(folder_read(fixture->folder, "weavestream-postgres-2026-07-01T00-00-00Z-3.dump"), "mine");
}

static void
a_failed_sync_leaves_no_file(void **state)
{
    static const char *const errors[] = {
        "publish '" DUMP "': '.weavestream-postgres-2026-07-01T00-00-00Z-1.manifest.json.tmp': sync: Input/output "
        "error",
        "publish '" DUMP "': the backup directory: sync: Input/output error",
        "publish '" DUMP "': the backup directory: sync: Input/output error",
    };
    struct store_scene *fixture = *state;

    for (int nth = 1; nth <= 3; nth++) {
        struct store_draft *draft = store_scene_make_draft(fixture, "x");
        char expected[1024];

        (void)snprintf(expected, sizeof(expected),
            "%s; the disk or network mount of '%s' has failed: see the kernel's log", errors[nth - 1], fixture->folder);
        fsync_fault = (struct fault){ .nth = nth, .errnum = EIO };
        assert_false(publish(fixture, draft));
        assert_string_equal(fixture->err.text, expected);
        assert_int_equal(fixture->err.sys_errno, EIO);
        store_draft_free(draft);
        assert_string_equal(folder_list(fixture->folder), "");
    }
}

static void
a_failed_rename_leaves_no_file(void **state)
{
    struct store_scene *fixture = *state;

    for (int nth = 1; nth <= 2; nth++) {
        struct store_draft *draft = store_scene_make_draft(fixture, "x");

        rename_fault = (struct fault){ .nth = nth, .errnum = EACCES };
        assert_false(publish(fixture, draft));
        assert_non_null(strstr(fixture->err.text, "Permission denied"));
        store_draft_free(draft);
        assert_string_equal(folder_list(fixture->folder), "");
    }
}

static void
a_directory_that_cannot_be_synced_is_accepted(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "x");

    fsync_fault = (struct fault){ .nth = 2, .all = true, .errnum = EINVAL };
    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_string_equal(folder_list(fixture->folder), DUMP " " MANIFEST);
}

static void
without_rename_noreplace_links_do(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "x");

    rename_fault = (struct fault){ .nth = 1, .all = true, .errnum = EINVAL };
    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_int_equal(link_fault.calls, 2);
    assert_string_equal(folder_list(fixture->folder), DUMP " " MANIFEST);
    assert_string_equal(folder_read(fixture->folder, DUMP), "x");
}

static void
without_links_either_a_look_must_do(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "x");

    rename_fault = (struct fault){ .nth = 1, .all = true, .errnum = EINVAL };
    link_fault = (struct fault){ .nth = 1, .all = true, .errnum = EPERM };
    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_string_equal(folder_list(fixture->folder), DUMP " " MANIFEST);
    assert_string_equal(folder_read(fixture->folder, DUMP), "x");
}

static void
no_fallback_overwrites_either(void **state)
{
    struct store_scene *fixture = *state;

    for (int i = 0; i < 2; i++) {
        struct store_draft *draft = store_scene_make_draft(fixture, "mine");
        struct store_names names;

        rename_fault = (struct fault){ .nth = 1, .all = true, .errnum = EINVAL };
        link_fault = (struct fault){ .nth = i, .all = true, .errnum = EPERM };
        assert_true(store_choose_names(fixture->store, when, &names, &fixture->err));
        folder_write(fixture->folder, names.dump, "theirs");
        assert_false(store_publish(fixture->store, draft, &names, "{}", &fixture->err));
        assert_int_equal(fixture->err.code, ERROR_CONFLICT);
        store_draft_free(draft);
        assert_string_equal(folder_read(fixture->folder, names.dump), "theirs");
        assert_string_equal(folder_read(fixture->folder, names.manifest), "(missing)");
    }
}

static void
age(const char *folder, const char *name, int64_t seconds)
{
    struct timespec times[2];
    char path[2 * FOLDER_PATH];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (int i = 0; i < 2; i++)
        times[i] = (struct timespec){ .tv_sec = wall_now().ms / 1000 - seconds };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
only_drafts_that_nobody_writes_are_removed(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *live = store_scene_make_draft(fixture, "live");
    size_t removed = 0;

    folder_write(fixture->folder, ".weavestream-postgres-2026-01-01T00-00-00Z-1.dump.tmp", "ours, dead");
    folder_write(fixture->folder, ".weavestream-postgres-2026-01-01T00-00-00Z-1.manifest.json.tmp", "ours, dead");
    folder_write(fixture->folder, ".weavestream-postgres-2026-01-01T00-00-00Z.dump.tmp", "Node's, maybe alive");
    folder_write(fixture->folder, ".weavestream-postgres-2026-01-02T00-00-00Z.dump.tmp", "Node's, dead");
    age(fixture->folder, ".weavestream-postgres-2026-01-01T00-00-00Z.dump.tmp", INT64_C(29) * 60);
    age(fixture->folder, ".weavestream-postgres-2026-01-02T00-00-00Z.dump.tmp", INT64_C(31) * 60);
    folder_write(fixture->folder, ".weavestream-postgres-x.dump.tmp", "somebody's");
    age(fixture->folder, ".weavestream-postgres-x.dump.tmp", 7200);
    folder_write(fixture->folder, DUMP, "published");
    age(fixture->folder, DUMP, 7200);
    store_remove_stale(fixture->store, &removed);
    assert_int_equal(removed, 3);
    assert_string_equal(folder_list(fixture->folder),
        ".weavestream-postgres-2026-01-01T00-00-00Z.dump.tmp " DRAFT " .weavestream-postgres-x.dump.tmp " DUMP);
    store_draft_free(live);
}

static void
of_rejected_dumps_the_last_one_stays_and_is_no_backup(void **state)
{
    struct store_scene *fixture = *state;
    struct store_draft *draft = store_scene_make_draft(fixture, "bad");
    char name[STORE_NAME_SIZE];
    char path[2 * FOLDER_PATH];
    size_t removed = 1;

    folder_write(fixture->folder, ".weavestream-postgres-2026-01-01T00-00-00Z-1.rejected", "an earlier one");
    folder_write(fixture->folder, ".weavestream-postgres-mine.rejected", "somebody's");
    assert_true(store_reject_draft(draft, name, &fixture->err));
    store_draft_free(draft);
    assert_string_equal(name, ".weavestream-postgres-2026-07-01T00-00-00Z-1.rejected");
    assert_string_equal(folder_list(fixture->folder),
        ".weavestream-postgres-2026-07-01T00-00-00Z-1.rejected .weavestream-postgres-mine.rejected");
    assert_string_equal(folder_read(fixture->folder, name), "bad");
    store_remove_stale(fixture->store, &removed);
    assert_int_equal(removed, 0);
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    assert_false(store_resolve(fixture->store, path, name, &fixture->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, store_scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_draft_is_hidden_private_locked_and_removed_with_its_owner),
        TEST(a_draft_that_was_replaced_is_noticed),
        TEST(both_files_get_their_final_names),
        TEST(a_second_dump_of_the_same_second_gets_a_name_of_its_own),
        TEST(a_name_counts_as_taken_if_either_file_has_it),
        TEST(a_name_that_is_snatched_is_a_conflict_and_can_be_tried_again),
        TEST(a_failed_sync_leaves_no_file),
        TEST(a_failed_rename_leaves_no_file),
        TEST(a_directory_that_cannot_be_synced_is_accepted),
        TEST(without_rename_noreplace_links_do),
        TEST(without_links_either_a_look_must_do),
        TEST(no_fallback_overwrites_either),
        TEST(only_drafts_that_nobody_writes_are_removed),
        TEST(of_rejected_dumps_the_last_one_stays_and_is_no_backup),
    };

    log_start("test_store_draft", LOG_LEVEL_FATAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
