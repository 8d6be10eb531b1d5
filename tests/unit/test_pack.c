#include "tests/unit/test.h"

#include "protocol/pack.h"

static void
assert_bytes(struct pack *pack, const char *expected, size_t length)
{
    assert_int_equal(pack->buffer.size, length);
    assert_memory_equal(pack->buffer.data, expected, length);
    pack_clear(pack);
}

static void
maps_and_arrays_are_as_messagepack_has_them(void **state)
{
    struct pack pack;

    (void)state;
    pack_init(&pack);
    pack_map(&pack, 2);
    pack_string(&pack, "a");
    pack_number(&pack, 1);
    pack_string(&pack, "");
    pack_array(&pack, 0);
    assert_bytes(&pack,
        "\x82\xa1"
        "a\x01\xa0\x90",
        6);
}

static void
long_strings_and_arrays_have_longer_heads(void **state)
{
    struct pack pack;
    const char thirty_two[] = "0123456789abcdef0123456789abcdef";

    (void)state;
    pack_init(&pack);
    pack_array(&pack, 16);
    assert_bytes(&pack, "\xdc\x00\x10", 3);
    pack_init(&pack);
    pack_string(&pack, thirty_two);
    assert_bytes(&pack,
        "\xd9\x20"
        "0123456789abcdef0123456789abcdef",
        34);
}

static void
numbers_take_as_many_bytes_as_they_need(void **state)
{
    struct pack pack;

    (void)state;
    pack_init(&pack);
    pack_number(&pack, -1);
    pack_number(&pack, 127);
    pack_number(&pack, 128);
    pack_number(&pack, 1795382600905);
    pack_number(&pack, INT64_MIN);
    assert_bytes(&pack, "\xff\x7f\xcc\x80\xcf\x00\x00\x01\xa2\x05\x24\x64\xc9\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 22);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_arrays_are_as_messagepack_has_them),
        cmocka_unit_test(long_strings_and_arrays_have_longer_heads),
        cmocka_unit_test(numbers_take_as_many_bytes_as_they_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
