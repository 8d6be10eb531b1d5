#include "jobs/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "jobs/archive_script.h"
#include "jobs/process.h"
#include "jobs/stop.h"

#define READ_BYTES ((size_t)1024 * 1024)
#define HASH_BYTES ((size_t)256 * 1024) /* at a time: a fraction of what the pipe from pg_restore holds */
#define FILL_MS 1
#define PROGRESS_MS 500
#define STILL_MS                                                                                                       \
    120000 /* longest that pg_restore may neither read nor write: there are damaged archives over which it loops for ever */

struct reading {
    const struct archive_order *order;
    int64_t size_bytes;
    struct process *beside; /* pg_restore */
    char *buffer;
    struct sha256 *sha256;
    int64_t hashed_bytes;
    bool hashed;                   /* to the end */
    struct archive_script *script; /* NULL: only the table of contents is read */
    int64_t script_bytes;
    bool script_ended;
    int64_t moved_bytes;       /* that pg_restore has read and written, */
    struct moment still_until; /* and when there must be more */
    struct moment started;
    struct moment next_progress;
};

/* Tells how far it is, and sees to it that it goes on. */
static bool
watch(struct reading *reading, struct error *err)
{
    int64_t bytes;

    if (!moment_is_past(reading->next_progress))
        return true;
    bytes = process_bytes_read(reading->beside);
    if (bytes + reading->script_bytes != reading->moved_bytes) {
        reading->moved_bytes = bytes + reading->script_bytes;
        reading->still_until = moment_add_ms(moment_now(), STILL_MS);
    } else if (moment_is_past(reading->still_until))
        return error_set(err, ERROR_INPUT, "pg_restore has not moved for %d s", STILL_MS / 1000);
    if (bytes < 0 || bytes > reading->hashed_bytes)
        bytes = reading->hashed_bytes;
    reading->order->on_progress(bytes, reading->size_bytes, reading->order->owner);
    reading->next_progress = moment_add_ms(moment_now(), PROGRESS_MS);
    return true;
}

static bool
hash_some(struct reading *reading, struct archive_proof *proof, struct error *err)
{
    ssize_t count = pread(reading->order->fd, reading->buffer, HASH_BYTES, reading->hashed_bytes);

    if (count == -1)
        return errno == EINTR || error_set_errno(err, errno, "read the dump back");
    sha256_add(reading->sha256, reading->buffer, (size_t)count);
    reading->hashed_bytes += count;
    if (count > 0)
        return true;
    if (reading->hashed_bytes != reading->size_bytes)
        return error_set(err, ERROR_INPUT, "the dump has %" PRId64 " bytes, but %" PRId64 " were read back",
            reading->size_bytes, reading->hashed_bytes);
    sha256_finish(reading->sha256, proof->sha256);
    reading->hashed = true;
    proof->hash_ms = moment_ms_between(reading->started, moment_now());
    return true;
}

/* What pg_restore has written by now; `more`: there may be more already. */
static bool
read_script(struct reading *reading, bool *more, struct error *err)
{
    ssize_t count = read(process_data(reading->beside), reading->buffer, READ_BYTES);

    *more = count == (ssize_t)READ_BYTES;
    if (count == -1)
        return errno == EAGAIN || errno == EINTR || error_set_errno(err, errno, "read what pg_restore writes");
    if (count == 0)
        reading->script_ended = true;
    else {
        archive_script_add(reading->script, reading->buffer, (size_t)count);
        reading->script_bytes += count;
    }
    return true;
}

/*
 * One thread for both: pg_restore has more to do than we, so the checksum goes on whenever its pipe is empty, and is done first. From then
 * on the pipe is left to fill for a moment each time: to be woken for every 4 KB that pg_restore writes would take it a fifth longer.
 */
static bool
read_both(struct reading *reading, struct archive_proof *proof, struct error *err)
{
    while (!reading->hashed || !reading->script_ended) {
        bool more = false;

        process_listen(reading->beside); /* its words must not fill their pipe */
        if (!watch(reading, err))
            return error_add(err, "the dump could not be read back");
        if (!stop_check(err))
            return false;
        if (!reading->script_ended && !read_script(reading, &more, err))
            return false;
        if (more)
            continue;
        if (!reading->hashed ? !hash_some(reading, proof, err)
                             : !stop_wait(-1, 0, moment_add_ms(moment_now(), FILL_MS), err))
            return false;
    }
    return true;
}

static bool
on_tick(void *owner, struct error *err)
{
    return watch(owner, err);
}

static bool
end_reading(struct reading *reading, struct error *err)
{
    if (process_finish(reading->beside, on_tick, reading, err))
        return reading->script == NULL || archive_script_finish(reading->script, err);
    if (err->code == ERROR_REFUSED)
        err->code = ERROR_INPUT; /* a bad archive: another dump may be better */
    return error_add(err, "the dump could not be read back");
}

static bool
read_back(struct reading *reading, struct archive_proof *proof, struct error *err)
{
    bool whole = reading->order->level != SETTINGS_VERIFY_TOC;
    const char *const list[] = { "pg_restore", "--list", "--file=/dev/null", reading->order->path, NULL };
    const char *const data[] = { "pg_restore", "--data-only", "--file=-", reading->order->path, NULL };
    struct process_command command = { .argv = whole ? data : list, .handed_down = PROCESS_NO_FD, .piped = whole };
    bool ok = false;

    reading->beside = process_start(&command, err);
    if (reading->beside == NULL)
        return false;
    reading->sha256 = sha256_new();
    reading->buffer = memory_new(READ_BYTES);
    reading->script = whole ? archive_script_new(&proof->contents) : NULL;
    reading->script_ended = !whole;
    ok = read_both(reading, proof, err) && end_reading(reading, err);
    archive_script_free(reading->script);
    free(reading->buffer);
    sha256_free(reading->sha256);
    process_free(reading->beside);
    return ok;
}

bool
archive_prove(const struct archive_order *order, struct archive_proof *proof, struct error *err)
{
    struct reading reading = { .order = order, .started = moment_now() };
    struct stat file;

    (void)posix_fadvise(
        order->fd, 0, 0, POSIX_FADV_DONTNEED); /* where it has no effect, the cache is what we can read */
    (void)posix_fadvise(order->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint: nothing is lost without it */
    if (fstat(order->fd, &file) == -1)
        return error_set_errno(err, errno, "look at the dump");
    if (file.st_size == 0)
        return error_set(err, ERROR_INPUT, "the dump is empty");
    reading.size_bytes = file.st_size;
    reading.next_progress = reading.started;
    reading.still_until = moment_add_ms(reading.started, STILL_MS);
    if (!read_back(&reading, proof, err))
        return false;
    proof->size_bytes = file.st_size;
    proof->read_ms = moment_ms_between(reading.started, moment_now());
    order->on_progress(file.st_size, file.st_size, order->owner);
    return order->expected == NULL || archive_contents_cover(&proof->contents, order->expected, err);
}

void
archive_proof_clear(struct archive_proof *proof)
{
    archive_contents_clear(&proof->contents);
    *proof = ARCHIVE_PROOF_EMPTY;
}
