#include "jobs/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "jobs/files.h"

#define UNFINISHED LEDGER_FILE ".tmp"

static int
open_directory(const char *directory, struct error *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1)
        (void)error_set_errno(err, errno, "open '%s'", directory);
    return fd;
}

/* At most one byte more than a memory may have. */
static bool
read_all(int fd, struct text *out)
{
    char bytes[16384];

    while (out->length <= LEDGER_MEMORY_BYTES_MAX) {
        ssize_t count = read(fd, bytes, sizeof(bytes));

        if (count == -1 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0;
        text_add_bytes(out, bytes, (size_t)count);
    }
    return true;
}

void
ledger_file_read(const char *directory, struct ledger_memory *out)
{
    struct text text = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;
    int directory_fd = open_directory(directory, &err);
    int fd =
        directory_fd == -1 ? -1 : openat(directory_fd, LEDGER_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd != -1 ? !read_all(fd, &text) : errno != ENOENT)
        log_warn(
            LOG_EVENT("ledger's memory not read"), LOG_TEXT("file", LEDGER_FILE), LOG_TEXT("reason", strerror(errno)));
    ledger_memory_parse(text_string(&text), text.length, out);
    if (fd != -1)
        (void)close(fd);
    if (directory_fd != -1)
        (void)close(directory_fd);
    text_clear(&text);
}

bool
ledger_file_write(const char *directory, const struct ledger_memory *memory, struct error *err)
{
    struct text text = TEXT_EMPTY;
    int directory_fd = open_directory(directory, err);
    int fd = -1;
    bool ok = false;

    if (directory_fd == -1)
        goto out;
    ledger_memory_add_json(memory, &text);
    if (text.length > LEDGER_MEMORY_BYTES_MAX) {
        (void)error_set(err, ERROR_REFUSED, "%zu bytes are too many", text.length);
        goto out;
    }
    fd = openat(directory_fd, UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1) {
        (void)error_set_errno(err, errno, "create '%s'", UNFINISHED);
        goto out;
    }
    if (!files_write(fd, text_string(&text), text.length, err) || !files_sync(fd, err)) {
        (void)unlinkat(directory_fd, UNFINISHED, 0); /* the disk may be full; what stays is overwritten */
        goto out;
    }
    if (renameat(directory_fd, UNFINISHED, directory_fd, LEDGER_FILE) == -1) {
        (void)error_set_errno(err, errno, "rename '%s' to '%s'", UNFINISHED, LEDGER_FILE);
        goto out;
    }
    ok = files_sync_directory(directory_fd, err);
out:
    if (fd != -1)
        (void)close(fd);
    if (directory_fd != -1)
        (void)close(directory_fd);
    text_clear(&text);
    return ok || error_add(err, "remember in '%s/%s'", directory, LEDGER_FILE);
}
