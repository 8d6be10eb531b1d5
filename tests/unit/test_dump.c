#include "tests/unit/test.h"

#include "jobs/dump.h"

static void
assert_takes(const char *version, const char *compression, const char *refusal)
{
    struct error err = ERROR_EMPTY;

    assert_int_equal(dump_check_compression(compression, version, &err), refusal == NULL);
    assert_string_equal(err.text, refusal == NULL ? "" : refusal);
    assert_int_equal(err.code, refusal == NULL ? ERROR_NONE : ERROR_CONFIG);
}

static void
before_version_16_compression_is_a_level_and_no_more(void **state)
{
    (void)state;
    assert_takes("15.18 (Debian 15.18-0+deb12u1)", NULL, NULL);
    assert_takes("15.18 (Debian 15.18-0+deb12u1)", "0", NULL);
    assert_takes("15.18 (Debian 15.18-0+deb12u1)", "9", NULL);
    assert_takes("15.18 (Debian 15.18-0+deb12u1)", "zstd:level=3",
        "BACKUP_COMPRESSION=zstd:level=3 needs pg_dump 16 or newer, and this one is 15.18 (Debian 15.18-0+deb12u1): "
        "set "
        "it to a level, 0 to 9");
    assert_takes("9.6.24", "none",
        "BACKUP_COMPRESSION=none needs pg_dump 16 or newer, and this one is 9.6.24: set it to a level, 0 to 9");
    assert_takes("16.0", "zstd:level=3", NULL);
    assert_takes("18beta1", "lz4", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(before_version_16_compression_is_a_level_and_no_more) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
