/*
 * fault_shim: a library for LD_PRELOAD that lets a program's system calls in one directory fail, wait or kill it.
 *
 *     LD_PRELOAD=build/release/tests/libfault_shim.so FAULT_DIRECTORY=/backup FAULT_LOG=/tmp/calls weavestream-backup-job <job
 *
 * FAULT_DIRECTORY   absolute, without symbolic links: only calls on it and on what lies in it count
 * FAULT_CALLS       which calls, parted by commas, as in "fsync,renameat2"; not set: all of these: open openat mkdir read pread write
 *                   pwrite fsync fdatasync ftruncate close flock fstat fstatat statvfs rename renameat renameat2 link linkat unlink unlinkat
 * FAULT_NAMES       which files, as a pattern of fnmatch(3) for the name within the directory, as in ".*.dump.tmp"; "." is the directory
 *                   itself; of two names that a call has, the first counts. Not set: all
 * FAULT_AT          which of those, counted from 1: "3" is the third alone, "3-" it and all that follow; not set: none
 * FAULT_DO          what happens there instead of the call, or before it:
 *                       an errno's name, as in "ENOSPC"    the call fails with it (a file is closed all the same)
 *                       "kill"                             the program is killed by SIGKILL before the call
 *                       "wait:FILE"                        the call waits until FILE exists
 * FAULT_LOG         a file that gets one line for each call that counts, when it begins: "N CALL NAME", and " !" if it is one of FAULT_AT
 *
 * Each process counts for itself. What a program starts is not concerned unless it is given these variables too: pg_dump is not.
 * Calls are made as system calls, not by libc's functions, so no other library's wrapper is in between.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_ERRNO 133
#define LOOK_US 2000

/* Libraries that are set up before this one may call it; a sanitizer's does, and libc's functions are not to be used then. */
static bool is_ready;

__attribute__((constructor)) static void
get_ready(void)
{
    is_ready = true;
}

/* The path of what `fd` is open on, as the kernel has it. */
static bool
find_folder(int fd, char path[PATH_MAX])
{
    char link[32];
    ssize_t length;

    if (fd == AT_FDCWD)
        return getcwd(path, PATH_MAX) != NULL;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return true;
}

/* The name within FAULT_DIRECTORY of what a call means: `file` in `directory`, or the descriptor itself if `file` is NULL. */
static bool
find_name(int directory, const char *file, char name[PATH_MAX])
{
    const char *wanted = getenv("FAULT_DIRECTORY");
    bool is_itself = file == NULL || strcmp(file, ".") == 0;
    char folder[PATH_MAX] = "";
    char path[2 * PATH_MAX];
    size_t length;

    if (wanted == NULL || ((file == NULL || file[0] != '/') && !find_folder(directory, folder)))
        return false;
    (void)snprintf(
        path, sizeof(path), "%s%s%s", folder, is_itself || folder[0] == '\0' ? "" : "/", is_itself ? "" : file);
    length = strlen(wanted);
    if (strncmp(path, wanted, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return false;
    (void)snprintf(name, PATH_MAX, "%s", path[length] == '\0' ? "." : path + length + 1);
    return true;
}

static bool
is_wanted(const char *call, const char *name)
{
    const char *calls = getenv("FAULT_CALLS");
    const char *names = getenv("FAULT_NAMES");
    size_t length = strlen(call);

    if (names != NULL && fnmatch(names, name, 0) != 0)
        return false;
    while (calls != NULL && *calls != '\0') {
        size_t one = strcspn(calls, ",");

        if (one == length && strncmp(calls, call, length) == 0)
            return true;
        calls += one + (calls[one] == ',' ? 1 : 0);
    }
    return calls == NULL;
}

static bool
is_at(unsigned count)
{
    const char *at = getenv("FAULT_AT");
    char *rest = NULL;
    unsigned long first;

    if (at == NULL)
        return false;
    first = strtoul(at, &rest, 10);
    return count == first || (*rest == '-' && count > first);
}

static void
note(unsigned count, const char *call, const char *name, bool hit)
{
    const char *log = getenv("FAULT_LOG");
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof(line), "%u %s %s%s\n", count, call, name, hit ? " !" : "");
    long fd;

    if (log == NULL)
        return;
    fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)syscall(SYS_write, fd, line, length);
    (void)syscall(SYS_close, fd);
}

/* The errno with which the call is to fail; 0: it is to be made. */
static int
act(void)
{
    const char *what = getenv("FAULT_DO");

    if (what == NULL || strcmp(what, "kill") == 0)
        (void)raise(SIGKILL);
    else if (strncmp(what, "wait:", 5) == 0)
        while (access(what + 5, F_OK) != 0)
            (void)usleep(LOOK_US);
    else
        for (int errnum = 1; errnum <= LAST_ERRNO; errnum++)
            if (strcmp(what, strerrorname_np(errnum) == NULL ? "" : strerrorname_np(errnum)) == 0)
                return errnum;
    return 0;
}

static int
decide(const char *call, int directory, const char *file)
{
    static atomic_uint calls;
    char name[PATH_MAX];
    int before = errno;
    unsigned count;
    int errnum;
    bool hit;

    if (!is_ready)
        return 0;
    if (!find_name(directory, file, name) || !is_wanted(call, name)) {
        errno = before;
        return 0;
    }
    count = atomic_fetch_add(&calls, 1) + 1;
    hit = is_at(count);
    note(count, call, name, hit);
    errnum = hit ? act() : 0;
    errno = errnum == 0 ? before : errnum;
    return errnum;
}

#define FAIL_IF_TOLD(call, directory, file)                                                                            \
    do {                                                                                                               \
        if (decide(call, directory, file) != 0)                                                                        \
            return -1;                                                                                                 \
    } while (0)

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
static int
open_file(const char *call, int directory, const char *file, int flags, mode_t mode)
{
    FAIL_IF_TOLD(call, directory, file);
    return (int)syscall(SYS_openat, directory, file, flags, mode);
}

int
open(const char *file, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file("open", AT_FDCWD, file, flags, mode);
}

int
openat(int directory, const char *file, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file("openat", directory, file, flags, mode);
}

int
mkdir(const char *path, mode_t mode)
{
    FAIL_IF_TOLD("mkdir", AT_FDCWD, path);
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

ssize_t
read(int fd, void *bytes, size_t count)
{
    FAIL_IF_TOLD("read", fd, NULL);
    return syscall(SYS_read, fd, bytes, count);
}

ssize_t
pread(int fd, void *bytes, size_t count, off_t offset)
{
    FAIL_IF_TOLD("pread", fd, NULL);
    return syscall(SYS_pread64, fd, bytes, count, offset);
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
    FAIL_IF_TOLD("write", fd, NULL);
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    FAIL_IF_TOLD("pwrite", fd, NULL);
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

int
fsync(int fd)
{
    FAIL_IF_TOLD("fsync", fd, NULL);
    return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    FAIL_IF_TOLD("fdatasync", fd, NULL);
    return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t length)
{
    FAIL_IF_TOLD("ftruncate", fd, NULL);
    return (int)syscall(SYS_ftruncate, fd, length);
}

int
close(int fd)
{
    int errnum = decide("close", fd, NULL);
    long result = syscall(SYS_close, fd);

    if (errnum == 0)
        return (int)result;
    errno = errnum;
    return -1;
}

int
flock(int fd, int operation)
{
    FAIL_IF_TOLD("flock", fd, NULL);
    return (int)syscall(SYS_flock, fd, operation);
}

int
fstat(int fd, struct stat *out)
{
    FAIL_IF_TOLD("fstat", fd, NULL);
    return (int)syscall(SYS_fstat, fd, out);
}

int
fstatat(int directory, const char *file, struct stat *out, int flags)
{
    FAIL_IF_TOLD("fstatat", directory, file);
    return (int)syscall(SYS_newfstatat, directory, file, out, flags);
}

/* The one that libc makes of more than the system call. */
int
statvfs(const char *path, struct statvfs *out)
{
    __extension__ int (*real)(const char *, struct statvfs *) =
        (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");

    FAIL_IF_TOLD("statvfs", AT_FDCWD, path);
    return real(path, out);
}

static int
rename_file(const char *call, int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    FAIL_IF_TOLD(call, from_directory, from);
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

int
rename(const char *from, const char *to)
{
    return rename_file("rename", AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return rename_file("renameat", from_directory, from, to_directory, to, 0);
}

int
renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    return rename_file("renameat2", from_directory, from, to_directory, to, flags);
}

static int
link_file(const char *call, int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    FAIL_IF_TOLD(call, from_directory, from);
    return (int)syscall(SYS_linkat, from_directory, from, to_directory, to, flags);
}

int
link(const char *from, const char *to)
{
    return link_file("link", AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    return link_file("linkat", from_directory, from, to_directory, to, flags);
}

static int
unlink_file(const char *call, int directory, const char *file, int flags)
{
    FAIL_IF_TOLD(call, directory, file);
    return (int)syscall(SYS_unlinkat, directory, file, flags);
}

int
unlink(const char *file)
{
    return unlink_file("unlink", AT_FDCWD, file, 0);
}

int
unlinkat(int directory, const char *file, int flags)
{
    return unlink_file("unlinkat", directory, file, flags);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
