/* A manifest, from wherever: it is read or refused, and what is read can be written and read again. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "jobs/manifest.h"

static void
check_again(const struct manifest_facts *facts)
{
    struct manifest manifest = { .weavestream_version = "dev",
        .migration_hash = "unknown",
        .password_key_id = "1",
        .database_hostname = "",
        .filename = facts->filename,
        .size_bytes = facts->size_bytes,
        .sha256 = facts->sha256,
        .run_id = "11111111-2222-3333-4444-555555555555",
        .pg_dump_version = "15",
        .server_version = "15",
        .contents = facts->has_contents ? &facts->contents : NULL,
        .verified_level = facts->verified_level };
    struct manifest_facts again = MANIFEST_FACTS_EMPTY;
    struct error err = ERROR_EMPTY;
    struct text text = TEXT_EMPTY;

    manifest_add_json(&manifest, true, &text);
    assert(manifest_read(text_string(&text), text.length, &again, &err));
    assert(strcmp(again.filename, facts->filename) == 0 && again.size_bytes == facts->size_bytes);
    assert(again.has_contents == facts->has_contents && again.contents.rows == facts->contents.rows);
    assert(archive_contents_agree(&again.contents, "again", &facts->contents, "before", &err));
    text_clear(&text);
    manifest_facts_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest_facts facts = MANIFEST_FACTS_EMPTY;
    struct error err = ERROR_EMPTY;

    if (manifest_read((const char *)data, size, &facts, &err))
        check_again(&facts);
    else
        assert(err.code == ERROR_INPUT && err.text[0] != '\0');
    manifest_facts_clear(&facts);
    return 0;
}
