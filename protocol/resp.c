#include "protocol/resp.h"

#include <stdint.h>
#include <string.h>

#include "common/text.h"

static char *
put_number_line(char *at, char sign, size_t number)
{
    *at++ = sign;
    at += text_put_integer(at, (int64_t)number);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

size_t
resp_size(size_t count, const size_t *lengths)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += RESP_HEAD_SIZE + lengths[i] + 2;
    return size;
}

char *
resp_put_head(char *at, size_t count)
{
    return put_number_line(at, '*', count);
}

char *
resp_put_word(char *at, const char *word, size_t length)
{
    at = put_number_line(at, '$', length);
    memcpy(at, word, length);
    at += length;
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

char *
resp_put_words(char *at, size_t count, const char *const *words, const size_t *lengths)
{
    for (size_t i = 0; i < count; i++)
        at = resp_put_word(at, words[i], lengths[i]);
    return at;
}
