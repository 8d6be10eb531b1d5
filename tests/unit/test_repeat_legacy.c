#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/repeat_legacy.h"

/* The sums are of node:crypto, put together as BullMQ 5.76 does. */
static void
assert_keys(
    const struct repeat_legacy *legacy, const char *key, const char *id, const char *whole, const char *whole_id)
{
    struct repeat_key keys[REPEAT_LEGACY_KEYS];

    repeat_legacy_keys(legacy, keys);
    assert_string_equal(keys[0].key, key);
    assert_string_equal(keys[0].id, id);
    assert_string_equal(keys[1].key, whole);
    assert_string_equal(keys[1].id, whole_id);
    for (size_t i = 0; i < REPEAT_LEGACY_KEYS; i++) {
        free(keys[i].key);
        free(keys[i].id);
    }
}

static struct json_part
part(const char *json)
{
    return (struct json_part){ .bytes = json, .length = strlen(json) };
}

static void
a_key_says_everything_or_is_the_sum_of_that(void **state)
{
    struct repeat_legacy legacy = { .name = "run", .when = "0 3 * * *", .zone = "UTC" };

    (void)state;
    assert_keys(&legacy, "00e7196c614d18ebfa20ae6a1295161a",
        "repeat:00e7196c614d18ebfa20ae6a1295161a:", "run:::UTC:0 3 * * *", "repeat:17805aa466794210edfc91f7ae6a0b6d:");
    legacy = (struct repeat_legacy){ .name = "run", .id = "mine", .end_ms = 1843430400000, .when = "3600000" };
    assert_keys(&legacy, "eaef2eb44d69399140b159b8bf055c39",
        "repeat:eaef2eb44d69399140b159b8bf055c39:", "run:mine:1843430400000::3600000",
        "repeat:6ec3d9c9243af39425f948b8e20ac256:");
}

static void
a_key_of_ones_own_is_taken_as_it_is(void **state)
{
    struct repeat_legacy legacy = { .name = "run", .when = "3600000", .own_key = "mine" };

    (void)state;
    assert_keys(&legacy, "mine", "repeat:mine:", "run::::3600000", "repeat:d455dc2c7d698e8608b5ad20d8ba9745:");
    legacy.own_key = "a:b";
    assert_keys(&legacy, "a:b", "repeat:a:b:", "run::::3600000", "repeat:d455dc2c7d698e8608b5ad20d8ba9745:");
    legacy.own_key = "a:b:c";
    assert_keys(&legacy, "a:b:c", "repeat:99f9dc1f759d2f27995ce26a7f8ab5bf:", "run::::3600000",
        "repeat:d455dc2c7d698e8608b5ad20d8ba9745:");
}

static void
the_id_in_the_data_is_part_of_the_sum(void **state)
{
    static const char *const nothing[] = { "null", "false", "0", "\"\"" };
    struct repeat_legacy legacy = { .name = "run", .when = "3600000", .own_key = "x" };

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        legacy.data_id = part(nothing[i]);
        assert_keys(&legacy, "x", "repeat:x:", "run::::3600000", "repeat:d455dc2c7d698e8608b5ad20d8ba9745:");
    }
    legacy.data_id = part("17");
    assert_keys(&legacy, "x", "repeat:x:", "run::::3600000", "repeat:e3710a7a87b2f961be085f32024d0d63:");
    legacy.data_id = part("\"\\u00fc\\/1\"");
    assert_keys(&legacy, "x", "repeat:x:", "run::::3600000", "repeat:f9f3570396362381190574a9fb122f0a:");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_says_everything_or_is_the_sum_of_that),
        cmocka_unit_test(a_key_of_ones_own_is_taken_as_it_is),
        cmocka_unit_test(the_id_in_the_data_is_part_of_the_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
