/* A script in the words of pg_restore: it is read the same however it is cut into pieces, and its numbers add up. */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "jobs/archive_script.h"

static bool
read_script(const char *bytes, size_t length, size_t step, struct archive_contents *contents, struct error *err)
{
    struct archive_script *script = archive_script_new(contents);
    bool ok;

    for (size_t at = 0; at < length; at += step)
        archive_script_add(script, bytes + at, step < length - at ? step : length - at);
    ok = archive_script_finish(script, err);
    archive_script_free(script);
    return ok;
}

static void
check_contents(const struct archive_contents *contents)
{
    int64_t rows = 0;

    for (size_t i = 0; i < contents->count; i++) {
        const struct archive_table *table = &contents->tables[i];

        if (i > 0) {
            int order = strcmp(table[-1].schema, table->schema);
            assert(order < 0 || (order == 0 && strcmp(table[-1].name, table->name) < 0));
        }
        rows += table->rows;
    }
    assert(rows == contents->rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive_contents whole = ARCHIVE_CONTENTS_EMPTY;
    struct archive_contents pieces = ARCHIVE_CONTENTS_EMPTY;
    struct error err = ERROR_EMPTY;
    struct error again = ERROR_EMPTY;
    bool ok = read_script((const char *)data, size, size == 0 ? 1 : size, &whole, &err);

    assert(ok || (err.code == ERROR_INPUT && err.text[0] != '\0'));
    assert(read_script((const char *)data, size, size % 7 + 1, &pieces, &again) == ok);
    assert(strcmp(err.text, again.text) == 0);
    check_contents(&whole);
    check_contents(&pieces);
    assert(archive_contents_agree(&whole, "the whole", &pieces, "the pieces", &err));
    assert(whole.sequences == pieces.sequences && whole.large_objects == pieces.large_objects);
    archive_contents_clear(&whole);
    archive_contents_clear(&pieces);
    return 0;
}
