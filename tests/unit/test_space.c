#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jobs/space.h"

#define MB ((int64_t)1024 * 1024)

static void
assert_start(int64_t free_mb, int64_t last_mb, int64_t database_mb, const char *refusal, const char *warning)
{
    struct space space = { .directory = "/backup", .free_bytes = free_mb * MB, .reserved_bytes = 256 * MB };
    struct text warned = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;

    assert_int_equal(space_allows_dump(&space, last_mb * MB, database_mb * MB, &warned, &err), refusal == NULL);
    assert_string_equal(err.text, refusal == NULL ? "" : refusal);
    assert_int_equal(err.code, refusal == NULL ? ERROR_NONE : ERROR_REFUSED);
    assert_string_equal(text_string(&warned), warning == NULL ? "" : warning);
    text_clear(&warned);
}

static void
a_dump_like_the_last_one_must_fit_beside_what_is_reserved(void **state)
{
    (void)state;
    assert_start(356, 100, 5000, NULL, NULL);
    assert_start(355, 100, 0,
        "no room for a dump: 355.00 MiB are free in '/backup', of which BACKUP_MIN_FREE_MB reserves 256.00 MiB, and "
        "the "
        "last dump took 100.00 MiB: make room there",
        NULL);
}

static void
without_a_last_dump_the_databases_size_is_warned_of(void **state)
{
    (void)state;
    assert_start(1256, 0, 1000, NULL, NULL);
    assert_start(1255, 0, 1000, NULL,
        "1000.00 MiB are in the database, and 1.23 GiB are free in '/backup', of which BACKUP_MIN_FREE_MB reserves "
        "256.00 "
        "MiB: its dump, usually smaller, may not fit");
    assert_start(255, 0, 1,
        "no room for a dump: 255.00 MiB are free in '/backup', of which BACKUP_MIN_FREE_MB reserves 256.00 MiB: make "
        "room "
        "there",
        NULL);
}

static void
a_dump_is_stopped_only_when_what_is_reserved_is_reached(void **state)
{
    struct space space = { .directory = "/backup", .free_bytes = 256 * MB, .reserved_bytes = 256 * MB };
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_true(space_is_left(&space, 1, &err));
    space.free_bytes -= MB;
    assert_false(space_is_left(&space, 3 * MB / 2, &err));
    assert_string_equal(err.text, "stopped after 1.50 MiB of the dump: only 255.00 MiB are free in '/backup', of which "
                                  "BACKUP_MIN_FREE_MB reserves "
                                  "256.00 MiB: make room there");
    assert_int_equal(err.code, ERROR_REFUSED);
}

static void
a_volume_tells_what_is_free_and_one_that_does_not_is_an_error(void **state)
{
    struct error err = ERROR_EMPTY;
    int64_t bytes = -1;

    (void)state;
    assert_true(space_look("/", &bytes, &err));
    assert_true(bytes >= 0);
    assert_false(space_look("/nowhere", &bytes, &err));
    assert_string_equal(err.text, "look at the free space in '/nowhere': No such file or directory");
    assert_false(space_look("/proc", &bytes, &err));
    assert_string_equal(err.text, "the file system of '/proc' does not tell its free space");
}

static void
assert_advice(struct error *err, const char *expected)
{
    char before[sizeof(err->text)];

    memcpy(before, err->text, sizeof(before));
    space_advise("/nowhere", err);
    assert_memory_equal(err->text, before, strlen(before));
    assert_string_equal(err->text + strlen(before), expected);
}

static void
each_reason_that_a_volume_has_comes_with_what_to_do(void **state)
{
    char user[64];
    char quota[128];
    const struct {
        int errnum;
        const char *advice;
    } cases[] = {
        { ENOSPC, "; make room in '/nowhere'" },
        { EDQUOT, quota },
        { EROFS,
            "; '/nowhere' is mounted read-only: mount it for writing, or see in the kernel's log why it became so" },
        { EIO, "; the disk or network mount of '/nowhere' has failed: see the kernel's log" },
        { EACCES, user },
        { EPERM, user },
        { ENOENT, "; BACKUP_STORAGE_DIR must be a directory that stays: is the volume of '/nowhere' mounted?" },
        { ENOTDIR, "; BACKUP_STORAGE_DIR must be a directory that stays: is the volume of '/nowhere' mounted?" },
        { EMFILE, "" },
    };

    (void)state;
    (void)snprintf(user, sizeof(user), "; user %u must be allowed to write in '/nowhere'", geteuid());
    (void)snprintf(quota, sizeof(quota), "; make room in '/nowhere', or raise the quota of user %u", geteuid());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = ERROR_EMPTY;

        (void)error_set_errno(&err, cases[i].errnum, "sync");
        assert_advice(&err, cases[i].advice);
    }
}

static void
what_pg_dump_says_of_its_file_is_understood_but_not_what_the_server_says_of_its_own(void **state)
{
    struct error err = ERROR_EMPTY;

    (void)state;
    (void)error_set(&err, ERROR_REFUSED, "pg_dump: could not write to output file: No space left on device");
    assert_advice(&err, "; make room in '/nowhere'");
    (void)error_set(
        &err, ERROR_REFUSED, "pg_dump: error: query failed: ERROR:  could not write: No space left on device");
    assert_advice(&err, "");
    (void)error_set(&err, ERROR_REFUSED, "pg_dump: it said nothing");
    assert_advice(&err, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dump_like_the_last_one_must_fit_beside_what_is_reserved),
        cmocka_unit_test(without_a_last_dump_the_databases_size_is_warned_of),
        cmocka_unit_test(a_dump_is_stopped_only_when_what_is_reserved_is_reached),
        cmocka_unit_test(a_volume_tells_what_is_free_and_one_that_does_not_is_an_error),
        cmocka_unit_test(each_reason_that_a_volume_has_comes_with_what_to_do),
        cmocka_unit_test(what_pg_dump_says_of_its_file_is_understood_but_not_what_the_server_says_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
