/* JSON texts: whatever jansson takes we take, and the members that it finds we find. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "common/json.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    struct error err = ERROR_EMPTY;
    bool is_json = json_check(text, size, &err);
    const char *name;
    json_t *member;

    if (size > 1024) { /* either may have its own limit of nesting */
        json_decref(value);
        return 0;
    }
    assert(
        is_json || (value == NULL || memchr(text, '\0', size) != NULL)); /* jansson passes over a NUL behind a number */
    assert(is_json || err.text[0] != '\0');
    json_object_foreach(value, name, member)
    {
        struct json_part part = { .bytes = NULL };

        if (is_json && strpbrk(name, "\\\"/") == NULL)
            part = json_member(text, size, name);
        assert(part.bytes == NULL || (part.bytes >= text && part.bytes + part.length <= text + size));
        assert(part.bytes == NULL || json_check(part.bytes, part.length, &err));
    }
    json_decref(value);
    return 0;
}
