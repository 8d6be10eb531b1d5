#include "jobs/space.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool
space_look(const char *directory, int64_t *free_bytes, struct error *err)
{
    struct statvfs volume;

    if (statvfs(directory, &volume) == -1)
        return error_set_errno(err, errno, "look at the free space in '%s'", directory);
    if (volume.f_blocks == 0)
        return error_set(err, ERROR_REFUSED, "the file system of '%s' does not tell its free space", directory);
    if (__builtin_mul_overflow(volume.f_bavail, volume.f_frsize, free_bytes))
        *free_bytes = INT64_MAX;
    return true;
}

static void
add_state(const struct space *space, struct text *out)
{
    text_add_size(out, space->free_bytes);
    text_format(out, " are free in '%s', of which BACKUP_MIN_FREE_MB reserves ", space->directory);
    text_add_size(out, space->reserved_bytes);
}

bool
space_allows_dump(
    const struct space *space, int64_t last_bytes, int64_t database_bytes, struct text *warning, struct error *err)
{
    int64_t usable = space->free_bytes - space->reserved_bytes;
    struct text text = TEXT_EMPTY;
    bool fits = usable >= last_bytes;

    if (!fits) {
        add_state(space, &text);
        if (last_bytes > 0) {
            text_add(&text, ", and the last dump took ");
            text_add_size(&text, last_bytes);
        }
        (void)error_set(err, ERROR_REFUSED, "no room for a dump: %s: make room there", text_string(&text));
    } else if (last_bytes == 0 && usable < database_bytes) {
        text_add_size(warning, database_bytes);
        text_add(warning, " are in the database, and ");
        add_state(space, warning);
        text_add(warning, ": its dump, usually smaller, may not fit");
    }
    text_clear(&text);
    return fits;
}

bool
space_is_left(const struct space *space, int64_t dump_bytes, struct error *err)
{
    struct text text = TEXT_EMPTY;

    if (space->free_bytes >= space->reserved_bytes)
        return true;
    text_add(&text, "stopped after ");
    text_add_size(&text, dump_bytes);
    text_add(&text, " of the dump: only ");
    add_state(space, &text);
    (void)error_set(err, ERROR_REFUSED, "%s: make room there", text_string(&text));
    text_clear(&text);
    return false;
}

/* Why it failed, as an errno: our own call's, or what pg_dump says of its file; what a server says of its own disk is not meant. */
static int
reason_of(const struct error *err)
{
    static const int reasons[] = { ENOSPC, EDQUOT, EROFS, EIO };

    if (err->code == ERROR_SYSTEM)
        return err->sys_errno;
    if (strstr(err->text, "ERROR:") != NULL)
        return 0;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strstr(err->text, strerror(reasons[i])) != NULL)
            return reasons[i];
    return 0;
}

static void
add_advice(int reason, const char *directory, struct text *out)
{
    struct error ignored; /* then it says less */
    int64_t free_bytes = 0;

    switch (reason) {
    case ENOSPC:
        text_format(out, "make room in '%s'", directory);
        if (space_look(directory, &free_bytes, &ignored)) {
            text_add(out, ", where ");
            text_add_size(out, free_bytes);
            text_add(out, " are free");
        }
        break;
    case EDQUOT:
        text_format(out, "make room in '%s', or raise the quota of user %u", directory, geteuid());
        break;
    case EROFS:
        text_format(out, "'%s' is mounted read-only: mount it for writing, or see in the kernel's log why it became so",
            directory);
        break;
    case EIO:
        text_format(out, "the disk or network mount of '%s' has failed: see the kernel's log", directory);
        break;
    case EACCES:
    case EPERM:
        text_format(out, "user %u must be allowed to write in '%s'", geteuid(), directory);
        break;
    case ENOENT:
    case ENOTDIR:
        text_format(
            out, "BACKUP_STORAGE_DIR must be a directory that stays: is the volume of '%s' mounted?", directory);
        break;
    default:
        break;
    }
}

void
space_advise(const char *directory, struct error *err)
{
    struct text advice = TEXT_EMPTY;

    add_advice(reason_of(err), directory, &advice);
    if (advice.length > 0)
        error_advise(err, "%s", text_string(&advice));
    text_clear(&advice);
}
