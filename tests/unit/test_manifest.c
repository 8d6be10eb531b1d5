#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/manifest.h"

static const struct manifest example = { .weavestream_version = "1.8.14",
    .migration_hash = "sha256:00ff",
    .password_key_id = "1",
    .database_hostname = "db \"x\"",
    .generated = { 1782864000123 },
    .filename = "weavestream-postgres-2026-07-01T00-00-00Z.dump",
    .size_bytes = 9007199254740993,
    .sha256 = "abcd",
    .run_id = "11111111-2222-3333-4444-555555555555",
    .pg_dump_version = "15.18",
    .server_version = "16.4",
    .duration_ms = 4711 };

static void
the_file_is_what_json_stringify_writes(void **state)
{
    struct text text = TEXT_EMPTY;

    (void)state;
    manifest_add_json(&example, true, &text);
    assert_string_equal(text_string(&text), "{\n"
                                            "  \"weavestreamVersion\": \"1.8.14\",\n"
                                            "  \"prismaMigrationHash\": \"sha256:00ff\",\n"
                                            "  \"passwordEncryptionKid\": \"1\",\n"
                                            "  \"databaseUrlHostname\": \"db \\\"x\\\"\",\n"
                                            "  \"generatedAt\": \"2026-07-01T00:00:00.123Z\",\n"
                                            "  \"filename\": \"weavestream-postgres-2026-07-01T00-00-00Z.dump\",\n"
                                            "  \"sizeBytes\": 9007199254740993,\n"
                                            "  \"sha256\": \"abcd\",\n"
                                            "  \"backupRunId\": \"11111111-2222-3333-4444-555555555555\",\n"
                                            "  \"pgDumpVersion\": \"15.18\",\n"
                                            "  \"serverVersion\": \"16.4\",\n"
                                            "  \"durationMs\": 4711\n"
                                            "}");
    text_clear(&text);
}

static void
the_row_gets_the_same_without_blanks(void **state)
{
    struct text text = TEXT_EMPTY;

    (void)state;
    manifest_add_json(&example, false, &text);
    assert_string_equal(text_string(&text),
        "{\"weavestreamVersion\":\"1.8.14\",\"prismaMigrationHash\":\"sha256:00ff\",\"passwordEncryptionKid\":\"1\","
        "\"databaseUrlHostname\":\"db \\\"x\\\"\",\"generatedAt\":\"2026-07-01T00:00:00.123Z\","
        "\"filename\":\"weavestream-postgres-2026-07-01T00-00-00Z.dump\",\"sizeBytes\":9007199254740993,"
        "\"sha256\":\"abcd\",\"backupRunId\":\"11111111-2222-3333-4444-555555555555\",\"pgDumpVersion\":\"15.18\","
        "\"serverVersion\":\"16.4\",\"durationMs\":4711}");
    text_clear(&text);
}

static bool
read_text(const char *text, struct manifest_facts *facts, struct error *err)
{
    *facts = MANIFEST_FACTS_EMPTY;
    return manifest_read(text, strlen(text), facts, err);
}

static void
what_was_read_back_stands_behind_the_known_keys(void **state)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
    struct manifest manifest = example;
    struct manifest_facts facts;
    struct text text = TEXT_EMPTY;
    struct error err = ERROR_EMPTY;

    (void)state;
    archive_contents_add(&contents, "public", 6, "companies", 9, 12);
    archive_contents_add(&contents, "public", 6, "Odd \"one\"", 9, 0);
    archive_contents_sort(&contents);
    contents.large_objects = 2;
    contents.sequences = 3;
    manifest.sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    manifest.contents = &contents;
    manifest.verified_level = "full";
    manifest.verified = (struct wall){ 1782864001000 };
    manifest.verified_ms = 150;
    manifest_add_json(&manifest, true, &text);
    assert_non_null(strstr(text_string(&text), "  \"durationMs\": 4711,\n"
                                               "  \"tables\": {\n"
                                               "    \"public.\\\"Odd \\\"\\\"one\\\"\\\"\\\"\": 0,\n"
                                               "    \"public.companies\": 12\n"
                                               "  },\n"
                                               "  \"rows\": 12,\n"
                                               "  \"largeObjects\": 2,\n"
                                               "  \"sequences\": 3,\n"
                                               "  \"verified\": {\n"
                                               "    \"level\": \"full\",\n"
                                               "    \"at\": \"2026-07-01T00:00:01.000Z\",\n"
                                               "    \"durationMs\": 150\n"
                                               "  }\n"
                                               "}"));
    for (int i = 0; i < 2; i++) {
        assert_true(read_text(text_string(&text), &facts, &err));
        assert_string_equal(facts.filename, example.filename);
        assert_int_equal(facts.size_bytes, example.size_bytes);
        assert_string_equal(facts.sha256, manifest.sha256);
        assert_string_equal(facts.run_id, example.run_id);
        assert_int_equal(facts.duration_ms, example.duration_ms);
        assert_string_equal(facts.verified_level, "full");
        assert_true(facts.has_contents);
        assert_true(archive_contents_agree(&facts.contents, "what was read", &contents, "what was written", &err));
        assert_int_equal(facts.contents.large_objects, 2);
        assert_int_equal(facts.contents.sequences, 3);
        manifest_facts_clear(&facts);
        text_reset(&text);
        manifest_add_json(&manifest, false, &text);
    }
    archive_contents_clear(&contents);
    text_clear(&text);
}

static void
a_database_without_tables_is_written_as_json_stringify_does(void **state)
{
    struct archive_contents contents = ARCHIVE_CONTENTS_EMPTY;
    struct manifest manifest = example;
    struct text text = TEXT_EMPTY;

    (void)state;
    manifest.contents = &contents;
    manifest_add_json(&manifest, true, &text);
    assert_non_null(strstr(text_string(&text), "  \"tables\": {},\n  \"rows\": 0,\n"));
    text_clear(&text);
}

#define SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define KNOWN "\"filename\":\"a.dump\",\"sizeBytes\":7,\"sha256\":\"" SHA256 "\""

static void
the_manifest_of_a_node_worker_says_less(void **state)
{
    struct manifest_facts facts;
    struct error err = ERROR_EMPTY;

    (void)state;
    assert_true(read_text("{" KNOWN "}", &facts, &err));
    assert_int_equal(facts.size_bytes, 7);
    assert_string_equal(facts.run_id, "");
    assert_int_equal(facts.duration_ms, 0);
    assert_false(facts.has_contents);
    assert_null(facts.verified_level);
    manifest_facts_clear(&facts);
}

static void
what_is_no_manifest_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } wrong[] = {
        { "", "the manifest is not JSON: line 1: '[' or '{' expected near end of file" },
        { "{" KNOWN ",", "the manifest is not JSON: line 1: string or '}' expected near end of file" },
        { "[]", "the manifest's \"filename\" is missing or wrong" },
        { "{}", "the manifest's \"filename\" is missing or wrong" },
        { "{\"filename\":\"../a\"}", "the manifest's \"filename\" is missing or wrong" },
        { "{\"filename\":\"a\",\"sizeBytes\":-1}", "the manifest's \"sizeBytes\" is missing or wrong" },
        { "{\"filename\":\"a\",\"sizeBytes\":1.0}", "the manifest's \"sizeBytes\" is missing or wrong" },
        { "{\"filename\":\"a\",\"sizeBytes\":1,\"sha256\":\"00\"}", "the manifest's \"sha256\" is missing or wrong" },
        { "{" KNOWN ",\"backupRunId\":\"1\"}", "the manifest's \"backupRunId\" is missing or wrong" },
        { "{" KNOWN ",\"durationMs\":null}", "the manifest's \"durationMs\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":[]}", "the manifest's \"tables\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":{\"a.b \":1}}", "the manifest's \"tables\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":{\"a.b\":\"1\"}}", "the manifest's \"tables\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":{\"a.b\":9007199254740993}}", "the manifest's \"tables\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":{}}", "the manifest's \"largeObjects\" is missing or wrong" },
        { "{" KNOWN ",\"tables\":{},\"largeObjects\":1}", "the manifest's \"sequences\" is missing or wrong" },
        { "{" KNOWN ",\"verified\":true}", "the manifest's \"verified\" is missing or wrong" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct manifest_facts facts;
        struct error err = ERROR_EMPTY;

        assert_false(read_text(wrong[i].text, &facts, &err));
        assert_int_equal(err.code, ERROR_INPUT);
        assert_string_equal(err.text, wrong[i].why);
        manifest_facts_clear(&facts);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_what_json_stringify_writes),
        cmocka_unit_test(the_row_gets_the_same_without_blanks),
        cmocka_unit_test(what_was_read_back_stands_behind_the_known_keys),
        cmocka_unit_test(a_database_without_tables_is_written_as_json_stringify_does),
        cmocka_unit_test(the_manifest_of_a_node_worker_says_less),
        cmocka_unit_test(what_is_no_manifest_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
