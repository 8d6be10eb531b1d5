#include "jobs/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/libc.h"
#include "common/log.h"

bool
files_write(int fd, const char *bytes, size_t length, struct error *err)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);

        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            return error_set_errno(err, errno, "write");
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

bool
files_sync(int fd, struct error *err)
{
    int result;

    do
        result = fsync(fd);
    while (result == -1 && errno == EINTR);
    return result == 0 || error_set_errno(err, errno, "sync");
}

bool
files_sync_directory(int directory_fd, struct error *err)
{
    if (files_sync(directory_fd, err))
        return true;
    if (err->sys_errno != EINVAL && err->sys_errno != EOPNOTSUPP && err->sys_errno != ENOSYS)
        return error_add(err, "the backup directory");
    log_warn(LOG_EVENT("directory not synced"), LOG_TEXT("reason", strerror(err->sys_errno)));
    return true;
}

static bool
set_publish_failure(int errnum, const char *from, const char *to, struct error *err)
{
    if (errnum == EEXIST)
        return error_set(err, ERROR_CONFLICT, "'%s' exists already", to);
    return error_set_errno(err, errnum, "rename '%s' to '%s'", from, to);
}

/* To reserve the name by an empty file would be safe from others, but a power cut might leave that file as if it were whole. */
static bool
publish_after_a_look(int directory_fd, const char *from, const char *to, struct error *err)
{
    struct stat file;

    if (fstatat(directory_fd, to, &file, AT_SYMLINK_NOFOLLOW) == 0)
        return set_publish_failure(EEXIST, from, to, err);
    if (errno != ENOENT || renameat(directory_fd, from, directory_fd, to) == -1)
        return set_publish_failure(errno, from, to, err);
    return true;
}

bool
files_publish(int directory_fd, const char *from, const char *to, struct error *err)
{
    if (renameat2(directory_fd, from, directory_fd, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return set_publish_failure(errno, from, to, err);
    if (linkat(directory_fd, from, directory_fd, to, 0) == 0) {
        if (unlinkat(directory_fd, from, 0) == -1)
            log_warn(
                LOG_EVENT("temporary name not removed"), LOG_TEXT("file", from), LOG_TEXT("reason", strerror(errno)));
        return true;
    }
    if (errno == EEXIST)
        return set_publish_failure(errno, from, to, err);
    return publish_after_a_look(directory_fd, from, to, err);
}

bool
files_is_same(int fd, int directory_fd, const char *name, bool *same, struct error *err)
{
    struct stat open_file;
    struct stat named;

    *same = false;
    if (fstat(fd, &open_file) == -1)
        return error_set_errno(err, errno, "look at '%s'", name);
    if (fstatat(directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT || error_set_errno(err, errno, "look at '%s'", name);
    *same = open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
    return true;
}
