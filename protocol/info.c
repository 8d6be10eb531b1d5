#include "protocol/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define LEAST_VERSION 50000       /* BullMQ 5.76: refuses anything older */
#define RECOMMENDED_VERSION 60200 /* BullMQ 5.76: warns below */

/* The line "name:value"; NULL if it is not there. Its end is the next '\r'. */
static const char *
info_value(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1;
    }
    return NULL;
}

bool
info_find(const char *text, const char *name, struct text *out)
{
    const char *value = info_value(text, name);

    text_reset(out);
    if (value != NULL)
        text_add_bytes(out, value, strcspn(value, "\r\n"));
    return value != NULL;
}

static bool
info_says(const char *text, const char *name, const char *value)
{
    const char *said = info_value(text, name);

    return said != NULL && strcspn(said, "\r\n") == strlen(value) && strncmp(said, value, strlen(value)) == 0;
}

/* "7.0.15" as 70015. */
static int
version_number(const char *text)
{
    int version = 0;

    for (int part = 0; part < 3; part++) {
        char *end;
        long number = strtol(text, &end, 10);
        version = version * 100 + (int)(number < 0 ? 0 : number > 99 ? 99 : number);
        text = *end == '.' ? end + 1 : end;
    }
    return version;
}

bool
info_read(const char *text, struct info *out, struct error *err)
{
    const char *version = info_value(text, "redis_version");
    const char *run_id = info_value(text, "run_id");
    int number = version == NULL ? 0 : version_number(version);

    if (number < LEAST_VERSION)
        return error_set(err, ERROR_REFUSED, "this Redis is %.*s, but BullMQ needs 5.0.0 at least: upgrade it",
            version == NULL ? 7 : (int)strcspn(version, "\r\n"), version == NULL ? "unknown" : version);
    if (info_says(text, "loading", "1"))
        return error_set(err, ERROR_LOST, "Redis is loading its data");
    /* In a cluster a replica sends us to its master (MOVED). */
    if (info_says(text, "slave_read_only", "1") && !info_says(text, "cluster_enabled", "1"))
        return error_set(err, ERROR_REFUSED,
            "this Redis is a read-only replica: REDIS_URL must lead to the master, or it must become one");
    out->version = number;
    (void)snprintf(out->run_id, sizeof(out->run_id), "%.*s", run_id == NULL ? 0 : (int)strcspn(run_id, "\r\n"),
        run_id == NULL ? "" : run_id);
    return true;
}

void
info_warn(const char *text)
{
    const char *version = info_value(text, "redis_version");
    const char *policy = info_value(text, "maxmemory_policy");

    if (version != NULL && version_number(version) < RECOMMENDED_VERSION)
        log_warn(LOG_EVENT("redis is old"), LOG_BYTES("version", version, strcspn(version, "\r\n")),
            LOG_TEXT("advice", "6.2.0 or newer is recommended"));
    if (policy != NULL && !info_says(text, "maxmemory_policy", "noeviction"))
        log_warn(LOG_EVENT("redis may evict keys"), LOG_BYTES("maxmemoryPolicy", policy, strcspn(policy, "\r\n")),
            LOG_TEXT("advice", "set maxmemory-policy to noeviction, or jobs can vanish"));
}
