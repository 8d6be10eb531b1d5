#include "common/secret.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

void
secret_set(struct secret *secret, const char *bytes, size_t length)
{
    secret_clear(secret);
    secret->value = memory_copy(bytes, length);
}

bool
secret_is_set(const struct secret *secret)
{
    return secret->value != NULL;
}

const char *
secret_reveal(const struct secret *secret)
{
    return secret->value;
}

void
secret_clear(struct secret *secret)
{
    if (secret->value != NULL)
        explicit_bzero(secret->value, strlen(secret->value));
    free(secret->value);
    secret->value = NULL;
}
