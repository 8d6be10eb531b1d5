#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [ERROR_NONE] = "none",
    [ERROR_CONFIG] = "config",
    [ERROR_INPUT] = "input",
    [ERROR_REFUSED] = "refused",
    [ERROR_DENIED] = "denied",
    [ERROR_LOST] = "lost",
    [ERROR_TIMEOUT] = "timeout",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_STOPPED] = "stopped",
    [ERROR_SYSTEM] = "system",
    [ERROR_BUG] = "bug",
};

const char *
error_code_name(enum error_code code)
{
    return names[code];
}

enum error_code
error_code_named(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return (enum error_code)i;
    return ERROR_NONE;
}

bool
error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list arguments;

    err->code = code;
    err->sys_errno = 0;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return false;
}

bool
error_set_errno(struct error *err, int errnum, const char *format, ...)
{
    va_list arguments;
    size_t length;

    err->code = ERROR_SYSTEM;
    err->sys_errno = errnum;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    length = strlen(err->text);
    (void)snprintf(err->text + length, sizeof(err->text) - length, ": %s", strerror(errnum));
    return false;
}

bool
error_add(struct error *err, const char *format, ...)
{
    char before[sizeof(err->text)];
    va_list arguments;

    memcpy(before, err->text, sizeof(before));
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    size_t length = strlen(err->text);
    (void)snprintf(err->text + length, sizeof(err->text) - length, ": %s", before);
    return false;
}

/* Puts one more part behind the text: `before`, it, `after`. */
static void append(struct error *err, const char *before, const char *format, va_list arguments, const char *after)
    PRINTF_LIKE(3, 0);

static void
append(struct error *err, const char *before, const char *format, va_list arguments, const char *after)
{
    char part[sizeof(err->text)];
    size_t length = strlen(err->text);

    (void)vsnprintf(part, sizeof(part), format, arguments);
    (void)snprintf(err->text + length, sizeof(err->text) - length, "%s%s%s", before, part, after);
}

void
error_also(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(err, " (also: ", format, arguments, ")");
    va_end(arguments);
}

void
error_advise(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(err, "; ", format, arguments, "");
    va_end(arguments);
}
