#include "tests/unit/test.h"

#include <string.h>

#include "protocol/cron_pattern.h"

static bool
parse(const char *text, enum cron_dialect dialect, struct cron_pattern *pattern, struct error *err)
{
    struct cron_options options = { .dialect = dialect };

    return cron_pattern_parse(text, strlen(text), &options, pattern, err);
}

#define BITS(least, most) ((UINT64_MAX >> (63 - (most) + (least))) << (least))

static void
a_field_is_a_list_of_values_ranges_and_steps(void **state)
{
    static const struct {
        const char *text;
        enum cron_unit unit;
        uint64_t values;
    } rows[] = {
        { "* * * * * *", CRON_SECOND, BITS(0, 59) },
        { "* * * * *", CRON_SECOND, 1 },
        { "5,07 * * * *", CRON_MINUTE, 1U << 5 | 1U << 7 },
        { "10-13 * * * *", CRON_MINUTE, BITS(10, 13) },
        { "*/20 * * * *", CRON_MINUTE, 1 | 1U << 20 | UINT64_C(1) << 40 },
        { "50/4 * * * *", CRON_MINUTE, UINT64_C(1) << 50 | UINT64_C(1) << 54 | UINT64_C(1) << 58 },
        { "*/70 * * * *", CRON_MINUTE, 1 },
        { "* 1-9/4 * * *", CRON_HOUR, 1U << 1 | 1U << 5 | 1U << 9 },
        { "* * * JAN,feb-Apr *", CRON_MONTH, BITS(1, 4) },
        { "* * * * sun,5", CRON_WEEKDAY, 1 | 1U << 5 },
        { "* * * * 7", CRON_WEEKDAY, 1 },
        { "*", CRON_WEEKDAY, BITS(0, 7) },
        { "@monthly", CRON_DAY, 1U << 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int dialect = 0; dialect < 2; dialect++) {
            struct error err = ERROR_EMPTY;
            struct cron_pattern pattern;

            if (!parse(rows[i].text, (enum cron_dialect)dialect, &pattern, &err))
                fail_msg("%s", err.text);
            if (pattern.values[rows[i].unit] != rows[i].values)
                fail_msg("'%s': %llx", rows[i].text, (unsigned long long)pattern.values[rows[i].unit]);
        }
}

static void
what_is_refused_is_named_with_its_field(void **state)
{
    static const char *const rows[][2] = {
        { "60 * * * *", "cron pattern '60 * * * *': minute '60': 60 is not within 0-59" },
        { "* 5-2 * * *", "cron pattern '* 5-2 * * *': hour '5-2': the range 5-2 is not an ascending one within 0-23" },
        { "*/0 * * * *", "cron pattern '*/0 * * * *': minute '*/0': 0 is no step" },
        { "1,,2 * * * *", "cron pattern '1,,2 * * * *': minute '1,,2': an item of the list is empty" },
        { "1/2/3 * * * *", "cron pattern '1/2/3 * * * *': minute '1/2/3': a second step" },
        { "* * * foo *", "cron pattern '* * * foo *': month 'foo': foo is no name" },
        { "* * W * *", "cron pattern '* * W * *': day of month 'W': a character has no place there" },
        { "* * L-3 * *", "cron pattern '* * L-3 * *': day of month 'L-3': L-3 is no range" },
        { "* * 31 2 *", "cron pattern '* * 31 2 *': day of month '31': the month never has it" },
        { "* * * * 5#6", "cron pattern '* * * * 5#6': day of week '5#6': behind the # is no number from 1 to 5" },
        { "* * * * 1,5#2",
            "cron pattern '* * * * 1,5#2': day of week '1,5#2': # has no place in a list, a range or a step" },
        { "* * * * * * *", "cron pattern '* * * * * * *': more than 6 fields" },
        { "* foo", "cron pattern '* foo': 2 fields where 5 or 6 are usual: day of week 'foo': foo is no name" },
        { "@midnight", "cron pattern '@midnight': day of week '@midnight': mid is no name" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int dialect = 0; dialect < 2; dialect++) {
            struct error err = ERROR_EMPTY;
            struct cron_pattern pattern;

            assert_false(parse(rows[i][0], (enum cron_dialect)dialect, &pattern, &err));
            assert_int_equal(err.code, ERROR_CONFIG);
            assert_string_equal(err.text, rows[i][1]);
        }
}

static void
the_dialects_differ_where_their_parsers_do(void **state)
{
    static const struct {
        const char *text;
        bool taken[2];
    } rows[] = {
        { "1,1 * * * *", { true, false } },
        { "? * * * *", { false, true } },
        { "* * ? * ?", { true, true } },
        { "0- * * * *", { true, false } },
        { "-0 * * * *", { true, false } },
        { "*/5-9 * * * *", { false, true } },
        { "* * L/2 * *", { true, false } },
        { "* * * mon *", { false, true } },
        { "* * * * feb", { false, true } },
        { "* * * * L", { true, false } },
        { "* * 31 2 1", { false, true } },
        { "  ", { true, false } },
        { "", { true, true } },
        { "@weekends", { false, true } },
        { "* * 31,31,5 4 *", { true, true } },
        { "* * * * 12L", { true, true } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int dialect = 0; dialect < 2; dialect++) {
            struct error err = ERROR_EMPTY;
            struct cron_pattern pattern;

            if (parse(rows[i].text, (enum cron_dialect)dialect, &pattern, &err) != rows[i].taken[dialect])
                fail_msg("'%s' in dialect %d: %s", rows[i].text, dialect + 4, err.text);
        }
}

static void
h_is_decided_by_the_seed(void **state)
{
    struct cron_options options = { .dialect = CRON_PARSER_5, .hash_seed = "nightly" };
    struct error err = ERROR_EMPTY;
    struct cron_pattern first;
    struct cron_pattern second;

    (void)state;
    assert_true(cron_pattern_parse("H H(2-5) * * H/3", 16, &options, &first, &err));
    assert_true(cron_pattern_parse("H H(2-5) * * H/3", 16, &options, &second, &err));
    assert_memory_equal(first.values, second.values, sizeof(first.values));
    assert_int_equal(first.values[CRON_HOUR] & ~BITS(2, 5), 0);
    assert_int_equal(first.counts[CRON_MINUTE], 1);
    options.hash_seed = NULL;
    assert_false(cron_pattern_parse("H * * * *", 9, &options, &first, &err));
    assert_string_equal(
        err.text, "cron pattern 'H * * * *': minute 'H': H needs a seed, else it would be another value each time");
}

static void
strict_wants_six_fields_and_one_kind_of_day(void **state)
{
    static const struct cron_options strict = { .dialect = CRON_PARSER_5, .strict = true };
    struct error err = ERROR_EMPTY;
    struct cron_pattern pattern;

    (void)state;
    assert_true(cron_pattern_parse("0 0 0 1 * *", 11, &strict, &pattern, &err));
    assert_true(cron_pattern_parse("@weekly", 7, &strict, &pattern, &err));
    assert_false(cron_pattern_parse("0 0 1 * *", 9, &strict, &pattern, &err));
    assert_string_equal(err.text, "cron pattern '0 0 1 * *': fewer than 6 fields");
    assert_false(cron_pattern_parse("0 0 0 1 * 1", 11, &strict, &pattern, &err));
    assert_string_equal(err.text, "cron pattern '0 0 0 1 * 1': both days of the month and days of the week");
}

static void
a_nul_byte_or_a_thousand_bytes_are_refused(void **state)
{
    static const struct cron_options options = { .dialect = CRON_PARSER_5 };
    char longer[1026];
    struct error err = ERROR_EMPTY;
    struct cron_pattern pattern;

    (void)state;
    assert_false(cron_pattern_parse("* *\0* * *", 9, &options, &pattern, &err));
    assert_string_equal(err.text, "cron pattern '* *': a NUL byte");
    memset(longer, ' ', sizeof(longer));
    longer[0] = '*';
    assert_true(cron_pattern_parse(longer, 1024, &options, &pattern, &err));
    assert_false(cron_pattern_parse(longer, 1025, &options, &pattern, &err));
    assert_non_null(strstr(err.text, ": longer than 1024 bytes"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_a_list_of_values_ranges_and_steps),
        cmocka_unit_test(what_is_refused_is_named_with_its_field),
        cmocka_unit_test(the_dialects_differ_where_their_parsers_do),
        cmocka_unit_test(h_is_decided_by_the_seed),
        cmocka_unit_test(strict_wants_six_fields_and_one_kind_of_day),
        cmocka_unit_test(a_nul_byte_or_a_thousand_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
