/* A script with the rows of _prisma_migrations: names are in order and stand in it; of a script that was cut off, no others than of the whole. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/migrations.h"

static bool
read_part(const char *bytes, size_t size, struct migrations *out)
{
    char *script = memory_copy(bytes, size);
    bool told = migrations_read_script(script, out);

    assert(told || out->count == 0);
    for (size_t i = 0; i < out->count; i++) {
        assert(strpbrk(out->names[i], "\t\n") == NULL && strstr(script, out->names[i]) != NULL);
        assert(migrations_have(out, out->names[i]));
    }
    free(script);
    return told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct migrations whole = MIGRATIONS_EMPTY;
    struct migrations part = MIGRATIONS_EMPTY;
    size_t cut = size == 0 ? 0 : size - 1 - data[size - 1] % size;
    bool told = read_part((const char *)data, size, &whole);

    if (read_part((const char *)data, cut, &part)) {
        assert(told && part.count <= whole.count);
        for (size_t i = 0; i < part.count; i++)
            assert(migrations_have(&whole, part.names[i]));
    }
    migrations_clear(&whole);
    migrations_clear(&part);
    return 0;
}
