#include "jobs/archive_contents.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define ESCAPE_LENGTH 4 /* \\x5c */

static bool
is_utf8(const struct archive_contents *contents)
{
    return contents->encoding[0] == '\0' || strcmp(contents->encoding, "UTF8") == 0;
}

static char *
copy_name(const struct archive_contents *contents, const char *bytes, size_t length)
{
    struct text copy = TEXT_EMPTY;

    if (is_utf8(contents))
        text_add_utf8(&copy, bytes, length);
    else
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)bytes[i] >= 0x80 || bytes[i] == '\\')
                text_format(&copy, "\\x%02x", (unsigned char)bytes[i]);
            else
                text_add_bytes(&copy, bytes + i, 1);
    return copy.data == NULL ? memory_copy_string("") : text_take(&copy);
}

void
archive_contents_add_raw(const struct archive_contents *contents, const char *name, struct text *out)
{
    while (*name != '\0') {
        bool escaped = !is_utf8(contents) && *name == '\\' && strlen(name) >= ESCAPE_LENGTH;
        char byte = *name;

        if (escaped)
            byte = (char)strtoul((const char[]){ name[2], name[3], '\0' }, NULL, 16);
        text_add_bytes(out, &byte, 1);
        name += escaped ? ESCAPE_LENGTH : 1;
    }
}

void
archive_contents_add(struct archive_contents *contents, const char *schema, size_t schema_length, const char *name,
    size_t name_length, int64_t rows)
{
    if ((contents->count & (contents->count - 1)) == 0) /* the array's size is the next power of two */
        contents->tables = memory_resize(
            contents->tables, (contents->count == 0 ? 1 : contents->count * 2) * sizeof(*contents->tables));
    contents->tables[contents->count++] = (struct archive_table){ .schema = copy_name(contents, schema, schema_length),
        .name = copy_name(contents, name, name_length),
        .rows = rows,
        .parts = 1 };
    contents->rows += rows;
}

static void
free_table(struct archive_table *table)
{
    free(table->schema);
    free(table->name);
}

static int
compare_tables(const void *left, const void *right)
{
    const struct archive_table *a = left;
    const struct archive_table *b = right;
    int order = strcmp(a->schema, b->schema);

    return order != 0 ? order : strcmp(a->name, b->name);
}

void
archive_contents_sort(struct archive_contents *contents)
{
    size_t kept = 0;

    if (contents->count == 0)
        return;
    qsort(contents->tables, contents->count, sizeof(*contents->tables), compare_tables);
    for (size_t i = 1; i < contents->count; i++) {
        struct archive_table *table = &contents->tables[i];

        if (compare_tables(&contents->tables[kept], table) != 0)
            contents->tables[++kept] = *table;
        else {
            contents->tables[kept].rows += table->rows;
            contents->tables[kept].parts += table->parts;
            free_table(table);
        }
    }
    contents->count = kept + 1;
}

void
archive_contents_clear(struct archive_contents *contents)
{
    for (size_t i = 0; i < contents->count; i++)
        free_table(&contents->tables[i]);
    free(contents->tables);
    *contents = ARCHIVE_CONTENTS_EMPTY;
}

static const struct archive_table *
find_table(const struct archive_contents *contents, const struct archive_table *like)
{
    return contents->count == 0
               ? NULL
               : bsearch(like, contents->tables, contents->count, sizeof(*contents->tables), compare_tables);
}

/* The first of `those` tables that `contents` has not, and how many there are; NULL: none. */
static const struct archive_table *
find_missing(const struct archive_contents *contents, const struct archive_contents *those, size_t *count)
{
    const struct archive_table *first = NULL;

    *count = 0;
    for (size_t i = 0; i < those->count; i++)
        if (find_table(contents, &those->tables[i]) == NULL && (*count)++ == 0)
            first = &those->tables[i];
    return first;
}

static bool
lacks_none(
    const struct archive_contents *contents, const char *whose, const struct archive_contents *those, struct error *err)
{
    size_t count;
    const struct archive_table *missing = find_missing(contents, those, &count);
    struct text name = TEXT_EMPTY;

    if (missing == NULL)
        return true;
    archive_table_add_name(missing, &name);
    if (count > 1)
        text_format(&name, " and %zu more", count - 1);
    (void)error_set(err, ERROR_INPUT, "%s lacks table %s", whose, text_string(&name));
    text_clear(&name);
    return false;
}

static bool
has_all_parts(const struct archive_contents *found, const struct archive_table *table, struct error *err)
{
    const struct archive_table *there = find_table(found, table);
    size_t parts = there == NULL ? 0 : there->parts;
    struct text name = TEXT_EMPTY;

    if (parts >= table->parts)
        return true;
    archive_table_add_name(table, &name);
    (void)error_set(err, ERROR_INPUT, "the dump lacks %zu of the %zu partitions of table %s", table->parts - parts,
        table->parts, text_string(&name));
    text_clear(&name);
    return false;
}

bool
archive_contents_cover(const struct archive_contents *found, const struct archive_contents *expected, struct error *err)
{
    if (!lacks_none(found, "the dump", expected, err))
        return false;
    for (size_t i = 0; i < expected->count; i++)
        if (!has_all_parts(found, &expected->tables[i], err))
            return false;
    if (found->large_objects < expected->large_objects)
        return error_set(err, ERROR_INPUT, "the dump has %" PRId64 " large objects, the database had %" PRId64,
            found->large_objects, expected->large_objects);
    if (found->sequences < expected->sequences)
        return error_set(err, ERROR_INPUT, "the dump has %" PRId64 " sequences, the database had %" PRId64,
            found->sequences, expected->sequences);
    return true;
}

bool
archive_contents_agree(const struct archive_contents *one, const char *whose, const struct archive_contents *other,
    const char *whose_other, struct error *err)
{
    struct text name = TEXT_EMPTY;

    if (!lacks_none(one, whose, other, err) || !lacks_none(other, whose_other, one, err))
        return false;
    for (size_t i = 0; i < one->count; i++) { /* both have the same tables, in the same order */
        if (one->tables[i].rows == other->tables[i].rows)
            continue;
        archive_table_add_name(&one->tables[i], &name);
        (void)error_set(err, ERROR_INPUT, "table %s has %" PRId64 " rows in %s, %" PRId64 " in %s", text_string(&name),
            one->tables[i].rows, whose, other->tables[i].rows, whose_other);
        text_clear(&name);
        return false;
    }
    return true;
}

static bool
is_plain(const char *name)
{
    return *name != '\0' && strchr("0123456789$", *name) == NULL &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789$")] == '\0';
}

static void
add_identifier(const char *name, struct text *out)
{
    if (is_plain(name)) {
        text_add(out, name);
        return;
    }
    text_add(out, "\"");
    for (; *name != '\0'; name++) {
        if (*name == '"')
            text_add(out, "\"");
        text_add_bytes(out, name, 1);
    }
    text_add(out, "\"");
}

void
archive_contents_add_summary(const struct archive_contents *contents, struct text *out)
{
    text_add_count(out, (int64_t)contents->count, "table");
    text_add(out, " with ");
    text_add_count(out, contents->rows, "row");
    text_add(out, ", ");
    text_add_count(out, contents->large_objects, "large object");
    text_add(out, ", ");
    text_add_count(out, contents->sequences, "sequence");
}

void
archive_table_add_name(const struct archive_table *table, struct text *out)
{
    add_identifier(table->schema, out);
    text_add(out, ".");
    add_identifier(table->name, out);
}

/* One identifier from the front of the bytes, without its quotes; returns how many were taken, 0 if there is none. */
static size_t
take_identifier(const char *bytes, size_t length, struct text *out)
{
    size_t at = 0;

    if (length == 0 || *bytes != '"') {
        while (at < length && strchr(" \t\r\n.,;()'\"", bytes[at]) == NULL)
            at++;
        text_add_bytes(out, bytes, at);
        return at;
    }
    for (at = 1; at < length; at++) {
        if (bytes[at] == '"') {
            at++; /* behind it: another one that it escapes, or the end */
            if (at == length || bytes[at] != '"')
                return at;
        }
        text_add_bytes(out, bytes + at, 1);
    }
    return 0;
}

size_t
archive_contents_add_quoted(struct archive_contents *contents, const char *bytes, size_t length, int64_t rows)
{
    struct text schema = TEXT_EMPTY;
    struct text name = TEXT_EMPTY;
    size_t dot = take_identifier(bytes, length, &schema);
    size_t rest = 0;

    if (dot > 0 && dot < length && bytes[dot] == '.')
        rest = take_identifier(bytes + dot + 1, length - dot - 1, &name);
    if (rest > 0)
        archive_contents_add(contents, text_string(&schema), schema.length, text_string(&name), name.length, rows);
    text_clear(&schema);
    text_clear(&name);
    return rest == 0 ? 0 : dot + 1 + rest;
}

void
archive_contents_add_rows(struct archive_contents *contents, int64_t rows)
{
    contents->tables[contents->count - 1].rows += rows;
    contents->rows += rows;
}
