#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/secret.h"

/* What explicit_bzero() was asked to overwrite: free() must come after it, with the whole value. */
static char overwritten[64];
void __real_explicit_bzero(void *block, size_t length);
void __wrap_explicit_bzero(void *block, size_t length);
void __wrap___explicit_bzero_chk(void *block, size_t length, size_t size); /* its name with _FORTIFY_SOURCE */

void
__wrap_explicit_bzero(void *block, size_t length)
{
    assert_true(length < sizeof(overwritten));
    memcpy(overwritten, block, length);
    overwritten[length] = '\0';
    __real_explicit_bzero(block, length);
}

void
__wrap___explicit_bzero_chk(void *block, size_t length, size_t size)
{
    assert_true(length <= size);
    __wrap_explicit_bzero(block, length);
}

static void
no_secret_is_not_an_empty_one(void **state)
{
    struct secret secret = SECRET_EMPTY;

    (void)state;
    assert_false(secret_is_set(&secret));
    assert_null(secret_reveal(&secret));
    secret_set(&secret, "", 0);
    assert_true(secret_is_set(&secret));
    assert_string_equal(secret_reveal(&secret), "");
    secret_clear(&secret);
    assert_false(secret_is_set(&secret));
    secret_clear(&secret); /* twice does no harm */
}

static void
a_secret_is_a_copy_and_is_overwritten_when_it_goes(void **state)
{
    struct secret secret = SECRET_EMPTY;
    char given[] = "hunter2 and more";

    (void)state;
    secret_set(&secret, given, 7);
    memset(given, 'x', sizeof(given));
    assert_string_equal(secret_reveal(&secret), "hunter2");
    secret_set(&secret, "other", 5);
    assert_string_equal(overwritten, "hunter2");
    assert_string_equal(secret_reveal(&secret), "other");
    secret_clear(&secret);
    assert_string_equal(overwritten, "other");
}

static void
memory_is_zeroed_and_copies_are_strings(void **state)
{
    char *block = memory_new(100);
    char *copy = memory_copy("abc\0def", 7);
    char *none = memory_copy(NULL, 0);
    char *string = memory_copy_string("xyz");

    (void)state;
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(block[i], 0);
    block = memory_resize(block, 1000);
    assert_int_equal(block[99], 0);
    assert_memory_equal(copy, "abc\0def", 8);
    assert_string_equal(none, "");
    assert_string_equal(string, "xyz");
    assert_null(memory_copy_string(NULL));
    free(block);
    free(copy);
    free(none);
    free(string);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_secret_is_not_an_empty_one),
        cmocka_unit_test(a_secret_is_a_copy_and_is_overwritten_when_it_goes),
        cmocka_unit_test(memory_is_zeroed_and_copies_are_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
