#include "jobs/env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define INPUT "-"

const char *
env_file_name(const char *path)
{
    return strcmp(path, INPUT) == 0 ? "standard input" : path;
}

static int
open_file(const char *path)
{
    return strcmp(path, INPUT) == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

bool
env_file_read(const char *path, struct secret *out, struct error *err)
{
    const char *name = env_file_name(path);
    int fd = open_file(path);
    struct text text = TEXT_EMPTY;
    char bytes[4096];
    ssize_t count = 0;
    bool ok;

    if (fd == -1)
        return error_set_errno(err, errno, "open '%s'", name);
    while (text.length <= FILE_BYTES_MAX && (count = read(fd, bytes, sizeof(bytes))) > 0)
        text_add_bytes(&text, bytes, (size_t)count);
    ok = count != -1 || error_set_errno(err, errno, "read '%s'", name);
    if (ok && (text.length > FILE_BYTES_MAX || strlen(text_string(&text)) < text.length))
        ok = error_set(err, ERROR_INPUT, "'%s' is no .env: it is larger than 1 MB, or has a NUL byte", name);
    (void)close(fd); /* was only read */
    if (ok)
        secret_set(out, text_string(&text), text.length);
    explicit_bzero(bytes, sizeof(bytes));
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    text_clear(&text);
    return ok;
}

/* Behind the '=', where the line is about this variable; else NULL. */
static const char *
match_name(const char *line, const char *name)
{
    line += strspn(line, " \t");
    if (strncmp(line, "export ", 7) == 0)
        line += 7 + strspn(line + 7, " \t");
    if (strncmp(line, name, strlen(name)) != 0)
        return NULL;
    line += strlen(name);
    line += strspn(line, " \t");
    return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/* Without its quotes; else without the comment and the blanks behind it. */
static size_t
value_length(const char **value)
{
    size_t length;

    if (**value == '"' || **value == '\'') {
        const char quote[] = { **value, '\n', '\0' };

        (*value)++;
        return strcspn(*value, quote);
    }
    for (length = 0; strchr("\r\n", (*value)[length]) == NULL; length++)
        if ((*value)[length] == '#' && (length == 0 || strchr(" \t", (*value)[length - 1]) != NULL))
            break;
    while (length > 0 && strchr(" \t", (*value)[length - 1]) != NULL)
        length--;
    return length;
}

bool
env_file_find(const char *text, const char *name, struct secret *out)
{
    secret_clear(out);
    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        const char *value = match_name(line, name);

        if (value != NULL) {
            size_t length = value_length(&value);

            secret_clear(out);
            if (length > 0)
                secret_set(out, value, length);
        }
        line += strcspn(line, "\n");
    }
    return secret_is_set(out);
}
