#include "jobs/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jobs/client.h"

#define APPLICATION DATABASE_APPLICATION " dump"

static bool
on_tick(void *owner, struct error *err)
{
    const struct dump_order *order = owner;
    struct stat file;

    if (fstat(order->fd, &file) == -1)
        return error_set_errno(err, errno, "look at '%s'", order->path);
    return order->on_tick(file.st_size, order->owner, err);
}

/* The session that held the snapshot was lost before pg_dump had taken it over. Servers differ in their words. */
static bool
is_snapshot_trouble(const char *words)
{
    return strstr(words, "invalid snapshot identifier") != NULL ||
           strstr(words, "could not import the requested snapshot") != NULL ||
           (strstr(words, "snapshot \"") != NULL && strstr(words, "does not exist") != NULL);
}

bool
dump_write(const struct dump_order *order, struct text *warnings, struct error *err)
{
    struct dump_order copy = *order;
    struct text file = TEXT_EMPTY;
    struct text snapshot = TEXT_EMPTY;
    struct text encoding = TEXT_EMPTY;
    struct text compression = TEXT_EMPTY;
    const char *argv[9] = { "pg_dump", "--format=custom", "--no-owner", "--no-acl" };
    size_t count = 4;
    struct client_command command = {
        .argv = argv, .application = APPLICATION, .database = order->database, .on_tick = on_tick, .owner = &copy
    };
    bool ok;

    text_format(&file, "--file=%s", order->path);
    argv[count++] = file.data;
    if (order->snapshot != NULL) {
        text_format(&snapshot, "--snapshot=%s", order->snapshot->id);
        text_format(&encoding, "--encoding=%s", order->snapshot->contents.encoding);
        argv[count++] = snapshot.data;
        argv[count++] = encoding.data;
    }
    if (order->compression != NULL) {
        text_format(&compression, "--compress=%s", order->compression);
        argv[count++] = compression.data;
    }
    ok = client_run(&command, warnings, err);
    if (!ok && err->code == ERROR_REFUSED && is_snapshot_trouble(err->text))
        err->code = ERROR_LOST;
    text_clear(&encoding);
    text_clear(&snapshot);
    text_clear(&compression);
    text_clear(&file);
    return ok;
}

bool
dump_find_version(struct text *version, struct error *err)
{
    const char *const argv[] = { "pg_dump", "--version", NULL };
    struct process_command command = { .argv = argv, .handed_down = PROCESS_NO_FD };
    struct process *process = process_start(&command, err);
    bool ok;

    if (process == NULL)
        return false;
    ok = process_finish(process, NULL, NULL, err);
    if (ok) {
        /* "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" */
        const char *words = process_words(process);
        const char *number = strpbrk(words, "0123456789");
        text_add(version, number == NULL ? words : number);
    }
    process_free(process);
    return ok;
}

bool
dump_check_compression(const char *compression, const char *version, struct error *err)
{
    static const char digits[] = "0123456789";
    int64_t major = 0;

    if (compression == NULL || strspn(compression, digits) == strlen(compression))
        return true;
    if (text_parse_integer(version, strspn(version, digits), 0, INT16_MAX, &major) && major >= 16)
        return true;
    return error_set(err, ERROR_CONFIG,
        "BACKUP_COMPRESSION=%s needs pg_dump 16 or newer, and this one is %s: set it to a level, 0 to 9", compression,
        version);
}
