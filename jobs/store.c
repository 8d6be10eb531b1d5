#include "jobs/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "jobs/directory.h"
#include "jobs/files.h"
#include "jobs/store_name.h"

struct store {
    char *path;
    int fd;
    char *known_folder; /* the last path that was found to lead here; NULL: none yet */
};

static struct store *
opened(struct store *store)
{
    if (store->fd != -1)
        return store;
    store_close(store);
    return NULL;
}

struct store *
store_open(const char *setting, struct error *err)
{
    struct store *store = memory_new(sizeof(*store));

    store->fd = directory_open(setting, &store->path, err);
    return opened(store);
}

struct store *
store_make(const char *setting, bool *made, struct error *err)
{
    struct store *store = memory_new(sizeof(*store));

    store->fd = directory_make(setting, &store->path, made, err);
    return opened(store);
}

const char *
store_directory(const struct store *store)
{
    return store->path;
}

int
store_fd(const struct store *store)
{
    return store->fd;
}

void
store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->fd != -1)
        (void)close(store->fd);
    free(store->path);
    free(store->known_folder);
    free(store);
}

static DIR *
open_list(const struct store *store, struct error *err)
{
    int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* one of its own: it has a position */
    DIR *directory = fd == -1 ? NULL : fdopendir(fd);

    if (directory != NULL)
        return directory;
    (void)error_set_errno(err, errno, "list '%s'", store->path);
    if (fd != -1)
        (void)close(fd);
    return NULL;
}

/* Whether the entry is to be told. */
typedef bool choose_fn(const struct store *store, const struct dirent *entry);

static bool
list(const struct store *store, choose_fn *choose, store_found_fn *on_found, void *owner, struct error *err)
{
    DIR *directory = open_list(store, err);
    const struct dirent *entry;
    bool ok;

    if (directory == NULL)
        return false;
    for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0)
        if (choose(store, entry))
            on_found(entry->d_name, owner);
    ok = errno == 0 || error_set_errno(err, errno, "list '%s'", store->path);
    (void)closedir(directory);
    return ok;
}

static bool
is_any(const struct store *store, const struct dirent *entry)
{
    (void)store;
    (void)entry;
    return true;
}

static bool
is_published(const struct store *store, const struct dirent *entry)
{
    (void)store;
    return store_name_is_published(entry->d_name);
}

/* Most file systems say the type in the listing. */
static bool
is_other(const struct store *store, const struct dirent *entry)
{
    struct error ignored;
    int64_t size;

    if (entry->d_type == DT_REG || !store_name_is_published(entry->d_name))
        return false;
    return entry->d_type != DT_UNKNOWN || !store_find(store, entry->d_name, &size, &ignored);
}

bool
store_list_all(const struct store *store, store_found_fn *on_found, void *owner, struct error *err)
{
    return list(store, is_any, on_found, owner, err);
}

bool
store_list(const struct store *store, store_found_fn *on_found, void *owner, struct error *err)
{
    return list(store, is_published, on_found, owner, err);
}

bool
store_list_others(const struct store *store, store_found_fn *on_found, void *owner, struct error *err)
{
    return list(store, is_other, on_found, owner, err);
}

/* Whether the folder of what an absolute path names is the directory, by whatever path. Thousands of rows have the same one. */
static bool
leads_here(struct store *store, const char *absolute)
{
    const char *slash = strrchr(absolute, '/');
    size_t length = slash == absolute ? 1 : (size_t)(slash - absolute);
    char *path;
    struct stat ours;
    struct stat theirs;

    if (store->known_folder != NULL && strlen(store->known_folder) == length &&
        memcmp(store->known_folder, absolute, length) == 0)
        return true;
    path = memory_copy(absolute, length);
    if (stat(path, &theirs) == -1 || fstat(store->fd, &ours) == -1 || ours.st_dev != theirs.st_dev ||
        ours.st_ino != theirs.st_ino) {
        free(path);
        return false;
    }
    free(store->known_folder);
    store->known_folder = path;
    return true;
}

bool
store_resolve(struct store *store, const char *path, char name[STORE_NAME_SIZE], struct error *err)
{
    const char *slash = strrchr(path, '/');

    if (path[0] != '/')
        return error_set(err, ERROR_REFUSED, "'%s' is no absolute path", path);
    if (strlen(slash + 1) >= STORE_NAME_SIZE || !store_name_is_published(slash + 1))
        return error_set(err, ERROR_REFUSED, "'%s' is not named like a dump or manifest", path);
    if (!leads_here(store, path))
        return error_set(err, ERROR_REFUSED, "'%s' is not in the backup directory '%s'", path, store->path);
    (void)snprintf(name, STORE_NAME_SIZE, "%s", slash + 1);
    return true;
}

bool
store_find(const struct store *store, const char *name, int64_t *size_bytes, struct error *err)
{
    struct stat file;

    *size_bytes = -1;
    if (fstatat(store->fd, name, &file, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT || error_set_errno(err, errno, "look at '%s'", name);
    if (!S_ISREG(file.st_mode))
        return error_set(err, ERROR_REFUSED, "'%s' is no regular file", name);
    *size_bytes = file.st_size;
    return true;
}

bool
store_lacks(struct store *store, const char *path)
{
    char name[STORE_NAME_SIZE];
    struct error none; /* whatever the reason */
    int64_t size = -1;

    if (store_resolve(store, path, name, &none))
        return !store_find(store, name, &size, &none) || size < 0;
    return path[0] != '/' || !leads_here(store, path);
}

int
store_open_file(const struct store *store, const char *name, struct error *err)
{
    int fd = openat(store->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1)
        (void)error_set_errno(err, errno, "open '%s'", name);
    return fd;
}

bool
store_remove(struct store *store, const char *name, struct error *err)
{
    if (unlinkat(store->fd, name, 0) == 0 || errno == ENOENT)
        return true;
    return error_set_errno(err, errno, "delete '%s'", name);
}

bool
store_sync(struct store *store, struct error *err)
{
    return files_sync_directory(store->fd, err);
}
