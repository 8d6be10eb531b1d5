#include "tests/unit/test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>

#include "common/log.h"
#include "jobs/store.h"
#include "jobs/store_draft.h"
#include "tests/unit/folder.h"

#define DUMP "weavestream-postgres-2026-07-01T00-00-00Z.dump"
#define MANIFEST "weavestream-postgres-2026-07-01T00-00-00Z.manifest.json"
#define DRAFT ".weavestream-postgres-2026-07-01T00-00-00Z-1.dump.tmp"

static const struct wall when = { 1782864000000 };

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

struct fixture {
    char folder[FOLDER_PATH];
    struct store *store;
    struct error err;
};

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    folder_make(fixture->folder);
    fixture->store = store_open(fixture->folder, &fixture->err);
    assert_non_null(fixture->store);
    fsync_fault = (struct fault){ .nth = 0 };
    rename_fault = (struct fault){ .nth = 0 };
    link_fault = (struct fault){ .nth = 0 };
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct store_draft *
make_draft(struct fixture *fixture, const char *content)
{
    struct store_draft *draft = store_create_draft(fixture->store, when, &fixture->err);

    assert_non_null(draft);
    assert_int_equal(write(store_draft_fd(draft), content, strlen(content)), (ssize_t)strlen(content));
    return draft;
}

static bool
publish(struct fixture *fixture, struct store_draft *draft)
{
    struct store_names names;

    return store_choose_names(fixture->store, when, &names, &fixture->err) &&
           store_publish(fixture->store, draft, &names, "{}", &fixture->err);
}

static void
a_draft_is_hidden_private_locked_and_removed_with_its_owner(void **state)
{
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "x");
    struct store_draft *second = make_draft(fixture, "y");
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
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "x");

    assert_true(store_draft_is_intact(draft, &fixture->err));
    assert_int_equal(unlink(store_draft_path(draft)), 0);
    folder_write(fixture->folder, DRAFT, "another");
    assert_false(store_draft_is_intact(draft, &fixture->err));
    store_draft_free(draft);
}

static void
both_files_get_their_final_names(void **state)
{
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "archive");
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
    struct fixture *fixture = *state;

    for (int i = 0; i < 3; i++) {
        struct store_draft *draft = make_draft(fixture, i == 0 ? "first" : i == 1 ? "second" : "third");
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "mine");
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
    struct fixture *fixture = *state;

    for (int nth = 1; nth <= 3; nth++) {
        struct store_draft *draft = make_draft(fixture, "x");
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
    struct fixture *fixture = *state;

    for (int nth = 1; nth <= 2; nth++) {
        struct store_draft *draft = make_draft(fixture, "x");

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
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "x");

    fsync_fault = (struct fault){ .nth = 2, .all = true, .errnum = EINVAL };
    assert_true(publish(fixture, draft));
    store_draft_free(draft);
    assert_string_equal(folder_list(fixture->folder), DUMP " " MANIFEST);
}

static void
without_rename_noreplace_links_do(void **state)
{
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "x");

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
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "x");

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
    struct fixture *fixture = *state;

    for (int i = 0; i < 2; i++) {
        struct store_draft *draft = make_draft(fixture, "mine");
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

static bool
resolves(struct fixture *fixture, const char *path)
{
    char name[STORE_NAME_SIZE];

    if (store_resolve(fixture->store, path, name, &fixture->err))
        return true;
    assert_int_equal(fixture->err.code, ERROR_REFUSED);
    return false;
}

/* '@' in front stands for the backup directory. */
static void
expand(const struct fixture *fixture, const char *pattern, char path[2 * FOLDER_PATH])
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
        struct store_draft *draft = make_draft(fixture, "y"); /* the next name, not through the link */
        assert_string_equal(folder_read(other, "precious"), "x");
        store_draft_free(draft);
    }
    folder_remove(other);
}

static void
files_are_found_and_removed(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    struct store_draft *live = make_draft(fixture, "live");
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
    struct fixture *fixture = *state;
    struct store_draft *draft = make_draft(fixture, "bad");
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

static void
a_relative_directory_is_taken_from_the_workspace_root(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_draft_is_hidden_private_locked_and_removed_with_its_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_draft_that_was_replaced_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_files_get_their_final_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_dump_of_the_same_second_gets_a_name_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_counts_as_taken_if_either_file_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_name_that_is_snatched_is_a_conflict_and_can_be_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_sync_leaves_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_rename_leaves_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_synced_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_rename_noreplace_links_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_links_either_a_look_must_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_fallback_overwrites_either, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_our_names_directly_inside_are_resolved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_directory_is_known_by_any_path_to_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(symbolic_links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_found_and_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_a_final_name_is_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_drafts_that_nobody_writes_are_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_rejected_dumps_the_last_one_stays_and_is_no_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relative_directory_is_taken_from_the_workspace_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_opened_says_so, set_up, tear_down),
    };

    log_start("test_store", LOG_LEVEL_FATAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
