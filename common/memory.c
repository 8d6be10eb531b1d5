#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
memory_or_end(void *block, size_t size)
{
    if (block == NULL) {
        (void)fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"out of memory\",\"bytes\":%zu}\n", size);
        abort();
    }
    return block;
}

void *
memory_new(size_t size)
{
    return memory_or_end(calloc(1, size), size);
}

void *
memory_resize(void *block, size_t size)
{
    return memory_or_end(realloc(block, size), size);
}

char *
memory_copy(const char *bytes, size_t length)
{
    char *copy = memory_resize(NULL, length + 1);

    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *
memory_copy_string(const char *string)
{
    return string == NULL ? NULL : memory_copy(string, strlen(string));
}
