#include "jobs/sql_script.h"

#include <stddef.h>
#include <string.h>

#include "jobs/stream.h"

#define LINE_BYTES ((size_t)256) /* of each line; what is looked for stands in front */
#define ARCHIVE_MAGIC "PGDMP"

struct reading {
    struct sql_script *script;
    sql_script_progress_fn *on_progress;
    void *owner;
    char line[LINE_BYTES + 1]; /* the one that is being read */
    size_t length;
    bool in_rows;    /* between a COPY and its end */
    bool ended;      /* the last line of a dump was there */
    bool is_archive; /* of another format, which somebody packed */
    bool connects;   /* it goes to other databases */
};

bool
sql_script_is(const char *bytes, size_t length)
{
    return length >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0;
}

static bool
starts_with(const char *line, const char *prefix)
{
    return strncmp(line, prefix, strlen(prefix)) == 0;
}

static void
end_line(struct reading *reading)
{
    const char *line = reading->line;

    reading->line[reading->length] = '\0';
    if (reading->in_rows)
        reading->in_rows = strcmp(line, "\\.") != 0;
    else if (starts_with(line, "COPY ")) {
        reading->in_rows = true;
        reading->script->tables++;
    } else if (starts_with(line, "DROP TABLE "))
        reading->script->drops = true;
    else if (starts_with(line, "\\connect "))
        reading->connects = true;
    else if (starts_with(line, "-- PostgreSQL database dump complete"))
        reading->ended = true;
    else if (reading->script->server_version[0] == '\0')
        (void)archive_head_read_line(line, reading->length, reading->script->server_version);
    reading->length = 0;
}

static void
on_bytes(const char *bytes, size_t length, void *owner)
{
    struct reading *reading = owner;

    if (reading->script->bytes == 0)
        reading->is_archive =
            length >= strlen(ARCHIVE_MAGIC) && memcmp(bytes, ARCHIVE_MAGIC, strlen(ARCHIVE_MAGIC)) == 0;
    reading->script->bytes += (int64_t)length;
    for (const char *end = bytes + length; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t part = (size_t)((newline == NULL ? end : newline) - bytes);
        size_t room = LINE_BYTES - reading->length;

        memcpy(reading->line + reading->length, bytes, part < room ? part : room);
        reading->length += part < room ? part : room;
        bytes += part + 1;
        if (newline != NULL)
            end_line(reading);
    }
}

static void
on_progress(int64_t bytes, void *owner)
{
    const struct reading *reading = owner;

    reading->on_progress(bytes < 0 ? 0 : bytes, reading->owner);
}

bool
sql_script_read(const char *path, sql_script_progress_fn *tell, void *owner, struct sql_script *out, struct error *err)
{
    const char *const argv[] = { "gzip", "-dc", path, NULL };
    struct reading reading = { .script = out, .on_progress = tell, .owner = owner };
    struct stream stream = { .argv = argv, .on_bytes = on_bytes, .on_progress = on_progress, .owner = &reading };

    *out = (struct sql_script){ .bytes = 0 };
    if (!stream_read(&stream, err)) {
        if (err->code == ERROR_REFUSED)
            err->code = ERROR_INPUT;
        return error_add(err, "it could not be unpacked");
    }
    if (reading.is_archive)
        return error_set(
            err, ERROR_INPUT, "it is an archive that somebody packed: unpack it (gunzip), then restore it");
    if (reading.connects)
        return error_set(err, ERROR_INPUT,
            "it connects to databases by itself (a dump of a whole server?), so it cannot be restored into one");
    return reading.ended ||
           error_set(err, ERROR_INPUT,
               "its last line is not that of a dump (-- PostgreSQL database dump complete): it is not whole");
}
