/* An .env: a value is found in it or is not, and what stands before and behind counts as it should. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/env_file.h"

#define NAME "PASSWORD_ENCRYPTION_KEY"

/* What is found between `before` and `behind`; whether anything is. */
static bool
find_between(const char *before, const char *file, const char *behind, struct secret *value)
{
    struct text text = TEXT_EMPTY;
    bool found;

    text_add(&text, before);
    text_add(&text, file);
    text_add(&text, behind);
    found = env_file_find(text_string(&text), NAME, value);
    assert(found == secret_is_set(value));
    text_clear(&text);
    return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *file = memory_copy((const char *)data, size);
    struct secret value = SECRET_EMPTY;
    struct secret other = SECRET_EMPTY;

    if (find_between("", file, "", &value)) {
        const char *found = secret_reveal(&value);

        assert(found[0] != '\0' && strchr(found, '\n') == NULL);
        assert(strstr(file, found) != NULL && strstr(file, NAME) != NULL);
        assert(find_between(NAME "=before\n", file, "", &other) && strcmp(secret_reveal(&other), found) == 0);
    }
    assert(find_between("", file, "\n" NAME "=behind", &other) && strcmp(secret_reveal(&other), "behind") == 0);
    assert(!find_between("", file, "\n" NAME "=", &other));
    secret_clear(&value);
    secret_clear(&other);
    free(file);
    return 0;
}
