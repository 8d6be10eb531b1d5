#include "tests/unit/test.h"

#include <string.h>

#include "jobs/sha256.h"
#include "jobs/webhook.h"

static const struct wall at = { 1782864000123 };

static void
assert_body(const struct news *news, const char *expected)
{
    struct text text = TEXT_EMPTY;

    webhook_add_body(news, at, &text);
    assert_string_equal(text_string(&text), expected);
    text_clear(&text);
}

static void
a_success_has_every_fact(void **state)
{
    const struct news news = { .kind = NEWS_COMPLETED,
        .config_id = "c",
        .config_name = "B\xC3\xBCro \"1\"",
        .run_id = "r",
        .filename = "weavestream-postgres-2026-07-01T00-00-00Z.dump",
        .size_bytes = 9007199254740993,
        .sha256 = "ab",
        .verified = "full",
        .duration_ms = 1 };

    (void)state;
    assert_body(&news,
        "{\"event\":\"backup.completed\",\"outcome\":\"success\",\"runId\":\"r\",\"configId\":\"c\","
        "\"configName\":\"B\xC3\xBCro \\\"1\\\"\",\"file\":\"weavestream-postgres-2026-07-01T00-00-00Z.dump\","
        "\"sizeBytes\":9007199254740993,\"sha256\":\"ab\",\"durationMs\":1,\"verified\":\"full\","
        "\"afterSuccess\":null,\"error\":null,\"at\":\"2026-07-01T00:00:00.123Z\"}");
}

static void
what_does_not_apply_is_null(void **state)
{
    const struct news failed = { .kind = NEWS_FAILED, .config_id = "c", .error = "no\n\xFF", .duration_ms = 5 };
    const struct news missed = { .kind = NEWS_MISSED, .config_id = "c", .error = "missed" };

    (void)state;
    assert_body(&failed,
        "{\"event\":\"backup.failed\",\"outcome\":\"failed\",\"runId\":null,\"configId\":\"c\",\"configName\":null,"
        "\"file\":null,\"sizeBytes\":null,\"sha256\":null,\"durationMs\":null,\"verified\":null,\"afterSuccess\":null,"
        "\"error\":\"no\\n\xEF\xBF\xBD\",\"at\":\"2026-07-01T00:00:00.123Z\"}");
    assert_body(&missed,
        "{\"event\":\"backup.missed\",\"outcome\":\"missed\",\"runId\":null,\"configId\":\"c\",\"configName\":null,"
        "\"file\":null,\"sizeBytes\":null,\"sha256\":null,\"durationMs\":null,\"verified\":null,\"afterSuccess\":null,"
        "\"error\":\"missed\",\"at\":\"2026-07-01T00:00:00.123Z\"}");
}

/* RFC 4231, test cases 2 and 6: those whose keys are strings. */
static void
signatures_are_those_of_the_standard(void **state)
{
    static const char text[] = "what do ya want for nothing?";
    static const char longer[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    char key[132] = "";
    char signature[SHA256_SIZE];

    (void)state;
    sha256_sign("Jefe", text, strlen(text), signature);
    assert_string_equal(signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xAA, 131);
    sha256_sign(key, longer, strlen(longer), signature);
    assert_string_equal(signature, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
the_time_is_part_of_what_is_signed(void **state)
{
    struct secret secret = SECRET_EMPTY;
    struct text one = TEXT_EMPTY;
    struct text other = TEXT_EMPTY;
    char expected[SHA256_SIZE];

    (void)state;
    secret_set(&secret, "key", 3);
    webhook_add_signature(&secret, "1782864000", "{}", &one);
    webhook_add_signature(&secret, "1782864001", "{}", &other);
    sha256_sign("key", "1782864000.{}", strlen("1782864000.{}"), expected);
    assert_int_equal(strncmp(text_string(&one), "sha256=", 7), 0);
    assert_string_equal(text_string(&one) + 7, expected);
    assert_string_not_equal(text_string(&one), text_string(&other));
    secret_clear(&secret);
    text_clear(&one);
    text_clear(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_has_every_fact),
        cmocka_unit_test(what_does_not_apply_is_null),
        cmocka_unit_test(signatures_are_those_of_the_standard),
        cmocka_unit_test(the_time_is_part_of_what_is_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
