#include "jobs/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/files.h"
#include "jobs/process.h"
#include "jobs/stop.h"

#define READ_BYTES ((size_t)1024 * 1024)
#define PROGRESS_MS 500

struct reading {
    int fd;
    int64_t size_bytes;
    archive_progress_fn *on_progress;
    void *owner;
    struct process *beside; /* pg_restore: its words must not fill the pipe */
    struct moment next_progress;
};

static void
tell(struct reading *reading, int64_t bytes)
{
    if (!moment_is_past(reading->next_progress))
        return;
    reading->on_progress(bytes, reading->size_bytes, reading->owner);
    reading->next_progress = moment_add_ms(moment_now(), PROGRESS_MS);
}

static bool
hash_file(struct reading *reading, char out[SHA256_SIZE], struct error *err)
{
    struct sha256 *sha256 = sha256_new();
    char *buffer = memory_new(READ_BYTES);
    int64_t done = 0;
    bool ok = false;

    (void)posix_fadvise(reading->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint: nothing is lost without it */
    for (;;) {
        ssize_t count = pread(reading->fd, buffer, READ_BYTES, done);

        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1) {
            (void)error_set_errno(err, errno, "read the dump back");
            goto out;
        }
        if (count == 0)
            break;
        sha256_add(sha256, buffer, (size_t)count);
        done += count;
        process_listen(reading->beside);
        tell(reading, done);
        if (!stop_check(err))
            goto out;
    }
    if (done != reading->size_bytes) {
        (void)error_set(err, ERROR_INPUT, "the dump has %" PRId64 " bytes, but %" PRId64 " were read back",
            reading->size_bytes, done);
        goto out;
    }
    sha256_finish(sha256, out);
    ok = true;
out:
    sha256_free(sha256);
    free(buffer);
    return ok;
}

static bool
on_tick(void *owner, struct error *err)
{
    struct reading *reading = owner;

    (void)err; /* there is no reason to stop */
    tell(reading, reading->size_bytes);
    return true;
}

static bool
read_back(struct reading *reading, const char *path, struct archive_proof *proof, struct error *err)
{
    const char *const argv[] = { "pg_restore", "--file=/dev/null", path, NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD };
    struct moment start;
    bool ok = false;

    reading->beside = process_start(&command, err);
    if (reading->beside == NULL)
        return false;
    start = moment_now();
    if (!hash_file(reading, proof->sha256, err))
        goto out;
    proof->hash_ms = moment_ms_between(start, moment_now());
    if (!process_finish(reading->beside, on_tick, reading, err)) {
        if (err->code == ERROR_REFUSED)
            err->code = ERROR_INPUT; /* a bad archive: another dump may be better */
        (void)error_add(err, "the dump could not be read back");
        goto out;
    }
    ok = true;
out:
    process_free(reading->beside);
    return ok;
}

bool
archive_prove(int fd, const char *path, archive_progress_fn *on_progress, void *owner, struct archive_proof *proof,
    struct error *err)
{
    struct reading reading = { .fd = fd, .on_progress = on_progress, .owner = owner };
    struct moment start = moment_now();
    struct stat file;

    if (!files_sync(fd, err))
        return error_add(err, "the dump");
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* where it has no effect, the cache is what we can read */
    proof->sync_ms = moment_ms_between(start, moment_now());
    if (fstat(fd, &file) == -1)
        return error_set_errno(err, errno, "look at the dump");
    if (file.st_size == 0)
        return error_set(err, ERROR_INPUT, "the dump is empty");
    reading.size_bytes = file.st_size;
    reading.next_progress = start;
    start = moment_now();
    if (!read_back(&reading, path, proof, err))
        return false;
    proof->size_bytes = file.st_size;
    proof->read_ms = moment_ms_between(start, moment_now());
    return true;
}
