#include "jobs/manifest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/sha256.h"

#define ROWS_MAX ((int64_t)1 << 41) /* more than a table of Postgres can have; and their sum stays a number */

struct writer {
    struct text *out;
    bool indented;
    int depth; /* of the object that is being written, 1 at least */
    bool started;
};

static void
add_line_break(const struct writer *writer, int depth)
{
    if (writer->indented)
        text_format(writer->out, "\n%*s", depth * 2, "");
}

static void
add_key(struct writer *writer, const char *key)
{
    if (writer->started)
        text_add(writer->out, ",");
    writer->started = true;
    add_line_break(writer, writer->depth);
    text_add_json(writer->out, key, strlen(key));
    text_add(writer->out, writer->indented ? ": " : ":");
}

static void
end_object(const struct writer *writer)
{
    if (writer->started)
        add_line_break(writer, writer->depth - 1);
    text_add(writer->out, "}");
}

static void
add_string(struct writer *writer, const char *key, const char *value)
{
    add_key(writer, key);
    text_add_json(writer->out, value, strlen(value));
}

static void
add_number(struct writer *writer, const char *key, int64_t value)
{
    add_key(writer, key);
    text_format(writer->out, "%" PRId64, value);
}

static void
add_contents(struct writer *writer, const struct archive_contents *contents)
{
    struct writer tables = { .out = writer->out, .indented = writer->indented, .depth = writer->depth + 1 };
    struct text name = TEXT_EMPTY;

    add_key(writer, "tables");
    text_add(writer->out, "{");
    for (size_t i = 0; i < contents->count; i++) {
        text_reset(&name);
        archive_table_add_name(&contents->tables[i], &name);
        add_number(&tables, text_string(&name), contents->tables[i].rows);
    }
    end_object(&tables);
    text_clear(&name);
    add_number(writer, "rows", contents->rows);
    add_number(writer, "largeObjects", contents->large_objects);
    add_number(writer, "sequences", contents->sequences);
}

static void
add_verified(struct writer *writer, const struct manifest *manifest)
{
    struct writer verified = { .out = writer->out, .indented = writer->indented, .depth = writer->depth + 1 };
    char at[WALL_ISO_SIZE];

    wall_format_iso(manifest->verified, at);
    add_key(writer, "verified");
    text_add(writer->out, "{");
    add_string(&verified, "level", manifest->verified_level);
    add_string(&verified, "at", at);
    add_number(&verified, "durationMs", manifest->verified_ms);
    end_object(&verified);
}

void
manifest_add_json(const struct manifest *manifest, bool indented, struct text *out)
{
    struct writer writer = { .out = out, .indented = indented, .depth = 1 };
    char generated[WALL_ISO_SIZE];

    wall_format_iso(manifest->generated, generated);
    text_add(out, "{");
    add_string(&writer, "weavestreamVersion", manifest->weavestream_version);
    add_string(&writer, "prismaMigrationHash", manifest->migration_hash);
    add_string(&writer, "passwordEncryptionKid", manifest->password_key_id);
    add_string(&writer, "databaseUrlHostname", manifest->database_hostname);
    add_string(&writer, "generatedAt", generated);
    add_string(&writer, "filename", manifest->filename);
    add_number(&writer, "sizeBytes", manifest->size_bytes);
    add_string(&writer, "sha256", manifest->sha256);
    add_string(&writer, "backupRunId", manifest->run_id);
    add_string(&writer, "pgDumpVersion", manifest->pg_dump_version);
    add_string(&writer, "serverVersion", manifest->server_version);
    add_number(&writer, "durationMs", manifest->duration_ms);
    if (manifest->contents != NULL)
        add_contents(&writer, manifest->contents);
    if (manifest->verified_level != NULL)
        add_verified(&writer, manifest);
    end_object(&writer);
}

static bool
read_number(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);

    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0;
}

static bool
read_table(const char *name, const json_t *rows, struct archive_contents *out)
{
    int64_t count = json_integer_value(rows);

    return json_is_integer(rows) && count >= 0 && count <= ROWS_MAX &&
           archive_contents_add_quoted(out, name, strlen(name), count) == strlen(name);
}

static bool
read_tables(json_t *tables, struct archive_contents *out)
{
    if (!json_is_object(tables))
        return false;
    for (void *at = json_object_iter(tables); at != NULL; at = json_object_iter_next(tables, at))
        if (!read_table(json_object_iter_key(at), json_object_iter_value(at), out))
            return false;
    archive_contents_sort(out);
    return true;
}

static bool
is_sha256(const char *text)
{
    return text != NULL && strlen(text) == SHA256_SIZE - 1 && strspn(text, "0123456789abcdef") == SHA256_SIZE - 1;
}

static char *
copy_string(const json_t *object, const char *key)
{
    return memory_copy_string(json_string_value(json_object_get(object, key)));
}

/* For people and for comparison only: what is missing or odd is not said. */
static void
read_origin(const json_t *object, struct manifest_facts *out)
{
    out->weavestream_version = copy_string(object, "weavestreamVersion");
    out->migration_hash = copy_string(object, "prismaMigrationHash");
    out->password_key_id = copy_string(object, "passwordEncryptionKid");
}

/* What is ours may be missing; what is there must be right. NULL: all is; else what is not. */
static const char *
read_facts(const json_t *object, struct manifest_facts *out)
{
    const char *filename = json_string_value(json_object_get(object, "filename"));
    const char *sha256 = json_string_value(json_object_get(object, "sha256"));
    const json_t *run_id = json_object_get(object, "backupRunId");
    json_t *tables = json_object_get(object, "tables");
    const json_t *verified = json_object_get(object, "verified");

    read_origin(object, out);
    if (filename == NULL || strchr(filename, '/') != NULL)
        return "filename";
    if (!read_number(object, "sizeBytes", &out->size_bytes))
        return "sizeBytes";
    if (!is_sha256(sha256))
        return "sha256";
    out->filename = memory_copy_string(filename);
    memcpy(out->sha256, sha256, SHA256_SIZE);
    if (run_id != NULL &&
        (!json_is_string(run_id) || !uuid_parse(json_string_value(run_id), json_string_length(run_id), out->run_id)))
        return "backupRunId";
    if (json_object_get(object, "durationMs") != NULL && !read_number(object, "durationMs", &out->duration_ms))
        return "durationMs";
    out->has_contents = tables != NULL;
    if (tables != NULL && !read_tables(tables, &out->contents))
        return "tables";
    if (tables != NULL && !read_number(object, "largeObjects", &out->contents.large_objects))
        return "largeObjects";
    if (tables != NULL && !read_number(object, "sequences", &out->contents.sequences))
        return "sequences";
    out->verified_level = memory_copy_string(json_string_value(json_object_get(verified, "level")));
    return verified != NULL && out->verified_level == NULL ? "verified" : NULL;
}

bool
manifest_read(const char *text, size_t length, struct manifest_facts *out, struct error *err)
{
    json_error_t problem;
    json_t *object;
    const char *wrong;

    if (length > MANIFEST_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "the manifest is longer than %zu bytes", MANIFEST_BYTES_MAX);
    object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (object == NULL)
        return error_set(err, ERROR_INPUT, "the manifest is not JSON: line %d: %s", problem.line, problem.text);
    wrong = json_is_object(object) ? read_facts(object, out) : "filename";
    json_decref(object);
    return wrong == NULL || error_set(err, ERROR_INPUT, "the manifest's \"%s\" is missing or wrong", wrong);
}

void
manifest_facts_clear(struct manifest_facts *facts)
{
    free(facts->filename);
    free(facts->verified_level);
    free(facts->weavestream_version);
    free(facts->migration_hash);
    free(facts->password_key_id);
    archive_contents_clear(&facts->contents);
    *facts = MANIFEST_FACTS_EMPTY;
}
