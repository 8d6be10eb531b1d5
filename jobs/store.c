#include "jobs/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"
#include "jobs/files.h"

#define PREFIX "weavestream-postgres-"
#define DUMP_SUFFIX ".dump"
#define MANIFEST_SUFFIX ".manifest.json"
#define DRAFT_SUFFIX ".tmp"
#define NAME_CHARACTERS "0123456789TZ:-"

#define NAMES_TRIED 1000
#define FOREIGN_STALE_SECONDS ((int64_t)30 * 60)

struct store {
    char *path;
    int fd;
};

struct store_draft {
    struct store *store;
    char name[STORE_NAME_SIZE];
    char *path;
    int fd;
    bool published;
};

/* The nearest ancestor of the working directory that is the root of a pnpm workspace, else the working directory. */
static bool
find_base(struct text *base, struct error *err)
{
    char cwd[PATH_MAX];
    struct text marker = TEXT_EMPTY;
    size_t length;
    bool found = false;

    if (getcwd(cwd, sizeof(cwd)) == NULL)
        return error_set_errno(err, errno, "find the working directory");
    length = strlen(cwd);
    while (!found && length > 0) {
        text_reset(&marker);
        text_add_bytes(&marker, cwd, length);
        text_add(&marker, "/pnpm-workspace.yaml");
        found = access(text_string(&marker), F_OK) == 0;
        if (!found)
            while (length > 0 && cwd[--length] != '/')
                ;
    }
    text_add_bytes(base, cwd, found ? length : strlen(cwd));
    text_clear(&marker);
    return true;
}

/* Like mkdir -p. What cannot be made shows when the directory is opened. */
static void
make_directories(const char *path)
{
    char *copy = memory_copy_string(path);

    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    (void)mkdir(copy, 0755);
    free(copy);
}

struct store *
store_open(const char *setting, struct error *err)
{
    struct store *store = memory_new(sizeof(*store));
    struct text path = TEXT_EMPTY;
    bool ok = false;

    store->fd = -1;
    if (setting[0] != '/') {
        if (!find_base(&path, err))
            goto out;
        if (strcmp(text_string(&path), "/") != 0)
            text_add(&path, "/");
        while (strncmp(setting, "./", 2) == 0)
            setting += 2;
    }
    text_add(&path, setting);
    while (path.length > 1 && path.data[path.length - 1] == '/')
        path.data[--path.length] = '\0';
    store->path = text_take(&path);
    make_directories(store->path);
    store->fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->fd == -1) {
        (void)error_set_errno(err, errno, "open the backup directory '%s'", store->path);
        goto out;
    }
    ok = true;
out:
    text_clear(&path);
    if (!ok) {
        store_close(store);
        store = NULL;
    }
    return store;
}

const char *
store_directory(const struct store *store)
{
    return store->path;
}

void
store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->fd != -1)
        (void)close(store->fd);
    free(store->path);
    free(store);
}

static bool
has_ending(const char *name, size_t length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length && memcmp(name + length - suffix_length, suffix, suffix_length) == 0;
}

/* The length of the middle, between "weavestream-postgres-" and `suffix`; 0 if `name` is not made so. */
static size_t
middle_length(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    size_t middle;

    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !has_ending(name, length, suffix))
        return 0;
    if (length < strlen(PREFIX) + strlen(suffix))
        return 0;
    middle = length - strlen(PREFIX) - strlen(suffix);
    return strspn(name + strlen(PREFIX), NAME_CHARACTERS) == middle ? middle : 0;
}

static bool
is_published_name(const char *name)
{
    return middle_length(name, DUMP_SUFFIX) > 0 || middle_length(name, MANIFEST_SUFFIX) > 0;
}

/* A draft's name; `ours`: it has a counter behind the time's Z. */
static bool
is_draft_name(const char *name, bool *ours)
{
    const char *middle = name + 1 + strlen(PREFIX);
    size_t length;
    const char *zulu;

    if (name[0] != '.')
        return false;
    length = middle_length(name + 1, DUMP_SUFFIX DRAFT_SUFFIX);
    if (length == 0)
        length = middle_length(name + 1, MANIFEST_SUFFIX DRAFT_SUFFIX);
    if (length == 0)
        return false;
    zulu = memchr(middle, 'Z', length);
    *ours = zulu != NULL && zulu + 1 < middle + length && zulu[1] == '-';
    return true;
}

static bool
is_same_file(int fd, int directory_fd, const char *name)
{
    struct stat open_file;
    struct stat named;

    return fstat(fd, &open_file) == 0 && fstatat(directory_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* Whether nobody can be writing it any more. Leaves it locked, so that it stays so until it is removed. */
static bool
is_stale(int fd, bool ours)
{
    struct stat file;

    if (fstat(fd, &file) == -1 || !S_ISREG(file.st_mode))
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) == -1)
        return false;
    return ours || wall_now().ms / 1000 - file.st_mtim.tv_sec >= FOREIGN_STALE_SECONDS;
}

static bool
remove_if_stale(struct store *store, const char *name, bool ours)
{
    int fd = openat(store->fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool removed = false;

    if (fd == -1)
        return false;
    if (is_stale(fd, ours) && is_same_file(fd, store->fd, name)) {
        removed = unlinkat(store->fd, name, 0) == 0;
        if (removed)
            log_warn(LOG_EVENT("stale temporary file removed"), LOG_TEXT("file", name));
        else
            log_warn(LOG_EVENT("stale temporary file not removed"), LOG_TEXT("file", name),
                LOG_TEXT("reason", strerrordesc_np(errno)));
    }
    (void)close(fd);
    return removed;
}

void
store_remove_stale(struct store *store, size_t *removed)
{
    int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* one of its own: it has a position */
    DIR *directory = fd == -1 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool ours = false;

    *removed = 0;
    if (directory == NULL) {
        log_warn(LOG_EVENT("backup directory not listed"), LOG_TEXT("directory", store->path),
            LOG_TEXT("reason", strerrordesc_np(errno)));
        if (fd != -1)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(directory)) != NULL)
        if (is_draft_name(entry->d_name, &ours) && remove_if_stale(store, entry->d_name, ours))
            (*removed)++;
    (void)closedir(directory);
}

/* Creates the file and takes its lock. EEXIST: try the next name. */
static bool
try_draft(struct store_draft *draft)
{
    int directory = draft->store->fd;

    draft->fd = openat(directory, draft->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft->fd == -1)
        return false;
    if (flock(draft->fd, LOCK_EX | LOCK_NB) == -1 && errno != EWOULDBLOCK)
        log_warn(LOG_EVENT("temporary file not locked"), LOG_TEXT("file", draft->name),
            LOG_TEXT("reason", strerrordesc_np(errno))); /* the file system has no such locks: do without */
    if (is_same_file(draft->fd, directory, draft->name))
        return true;
    (void)close(draft->fd); /* somebody tidied it away between the two calls */
    draft->fd = -1;
    errno = EEXIST;
    return false;
}

struct store_draft *
store_create_draft(struct store *store, struct wall when, struct error *err)
{
    struct store_draft *draft = memory_new(sizeof(*draft));
    struct text path = TEXT_EMPTY;
    char stamp[WALL_FILE_SIZE];

    draft->store = store;
    draft->fd = -1;
    wall_format_file(when, stamp);
    for (int counter = 1; draft->fd == -1 && counter <= NAMES_TRIED; counter++) {
        (void)snprintf(draft->name, sizeof(draft->name), "." PREFIX "%s-%d" DUMP_SUFFIX DRAFT_SUFFIX, stamp, counter);
        if (!try_draft(draft) && errno != EEXIST)
            break;
    }
    if (draft->fd == -1) {
        (void)error_set_errno(err, errno, "create '%s' in '%s'", draft->name, store->path);
        draft->published = true; /* nothing of ours is to be removed */
        store_draft_free(draft);
        return NULL;
    }
    text_format(&path, "%s/%s", store->path, draft->name);
    draft->path = text_take(&path);
    return draft;
}

const char *
store_draft_path(const struct store_draft *draft)
{
    return draft->path;
}

int
store_draft_fd(const struct store_draft *draft)
{
    return draft->fd;
}

bool
store_draft_is_intact(const struct store_draft *draft, struct error *err)
{
    return is_same_file(draft->fd, draft->store->fd, draft->name) ||
           error_set(err, ERROR_REFUSED, "'%s' is no longer the file that was created", draft->path);
}

void
store_draft_free(struct store_draft *draft)
{
    if (draft == NULL)
        return;
    if (!draft->published && unlinkat(draft->store->fd, draft->name, 0) == -1 && errno != ENOENT)
        log_warn(LOG_EVENT("temporary file not removed"), LOG_TEXT("file", draft->name),
            LOG_TEXT("reason", strerrordesc_np(errno)));
    if (draft->fd != -1)
        (void)close(draft->fd);
    free(draft->path);
    free(draft);
}

static bool
is_free(const struct store *store, const char *name)
{
    struct stat file;

    return fstatat(store->fd, name, &file, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT;
}

void
store_make_names(struct wall when, int number, struct store_names *names)
{
    char stamp[WALL_FILE_SIZE];
    char counter[16] = "";

    wall_format_file(when, stamp);
    if (number > 1)
        (void)snprintf(counter, sizeof(counter), "-%d", number);
    (void)snprintf(names->dump, sizeof(names->dump), PREFIX "%s%s" DUMP_SUFFIX, stamp, counter);
    (void)snprintf(names->manifest, sizeof(names->manifest), PREFIX "%s%s" MANIFEST_SUFFIX, stamp, counter);
}

bool
store_choose_names(struct store *store, struct wall when, struct store_names *names, struct error *err)
{
    for (int number = 1; number <= NAMES_TRIED; number++) {
        store_make_names(when, number, names);
        if (is_free(store, names->dump) && is_free(store, names->manifest))
            return true;
    }
    return error_set(err, ERROR_SYSTEM, "no free name for a dump like '%s' in '%s'", names->dump, store->path);
}

/* Writes and syncs the manifest under its draft's name; removes it on failure. */
static bool
write_manifest_draft(struct store *store, const char *name, const char *manifest, struct error *err)
{
    bool ok = false;
    int fd;

    (void)unlinkat(store->fd, name, 0); /* the name goes with our dump's draft: what has it is a leftover */
    fd = openat(store->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return error_set_errno(err, errno, "create '%s'", name);
    ok = files_write(fd, manifest, strlen(manifest), err) && files_sync(fd, err);
    if (close(fd) == -1 && ok)
        ok = error_set_errno(err, errno, "close");
    if (ok)
        return true;
    (void)error_add(err, "write '%s'", name);
    if (unlinkat(store->fd, name, 0) == -1)
        error_also(err, "'%s' could not be removed: %s", name, strerrordesc_np(errno));
    return false;
}

bool
store_publish(struct store *store, struct store_draft *draft, const struct store_names *names, const char *manifest,
    struct error *err)
{
    char manifest_draft[STORE_NAME_SIZE + 16];
    const char *unfinished[3] = { NULL }; /* to be removed if we leave early: dump, manifest, manifest's draft */
    bool ok = false;

    (void)snprintf(manifest_draft, sizeof(manifest_draft), "%.*s" MANIFEST_SUFFIX DRAFT_SUFFIX,
        (int)(strlen(draft->name) - strlen(DUMP_SUFFIX DRAFT_SUFFIX)), draft->name);
    if (!write_manifest_draft(store, manifest_draft, manifest, err))
        goto out;
    unfinished[2] = manifest_draft;
    if (!files_publish(store->fd, manifest_draft, names->manifest, err))
        goto out;
    unfinished[2] = NULL;
    unfinished[1] = names->manifest;
    if (!files_sync_directory(store->fd, err))
        goto out;
    if (!files_publish(store->fd, draft->name, names->dump, err))
        goto out;
    draft->published = true;
    unfinished[0] = names->dump;
    if (!files_sync_directory(store->fd, err))
        goto out;
    ok = true;
out:
    for (size_t i = 0; !ok && i < 3; i++)
        if (unfinished[i] != NULL && unlinkat(store->fd, unfinished[i], 0) == -1)
            error_also(err, "'%s' could not be removed: %s", unfinished[i], strerrordesc_np(errno));
    if (!ok)
        (void)error_add(err, "publish '%s'", names->dump);
    return ok;
}

bool
store_resolve(const struct store *store, const char *path, char name[STORE_NAME_SIZE], struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct stat ours;
    struct stat theirs;
    char *folder;
    bool inside;

    if (path[0] != '/')
        return error_set(err, ERROR_REFUSED, "'%s' is no absolute path", path);
    if (strlen(slash + 1) >= STORE_NAME_SIZE || !is_published_name(slash + 1))
        return error_set(err, ERROR_REFUSED, "'%s' is not named like a dump or manifest", path);
    folder = memory_copy(path, slash == path ? 1 : (size_t)(slash - path));
    inside = stat(folder, &theirs) == 0 && fstat(store->fd, &ours) == 0 && ours.st_dev == theirs.st_dev &&
             ours.st_ino == theirs.st_ino;
    free(folder);
    if (!inside)
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
