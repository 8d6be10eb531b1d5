#include "jobs/store_name.h"

#include <stddef.h>
#include <string.h>

#define CHARACTERS "0123456789TZ:-" /* of a time and a counter */

static bool
has_ending(const char *name, size_t length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length && memcmp(name + length - suffix_length, suffix, suffix_length) == 0;
}

/* The length of the middle, between "weavestream-postgres-" and `suffix`; 0 if `name` is not made so. */
static size_t
middle_length(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    size_t middle;

    if (strncmp(name, STORE_NAME_PREFIX, strlen(STORE_NAME_PREFIX)) != 0 || !has_ending(name, length, suffix))
        return 0;
    if (length < strlen(STORE_NAME_PREFIX) + strlen(suffix))
        return 0;
    middle = length - strlen(STORE_NAME_PREFIX) - strlen(suffix);
    return strspn(name + strlen(STORE_NAME_PREFIX), CHARACTERS) == middle ? middle : 0;
}

bool
store_name_is_dump(const char *name)
{
    return middle_length(name, STORE_NAME_DUMP_SUFFIX) > 0;
}

bool
store_name_is_published(const char *name)
{
    return store_name_is_dump(name) || middle_length(name, STORE_NAME_MANIFEST_SUFFIX) > 0;
}

bool
store_name_is_draft(const char *name, bool *ours)
{
    const char *middle = name + 1 + strlen(STORE_NAME_PREFIX);
    size_t length;
    const char *zulu;

    if (name[0] != '.')
        return false;
    length = middle_length(name + 1, STORE_NAME_DUMP_SUFFIX STORE_NAME_DRAFT_SUFFIX);
    if (length == 0)
        length = middle_length(name + 1, STORE_NAME_MANIFEST_SUFFIX STORE_NAME_DRAFT_SUFFIX);
    if (length == 0)
        return false;
    zulu = memchr(middle, 'Z', length);
    *ours = zulu != NULL && zulu + 1 < middle + length && zulu[1] == '-';
    return true;
}

bool
store_name_is_rejected(const char *name)
{
    return name[0] == '.' && middle_length(name + 1, STORE_NAME_REJECTED_SUFFIX) > 0;
}

bool
store_name_add_dump(const char *manifest, struct text *out)
{
    size_t middle = middle_length(manifest, STORE_NAME_MANIFEST_SUFFIX);

    if (middle > 0) {
        text_add_bytes(out, manifest, strlen(STORE_NAME_PREFIX) + middle);
        text_add(out, STORE_NAME_DUMP_SUFFIX);
    }
    return middle > 0;
}
