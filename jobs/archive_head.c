#include "jobs/archive_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "jobs/stream.h"

#define HEAD_BYTES ((size_t)16384)

bool
archive_head_read_line(const char *line, size_t length, char version[ARCHIVE_HEAD_VERSION_SIZE])
{
    static const char words[] = "Dumped from database version";
    size_t blank;

    while (length > 0 && strchr(";- \t", *line) != NULL) {
        line++;
        length--;
    }
    if (length < sizeof(words) || memcmp(line, words, sizeof(words) - 1) != 0)
        return false;
    line += sizeof(words) - 1;
    length -= sizeof(words) - 1;
    for (blank = 0; blank < length && strchr(": ", line[blank]) != NULL; blank++)
        ;
    (void)snprintf(version, ARCHIVE_HEAD_VERSION_SIZE, "%.*s", (int)(length - blank), line + blank);
    return true;
}

/* The front is enough; the rest is read because the program would not end otherwise. */
static void
keep_front(const char *bytes, size_t length, void *owner)
{
    struct text *head = owner;
    size_t room = HEAD_BYTES - head->length;

    text_add_bytes(head, bytes, length < room ? length : room);
}

bool
archive_head_read(const char *path, char version[ARCHIVE_HEAD_VERSION_SIZE], struct error *err)
{
    const char *const argv[] = { "pg_restore", "--list", path, NULL };
    struct text head = TEXT_EMPTY;
    struct stream stream = { .argv = argv, .on_bytes = keep_front, .owner = &head };
    bool ok = stream_read(&stream, err);

    version[0] = '\0';
    for (const char *line = text_string(&head); ok && *line != '\0'; line += *line == '\n') {
        size_t length = strcspn(line, "\n");

        if (archive_head_read_line(line, length, version))
            break;
        line += length;
    }
    text_clear(&head);
    return ok;
}

bool
archive_head_find_reader(char version[ARCHIVE_HEAD_VERSION_SIZE], struct error *err)
{
    static const char words[] = "(PostgreSQL) ";
    const char *const argv[] = { "pg_restore", "--version", NULL };
    struct text head = TEXT_EMPTY;
    struct stream stream = { .argv = argv, .on_bytes = keep_front, .owner = &head };
    bool ok = stream_read(&stream, err);
    const char *found = strstr(text_string(&head), words);

    (void)snprintf(version, ARCHIVE_HEAD_VERSION_SIZE, "%.*s",
        found == NULL ? 0 : (int)strcspn(found + strlen(words), "\n"), found == NULL ? "" : found + strlen(words));
    text_clear(&head);
    return ok;
}

int
archive_head_major(const char *version)
{
    int64_t major;

    return text_parse_integer(version, strspn(version, "0123456789"), 1, 9999, &major) ? (int)major : 0;
}
