#include "tests/unit/test.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "protocol/resp.h"

#define MOST_WORDS 20

/* The command as we write it, in no more room than resp_size() asks for, and as hiredis does. */
static void
assert_written_as_hiredis_does(size_t count, const char **words, const size_t *lengths)
{
    size_t room = RESP_HEAD_SIZE + resp_size(count, lengths);
    char *ours = memory_new(room);
    char *end = resp_put_words(resp_put_head(ours, count), count, words, lengths);
    char *theirs = NULL;
    size_t length = (size_t)redisFormatCommandArgv(&theirs, (int)count, words, lengths);

    assert_int_equal((size_t)(end - ours), length);
    assert_true(length <= room);
    assert_memory_equal(ours, theirs, length);
    redisFreeCommand(theirs);
    free(ours);
}

static void
a_command_is_its_words_with_their_lengths(void **state)
{
    static const char expected[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n";
    char out[64];
    char *end = resp_put_head(out, 3);

    (void)state;
    end = resp_put_word(end, "SET", 3);
    end = resp_put_word(end, "k", 1);
    end = resp_put_word(end, "", 0);
    assert_int_equal(end - out, (ptrdiff_t)strlen(expected));
    assert_memory_equal(out, expected, strlen(expected));
}

static void
a_word_may_hold_any_byte(void **state)
{
    const char *words[] = { "\r\n$1\r\n", "a\0b", "\xFF\xFE", "" };
    size_t lengths[] = { 6, 3, 2, 0 };

    (void)state;
    assert_written_as_hiredis_does(4, words, lengths);
}

static void
lengths_of_every_number_of_digits_are_written(void **state)
{
    static const size_t each[] = { 1, 9, 10, 11, 99, 100, 999, 1000, 65535, 1000000 };
    char *big = memory_new(1000000);

    (void)state;
    memset(big, 'x', 1000000);
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
        assert_written_as_hiredis_does(1, (const char *[]){ big }, (size_t[]){ each[i] });
    free(big);
}

/* The same numbers in every run: what fails can be repeated. */
static unsigned
next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16;
}

static void
random_commands_are_written_as_hiredis_writes_them(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t count = 1 + next_random(&seed) % MOST_WORDS;
        const char *words[MOST_WORDS];
        size_t lengths[MOST_WORDS];
        char bytes[MOST_WORDS][300];

        for (size_t i = 0; i < count; i++) {
            lengths[i] = next_random(&seed) % 4 == 0 ? 0 : next_random(&seed) % sizeof(bytes[i]);
            for (size_t k = 0; k < lengths[i]; k++)
                bytes[i][k] = (char)next_random(&seed);
            words[i] = bytes[i];
        }
        assert_written_as_hiredis_does(count, words, lengths);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_its_words_with_their_lengths),
        cmocka_unit_test(a_word_may_hold_any_byte),
        cmocka_unit_test(lengths_of_every_number_of_digits_are_written),
        cmocka_unit_test(random_commands_are_written_as_hiredis_writes_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
