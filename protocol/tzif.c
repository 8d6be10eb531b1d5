#include "protocol/tzif.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"

#define HEADER_SIZE 44
#define TYPE_SIZE 6 /* offset, is it summer time, name */

/* How many of each a block has, in the order of the header. */
enum { IN_UT, STANDARD, LEAPS, CHANGES, TYPES, NAME_BYTES, COUNTS };

static int64_t
read_big_endian(const char *bytes, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return size == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
}

/* The counts of the block at `at`, and how many bytes it has behind its header; times have `time_size` bytes. */
static bool
read_header(const char *bytes, size_t length, size_t at, size_t time_size, size_t counts[COUNTS], size_t *size)
{
    if (length - at < HEADER_SIZE || memcmp(bytes + at, "TZif", 4) != 0 || bytes[at + 4] < '2')
        return false;
    for (size_t i = 0; i < COUNTS; i++) {
        int64_t count = read_big_endian(bytes + at + 20 + i * 4, 4);

        if (count < 0 || count > TZIF_SIZE_MAX)
            return false;
        counts[i] = (size_t)count;
    }
    *size = counts[CHANGES] * (time_size + 1) + counts[TYPES] * TYPE_SIZE + counts[NAME_BYTES] +
            counts[LEAPS] * (time_size + 4) + counts[STANDARD] + counts[IN_UT];
    return *size <= length - at - HEADER_SIZE && counts[TYPES] > 0;
}

static bool
read_changes(const char *block, const size_t counts[COUNTS], struct tzif *table)
{
    const char *types = block + counts[CHANGES] * 8;
    const char *offsets = types + counts[CHANGES];

    table->count = counts[CHANGES];
    table->changes = memory_new(table->count * sizeof(*table->changes) + 1);
    table->offsets = memory_new(table->count * sizeof(*table->offsets) + 1);
    table->before = (int32_t)read_big_endian(offsets, 4);
    for (size_t i = 0; i < table->count; i++) {
        size_t type = (unsigned char)types[i];

        if (type >= counts[TYPES])
            return false;
        table->changes[i] = read_big_endian(block + i * 8, 8);
        table->offsets[i] = (int32_t)read_big_endian(offsets + type * TYPE_SIZE, 4);
        if (i > 0 && table->changes[i] <= table->changes[i - 1])
            return false;
    }
    return true;
}

/* The rule's line, between two line ends; an empty one says that there is no rule. */
static bool
read_rule(const char *line, size_t length, struct tzif *table)
{
    const char *end = length > 1 ? memchr(line + 1, '\n', length - 1) : NULL;
    size_t rule_length;

    if (end == NULL || *line != '\n')
        return false;
    rule_length = (size_t)(end - line - 1);
    table->has_rule = rule_length > 0;
    return !table->has_rule || timezone_rule_parse(line + 1, rule_length, &table->rule);
}

bool
tzif_parse(const char *bytes, size_t length, struct tzif *table, struct error *err)
{
    size_t counts[COUNTS];
    size_t size;
    size_t at;

    *table = (struct tzif){ .count = 0 };
    if (!read_header(bytes, length, 0, 4, counts, &size))
        return error_set(err, ERROR_INPUT, "no zone file of version 2 or later");
    at = HEADER_SIZE + size;
    if (!read_header(bytes, length, at, 8, counts, &size))
        return error_set(err, ERROR_INPUT, "a zone file without its second part");
    if (counts[LEAPS] > 0)
        return error_set(err, ERROR_INPUT, "a zone file with leap seconds");
    at += HEADER_SIZE;
    if (!read_changes(bytes + at, counts, table) || !read_rule(bytes + at + size, length - at - size, table)) {
        tzif_clear(table);
        return error_set(err, ERROR_INPUT, "a zone file with a broken table");
    }
    if (table->count == 0 && !table->has_rule)
        table->rule = (struct timezone_rule){ .standard = table->before };
    return true;
}

bool
tzif_read(const char *path, struct tzif *table, struct error *err)
{
    char *bytes = memory_new(TZIF_SIZE_MAX);
    size_t length = 0;
    ssize_t got = -1;
    bool ok = false;
    int fd;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd == -1) {
        (void)error_set_errno(err, errno, "open zone file '%s'", path);
        goto out;
    }
    while (length < TZIF_SIZE_MAX && (got = read(fd, bytes + length, TZIF_SIZE_MAX - length)) > 0)
        length += (size_t)got;
    if (got == -1) {
        (void)error_set_errno(err, errno, "read zone file '%s'", path);
        goto out;
    }
    ok = tzif_parse(bytes, length, table, err) || error_add(err, "zone file '%s'", path);
out:
    if (fd != -1)
        (void)close(fd); /* nothing was written */
    free(bytes);
    return ok;
}

/* How many changes are at or before the second. */
static size_t
count_before(const struct tzif *table, int64_t second)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->changes[middle] <= second)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct timezone_span
tzif_span(const struct tzif *table, int64_t second)
{
    size_t passed = count_before(table, second);
    struct timezone_span span = { .from = INT64_MIN, .until = INT64_MAX, .offset = table->before };

    if (passed == table->count && (table->has_rule || table->count == 0)) {
        span = timezone_rule_span(&table->rule, second);
        if (passed > 0 && span.from < table->changes[passed - 1])
            span.from = table->changes[passed - 1];
        return span;
    }
    if (passed > 0) {
        span.from = table->changes[passed - 1];
        span.offset = table->offsets[passed - 1];
    }
    if (passed < table->count)
        span.until = table->changes[passed];
    return span;
}

void
tzif_clear(struct tzif *table)
{
    free(table->changes);
    free(table->offsets);
    *table = (struct tzif){ .count = 0 };
}
