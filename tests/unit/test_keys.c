#include "tests/unit/test.h"

#include <string.h>

#include "common/text.h"
#include "protocol/keys.h"

static void
assert_client_name(const char *prefix, const char *queue, const char *worker_name, const char *expected)
{
    struct keys keys;
    struct error err;

    assert_true(keys_init(&keys, prefix, queue, worker_name, &err));
    assert_string_equal(keys.client_name, expected);
    keys_clear(&keys);
    assert_null(keys.client_name);
}

static void
a_queue_lives_under_its_prefix(void **state)
{
    struct keys keys;
    struct error err;

    (void)state;
    assert_true(keys_init(&keys, "bull", "backup", NULL, &err));
    assert_string_equal(keys.prefix, "bull");
    assert_string_equal(keys.queue, "backup");
    assert_string_equal(keys.base, "bull:backup:");
    assert_int_equal(keys.base_length, 12);
    assert_string_equal(keys.marker, "bull:backup:marker");
    keys_clear(&keys);
    assert_true(keys_init(&keys, "{a:b}", "q w", NULL, &err)); /* a hash tag, a queue with a blank */
    assert_string_equal(keys.base, "{a:b}:q w:");
    keys_clear(&keys);
    keys_clear(&keys);
}

/* The names that bullmq itself was seen to give. */
static void
workers_are_named_as_bullmq_names_them(void **state)
{
    (void)state;
    assert_client_name("bull", "lgv5", NULL, "bull:bGd2NQ==");
    assert_client_name("bull", "wv5", "nm", "bull:d3Y1:w:nm");
    assert_client_name("bull", "backup", NULL, "bull:YmFja3Vw");
    assert_client_name("bull", "ab", NULL, "bull:YWI=");
    assert_client_name("{p}", "\xC3\xBC\xFF>?", NULL, "{p}:w7z/Pj8=");
}

static void
the_longest_queue_fits(void **state)
{
    char queue[513];
    struct keys keys;
    struct error err;

    (void)state;
    memset(queue, 'x', 512);
    queue[512] = '\0';
    assert_true(keys_init(&keys, "bull", queue, NULL, &err));
    assert_int_equal(strlen(keys.client_name), 5 + 684);
    keys_clear(&keys);
}

static void
assert_refused(const char *prefix, const char *queue, const char *worker_name, const char *expected)
{
    struct keys keys;
    struct error err = ERROR_EMPTY;

    assert_false(keys_init(&keys, prefix, queue, worker_name, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(err.text, expected);
}

static void
names_that_cannot_be_are_refused(void **state)
{
    static const char bad_queue[] = "a queue's name has 1 to 512 bytes and no ':'";
    static const char bad_prefix[] = "a prefix has 1 to 512 bytes and no blanks";
    static const char bad_name[] = "a worker's name has printable ASCII characters and no blanks";
    char lots[514];

    (void)state;
    memset(lots, 'x', 513);
    lots[513] = '\0';
    assert_refused("bull", "", NULL, bad_queue);
    assert_refused("bull", "a:b", NULL, bad_queue);
    assert_refused("bull", lots, NULL, bad_queue);
    assert_refused("", "q", NULL, bad_prefix);
    assert_refused("a b", "q", NULL, bad_prefix);
    assert_refused("a\n", "q", NULL, bad_prefix);
    assert_refused(lots, "q", NULL, bad_prefix);
    assert_refused("bull", "q", "a b", bad_name);
    assert_refused("bull", "q", "\xC3\xBC", bad_name);
    assert_refused("bull", "q", "a\x7F", bad_name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_lives_under_its_prefix),
        cmocka_unit_test(workers_are_named_as_bullmq_names_them),
        cmocka_unit_test(the_longest_queue_fits),
        cmocka_unit_test(names_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
