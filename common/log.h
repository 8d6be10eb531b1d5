/*
 * log: one JSON object a line on standard error.
 *
 *     log_warn(LOG_EVENT("lock lost"), LOG_TEXT("queue", queue), LOG_TEXT("job", id), LOG_NUMBER("attempt", attempt));
 *
 * A constant event name, then typed fields, the object it is about first. No sentence is assembled from foreign text; what comes from
 * outside is a field of its own, escaped. `time`, `level`, `pid` and `program` are added to every line.
 *
 * Standard error never holds us up: what it does not take at once waits in a buffer of 64 KB and goes out with the next line or
 * log_flush(); what does not fit is counted, and the event `log lines lost` tells how many once there is room again. One thread.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum log_level { LOG_LEVEL_TRACE, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_FATAL };

enum log_type { LOG_TYPE_END, LOG_TYPE_TEXT, LOG_TYPE_NUMBER, LOG_TYPE_YES_NO };

struct log_field {
    enum log_type type;
    const char *name;
    const char *text; /* LOG_TYPE_TEXT; NULL is written as null */
    size_t length;    /* of text; SIZE_MAX: up to its NUL */
    int64_t number;
};

#define LOG_TEXT(field, string)                                                                                        \
    {                                                                                                                  \
        .type = LOG_TYPE_TEXT, .name = (field), .text = (string), .length = SIZE_MAX                                   \
    }
#define LOG_BYTES(field, bytes, count)                                                                                 \
    {                                                                                                                  \
        .type = LOG_TYPE_TEXT, .name = (field), .text = (bytes), .length = (count)                                     \
    }
#define LOG_NUMBER(field, value)                                                                                       \
    {                                                                                                                  \
        .type = LOG_TYPE_NUMBER, .name = (field), .number = (int64_t)(value)                                           \
    }
#define LOG_YES_NO(field, value)                                                                                       \
    {                                                                                                                  \
        .type = LOG_TYPE_YES_NO, .name = (field), .number = (value) ? 1 : 0                                            \
    }
#define LOG_EVENT(name) LOG_TEXT("event", name)
#define LOG_ERROR(err) LOG_TEXT("error", (err)->text)

#define LOG_AT(level, ...) log_write((level), (const struct log_field[]){ __VA_ARGS__, { .type = LOG_TYPE_END } })
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_fatal(...) LOG_AT(LOG_LEVEL_FATAL, __VA_ARGS__)

void log_start(const char *program, enum log_level least); /* `program` must stay valid; before it: info, no program */
void log_write(enum log_level level, const struct log_field *fields);
bool log_flush(void); /* writes what waits, as far as standard error takes it; true when nothing waits */

bool log_level_parse(const char *name, enum log_level *level) MUST_CHECK;
const char *log_level_name(enum log_level level);

#endif
