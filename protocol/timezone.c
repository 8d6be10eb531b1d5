#include "protocol/timezone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"
#include "protocol/tzif.h"

#define LOCAL_FILE "/etc/localtime"

struct time_zone {
    struct time_zone *next;
    char *name; /* as it was asked for first; another case is the same zone */
    struct tzif table;
};

struct timezones {
    char *folder;
    char *local; /* NULL: LOCAL_FILE */
    struct time_zone *first;
};

struct timezones *
timezones_new(const char *folder, const char *local)
{
    struct timezones *zones = memory_new(sizeof(*zones));

    zones->folder = memory_copy_string(folder);
    if (local != NULL && *local == ':')
        local++;
    zones->local = memory_copy_string(local != NULL && *local == '\0' ? "UTC" : local);
    return zones;
}

static void
free_zone(struct time_zone *zone)
{
    tzif_clear(&zone->table);
    free(zone->name);
    free(zone);
}

void
timezones_free(struct timezones *zones)
{
    struct time_zone *zone;

    if (zones == NULL)
        return;
    while ((zone = zones->first) != NULL) {
        zones->first = zone->next;
        free_zone(zone);
    }
    free(zones->folder);
    free(zones->local);
    free(zones);
}

static bool
is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcasecmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

/* "UTC", "GMT", "UTC+3", "utc-11:30". */
static bool
read_fixed(const char *name, int32_t *offset)
{
    const char *colon = strchr(name, ':');
    size_t length = strlen(name);
    int64_t hours;
    int64_t minutes = 0;

    *offset = 0;
    if (strcasecmp(name, "utc") == 0 || strcasecmp(name, "gmt") == 0)
        return true;
    if (length < 5 || strncasecmp(name, "utc", 3) != 0 || (name[3] != '+' && name[3] != '-'))
        return false;
    if (colon != NULL) {
        if (strlen(colon + 1) != 2 || !text_parse_integer(colon + 1, 2, 0, 99, &minutes))
            return false;
        length = (size_t)(colon - name);
    }
    if (length > 6 || !text_parse_integer(name + 4, length - 4, 0, 99, &hours))
        return false;
    *offset = (int32_t)((hours * 60 + minutes) * 60) * (name[3] == '-' ? -1 : 1);
    return true;
}

/* The entry of the folder that has this name but for its case, put behind a '/' on the path. */
static bool
add_entry(struct text *path, const char *name, size_t length)
{
    DIR *folder = opendir(path->data);
    const struct dirent *entry = NULL;

    if (folder == NULL)
        return false;
    do
        entry = readdir(folder);
    while (entry != NULL && (strlen(entry->d_name) != length || strncasecmp(entry->d_name, name, length) != 0));
    if (entry != NULL)
        text_format(path, "/%s", entry->d_name);
    (void)closedir(folder);
    return entry != NULL;
}

/* False: the folder has no such file. Names with a dot, which none has, are not looked for, so nothing outside the folder is. */
static bool
find_file(const char *folder, const char *name, struct text *path)
{
    /* What is in the folder but is no zone, as what this machine uses; posix/ and right/ are copies of the whole. */
    static const char *const others[] = { "localtime", "posixrules", "leapseconds", "Factory", NULL };
    const char *part = name;
    size_t length;

    if (is_one_of(name, others) || strncasecmp(name, "posix/", 6) == 0 || strncasecmp(name, "right/", 6) == 0)
        return false;
    if (strchr(name, '.') != NULL || strlen(name) > TIMEZONE_NAME_MAX)
        return false;
    text_add(path, folder);
    for (;;) {
        length = strcspn(part, "/");
        if (length == 0 || !add_entry(path, part, length))
            return false;
        if (part[length] == '\0')
            return true;
        part += length + 1;
    }
}

static bool
is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool
read_zone(const struct timezones *zones, const char *name, struct tzif *table, struct error *err)
{
    static const char *const local_names[] = { "local", "system", "default", NULL };
    struct text path = TEXT_EMPTY;
    int32_t offset;
    bool ok = false;

    if (is_one_of(name, local_names)) {
        if (zones->local != NULL && !is_one_of(zones->local, local_names))
            return read_zone(zones, zones->local, table, err);
        text_add(&path, LOCAL_FILE);
        ok = tzif_read(path.data, table, err);
    } else if (read_fixed(name, &offset)) {
        *table = (struct tzif){ .rule = { .standard = offset } };
        ok = true;
    } else if (find_file(zones->folder, name, &path) && is_file(path.data)) {
        ok = tzif_read(path.data, table, err);
    } else {
        (void)error_set(err, ERROR_CONFIG, "time zone '%s' does not exist", name);
    }
    text_clear(&path);
    return ok;
}

const struct time_zone *
timezones_find(struct timezones *zones, const char *name, struct error *err)
{
    struct time_zone *zone;
    struct tzif table;

    if (name == NULL)
        name = "local";
    for (zone = zones->first; zone != NULL; zone = zone->next)
        if (strcasecmp(zone->name, name) == 0)
            return zone;
    if (!read_zone(zones, name, &table, err))
        return NULL;
    zone = memory_new(sizeof(*zone));
    zone->name = memory_copy_string(name);
    zone->table = table;
    zone->next = zones->first;
    zones->first = zone;
    return zone;
}

struct timezone_span
timezone_span(const struct time_zone *zone, int64_t second)
{
    return tzif_span(&zone->table, second);
}
