#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "jobs/archive.h"
#include "jobs/stop.h"
#include "tests/unit/folder.h"

struct fixture {
    char folder[FOLDER_PATH];
    char *path; /* PATH as it was */
    char file[FOLDER_PATH + 16];
    int fd;
    int64_t progress_bytes;
};

/* A pg_restore of our own stands first in PATH. */
static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char search[4096];
    struct error err;

    assert_non_null(fixture);
    folder_make(fixture->folder);
    assert_non_null(getenv("PATH"));
    fixture->path = memory_copy_string(getenv("PATH"));
    (void)snprintf(search, sizeof(search), "%s:%s", fixture->folder, fixture->path);
    (void)setenv("PATH", search, 1);
    (void)snprintf(fixture->file, sizeof(fixture->file), "%s/archive", fixture->folder);
    folder_write(fixture->folder, "archive", "hello\n");
    fixture->fd = open(fixture->file, O_RDWR | O_CLOEXEC);
    assert_true(fixture->fd >= 0);
    assert_true(stop_start(moment_add_ms(moment_now(), 60000), &err));
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    (void)setenv("PATH", fixture->path, 1);
    (void)close(fixture->fd);
    folder_remove(fixture->folder);
    free(fixture->path);
    free(fixture);
    return 0;
}

static void
stand_in(struct fixture *fixture, const char *script)
{
    char path[FOLDER_PATH + 16];

    folder_write(fixture->folder, "pg_restore", script);
    (void)snprintf(path, sizeof(path), "%s/pg_restore", fixture->folder);
    assert_int_equal(chmod(path, 0700), 0);
}

static void
note_progress(int64_t bytes, int64_t size_bytes, void *owner)
{
    struct fixture *fixture = owner;

    assert_true(bytes <= size_bytes);
    fixture->progress_bytes = bytes;
}

static bool
prove(struct fixture *fixture, struct archive_proof *proof, struct error *err)
{
    struct archive_order order = { .path = fixture->file,
        .fd = fixture->fd,
        .level = SETTINGS_VERIFY_FULL,
        .on_progress = note_progress,
        .owner = fixture };

    *proof = ARCHIVE_PROOF_EMPTY;
    *err = ERROR_EMPTY;
    return archive_prove(&order, proof, err);
}

static void
size_and_checksum_are_of_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct archive_proof proof;
    struct error err;

    stand_in(
        fixture, "#!/bin/sh\n[ \"$1 $2\" = '--data-only --file=-' ] && cmp -s \"$3\" \"$(dirname \"$0\")/archive\"\n");
    assert_true(prove(fixture, &proof, &err));
    assert_int_equal(proof.size_bytes, 6);
    assert_int_equal(fixture->progress_bytes, 6);
    assert_string_equal(proof.sha256, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

static void
an_archive_that_does_not_read_back_is_no_archive(void **state)
{
    struct fixture *fixture = *state;
    struct archive_proof proof;
    struct error err;

    stand_in(fixture, "#!/bin/sh\necho 'pg_restore: error: could not uncompress data' >&2\nexit 1\n");
    assert_false(prove(fixture, &proof, &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(err.text,
        "the dump could not be read back: pg_restore: exit status 1: pg_restore: error: could not uncompress data");
}

static void
a_talkative_reader_does_not_block(void **state)
{
    struct fixture *fixture = *state;
    struct archive_proof proof;
    struct error err;

    stand_in(fixture, "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x >&2\n");
    assert_true(prove(fixture, &proof, &err));
}

static void
an_empty_dump_proves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct archive_proof proof;
    struct error err;

    assert_int_equal(ftruncate(fixture->fd, 0), 0);
    assert_false(prove(fixture, &proof, &err));
    assert_string_equal(err.text, "the dump is empty");
}

static void
a_stop_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct archive_proof proof;
    struct error err;

    stand_in(fixture, "#!/bin/sh\nsleep 60\n");
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_false(prove(fixture, &proof, &err));
    assert_int_equal(err.code, ERROR_STOPPED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(size_and_checksum_are_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_archive_that_does_not_read_back_is_no_archive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_talkative_reader_does_not_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_dump_proves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_it, set_up, tear_down),
    };

    log_start("test_archive", LOG_LEVEL_FATAL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
