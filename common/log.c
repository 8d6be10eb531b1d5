#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"

#define LOG_BUFFER_BYTES (64 * 1024)
/* A pipe that polls as writable takes this much without blocking. */
#define LOG_CHUNK_BYTES 4096

static const char *const level_names[] = { "trace", "debug", "info", "warn", "error", "fatal" };

static const char *log_program;
static enum log_level log_least = LOG_LEVEL_INFO;
static struct text log_line; /* kept between lines for its memory */
static char waiting[LOG_BUFFER_BYTES];
static size_t waiting_length;
static int64_t lost_lines;

void
log_start(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

bool
log_flush(void)
{
    size_t written = 0;

    while (written < waiting_length) {
        struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
        size_t chunk = waiting_length - written;
        ssize_t count;

        if (poll(&out, 1, 0) != 1)
            break;
        if (chunk > LOG_CHUNK_BYTES)
            chunk = LOG_CHUNK_BYTES;
        count = write(STDERR_FILENO, waiting + written, chunk);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1 && errno == EAGAIN)
            break;
        if (count == -1) { /* nobody will ever read it: standard error is closed */
            written = waiting_length;
            break;
        }
        written += (size_t)count;
    }
    memmove(waiting, waiting + written, waiting_length - written);
    waiting_length -= written;
    return waiting_length == 0;
}

static void
log_add_field(const struct log_field *field)
{
    text_add(&log_line, ",");
    text_add_json(&log_line, field->name, strlen(field->name));
    text_add(&log_line, ":");
    switch (field->type) {
    case LOG_TYPE_TEXT:
        if (field->text == NULL)
            text_add(&log_line, "null");
        else
            text_add_json(&log_line, field->text, field->length == SIZE_MAX ? strlen(field->text) : field->length);
        break;
    case LOG_TYPE_NUMBER:
        text_format(&log_line, "%" PRId64, field->number);
        break;
    case LOG_TYPE_YES_NO:
        text_add(&log_line, field->number != 0 ? "true" : "false");
        break;
    case LOG_TYPE_END:
        break;
    }
}

static void
log_make_line(enum log_level level, const struct log_field *fields)
{
    char now[WALL_ISO_SIZE];

    wall_format_iso(wall_now(), now);
    text_reset(&log_line);
    text_format(&log_line, "{\"time\":\"%s\",\"level\":\"%s\"", now, level_names[level]);
    for (; fields->type != LOG_TYPE_END; fields++)
        log_add_field(fields);
    if (log_program != NULL)
        text_format(&log_line, ",\"program\":\"%s\"", log_program);
    text_format(&log_line, ",\"pid\":%ld}\n", (long)getpid());
}

static bool
log_keep_line(void)
{
    if (log_line.length > sizeof(waiting) - waiting_length)
        return false;
    memcpy(waiting + waiting_length, log_line.data, log_line.length);
    waiting_length += log_line.length;
    return true;
}

void
log_write(enum log_level level, const struct log_field *fields)
{
    if (level < log_least)
        return;
    (void)log_flush();
    if (lost_lines > 0) {
        log_make_line(LOG_LEVEL_WARN, (const struct log_field[]){ LOG_EVENT("log lines lost"),
                                          LOG_NUMBER("lines", lost_lines), { .type = LOG_TYPE_END } });
        if (log_keep_line())
            lost_lines = 0;
    }
    log_make_line(level, fields);
    if (lost_lines > 0 || !log_keep_line())
        lost_lines++;
    (void)log_flush();
}

bool
log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}
