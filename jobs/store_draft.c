#include "jobs/store_draft.h"

#include <errno.h>
#include <fcntl.h>
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
#include "jobs/space.h"
#include "jobs/store_name.h"

#define NAMES_TRIED 1000
#define UNFINISHED 3
#define FOREIGN_STALE_SECONDS ((int64_t)30 * 60)

struct store_draft {
    struct store *store;
    char name[STORE_NAME_SIZE];
    char *path;
    int fd;
    bool published;
};

/* Whether it removed the file. */
typedef bool remove_fn(struct store *store, const char *name, const void *owner);

struct sweep {
    struct store *store;
    remove_fn *remove_if;
    const void *owner;
    size_t removed;
};

static void
on_found(const char *name, void *owner)
{
    struct sweep *sweep = owner;

    sweep->removed += sweep->remove_if(sweep->store, name, sweep->owner);
}

/* Offers every name in the directory. Returns how many are removed. */
static size_t
sweep_directory(struct store *store, remove_fn *remove_if, const void *owner)
{
    struct sweep sweep = { .store = store, .remove_if = remove_if, .owner = owner };
    struct error err;

    if (!store_list_all(store, on_found, &sweep, &err))
        log_warn(LOG_EVENT("backup directory not listed"), LOG_ERROR(&err));
    return sweep.removed;
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
remove_if_stale(struct store *store, const char *name, const void *owner)
{
    struct error ignored; /* what cannot be looked at is let be */
    bool ours = false;
    bool removed = false;
    bool same = false;
    int fd;

    (void)owner;
    if (!store_name_is_draft(name, &ours))
        return false;
    fd = openat(store_fd(store), name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return false;
    if (is_stale(fd, ours) && files_is_same(fd, store_fd(store), name, &same, &ignored) && same) {
        removed = unlinkat(store_fd(store), name, 0) == 0;
        if (removed)
            log_warn(LOG_EVENT("stale temporary file removed"), LOG_TEXT("file", name));
        else
            log_warn(LOG_EVENT("stale temporary file not removed"), LOG_TEXT("file", name),
                LOG_TEXT("reason", strerror(errno)));
    }
    (void)close(fd);
    return removed;
}

void
store_remove_stale(struct store *store, size_t *removed)
{
    *removed = sweep_directory(store, remove_if_stale, NULL);
}

/* Creates the file and takes its lock. ERROR_CONFLICT: try the next name. */
static bool
try_draft(struct store_draft *draft, struct error *err)
{
    int directory = store_fd(draft->store);
    bool same = false;

    draft->fd = openat(directory, draft->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft->fd == -1 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "'%s' exists already", draft->name);
    if (draft->fd == -1)
        return error_set_errno(err, errno, "create '%s'", draft->name);
    if (flock(draft->fd, LOCK_EX | LOCK_NB) == -1 && errno != EWOULDBLOCK)
        log_warn(LOG_EVENT("temporary file not locked"), LOG_TEXT("file", draft->name),
            LOG_TEXT("reason", strerror(errno))); /* the file system has no such locks: do without */
    if (!files_is_same(draft->fd, directory, draft->name, &same, err)) {
        (void)unlinkat(directory, draft->name, 0); /* on the way out of a failure that is told already */
        return false;
    }
    if (same)
        return true;
    (void)close(draft->fd); /* somebody tidied it away between the two calls */
    draft->fd = -1;
    return error_set(err, ERROR_CONFLICT, "'%s' was removed", draft->name);
}

struct store_draft *
store_create_draft(struct store *store, struct wall when, struct error *err)
{
    struct store_draft *draft = memory_new(sizeof(*draft));
    struct text path = TEXT_EMPTY;
    char stamp[WALL_FILE_SIZE];
    bool ok = false;

    draft->store = store;
    draft->fd = -1;
    wall_format_file(when, stamp);
    for (int counter = 1; !ok && counter <= NAMES_TRIED; counter++) {
        (void)snprintf(draft->name, sizeof(draft->name),
            "." STORE_NAME_PREFIX "%s-%d" STORE_NAME_DUMP_SUFFIX STORE_NAME_DRAFT_SUFFIX, stamp, counter);
        ok = try_draft(draft, err);
        if (!ok && err->code != ERROR_CONFLICT)
            break;
    }
    if (!ok) {
        space_advise(store_directory(store), err);
        draft->published = true; /* nothing of ours is to be removed */
        store_draft_free(draft);
        return NULL;
    }
    text_format(&path, "%s/%s", store_directory(store), draft->name);
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
    bool same = false;

    if (!files_is_same(draft->fd, store_fd(draft->store), draft->name, &same, err)) {
        space_advise(store_directory(draft->store), err);
        return false;
    }
    return same || error_set(err, ERROR_REFUSED, "'%s' is no longer the file that was created", draft->path);
}

void
store_draft_free(struct store_draft *draft)
{
    if (draft == NULL)
        return;
    if (!draft->published && unlinkat(store_fd(draft->store), draft->name, 0) == -1 && errno != ENOENT)
        log_warn(LOG_EVENT("temporary file not removed"), LOG_TEXT("file", draft->name),
            LOG_TEXT("reason", strerror(errno)));
    if (draft->fd != -1)
        (void)close(draft->fd);
    free(draft->path);
    free(draft);
}

static bool
remove_other_rejected(struct store *store, const char *name, const void *kept)
{
    if (!store_name_is_rejected(name) || strcmp(name, kept) == 0)
        return false;
    if (unlinkat(store_fd(store), name, 0) == 0)
        return true;
    log_warn(LOG_EVENT("rejected dump not removed"), LOG_TEXT("file", name), LOG_TEXT("reason", strerror(errno)));
    return false;
}

bool
store_reject_draft(struct store_draft *draft, char name[STORE_NAME_SIZE], struct error *err)
{
    int stem = (int)(strlen(draft->name) - strlen(STORE_NAME_DUMP_SUFFIX STORE_NAME_DRAFT_SUFFIX));

    (void)snprintf(name, STORE_NAME_SIZE, "%.*s" STORE_NAME_REJECTED_SUFFIX, stem, draft->name);
    if (renameat(store_fd(draft->store), draft->name, store_fd(draft->store), name) == -1)
        return error_set_errno(err, errno, "rename '%s' to '%s'", draft->name, name);
    draft->published = true; /* its name is not to be removed any more */
    (void)sweep_directory(draft->store, remove_other_rejected, name);
    return true;
}

static bool
look_for_name(const struct store *store, const char *name, bool *taken, struct error *err)
{
    struct stat file;

    *taken = *taken || fstatat(store_fd(store), name, &file, AT_SYMLINK_NOFOLLOW) == 0;
    return *taken || errno == ENOENT || error_set_errno(err, errno, "look at '%s'", name);
}

void
store_make_names(struct wall when, int number, struct store_names *names)
{
    char stamp[WALL_FILE_SIZE];
    char counter[16] = "";

    wall_format_file(when, stamp);
    if (number > 1)
        (void)snprintf(counter, sizeof(counter), "-%d", number);
    (void)snprintf(names->dump, sizeof(names->dump), STORE_NAME_PREFIX "%s%s" STORE_NAME_DUMP_SUFFIX, stamp, counter);
    (void)snprintf(
        names->manifest, sizeof(names->manifest), STORE_NAME_PREFIX "%s%s" STORE_NAME_MANIFEST_SUFFIX, stamp, counter);
}

bool
store_choose_names(struct store *store, struct wall when, struct store_names *names, struct error *err)
{
    bool taken;

    for (int number = 1; number <= NAMES_TRIED; number++) {
        store_make_names(when, number, names);
        taken = false;
        if (!look_for_name(store, names->dump, &taken, err) || !look_for_name(store, names->manifest, &taken, err)) {
            space_advise(store_directory(store), err);
            return false;
        }
        if (!taken)
            return true;
    }
    return error_set(
        err, ERROR_SYSTEM, "no free name for a dump like '%s' in '%s'", names->dump, store_directory(store));
}

/* Writes and syncs the manifest under its draft's name; removes it on failure. */
static bool
write_manifest_draft(struct store *store, const char *name, const char *manifest, struct error *err)
{
    bool ok = false;
    int fd;

    (void)unlinkat(store_fd(store), name, 0); /* the name goes with our dump's draft: what has it is a leftover */
    fd = openat(store_fd(store), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return error_set_errno(err, errno, "create '%s'", name);
    ok = files_write(fd, manifest, strlen(manifest), err) && files_sync(fd, err);
    if (close(fd) == -1 && ok)
        ok = error_set_errno(err, errno, "close");
    if (ok)
        return true;
    (void)error_add(err, "'%s'", name);
    if (unlinkat(store_fd(store), name, 0) == -1)
        error_also(err, "'%s' could not be removed: %s", name, strerror(errno));
    return false;
}

/* In their order. The manifest stays if its dump may do so: even after a power cut there is none without it. */
static void
remove_unfinished(const struct store *store, const char *const names[UNFINISHED], struct error *err)
{
    struct error sync_error;

    for (size_t i = 0; i < UNFINISHED; i++) {
        if (names[i] == NULL)
            continue;
        if (unlinkat(store_fd(store), names[i], 0) == -1) {
            error_also(err, "'%s' could not be removed: %s", names[i], strerror(errno));
            return;
        }
        if (i == 0 && !files_sync_directory(store_fd(store), &sync_error)) {
            error_also(err, "'%s' may come back after a crash: %s", names[i], sync_error.text);
            return;
        }
    }
}

bool
store_publish(struct store *store, struct store_draft *draft, const struct store_names *names, const char *manifest,
    struct error *err)
{
    char manifest_draft[STORE_NAME_SIZE + 16];
    const char *unfinished[UNFINISHED] = { NULL }; /* to be removed if we leave early: dump, manifest, its draft */
    bool ok = false;

    (void)snprintf(manifest_draft, sizeof(manifest_draft), "%.*s" STORE_NAME_MANIFEST_SUFFIX STORE_NAME_DRAFT_SUFFIX,
        (int)(strlen(draft->name) - strlen(STORE_NAME_DUMP_SUFFIX STORE_NAME_DRAFT_SUFFIX)), draft->name);
    if (!write_manifest_draft(store, manifest_draft, manifest, err))
        goto out;
    unfinished[2] = manifest_draft;
    if (!files_publish(store_fd(store), manifest_draft, names->manifest, err))
        goto out;
    unfinished[2] = NULL;
    unfinished[1] = names->manifest;
    if (!files_sync_directory(store_fd(store), err))
        goto out;
    if (!files_publish(store_fd(store), draft->name, names->dump, err))
        goto out;
    draft->published = true;
    unfinished[0] = names->dump;
    if (!files_sync_directory(store_fd(store), err))
        goto out;
    ok = true;
out:
    if (!ok) {
        remove_unfinished(store, unfinished, err);
        (void)error_add(err, "publish '%s'", names->dump);
        space_advise(store_directory(store), err);
    }
    return ok;
}
